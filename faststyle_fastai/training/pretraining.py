"The pretraining of an autoencoder: from a folder of photos to a file."

import shutil
from pathlib import Path
from typing import Any

import torch

from ..core.atomic import may_write_file, write_first
from ..core.errors import FaststyleError
from ..core.locks import alone
from ..core.values import with_kinds
from ..models.stylefile import save_style
from .callbacks import check_minutes
from .checkpoint import Checkpoint
from .learner import autoencoder_learner
from .recipes import recipe_plan
from .run_folder import prepare, record_of, same_run
from .runs import begun, fit_run

__all__ = ["pretrain"]


@with_kinds
@alone(lambda out, **_: Path(f"{out}.part"), "trained")
def pretrain(
    photos: str | Path,  # a folder
    out: str | Path,  # .safetensors
    recipe: str = "fast",
    arch: str = "full",  # a key of transformer.ARCHS
    pretrained: str | Path | None = None,  # start: "autoencoder" or a file; None: from scratch
    weights: str | Path | None = None,  # the backbone's
    size: int | None = None,  # px; None: the recipe's
    bs: int | None = None,  # photos per step; None: the recipe's
    images: int | None = None,  # photos per epoch; None: the recipe's
    minutes: float | None = None,  # training time instead of the recipe's epochs
    valid_pct: float = 0.02,  # see StyleDataLoaders.from_folder
    resume: bool = False,  # resume an interrupted training from `out`.part
    force: bool = False,  # overwrite `out`
    workers: int | None = None,  # as in `train()`
    checkpoint_every: int | None = None,  # steps; None: 200, at least a minute apart
    seed: int = 0,
    device: torch.device | str | None = None,
    precision: str = "auto",  # see devices.autocast_dtype
    quiet: bool = False,
    **overrides,  # fields of recipes.Training
) -> Path:  # `out`
    """Train an autoencoder, a starting point for styles, on a folder of photos.

    Raises `ValueError` for an unknown recipe or setting, `FileNotFoundError` for a folder without
    photos, `FaststyleError` if `out` exists or cannot be resumed, and `NonFiniteLoss`.
    """
    check_minutes(minutes, overrides.get("epochs"))
    out, part = Path(out), Path(f"{out}.part")  # the folder of an unfinished pretraining
    started = record_of(part)
    may_write_file(out, force or (resume and started), ".safetensors")
    if started and not (resume or force):
        raise FaststyleError(f"{part} is an interrupted training: use --resume or --overwrite.")
    plan = recipe_plan(recipe, "autoencoder", size=size, bs=bs, images=images, **overrides)
    start: dict[str, Any] = {"recipe": recipe, "pretrained": pretrained, "arch": arch}
    start |= {"weights": weights, "precision": precision}
    kept = {"style": [], "names": [], "valid_pct": valid_pct, "minutes": minutes, "seed": seed}
    dls, settings = begun(photos, plan, start, kept, workers, device)
    if resume:
        same_run(part, settings, trained=out.exists())
    learn = autoencoder_learner(dls, **start, **overrides)
    prepare(part, resume, {"settings": settings, "added": {}})
    checkpoint = Checkpoint(part / "checkpoints", checkpoint_every, resume=resume)
    where = f"The network so far is in {out}. Repeat the command with --resume to continue."
    failed = fit_run(learn, minutes, quiet, where, checkpoint)
    give_way = {} if failed else {"checkpoints": lambda: [part / "checkpoints"]}
    write_first(give_way, save_style, learn, out)
    if failed:
        raise failed
    shutil.rmtree(part, ignore_errors=True)  # Windows keeps its open lock
    return out
