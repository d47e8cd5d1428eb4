"Hashes that tell whether an interrupted video may go on."

from hashlib import sha256
from itertools import chain
from pathlib import Path

import torch
from fastcore.basics import listify

from ..images.formats import numbered_files
from ..images.remote import digest
from ..inference.options import PaintOptions
from ..inference.stylizer import Stylizer

__all__ = ["content_of", "fingerprints"]

HEAD = 2**20  # bytes that tell one video from another


def content_of(source) -> str:
    "A hash of a video's size and of its first megabyte, or of numbered images' names and sizes."
    if not Path(source).is_file():
        sizes = {n: file.stat().st_size for n, file in numbered_files(Path(source)).items()}
        return sha256(repr(sorted(sizes.items())).encode()).hexdigest()
    with open(source, "rb") as file:
        head = file.read(HEAD)
    return sha256(f"{Path(source).stat().st_size}".encode() + head).hexdigest()


def fingerprints(paint: Stylizer, options: PaintOptions, painterly: bool = False) -> dict:
    "What changes the look of a video, as plain values to compare on resume."
    mask, black, strength = options.mask, options.black, options.strength
    return vars(options) | {
        "style": fingerprint(paint, options.style, strength, painterly),
        "black": None if black is None else fingerprint(paint, black, strength, painterly),
        "mask": mask and sha256(mask.tobytes()).hexdigest(),
    }


def fingerprint(paint, style, strength, painterly):
    "Identify a network or paintings, style and strength by a hash that is alike on all devices."
    what = paint.style_weights(style).tolist(), strength
    if painterly:
        works = chain(*map(listify, paint.paintings.values()))
        return sha256(repr((*what, *map(digest, works))).encode()).hexdigest()
    found = sha256(repr(what).encode())
    states = [paint.weights, *filter(None, [strength < 1 and paint.base])]
    if paint.onnx:  # its weights are not loaded
        states = [{"painted": paint.paint(torch.linspace(0, 1, 768).view(1, 3, 16, 16))}]
    for state in states:
        for values in state.values():
            found.update(values.float().numpy(force=True).tobytes())
    return found.hexdigest()
