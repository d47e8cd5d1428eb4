"Pictures that lie at an address."

import time
from functools import lru_cache

from .errors import FaststyleError

__all__ = ["download", "is_address"]


def is_address(source) -> bool:
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


@lru_cache(maxsize=16)  # what is read twice, or ahead, is fetched once
def download(
    address: str,  # http or https, wherever it leads
    most: int = 100,  # MB
    seconds: float = 60,
) -> bytes:
    "What lies at an address; `FaststyleError` if that is nothing, too large or too slow."
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
                    raise FaststyleError(f"{address} takes longer than {seconds:g} seconds.")
    except requests.HTTPError as error:
        raise FaststyleError(
            f"{address}: {error.response.status_code} {error.response.reason}."
        ) from None
    except requests.RequestException as error:
        raise FaststyleError(f"{address} cannot be reached ({type(error).__name__}).") from None
    return bytes(data)
