"The demo: an offline training with files that come with the installation."

from pathlib import Path

import torch

from ..core.assets import ASSETS, MODEL, sample_photos
from ..core.errors import FaststyleError, Stopped
from ..images.discovery import find_pictures
from ..images.files import read_picture
from ..images.remote import digest
from ..images.saving import save_picture
from ..images.sheets import side_by_side
from ..inference.strokes import with_strokes
from ..inference.stylizer import Stylizer
from .run_folder import paintings_of, record_of
from .runs import train

__all__ = ["demo"]


def demo(
    out: str | Path = "faststyle-demo",  # a folder
    photos: str | Path | None = None,  # a folder; None: scikit-learn's two sample photos
    minutes: float = 1.5,  # training time
    seed: int = 0,
    device: torch.device | str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
    quiet: bool = False,
) -> list[Path]:  # the files written; the first shows before | painting | after | with strokes
    "Train a style offline and repaint a photo in it."
    out, painting = Path(out), ASSETS / "composition_vii.jpg"
    if photos is None:
        folder, few = sample_photos()
        photo = folder / "china.jpg"
    else:
        folder, few = Path(photos), {}
        photo = next(iter(find_pictures(folder, 1)[0]), folder)  # without photos, training says so
    record = record_of(out)
    earlier = record is not None and paintings_of(record) == [digest(painting)]
    if record and not earlier:
        raise FaststyleError(f"{out} holds another run. Choose another -o.")
    try:
        train(
            folder, painting, out, force=earlier, minutes=minutes, seed=seed, quiet=quiet,
            device=device, precision=precision, **few,
        )  # fmt: skip
    except Stopped:
        said = f"Stopped. The network so far is in {out}. Repeat the command to start over."
        raise Stopped(said) from None
    model = out / MODEL
    after = Stylizer(model, device, precision)(photo)
    pictures = [read_picture(photo), read_picture(painting), after, with_strokes(after, painting)]
    row = side_by_side(pictures, height=360)
    return [
        save_picture(row, out / "before-style-after.jpg"),
        save_picture(after, out / f"{Path(photo).stem}-{painting.stem}.jpg"),
        model,
        *(out / name for name in ("model.pkl", "loss.png", "progress.gif")),
    ]
