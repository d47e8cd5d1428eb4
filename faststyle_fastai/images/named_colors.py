"Colors that a file names by numbers: PNG's cICP, gAMA and cHRM, AVIF's nclx; HDR."

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from .formats import stream
from .odd import PNG

__all__ = ["NamedColors", "named_colors", "numbered", "standard_range", "to_srgb"]

D65 = 0.3127, 0.3290
# ITU-T H.273 -> x and y of red, green and blue; all others are taken for those of sRGB.
PRIMARIES = {
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
# Likewise -> an exponent or a curve of high dynamic range; all others are shown like sRGB's.
TRANSFERS: dict[int, float | str] = {4: 2.2, 5: 2.8, 8: 1.0, 16: "PQ", 18: "HLG"}
HEAD = 2**16  # bytes in which an AVIF describes itself
SAME = 0.01  # gamma and primaries that are this close to sRGB's are sRGB's


@dataclass(frozen=True)
class NamedColors:
    "How a file's values become light."

    primaries: tuple[float, ...] = PRIMARIES[1]
    white: tuple[float, ...] = D65
    transfer: float | str | None = None  # an exponent, PQ or HLG; None: sRGB's curve


def named_colors(
    file: Path | BytesIO,
) -> NamedColors | None:  # None: sRGB, or as the file's profile says
    "The colors that a PNG or an AVIF names."
    with stream(file) as data:
        head = data.read(12)
        if head[:8] == PNG:
            found = of_png(data)
        elif head[4:8] == b"ftyp":
            head += data.read(HEAD)
            at = head.find(b"colrnclx")
            found = numbered(head[at + 9], head[at + 11]) if 0 <= at < len(head) - 11 else None
        else:
            return None
    return None if found == NamedColors() else found


def of_png(data):
    "Of chunks, of which cICP comes first and a profile second."
    chunks: dict[bytes, bytes] = {}
    data.seek(8)
    while len(start := data.read(8)) == 8 and start[4:] not in (b"IDAT", b"IEND"):
        (size,), kind = struct.unpack(">I", start[:4]), start[4:]
        if kind in (b"cICP", b"gAMA", b"cHRM", b"sRGB", b"iCCP") and size < 64 or kind == b"iCCP":
            chunks[kind] = data.read(min(size, 64))
            size -= min(size, 64)
        data.seek(size + 4, 1)
    if len(found := chunks.get(b"cICP", b"")) == 4:
        return numbered(*found[:2])
    if b"iCCP" in chunks or b"sRGB" in chunks:
        return None
    gamma, points = (chunks.get(name, b"") for name in (b"gAMA", b"cHRM"))
    number = int.from_bytes(gamma, "big") if len(gamma) == 4 else 0
    transfer = 1e5 / number if number and abs(1e5 / number - 2.2) >= SAME else None
    white, primaries = D65, PRIMARIES[1]
    if len(points) == 32:
        given = [value / 1e5 for value in struct.unpack(">8I", points)]
        other = max(abs(a - b) for a, b in zip(given, white + primaries)) > SAME
        if other and min(given[1::2]) > 0 and given[0] > 0 and is_a_space(given[2:]):
            white, primaries = tuple(given[:2]), tuple(given[2:])
    return NamedColors(primaries, white, transfer)


def is_a_space(points):
    "Whether three primaries differ."
    rx, ry, gx, gy, bx, by = points
    return abs((gx - rx) * (by - ry) - (bx - rx) * (gy - ry)) > 1e-3


def numbered(primaries: int, transfer: int) -> NamedColors | None:
    "The colors of two numbers of ITU-T H.273; None: sRGB."
    found = NamedColors(PRIMARIES.get(primaries, PRIMARIES[1]), D65, TRANSFERS.get(transfer))
    return None if found == NamedColors() else found


def to_srgb(
    image: Image.Image,  # RGB
    colors: NamedColors,
) -> Image.Image:  # RGB
    "Convert an image to sRGB; high dynamic range becomes a standard one."
    x, matrix = np.asarray(image, np.float32) / 255, matrix_of(colors)
    if isinstance(colors.transfer, str):
        return Image.fromarray(standard_range(x, colors.transfer, matrix))
    curved = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    light = curved if colors.transfer is None else x**colors.transfer
    return Image.fromarray(encoded(np.clip(light @ matrix.T, 0, 1)))


def matrix_of(colors):
    "From light in these primaries to light in those of sRGB, [3, 3]."
    ours, theirs = of_xyz(NamedColors()), of_xyz(colors)
    return (np.linalg.inv(ours) @ theirs).astype(np.float32)


def of_xyz(colors):
    "From light in primaries to CIE XYZ, whites scaled to each other."
    points = np.array([*colors.primaries, *colors.white]).reshape(4, 2)
    xyz = np.stack([points[:, 0], points[:, 1], 1 - points.sum(1)]) / points[:, 1]
    found = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    whites = np.array([D65[0] / D65[1], 1, (1 - sum(D65)) / D65[1]]) / xyz[:, 3]
    return whites[:, None] * found


def standard_range(
    x: np.ndarray,  # [H, W, 3] float32 in [0, 1]
    curve: str,  # PQ or HLG
    matrix: np.ndarray | None = None,  # from its primaries to sRGB's; None: from BT.2020
) -> np.ndarray:  # [H, W, 3] uint8, sRGB
    "HDR to SDR: light by ITU-R BT.2100, highlights rolled off (Reinhard)."
    if curve == "PQ":
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        root = x ** (1 / m2)
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * 10_000
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(x <= 0.5, x**2 / 3, (np.exp((x - c) / a) + b) / 12)
        light = 1000 * scene * (scene @ [0.2627, 0.6780, 0.0593])[..., None] ** 0.2
    matrix = matrix_of(NamedColors(PRIMARIES[9])) if matrix is None else matrix
    white = light @ matrix.T / 203  # cd/m² of paper white
    brightest = np.maximum(white.max(-1, keepdims=True), 1e-6)
    white = np.clip(white / brightest, 0, 1) * (brightest * (1 + brightest / 25) / (1 + brightest))
    return encoded(white)


def encoded(light):
    "Linear light as sRGB in 8 bits."
    light = np.maximum(light, 0)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (srgb.clip(0, 1) * 255).round().astype(np.uint8)
