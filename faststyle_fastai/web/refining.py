"Refining on the page: painting goes on, on the image itself."

from pathlib import Path

from PIL import Image

from ..core.errors import FaststyleError
from ..images.files import flatten_alpha, read_picture, read_upright, to_picture
from ..images.saving import save_picture
from ..images.tensors import to_tensor
from ..inference.finish import recolor
from ..inference.strokes import with_strokes
from ..optimization.optimize import optimize_style
from .jobs import OptimizationJob
from .visits import Closer, Site, Visit, file_name

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
        watch = OptimizationJob(visit, EARLY)
        watch.asked, watch.styles = f"{key} {called}", (file_name(called),)

        def work():
            painted = optimize_style(photo, painting, callback=watch, end_scale=side, **site.where)
            if watch.stop.is_set() and watch.done < EARLY:
                return
            save_picture(painted, out)
            note = "partly" if watch.stop.is_set() else "refined"
            visit.closer[key, called] = Closer(Refined(out), note)

        return {"id": site.queue.add(photo.stem, watch, work, visit.name, out)}

    return refine


class Refined:
    "A refined painting, shown as a network's is."

    at_sight = base = True  # its strength can be chosen

    def __init__(self, file: Path):
        self.file = file

    def __call__(
        self, picture, strength=1.0, keep_colors=False, mask=None, strokes=False, **_
    ) -> Image.Image:
        painted = read_picture(self.file)
        source = read_upright(picture)
        photo = flatten_alpha(source).resize(painted.size)
        if keep_colors:
            painted = to_picture(recolor(to_tensor(painted), to_tensor(photo)))
        painted = Image.blend(photo, painted, strength)
        if strokes:
            painted = with_strokes(painted)
        if mask is not None:
            painted = Image.composite(painted, photo, mask.resize(painted.size))
        if source.mode == "RGBA":  # as all paintings of it are
            painted.putalpha(source.getchannel("A").resize(painted.size))
        return painted
