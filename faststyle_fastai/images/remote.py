"Images at http(s) addresses."

import hashlib
import re
import time
import weakref
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import Any

from ..core.errors import FaststyleError
from ..core.prefetch import patiently

__all__ = ["LINK", "Work", "digest", "download", "is_address", "is_image", "is_link"]

LINK = re.compile(r"#s=([\w-]{1,4096})\s*$", re.ASCII)  # a style's; see inference/links.py


def is_address(source) -> bool:
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def is_link(source) -> bool:
    "Whether the source of a style is a link that holds it."
    return isinstance(source, str) and "#s=" in source


AGENT = {"User-Agent": "faststyle (neural style transfer)"}  # some museums refuse nameless programs


@lru_cache(maxsize=16)  # an image read twice, or ahead, is fetched once
def download(
    address: str,  # http or https; redirects are followed
    most: int = 100,  # MB
    seconds: float = 60,
) -> bytes:
    "Download a file; `FaststyleError` if it is missing, too large or too slow."
    # Each byte of a slow server renews the socket's own time limit, and names and redirects have
    # none. So a thread waits for it; left alone, it does not keep the program from ending.
    answer: Future[bytes] = Future()
    until = time.monotonic() + seconds
    Thread(target=_fetch, args=(answer, address, most, until), daemon=True).start()
    if not patiently(answer, until).done():
        raise FaststyleError(f"{address} took longer than {seconds:g} seconds to download.")
    return answer.result()


def _fetch(answer, address, most, until):
    "Set `answer` to the content at an address, or to an error; stop soon after the time `until`."
    import requests

    data = bytearray()
    try:
        with requests.get(address, headers=AGENT, stream=True, timeout=10) as response:
            response.raise_for_status()
            for part in response.iter_content(2**10):
                data += part
                if len(data) > most * 2**20:
                    raise FaststyleError(f"{address} is larger than {most} MB.")
                if time.monotonic() > until:
                    return
        answer.set_result(bytes(data))
    except requests.HTTPError as error:
        assert error.response is not None
        why = f"{error.response.status_code} {error.response.reason}"
        answer.set_exception(FaststyleError(f"{address}: {why}."))
    except requests.RequestException as error:
        why = type(error).__name__
        answer.set_exception(FaststyleError(f"{address} cannot be reached ({why})."))
    except Exception as error:  # raised where it is waited for
        answer.set_exception(error)


@dataclass(frozen=True)
class Work:
    "A painting as a key of a cache: by its digest. An image is not kept alive."

    held: Any = field(compare=False)
    digest: str

    @classmethod
    def of(cls, source):
        return cls(weakref.ref(source) if is_image(source) else source, digest(source))

    @property
    def source(self):
        return self.held() if isinstance(self.held, weakref.ref) else self.held


def is_image(source) -> bool:
    "Whether it is pixels: an image, an array or a tensor."
    pixels = any(hasattr(source, name) for name in ("__array__", "__array_interface__"))
    return pixels and not isinstance(source, (str, Path))  # NumPy has a str of its own


def digest(source: Any) -> str:
    "SHA-256 of a file, of the file at an address, of an image, or of several's, in hexadecimal."
    if is_image(source):
        from .files import read_picture  # which needs this module

        picture = read_picture(source)
        return hashlib.sha256(f"{picture.size}".encode() + picture.tobytes()).hexdigest()
    if not isinstance(source, (str, Path)):
        parts = [digest(part) for part in source]
        return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()
    if is_address(source):
        return hashlib.sha256(download(source)).hexdigest()
    if not Path(source).is_file():
        raise FileNotFoundError(f"Image not found: {source}.")
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()
