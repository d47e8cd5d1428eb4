"A training that needs nothing that is not there: the first thing to try."

from pathlib import Path

from .backbones import ASSETS
from .folders import first_pictures
from .images import read_picture, save_picture
from .runfolder import digest, paintings_of, record_of
from .runs import train
from .sheets import side_by_side
from .stylizer import Stylizer

__all__ = ["demo", "sample_photos"]


def demo(
    out: str | Path = "faststyle-demo",
    photos: str | Path | None = None,  # a folder; None: scikit-learn's two sample photos
    minutes: float = 1.5,  # of training
    seed: int = 0,
    device: str | None = None,
    precision: str = "auto",  # see devices.uses_bfloat16
    quiet: bool = False,
) -> list[Path]:  # what it wrote: before | painting | after first
    "Train a painting's style offline and repaint a photo with it."
    out, painting = Path(out), ASSETS / "composition_vii.jpg"
    if photos is None:
        folder, few = sample_photos()
        photo = folder / "china.jpg"
    else:
        folder, few = Path(photos), {}
        photo = next(iter(first_pictures(folder, 1)), None)
    record = record_of(out)
    earlier = record and paintings_of(record) == [digest(painting)]
    how = {"device": device, "precision": precision}
    common = {"minutes": minutes, "seed": seed, "quiet": quiet, **how}
    train(folder, painting, out, force=earlier, **common, **few)
    model = out / "model.safetensors"
    after = Stylizer(model, **how)(photo)
    pictures = [read_picture(photo), read_picture(painting), after]
    row = side_by_side(pictures, height=360)
    return [
        save_picture(row, out / "before-style-after.jpg"),
        save_picture(after, out / f"{Path(photo).stem}-{painting.stem}.jpg"),
        *(out / name for name in ("model.safetensors", "model.pkl", "loss.png", "progress.gif")),
    ]


def sample_photos() -> tuple[Path, dict]:
    "A folder of photos that is always there, scikit-learn's two, and how to train on so few."
    from sklearn import datasets

    return Path(datasets.__file__).parent / "images", {"valid_pct": 0, "images": 400}
