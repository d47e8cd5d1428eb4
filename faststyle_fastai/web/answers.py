"What the page that paints photos takes from a browser or a program, and what it answers."

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from PIL import Image, ImageChops, ImageFilter, ImageStat

from ..core.errors import FaststyleError
from ..core.extras import extra
from ..images.files import flatten_alpha
from ..images.saving import QUALITY
from ..inference.options import STROKES, PaintOptions
from ..inference.people import painted_area

__all__ = [
    "FRAME", "Refused", "Route", "SHOWN", "body_of", "jpeg", "mask_of", "number", "picture",
    "picture_answer", "responses", "sent_picture", "stroke_of",
]  # fmt: skip

FEWEST = 2e-3  # share of a photo that is a person
SOFTEST = 0.025  # deviation of the widest soft edge, of the longer side
EDITS = 2**20  # most pixels of corrections
FRAME = 2**23  # likewise of a frame
SHOWN = 1280  # px of an image on the page; downloads have the full size
UPLOAD = 100 * 2**20  # most bytes of a photo or style
PATIENCE, SLOWEST = 60, 2**14  # s to send, and more of them for so many bytes each
IN_MEMORY = 2**20  # bytes of a request; larger ones are received in a file
MOST_HELD = 8 * UPLOAD  # bytes of all requests that are not answered yet
HELD: dict[Any, int] = {}  # request -> bytes
responses, Route = extra("starlette.responses", "web"), extra("starlette.routing", "web").Route


@asynccontextmanager
async def body_of(request) -> AsyncIterator[IO[bytes]]:
    "What was sent, which counts as held until it is answered; `Refused` says why it is not taken."
    from anyio import fail_after

    body, size = SpooledTemporaryFile(IN_MEMORY), 0
    try:
        with fail_after(PATIENCE) as scope:
            async for part in request.stream():
                scope.deadline += len(part) / SLOWEST
                body.write(part)
                size += len(part)
                HELD[request] = size
                if size > UPLOAD:
                    raise Refused(413, f"The file is larger than {UPLOAD >> 20} MB.")
                if sum(HELD.values()) > MOST_HELD:
                    raise Refused(429, "Too many uploads at once. Try again later.")
        body.seek(0)
        yield body
    except TimeoutError:
        raise Refused(408, "It was sent too slowly.") from None
    except OSError as error:  # such as a full disk
        raise Refused(507, f"It cannot be received ({error.strerror}).") from None
    finally:
        HELD.pop(request, None)
        body.close()


class Refused(extra("starlette.exceptions", "web").HTTPException):  # type: ignore[misc]
    "A request that is not taken."

    def __init__(self, status: int, why: str):
        super().__init__(status, why, {"Retry-After": "5"} if status == 429 else None)


def stroke_of(how) -> str:
    stroke = how.get("stroke")
    return stroke if stroke in STROKES else PaintOptions.stroke


def number(how: dict[str, Any], name: str, default: float, most: float = 1) -> float:
    "A number from 0 among the settings; a program may send anything."
    value = how.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise FaststyleError(f"{name} is {str(value)[:20]}, not a number from 0 to {most}.")
    return float(value)


def mask_of(
    photo: Image.Image,
    how: dict[str, Any],  # area, feather and invert
    edits: bytes,  # corrections, a PNG: white is painted, black stays, what is transparent is left
) -> tuple[Image.Image, bool]:  # L, white where it is painted; whether a person was seen
    "What to paint of a photo."
    area = painted_area(photo, PaintOptions(area=how.get("area", "all")))
    seen = area is None or FEWEST < ImageStat.Stat(area).mean[0] / 255 < 1 - FEWEST
    mask = area or Image.new("L", photo.size, 255)
    if edits:
        drawn = sent_picture(edits, "PNG", EDITS).convert("RGBA")
        drawn = drawn.resize(photo.size, Image.Resampling.BILINEAR)
        mask.paste(drawn.getchannel("R"), mask=drawn.getchannel("A"))
    if how.get("invert"):
        mask = ImageChops.invert(mask)
    if feather := number(how, "feather", 0.0):
        mask = mask.filter(ImageFilter.GaussianBlur(SOFTEST * feather * max(photo.size)))
    return mask, seen


def sent_picture(
    body: bytes,
    kind: str,  # of Pillow's formats
    most: int,  # pixels
) -> Image.Image:
    "A small image that a browser made."
    try:
        image = Image.open(BytesIO(body), formats=[kind])
        if math.prod(image.size) <= most:
            image.load()
            return image
    except (OSError, SyntaxError, ValueError):
        raise FaststyleError(f"Send a {kind} image.") from None
    raise FaststyleError(f"Send an image of at most {most} pixels.")


def jpeg(image: Image.Image, **headers: str):
    data = BytesIO()
    flatten_alpha(image).save(data, "JPEG", quality=QUALITY, subsampling=0)
    return picture_answer(data, "image/jpeg", **headers)


def picture(image: Image.Image, **headers: str):
    "An image with its transparency."
    if "A" not in image.getbands():
        return jpeg(image, **headers)
    image.save(data := BytesIO(), "PNG")
    return picture_answer(data, "image/png", **headers)


def picture_answer(data: BytesIO, kind: str, **headers: str):
    headers["cache-control"] = "no-store"
    return responses.Response(data.getvalue(), media_type=kind, headers=headers)
