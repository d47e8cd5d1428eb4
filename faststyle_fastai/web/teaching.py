"The trainings of the page. This imports fastai, which takes seconds: only once one begins."

import shutil
from pathlib import Path

from fastai.callback.core import Callback, CancelFitException
from PIL import Image

from ..core.assets import MODEL
from ..core.errors import FaststyleError
from ..images.saving import save_picture
from ..training.run_folder import record_of
from ..training.runs import train
from .jobs import TrainingJob
from .names import own_name

__all__ = ["resume", "teach"]


class Watch(Callback):
    "Shows a training in its job, and stops it."

    order = 100  # after all other callbacks

    def __init__(self, job: TrainingJob):
        self.job = job

    def after_batch(self):
        if self.training and len(self.yb):  # batches that a resume replays have no target
            budget = self.time_budget  # with this step, unlike pct_train
            share, loss = budget.spent / budget.seconds, float(self.smooth_loss)
            if self.job.stepped(share, loss, self.learn.preview.picture):
                raise CancelFitException


def teach(
    job: TrainingJob,
    folder: Path,  # of photos
    painting: Image.Image,
    place: Path,  # the new style's folder
    **how,  # of `train`
) -> None:
    "Train a style; nothing is left of one that has learned nothing."
    try:
        kept = save_picture(painting, place / f"{place.name}.png")
        paintings = {own_name(place.name): kept}
        train(folder, paintings, place, cbs=Watch(job), quiet=True, **how)
    finally:
        if not (place / MODEL).exists():
            shutil.rmtree(place, ignore_errors=True)


def resume(job: TrainingJob, place: Path, **how) -> None:
    "Go on with the interrupted training in a folder of the library."
    if not (record := record_of(place)):
        raise FaststyleError(f"{place.name} was interrupted before it began: delete it.")
    said = record["settings"]
    if not Path(said["photos"]).exists():
        raise FaststyleError("The photos that it was learning from are gone. Train it again.")
    paintings = {name: place / f"{place.name}.png" for name in said["names"]}
    how |= {"minutes": said["minutes"], "valid_pct": said["valid_pct"], "quiet": True}
    train(
        said["photos"], paintings, place, images=said["plan"]["images"], resume=True,
        cbs=Watch(job), **how,
    )  # fmt: skip
