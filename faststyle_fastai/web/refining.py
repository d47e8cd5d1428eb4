"Refining on the page: painting goes on, on the image itself."

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from ..core.errors import FaststyleError
from ..images.files import read_picture, read_upright, to_picture
from ..images.saving import save_picture
from ..images.tensors import to_tensor
from ..inference.layers import paint_layers
from ..inference.options import PaintOptions
from ..optimization.optimize import optimize_style
from .jobs import OptimizationJob
from .visits import Site, Visit, file_name

__all__ = ["Refined", "refining"]

SIDES = 64, 2048  # px: smallest and largest longer side
EARLY = 0.25  # share of the work at coarse sizes, which are worse than a network's painting


def refining(site: Site):
    "What paints on a visitor's photo."

    def refine(visit: Visit, how, body):
        "Begin to refine the photo's painting; the answer names the job."
        photo, called, side = visit.the_photo(), str(how.get("style")), how.get("side", 512)
        if not (painting := site.shelf.painting_of(called)):
            raise FaststyleError("Choose a style whose painting is known.")
        if type(side) is not int or not SIDES[0] <= side <= SIDES[1]:
            raise FaststyleError("Choose a longer side of {} to {} px.".format(*SIDES))
        key, out = visit.key, site.place(visit) / f"{photo.stem}.png"
        like = out.with_name(f"{photo.stem}-like{painting.suffix}")
        shutil.copyfile(painting, like)  # which may get another name
        watch = OptimizationJob(visit, EARLY)
        watch.asked, watch.styles = f"{key} {called}", (file_name(called),)

        def work():
            painted = optimize_style(photo, painting, callback=watch, end_scale=side, **site.where)
            if watch.stop.is_set() and watch.done < EARLY:
                return
            save_picture(painted, out)
            note = "partly" if watch.stop.is_set() else "refined"
            visit.closer[key, called] = Refined(out, like, note)

        return {"id": site.queue.add(photo.stem, watch, work, visit.name, out)}

    return refine


class Refined:
    "A refined painting, shown as a network's is."

    at_sight = base = True  # its strength can be chosen

    def __init__(self, file: Path, painting: Any, note: str = "refined"):  # or partly
        self.file, self.painting, self.note = file, painting, note

    def __call__(
        self, picture, strength=1.0, keep_colors=False, mask=None, strokes=False, **_
    ) -> Image.Image:
        painted = read_picture(self.file)
        photo = read_upright(picture).resize(painted.size)
        kept = Kept(to_tensor(painted), strength)
        how = PaintOptions(
            strength=strength, keep_colors=keep_colors, strokes=strokes, stroke="finest",
            mask=mask and mask.resize(photo.size),
        )  # fmt: skip
        shown: Any = paint_layers(lambda *_, **__: kept, photo, how, None, lambda _: self.painting)
        return to_picture(shown)


class Kept(NamedTuple):
    "What is painted already, as a painter."

    painted: Tensor
    strength: float
    device: torch.device = torch.device("cpu")

    def __call__(self, x: Tensor) -> Tensor:
        height, width = self.painted.shape[-2:]  # `x` may be padded
        return torch.lerp(x[..., :height, :width], self.painted, self.strength)
