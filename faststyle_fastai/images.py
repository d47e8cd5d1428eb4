"Pictures in and out: upright RGB from any file Pillow reads, and files that appear whole."

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from glob import glob
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from .colors import SRGB, srgb
from .errors import FaststyleError, extra

# Pillow's notes on odd EXIF or palettes. Not caught per picture: that is not safe in threads.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

__all__ = [
    "PICTURES",
    "check_format",
    "contact_sheet",
    "find_pictures",
    "picture_files",
    "read_picture",
    "resized_tensor",
    "save_picture",
    "side_by_side",
    "targets_for",
    "to_picture",
    "to_tensor",
    "whole_file",
]

# Pillow's raster formats a photo comes in, by extension (an .svg, .pdf or .ico is none).
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"}


def read_picture(
    source: str | Path | Image.Image | np.ndarray | Tensor,  # arrays: [H, W(, 3)] uint8
    shortest: int | None = None,  # px; a JPEG may be decoded smaller, its short side ≥ this
) -> Image.Image:  # upright, RGB
    "A picture as it is meant to be seen: upright, sRGB, on white where it is transparent."
    if isinstance(source, Tensor):
        return to_picture(source)
    if isinstance(source, np.ndarray):
        source = Image.fromarray(source)
    if isinstance(source, Image.Image):
        return _upright_rgb(source)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"no picture {path}.")
    try:
        with Image.open(path) as image:
            if shortest:
                image.draft("RGB", (shortest, shortest))
            return _upright_rgb(image)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        why = "not a picture" if "cannot identify" in str(error) else str(error)
        raise ValueError(f"{path} cannot be read: {why}.") from None


def _upright_rgb(image):
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":  # 16 bit gray: Pillow would clip it
        values = np.asarray(image).astype(np.float32)
        top = 65535 if values.max() > 255 else 255
        image = Image.fromarray((values / top * 255).round().clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    return srgb(image, profile)


def to_tensor(
    image: Image.Image,  # RGB
) -> Tensor:  # [1, 3, H, W] float32 in [0, 1]
    "A picture as the networks take it."
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def resized_tensor(
    image: Image.Image,  # RGB
    size: tuple[int, int],  # width, height
) -> Tensor:  # [1, 3, H, W] in [0, 1]
    "A picture as the networks take it, at another size."
    return to_tensor(image.resize(size, Image.Resampling.BICUBIC))


def to_picture(
    x: Tensor,  # [3, H, W] or [1, 3, H, W] in [0, 1], clamped here
) -> Image.Image:  # RGB, rounded
    "A network's output as a picture."
    x = x.detach().reshape(x.shape[-3:]).float().clamp(0, 1)
    return Image.fromarray((x * 255).round().byte().permute(1, 2, 0).cpu().numpy())


def save_picture(
    picture: Image.Image | Tensor,  # a tensor: [1, 3, H, W] in [0, 1]
    path: str | Path,  # the format by its extension; JPEG and WebP at quality 95
    depth: int = 8,  # bits of a colour; 16: of a tensor, as .png or .tif
) -> Path:
    "Write a picture whole or not at all, as sRGB."
    path = check_format(path, depth)
    with whole_file(path) as temporary:
        if depth == 16:
            values = (picture[0].clamp(0, 1) * 65535).round().permute(1, 2, 0)
            DEEP[path.suffix.lower()](temporary, values.cpu().numpy().astype(np.uint16))
        else:
            image = to_picture(picture) if isinstance(picture, Tensor) else picture
            options = {"subsampling": 0} if path.suffix.lower() in (".jpg", ".jpeg") else {}
            image.save(temporary, quality=95, icc_profile=SRGB, **options)
    return path


def _deep_png(path, values):
    extra("numpngw", "deep").write_png(str(path), values, iccp=("sRGB", SRGB))


def _deep_tiff(path, values):
    extra("tifffile", "deep").imwrite(path, values, photometric="rgb", iccprofile=SRGB)


DEEP = {".png": _deep_png, ".tif": _deep_tiff, ".tiff": _deep_tiff}  # Pillow writes 8 bits only


def check_format(path: str | Path, depth: int = 8) -> Path:
    "`path`, if its extension names a format that can be written; `ValueError` otherwise."
    path = Path(path)
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"{path}: no picture format '{path.suffix}'; use .jpg, .png or .webp.")
    if depth not in (8, 16):
        raise ValueError(f"depth={depth}: 8 or 16 bits.")
    if depth == 16 and path.suffix.lower() not in DEEP:
        raise ValueError(f"{path}: 16 bits need {', '.join(DEEP)}.")
    return path


@contextmanager
def whole_file(
    path: str | Path,  # where it shall lie; folders are made
):
    "A temporary name to write to; renamed to `path` at the end, removed when anything fails."
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def picture_files(
    folder: str | Path,
) -> list[Path]:  # sorted
    "The files below a folder that are called pictures, hidden ones left out."
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}.")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def find_pictures(
    folder: str | Path,  # searched with all below it
) -> tuple[list[Path], list[Path]]:  # those that decode, those that do not; both sorted
    "The picture files below a folder, each decoded once (JPEGs at an eighth) to be sure of it."
    files = picture_files(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        readable = list(pool.map(_readable, files))
    good = [path for path, ok in zip(files, readable) if ok]
    return good, [path for path, ok in zip(files, readable) if not ok]


def _readable(path):
    try:
        read_picture(path, shortest=1)
    except (ValueError, OSError):
        return False
    return True


def targets_for(
    inputs: list[str],  # files, folders and globs
    out: Path,  # a picture for a single file, else a folder that mirrors the inputs' folders
) -> list[tuple[Path, Path]]:  # source and target of each picture
    "What is to be repainted into what; refuses what would be written over or twice."
    files = []  # path, and the folder that its place is kept relative to
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = [p for p in picture_files(path) if out.resolve() not in p.resolve().parents]
            if not found:
                raise FileNotFoundError(f"no picture in {path}.")
            files += [(p, path) for p in found]
        elif path.exists():
            files.append((path, path.parent))
        elif found := sorted(p for p in map(Path, glob(text, recursive=True)) if p.is_file()):
            files += [(p, p.parent) for p in found]
        else:
            raise FileNotFoundError(f"no picture {text}.")
    single = len(files) == 1 and not Path(inputs[0]).is_dir() and not out.is_dir()
    if single and out.suffix:
        jobs = [(files[0][0], out)]
    elif out.is_file() or (out.suffix.lower() in PICTURES and not out.is_dir()):
        raise FaststyleError(f"{out} is no folder, and several pictures need one.")
    else:
        jobs = [(path, out / path.relative_to(top)) for path, top in files]
    taken = {}
    for source, target in jobs:
        if check_format(target).resolve() == source.resolve():
            raise FaststyleError(f"{target} would be written over itself: choose another -o.")
        if (other := taken.setdefault(target, source)) != source:
            raise FaststyleError(f"{other} and {source} would both become {target}.")
    return jobs


def fitted(
    size: tuple[int, int],  # width, height
    longest: int,  # px
    enlarge: bool = False,
) -> tuple[int, int]:
    "A picture's width and height when its longer side is at most `longest`."
    scale = longest / max(size)
    if scale > 1 and not enlarge:
        return tuple(size)
    return tuple(max(1, round(side * scale)) for side in size)


def side_by_side(
    images: list[Image.Image],
    height: int | None = None,  # px of each; None: the first one's
    gap: int = 8,  # px of white between
) -> Image.Image:
    "Pictures in a row, at one height."
    height = height or images[0].height
    images = [im.resize((max(1, round(im.width * height / im.height)), height)) for im in images]
    width = sum(im.width for im in images) + gap * (len(images) - 1)
    row, left = Image.new("RGB", (width, height), "white"), 0
    for im in images:
        row.paste(im, (left, 0))
        left += im.width + gap
    return row


def contact_sheet(
    sheet: list[list[Image.Image]],  # a row a photo
    gap: int = 8,  # px
) -> Image.Image:
    "Rows of pictures under each other."
    rows = [side_by_side(row, gap=gap) for row in sheet]
    width = max(row.width for row in rows)
    height = sum(row.height for row in rows) + gap * (len(rows) - 1)
    page, top = Image.new("RGB", (width, height), "white"), 0
    for row in rows:
        page.paste(row, (0, top))
        top += row.height + gap
    return page
