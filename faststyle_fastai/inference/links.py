"""Styles as links to the studio: names and weights, or scales and shifts in a network that it has.

`browser/link.js` writes and reads the same bytes.
"""

import base64
import hashlib
import zlib
from collections.abc import Sequence
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
from ..models.metadata import check_names
from ..models.normalization import is_affine
from ..models.stylefile import builtin_base, builtin_weights, load_style, network_of
from .builtin import BUILTIN_STYLES
from .first_sight import PREDICTED, any_style
from .mixtures import mean_palette, mixture

__all__ = ["network_in", "read_link", "shared_networks", "studio_address", "style_link"]

ARCH = "slim"  # of the networks, those of the studio
VERSION = 1
NAMES, ROW = 0, 1  # kinds of links
LONGEST = 60  # characters of a title
EXTREME = 100  # no scale, shift or color is as large
COLORS = np.triu_indices(4)[0][:9], np.triu_indices(4)[1][:9]  # of moments; the tenth is 1
DAMAGED = "The link is damaged: copy all of it again."
OTHER = "The link was made for another version of faststyle."
# Names of the studio's networks -> their weights.
NETWORKS = {
    "gallery": lambda: load_style(builtin_path("gallery", ARCH))[0].state_dict(),
    "sight": lambda: any_style(ARCH).net.state_dict(),
}


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
    mix = {
        name: weight
        for name, weight in zip(paint.styles, paint.style_weights(style).tolist())
        if weight
    }
    if paint.paintings and not paint.at_sight:  # built in
        return base + link_of_names({k: max(1, round(100 * v)) for k, v in mix.items()})
    state = {} if paint.onnx else paint.network([mix or 0]).cpu().state_dict()
    key = next((k for k, v in shared_networks().items() if v == shared_hash(state)), None)
    colors = mean_palette(paint.info, paint.styles, paint.style_weights(style))
    if key is None or colors is None:
        raise FaststyleError(
            f"{' and '.join(mix) or 'This network'} has a network of its own, which no link can "
            "hold: send its file, or a page (faststyle export). Links hold built-in styles, "
            "paintings, and what faststyle add-style slim makes."
        )
    parts = [v[0].numpy() for k, v in state.items() if is_affine(k)]
    return base + link_of_row(key, " + ".join(mix), colors[0].numpy(), parts)


def link_of_names(shares: dict[str, int]) -> str:  # name -> percent
    parts = [bytes([share, len(name)]) + name.encode() for name, share in shares.items()]
    return sealed(bytes([NAMES]) + b"".join(parts))


def link_of_row(
    key: str,  # of `NETWORKS`
    title: str,
    moments: np.ndarray,  # [4, 4] of the painting's colors
    parts: Sequence[np.ndarray],  # scales, or shifts, of each normalization
) -> str:
    "Each part in 8 bits, between its least and its greatest value."
    ranges, codes = [], []
    for part in parts:
        low, high = float(part.min()), float(part.max())
        step = np.float32((high - low) / 255)
        ranges += [low, step]
        codes.append(np.floor((part.astype(float) - low) / (float(step) or 1) + 0.5))
    said = title[:LONGEST].encode()
    numbers = np.concatenate([moments[COLORS], ranges]).astype("<f4")
    head = bytes([ROW]) + bytes.fromhex(shared_networks()[key]) + bytes([len(said)]) + said
    return sealed(head + numbers.tobytes() + np.concatenate(codes).astype("u1").tobytes())


def sealed(body: bytes) -> str:
    data = bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body
    return f"#s={base64.urlsafe_b64encode(data).rstrip(b'=').decode()}"


def read_link(
    link: str,
) -> Any:  # the shares of `link_of_names`, or the arguments of `link_of_row`
    "What a link holds; `ValueError` if it is damaged, or made for other networks."
    found = LINK.search(link)
    text = found[1] if found else ""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise ValueError(DAMAGED) from None
    body = data[5:]
    if len(body) < 2 or int.from_bytes(data[1:5], "little") != zlib.crc32(body):
        raise ValueError(DAMAGED)
    if data[0] != VERSION or body[0] not in READ:
        raise ValueError(OTHER)
    try:
        return READ[body[0]](body[1:])
    except (IndexError, UnicodeDecodeError):
        raise ValueError(DAMAGED) from None


def read_names(body: bytes) -> dict[str, int]:
    shares: dict[str, int] = {}
    while body:
        share, end = body[0], 2 + body[1]
        name, body = body[2:end].decode(), body[end:]
        if name not in BUILTIN_STYLES:
            raise ValueError(OTHER)
        if name in shares or not share:
            raise ValueError(DAMAGED)
        shares[name] = share
    if sum(shares.values()) > 150:
        raise ValueError(DAMAGED)
    return shares


def read_row(body: bytes) -> tuple[str, str, np.ndarray, list[np.ndarray]]:
    at, sizes = 5 + body[4], widths()
    title = body[5:at].decode()
    key = next((k for k, v in shared_networks().items() if v == body[:4].hex()), None)
    if key is None:
        raise ValueError(OTHER)
    n = 4 * (9 + 2 * len(sizes))
    if len(title) > LONGEST or len(body) != at + n + sum(sizes):
        raise ValueError(DAMAGED)
    try:
        check_names([title])
    except ValueError:
        raise ValueError(DAMAGED) from None
    numbers = np.frombuffer(body[at : at + n], "<f4").astype(float)
    codes = np.split(np.frombuffer(body[at + n :], "u1"), np.cumsum(sizes)[:-1])
    ranges = numbers[9:].reshape(-1, 2)
    most = np.abs([*numbers[:9], *ranges[:, 0], *(ranges @ [1, 255])]).max()
    if not most < EXTREME:  # nor NaN
        raise ValueError(DAMAGED)
    moments = np.eye(4, dtype="f4")
    moments[COLORS] = moments.T[COLORS] = numbers[:9]
    return key, title, moments, [(a + b * c).astype("f4") for (a, b), c in zip(ranges, codes)]


READ = {NAMES: read_names, ROW: read_row}


def network_in(link: str) -> tuple:  # as of `models.stylefile.load_style`
    "The network with the style of a link; it raises what `read_link` does."
    found = read_link(link)
    if isinstance(found, dict):
        net, info, base = load_style(builtin_path("gallery", "full"))
        styles = info["styles"]
        shares = {name: share / 100 for name, share in found.items()}
        mix, title = mixture(shares, len(styles), styles.index), " + ".join(found)
        state = {k: mix[None] @ v if is_affine(k) else v for k, v in net.state_dict().items()}
        moments = cast(Tensor, mean_palette(info, styles, mix))[0]
    else:
        key, title, moments, parts = found
        state, rows = NETWORKS[key](), iter(parts)
        state = {k: torch.tensor(next(rows))[None] if is_affine(k) else v for k, v in state.items()}
        info = {"arch": ARCH, "size": 256, "recipe": "fast", "base": builtin_base(ARCH)}
        info |= {"start": PREDICTED} if key == "sight" else {}
        base = builtin_weights(info)
    info |= {"styles": [title], "palettes": {title: moments.tolist()}}
    return network_of(state, info), info, base


@lru_cache
def shared_networks() -> dict[str, str]:
    "The studio's networks and the first bytes, in hexadecimal, of their hashes."
    return {key: shared_hash(weights()) for key, weights in NETWORKS.items()}


@lru_cache
def widths() -> list[int]:
    "Numbers in each scale and shift of these networks."
    return [v.shape[1] for k, v in NETWORKS["sight"]().items() if is_affine(k)]


def shared_hash(state):
    found = hashlib.sha256()
    for name, value in sorted(state.items()):
        if not is_affine(name):
            found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()[:8]


def studio_address() -> str:
    "Where the studio is on the web, by the package's settings; empty if nowhere."
    try:
        said = metadata(NAME).get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    return next((one.partition(", ")[2] for one in said if one.startswith("Studio, ")), "")
