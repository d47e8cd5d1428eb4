"""Styles as links to the studio: names and weights, or scales and shifts in a network that it has.

`browser/link.js` writes and reads the same bytes.
"""

import base64
import hashlib
import re
import zlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ..core.assets import builtin_path
from ..core.errors import FaststyleError
from ..core.extras import NAME
from ..images.remote import LINK
from ..models.normalization import is_affine
from ..models.stylefile import builtin_base, builtin_weights, load_style, network_of
from .builtin import BUILTIN_STYLES
from .first_sight import PREDICTED, any_style
from .painter import mean_palette, mixture

__all__ = ["network_in", "read_link", "shared_networks", "studio_address", "style_link"]

ARCH = "slim"  # of the networks, those of the studio
VERSION = 1
NAMES, ROW = b"\0", b"\1"  # kinds of links
LONGEST, UNFIT = 60, re.compile(r"[\0-\x1f\x7f-\x9f/\\]")  # characters of a title; none of these
EXTREME = 100  # no scale, shift or color is as large
COLORS = tuple(i[:9] for i in np.triu_indices(4))  # of moments; the tenth is 1
DAMAGED = "The link is incomplete. Copy the whole link again."
OTHER = "The link was made for another version of faststyle."


def style_link(
    paint: Any,  # a Stylizer
    style: Any = None,  # as Stylizer takes it
    base: str = "",  # the studio's address
) -> str:  # BASE#s=…
    """A link that holds a style.

    A painting's is the style that films take. Raises `FaststyleError` for a style whose network was
    trained whole, since a link holds none.
    """
    if paint.at_sight and paint.arch != ARCH:
        paint = type(paint)(paint.paintings, "cpu", arch=ARCH)
    weights, mix = paint.style_weights(style), paint.shares(style)
    if paint.paintings and not paint.at_sight and list(paint.styles) == list(BUILTIN_STYLES):
        shares = {k: max(1, int(100 * v)) for k, v in mix.items()}
        left = max(0, round(100 * sum(mix.values())) - sum(shares.values()))
        for k in sorted(mix, key=lambda k: shares[k] - 100 * mix[k])[:left]:  # largest remainders
            shares[k] += 1
        return base + link_of_names(shares)
    state = {} if paint.onnx else paint.network([mix or 0]).cpu().state_dict()
    key = next((k for k, v in shared_networks().items() if v == shared_hash(state)), None)
    colors = mean_palette(paint.info, paint.styles, weights)
    if key is None or colors is None:
        raise FaststyleError(
            f"{' and '.join(mix) or 'This network'} has a network of its own, which no link can "
            "hold: send its file, or a page (faststyle export). Links hold built-in styles, "
            "paintings, and what faststyle add-style slim makes."
        )
    parts = [v[0].numpy() for k, v in state.items() if is_affine(k)]
    return base + link_of_row(key, " + ".join(mix), colors[0].cpu().numpy(), parts)


def link_of_names(shares: dict[str, int]) -> str:  # name -> percent
    return sealed(NAMES + b"".join(bytes([v, len(k)]) + k.encode() for k, v in shares.items()))


def link_of_row(
    key: str,  # of `networks`
    title: str,
    moments: np.ndarray,  # [4, 4] of the painting's colors
    parts: list[np.ndarray],  # scales, or shifts, of each normalization
) -> str:
    "Each part in 8 bits, between its least and its greatest value."
    numbers, codes = [*moments[COLORS]], b""
    for part in parts:
        low, high = float(part.min()), float(part.max())
        step = float(np.float32((high - low) / 255))
        numbers += [low, step]
        codes += np.floor((part.astype(float) - low) / (step or 1) + 0.5).astype("u1").tobytes()
    said = title[:LONGEST].encode()
    head = ROW + bytes.fromhex(shared_networks()[key]) + bytes([len(said)]) + said
    return sealed(head + np.array(numbers, "<f4").tobytes() + codes)


def sealed(body: bytes) -> str:
    data = bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body
    return f"#s={base64.urlsafe_b64encode(data).rstrip(b'=').decode()}"


def read_link(link: str) -> Any:  # the shares of `link_of_names`, or the arguments of `link_of_row`
    "What a link holds; `ValueError` if it is damaged, or made for other networks."
    text = "".join(LINK.findall(link))
    check(len(text) % 4 != 1)
    data = base64.urlsafe_b64decode(f"{text}==")
    kind, body = data[5:6], data[6:]
    check(body and int.from_bytes(data[1:5], "little") == zlib.crc32(kind + body))
    check(data[0] == VERSION and kind in (NAMES, ROW), OTHER)
    try:
        return read_names(body) if kind == NAMES else read_row(body)
    except (IndexError, UnicodeDecodeError):
        raise ValueError(DAMAGED) from None


def check(right, why=DAMAGED):
    if not right:
        raise ValueError(why)


def read_names(body):
    shares: dict[str, int] = {}
    while body:
        share, end = body[0], 2 + body[1]
        name, body = body[2:end].decode(), body[end:]
        check(name in BUILTIN_STYLES, OTHER)
        check(name not in shares and share)
        shares[name] = share
    check(sum(shares.values()) <= 150)
    return shares


def read_row(body):
    key = next((k for k, v in shared_networks().items() if v == body[:4].hex()), None)
    check(key, OTHER)
    at, sizes = 5 + body[4], widths()
    title, end = body[5:at].decode(), at + 4 * (9 + 2 * len(sizes))
    check(len(body) == end + sum(sizes) and len(title) <= LONGEST)
    check(title.strip() and not UNFIT.search(title))
    numbers = np.frombuffer(body[at:end], "<f4").astype(float)
    ranges = numbers[9:].reshape(-1, 2)
    check(np.abs([*numbers[:9], *ranges[:, 0], *(ranges @ [1, 255])]).max() < EXTREME)  # nor NaN
    moments = np.eye(4, dtype="f4")
    moments[COLORS] = moments.T[COLORS] = numbers[:9]
    codes = np.split(np.frombuffer(body[end:], "u1"), np.cumsum(sizes)[:-1])
    return key, title, moments, [(a + b * c).astype("f4") for (a, b), c in zip(ranges, codes)]


def network_in(link: str) -> tuple:  # as of `models.stylefile.load_style`
    "The network with the style of a link; it raises what `read_link` does."
    found = read_link(link)
    if isinstance(found, dict):
        net, info, base = load_style(builtin_path("gallery", "full"))
        styles, state = info["styles"], net.state_dict()
        mix = mixture({k: v / 100 for k, v in found.items()}, len(styles), styles.index)
        title, (moments,) = " + ".join(found), cast(Tensor, mean_palette(info, styles, mix))
        rows = [mix @ v for k, v in state.items() if is_affine(k)]
    else:
        key, title, moments, rows = found
        state = networks()[key]
        info = {"arch": ARCH, "size": 256, "recipe": "fast", "base": builtin_base(ARCH)}
        info |= {"start": PREDICTED} if key == "sight" else {}
        base = builtin_weights(info)
    state |= zip(filter(is_affine, state), (torch.as_tensor(row)[None] for row in rows))
    info |= {"styles": [title], "palettes": {title: moments.tolist()}}
    return network_of(state, info), info, base


def networks():
    "The weights of the studio's networks."
    gallery, _, _ = load_style(builtin_path("gallery", ARCH))
    return {"gallery": gallery.state_dict(), "sight": any_style(ARCH).net.state_dict()}


@lru_cache
def shared_networks() -> dict[str, str]:
    "The studio's networks and the first bytes, in hexadecimal, of their hashes."
    return {key: shared_hash(state) for key, state in networks().items()}


@lru_cache
def widths() -> list[int]:
    "Numbers in each scale and shift of these networks."
    return [*any_style(ARCH).widths.values()]


def shared_hash(state):
    shared = sorted((k, v.numpy().tobytes()) for k, v in state.items() if not is_affine(k))
    return hashlib.sha256(b"".join(k.encode() + v for k, v in shared)).hexdigest()[:8]


def studio_address() -> str:
    "Where the studio is on the web, by the package's settings; empty if nowhere."
    try:
        said = metadata(NAME).get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    return next((one.partition(", ")[2] for one in said if one.startswith("Studio, ")), "")
