"Images at http(s) addresses."

import hashlib
import time
from functools import lru_cache
from pathlib import Path

from ..core.errors import FaststyleError

__all__ = ["digest", "download", "is_address"]


def is_address(source) -> bool:
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


@lru_cache(maxsize=16)  # an image read twice, or ahead, is fetched once
def download(
    address: str,  # http or https; redirects are followed
    most: int = 100,  # MB
    seconds: float = 60,
) -> bytes:
    "Download a file; `FaststyleError` if it is missing, too large or too slow."
    import requests

    began, data = time.monotonic(), bytearray()
    try:
        with requests.get(address, stream=True, timeout=10) as answer:
            answer.raise_for_status()
            for part in answer.iter_content(2**10):
                data += part
                if len(data) > most * 2**20:
                    raise FaststyleError(f"{address} is larger than {most} MB.")
                if time.monotonic() - began > seconds:
                    raise FaststyleError(
                        f"{address} took longer than {seconds:g} seconds to download."
                    )
    except requests.HTTPError as error:
        raise FaststyleError(
            f"{address}: {error.response.status_code} {error.response.reason}."
        ) from None
    except requests.RequestException as error:
        raise FaststyleError(f"{address} cannot be reached ({type(error).__name__}).") from None
    return bytes(data)


def digest(source: str | Path) -> str:
    "SHA-256 of a file, or of the file at an address, in hexadecimal."
    if is_address(source):
        return hashlib.sha256(download(source)).hexdigest()
    if not Path(source).is_file():
        raise FileNotFoundError(f"Image not found: {source}.")
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()
