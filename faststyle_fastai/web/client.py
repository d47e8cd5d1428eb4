"A page's styles for a program on another machine."

from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from ..core.errors import FaststyleError
from ..images.files import read_upright

__all__ = ["RemoteStylizer"]


class RemoteStylizer:
    """Repaints images as a `Stylizer` does, on the machine that runs `faststyle web`.

    Nothing is sent before the first call, which raises `FaststyleError` if no page answers.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8080",  # of the page
        timeout: float = 600,  # s
    ):
        self.address, self.timeout = address.rstrip("/"), timeout

    @property
    def styles(self) -> list[str]:
        "The names of the page's styles."
        return self._asked(lambda answer: [one["name"] for one in answer.json()], "get", "styles")

    def __call__(
        self,
        picture: str | Path | Image.Image,  # a file or an image
        style: str,  # one of `styles`
        **options: Any,  # of the request, see the page's /api/openapi.json; keep_colors=True
    ) -> Image.Image:
        "Repaint an image; `FaststyleError` says what the page refuses."
        if isinstance(picture, Image.Image):
            data = BytesIO()
            read_upright(picture).save(data, "PNG")
            body = data.getvalue()
        else:
            body = Path(picture).read_bytes()
        said = {k.replace("_", "-"): str(v).lower() for k, v in options.items()}
        how = {"style": style, "format": "png"} | said

        def image(answer):
            return Image.open(BytesIO(answer.content))

        return self._asked(image, "post", "paint", params=how, data=body)

    def _asked(self, read, method, what, **how):
        try:
            url = f"{self.address}/api/{what}"
            answer = requests.request(method, url, timeout=self.timeout, **how)
        except requests.RequestException as error:
            why = type(error).__name__
            raise FaststyleError(f"{self.address} cannot be reached ({why}).") from error
        if not answer.ok:
            raise FaststyleError(f"{self.address}: {answer.text}")
        try:
            return read(answer)
        except (ValueError, OSError, TypeError, KeyError) as error:
            raise FaststyleError(f"{self.address} is not a page of faststyle web.") from error
