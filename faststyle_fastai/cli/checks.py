"Checks of a call that need no torch, so that mistakes are reported at once."

import os
import re
from glob import glob
from pathlib import Path

from ..core.assets import ASSETS
from ..core.errors import UsageError
from ..images import formats
from ..images.remote import is_address
from .pipes import PIPE

DEVICE = r"(cpu|mps|(cuda|xpu)(:\d+)?)"  # one, or two separated by a comma


def check_device(name: str | None) -> str | None:
    "A device's name, as torch knows it."
    if name and not re.fullmatch(f"{DEVICE}(,{DEVICE})?", name):
        raise UsageError(f"Unknown device '{name}'. Use cpu, cuda, cuda:N, mps or xpu.")
    return name


def check_folder(folder: Path | None) -> Path | None:
    "A folder that exists."
    if folder and folder.is_file():
        raise ValueError(f"{folder} is a file. Give a folder.")
    if folder and not folder.is_dir():
        raise FileNotFoundError(f"Folder not found: {folder}.")
    return folder


def check_inputs(inputs: list[str]) -> list[str]:
    "Files, folders, URLs and glob patterns, each of at least one image."
    for text in inputs:
        if text == PIPE:
            continue
        if Path(text).suffix.lower() in formats.FILMS:
            raise ValueError(f"{text} is a video. Use faststyle video.")
        if not exists(text) and not glob(text, recursive=True):
            hint = " It is a style: use --style." if text in builtin_styles() else ""
            raise FileNotFoundError(f"Image not found: {text}.{hint}")
    return inputs


def check_video(source: str) -> str:
    "A video, or numbered images such as frames/%04d.png."
    still = Path(source).suffix.lower() in formats.PICTURES - formats.MOVING
    if still and not (formats.is_numbered(source) or formats.live_film(Path(source))):
        raise ValueError(f"{source} is an image. Use faststyle stylize.")
    if not formats.is_film(source):
        raise FileNotFoundError(f"Video not found: {source}.")
    return source


def check_keyframes(pairs: list[str] | None) -> list[str] | None:
    "Frames and their painted versions must exist; each pair is two lines, see help.PAIR."
    for pair in pairs or []:
        if len(files := pair.splitlines()) != 2:
            raise ValueError("--keyframe takes two images: FRAME PAINTED.")
        for file in files:
            check_works(file)
    return pairs


def check_paintings(sources: list[str] | str | None) -> list[str] | str | None:
    "Paintings to train on, not trained styles."
    for source in [sources] if isinstance(sources, str) else sources or []:
        if source in builtin_styles() and not exists(source):
            raise ValueError(
                f"{source} is a built-in style, not a painting. "
                f"Use it with faststyle stylize --style {source}."
            )
        check_works(source)
    return sources


def check_works(source: str) -> None:
    "Each work of a style must exist."
    _, works = formats.named_works(source) or ("", [source])
    for work in works:
        if not exists(work):
            raise FileNotFoundError(f"Image not found: {work}.")


def check_style(source: str | list[str] | None) -> str | list[str] | None:
    "One or more styles; a painting must exist."
    for style in [source] if isinstance(source, str) else source or []:
        if formats.is_painting(style):
            check_works(style)
    return source


def check_mix(shares: list[str] | None) -> list[str] | None:
    mixed(shares)
    return shares


def mixed(shares: list[str] | None) -> dict[str, float]:
    "Styles and their weights, from NAME=WEIGHT."
    mix: dict[str, float] = {}
    for share in shares or []:
        name, _, weight = share.rpartition("=")
        if not name or not re.fullmatch(r"\+?(\d+\.?\d*|\.\d+)", weight.strip()):
            raise UsageError(f"Invalid --mix {share}. Use NAME=WEIGHT, such as starry_night=.3.")
        check_style(name)
        mix[name] = mix.get(name, 0) + float(weight)
    if round(total := sum(mix.values()), 6) > 1:
        raise UsageError(
            f"The weights of --mix sum to {total:g}. Give at most 1 in all; the style itself gets "
            "the rest."
        )
    return mix


def check_trained(run: Path) -> Path:
    "A network that can learn another style: not a built-in one."
    if str(run) in builtin_styles() and not run.exists():
        raise ValueError(
            f"{run} is a built-in style, and the built-in networks stay as they are. Use gallery, "
            f"slim or tiny with -o FILE, or a network of your own: faststyle train."
        )
    return run


def builtin_styles():
    "Names of the built-in styles, from their thumbnails: their table would import torch."
    return {file.stem for file in (ASSETS / "gallery").glob("*.jpg")}


def exists(text):
    return is_address(text) or os.path.exists(text)  # as a Path, "" would be this folder
