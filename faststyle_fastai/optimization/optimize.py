"Style transfer by optimizing pixels directly: slower than a network, with the best quality."

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from fastcore.basics import listify
from PIL import Image

from ..core.atomic import atomic_write, best_effort_write, may_write_file
from ..core.errors import FaststyleError, Stopped
from ..core.interrupts import interrupts
from ..core.locks import alone
from ..core.provenance import versions, write_json
from ..core.values import check_range, with_kinds
from ..core.weights import read_plain
from ..images.color import soft_proof
from ..images.files import to_picture
from ..images.remote import digest
from ..images.saving import check_format, save_picture
from .pixel_recipes import optimization_plan
from .pixels import OptimizationStep, PixelOptimizer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["optimize_style", "optimize_to_file"]


@with_kinds
@torch.inference_mode(False)
@torch.enable_grad()
def optimize_style(
    content: Any,  # the photo: a path, an image, an array or a tensor
    styles: Any,  # the painting, or several to blend; a list in the list holds works of one style
    style_weights: list[float] | None = None,  # of the paintings, from 0, not all 0; None: equal
    recipe: str = "neighbors",  # a row of pixel_recipes.OPTIMIZATIONS
    weights: str | Path | None = None,  # the backbone's, see perceptual_backbone
    mask: Any = None,  # a gray image, likewise: white gets the first painting, black the others
    seed: int = 0,
    device: torch.device | str | None = None,  # "cuda:0,cuda:1": both share the backbone
    proof: str | Path | None = None,  # a printer's profile: limits inputs to its colors
    precision: str = "auto",  # see devices.autocast_dtype
    callback: Callable[[OptimizationStep, PixelOptimizer], Any] | None = None,  # True: stop
    start: Any = None,  # an image to begin with, likewise; None: as the recipe's `init` says
    **overrides: Any,  # likeness=.5, see optimization_plan, fields of pixel_recipes.Optimization,
    # settings of the loss such as style_weight=2, see plans.SHORTHAND, or
    # loss={"tone": {"weight": 1}}, see terms.TERMS
) -> Image.Image:  # RGB, the longer side is end_scale, or smaller if it was stopped
    """Repaint a photo by optimizing its pixels under the loss itself (Gatys et al. 2016).

    It begins small and ends at `end_scale`, 512 px on the longer side. Recipe `neighbors` takes
    about half a minute on two CPU cores, and some seconds more for each painting with brushwork.
    Published recipes take several minutes. `callback` gets the state after each iteration, and the
    optimizer, whose `picture()` is the image so far.

    Raises `FileNotFoundError` for a missing image, `ValueError` for one that cannot be read, an
    unknown recipe or setting, and a mask with one painting, `FaststyleError` if the backbone has no
    weights or the memory does not suffice, and `NonFiniteLoss`.
    """
    plan = optimization_plan(recipe, **overrides)
    work = PixelOptimizer(
        content, styles, style_weights, plan, weights=weights, mask=mask, seed=seed, device=device,
        proof=proof, precision=precision, start=start,
    )  # fmt: skip
    for iterate in work:
        if callback and callback(iterate, work):
            break
    return to_picture(work.picture())


@with_kinds
@alone(folder=False)
@torch.inference_mode(False)
@torch.enable_grad()
def optimize_to_file(
    content: str | Path,  # the photo
    styles: Any,  # a file or an address, or several; a list in the list holds works of one style
    out: str | Path,  # the image, me.png; also writes me.png.state, .trace.json and .loss.png
    style_weights: list[float] | None = None,  # of the paintings, from 0, not all 0; None: equal
    recipe: str = "neighbors",  # a row of pixel_recipes.OPTIMIZATIONS
    weights: str | Path | None = None,
    mask: str | Path | None = None,  # as in optimize_style
    save_every: int = 50,  # iterations
    resume: bool = False,  # resume from the last save
    force: bool = False,  # overwrite `out`
    seed: int = 0,
    device: torch.device | str | None = None,
    proof: str | Path | None = None,  # as in optimize_style; OUT.proof.png shows the print
    depth: int | None = None,  # bits per channel, 8 or 16; None: 16 for .tif
    precision: str = "auto",
    callback: Callable[[OptimizationStep, PixelOptimizer], Any] | None = None,  # True: stop
    start: Any = None,  # an image to begin with, likewise; None: as the recipe's `init` says
    **overrides: Any,  # as in optimize_style
) -> list[Path]:  # the files written
    """Run `optimize_style` on files, saving the image regularly and when interrupted.

    `resume` continues from me.png.state, which is removed at the end. Without it and `out` it
    begins.

    Raises what `optimize_style` does, and `FaststyleError` if `out` exists, if it was started with
    other settings, and when it is stopped.
    """
    check_range("save_every", save_every, 1)
    if depth is None:
        depth = 16 if Path(out).suffix.lower() in (".tif", ".tiff") else 8
    may_write_file(out := check_format(out, depth), force or resume)
    plan = optimization_plan(recipe, **overrides)
    saved, preview = (out.with_name(out.name + end) for end in (".state", ".proof.png"))
    if resume and out.exists() and not saved.is_file():
        raise FaststyleError(f"{out} is finished: use --overwrite to overwrite it.")
    work = PixelOptimizer(
        content, styles, style_weights, plan, weights=weights, mask=mask, seed=seed, device=device,
        proof=proof, precision=precision, start=start,
    )  # fmt: skip
    settings = {
        "content": digest(content), "styles": [digest(style) for style in listify(styles)],
        "style_weights": style_weights, "recipe": recipe, "seed": seed, "precision": precision,
        "weights": Path(weights).name if weights else None, "mask": digest(mask) if mask else None,
        "proof": digest(Path(proof)) if proof else None,
        "start": digest(start) if isinstance(start, (str, Path)) else start is not None,
        "plan": json.loads(json.dumps(asdict(plan))),
    }  # fmt: skip
    iterates = _resumed(work, out, saved, settings) if resume and saved.is_file() else []

    def show():
        save_picture(work.picture(), out, depth)
        if proof:
            save_picture(soft_proof(to_picture(work.picture()), proof), preview)

    def save():  # an image without its state would count as finished
        with atomic_write(saved) as temporary:
            state = {"settings": settings, "work": work.state_dict(), "iterates": iterates}
            torch.save(state, temporary)
        show()

    try:
        _run(work, out, iterates, save, show, save_every, callback)
        show()
    except BaseException:
        best_effort_write(_write_records, out, settings, iterates)
        raise
    records = _write_records(out, settings, iterates)
    saved.unlink(missing_ok=True)
    return [out, *[preview] * bool(proof), *records]


def _write_records(out, settings, iterates) -> list[Path]:
    "Write the trace and the plot of an optimization, if it began; return their names."
    trace, plot = (out.with_name(out.name + end) for end in (".trace.json", ".loss.png"))
    if iterates:
        write_json({"settings": settings, "versions": versions(), "iterates": iterates}, trace)
        with atomic_write(plot) as temporary:
            loss_figure(iterates).savefig(temporary, dpi=120)
    return [trace, plot]


def _resumed(work, out, saved, settings):
    "Restore an unfinished optimization; return its iterates."
    state = read_plain(saved, saved)
    if state["settings"] != settings:
        raise FaststyleError(
            f"{out} was started with other settings: resume with the same ones, or use --overwrite."
        )
    work.load_state_dict(state["work"])
    return state["iterates"]


def _run(work, out, iterates, save, show, save_every, callback):
    "Optimize, appending to `iterates`; save regularly, and if it is stopped."
    with interrupts() as pressed:  # between iterations: an unfinished one could not be resumed
        for iterate in work:
            iterates.append(asdict(iterate))
            if pressed or (callback and callback(iterate, work)):
                try:
                    save()
                except (OSError, RuntimeError):  # there may be room for the image alone
                    show()
                    raise
                where = f"{out} is the image so far."
                raise Stopped(f"Stopped. {where} Repeat the command with --resume to continue.")
            if iterate.i % save_every == 0 or iterate.i == iterate.i_max:
                best_effort_write(save)


def loss_figure(iterates: list[dict]) -> "Figure":
    "Plot the loss and its parts per iteration, on a logarithmic scale."
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([iterate["loss"] for iterate in iterates], label="loss", linewidth=2)
    for part in iterates[0]["parts"] if iterates else ():
        axes.plot([iterate["parts"][part] for iterate in iterates], label=part)
    axes.set(xlabel="iteration", ylabel="loss", yscale="log")
    axes.legend()
    return figure
