"Pixels optimised directly: the slow way, and the best a style can look."

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image

from .callbacks import interrupts
from .colors import printed
from .errors import FaststyleError
from .files import keep_going, whole_file
from .images import check_format, save_picture, to_picture
from .pixels import PixelOptimizer
from .recipes import optimization_plan
from .runfolder import digest, versions, write_json

__all__ = ["optimize_style", "optimize_to_file"]


def optimize_style(
    content,  # the photo: a path, a picture or an array
    styles,  # the painting, or several to be blended
    style_weights: list[float] | None = None,  # their shares; None: alike
    recipe: str = "fast",  # a row of recipes.OPTIMIZATIONS
    weights: str | Path | None = None,  # the backbone's, see perceptual_backbone
    mask=None,  # a gray picture: white gets the first painting's style, black the others'
    seed: int = 0,
    device: torch.device | str | None = None,  # "cuda:0,cuda:1": two share the backbone
    proof: str | Path | None = None,  # a printer's profile: begin and aim at what it can print
    precision: str = "auto",  # float32, bfloat16, or auto: see devices.uses_bfloat16
    callback=None,  # (iterate, optimizer) after each; a true answer ends it
    **overrides,  # fields of recipes.Optimization
) -> Image.Image:  # RGB, its longer side the recipe's end_scale
    "Repaint a photo by optimising its pixels under the loss itself (Gatys et al. 2016)."
    plan = optimization_plan(recipe, **overrides)
    how = weights, mask, seed, device, proof, precision
    work = PixelOptimizer(content, styles, style_weights, plan, *how)
    for iterate in work:
        if callback and callback(iterate, work):
            break
    return to_picture(work.picture())


def optimize_to_file(
    content: str | Path,
    styles: list[str | Path],
    out: str | Path,  # the picture; beside it lie OUT.trace.json, OUT.loss.png, OUT.state
    style_weights: list[float] | None = None,
    recipe: str = "fast",
    weights: str | Path | None = None,
    mask: str | Path | None = None,
    save_every: int = 50,  # iterations
    resume: bool = False,  # go on from the last save
    force: bool = False,  # write over `out`
    seed: int = 0,
    device: str | None = None,
    proof: str | Path | None = None,  # as in optimize_style; OUT.proof.png: the result in print
    depth: int | None = None,  # bits of a color, 8 or 16; None: 16 for a .tif with the extra deep
    precision: str = "auto",
    callback=None,  # as in optimize_style
    **overrides,  # fields of recipes.Optimization
) -> list[Path]:  # what it wrote
    """`optimize_style` with files: the picture is saved as it grows, and a stop loses nothing.

    OUT.state is what `resume` goes on from; it is gone when all is done.
    """
    if depth is None:
        deep = Path(out).suffix.lower() in (".tif", ".tiff") and find_spec("tifffile")
        depth = 16 if deep else 8
    out, plan = check_format(out, depth), optimization_plan(recipe, **overrides)
    ends = ".trace.json", ".loss.png", ".state", ".proof.png"
    trace, plot, saved, print_of = (out.with_name(out.name + end) for end in ends)
    if out.exists() and not (force or resume):
        raise FaststyleError(f"{out} exists: --force to replace it, --resume, or another -o.")
    how = weights, mask, seed, device, proof, precision
    work = PixelOptimizer(content, styles, style_weights, plan, *how)
    settings = {
        "content": digest(content),
        "styles": [digest(style) for style in styles],
        "style_weights": style_weights,
        "recipe": recipe,
        "weights": Path(weights).name if weights else None,
        "mask": digest(Path(mask)) if mask else None,
        "proof": digest(Path(proof)) if proof else None,
        "seed": seed,
        "precision": precision,
        "plan": json.loads(json.dumps(asdict(plan))),
    }
    iterates = []
    if resume and out.exists():
        if not saved.is_file():
            raise FaststyleError(f"{out} is done: --force to make it anew.")
        state = torch.load(saved, map_location="cpu", weights_only=True)
        if state["settings"] != settings:
            raise FaststyleError(f"{out} was begun with other settings: the same ones, or --force.")
        work.load_state_dict(state["work"])
        iterates = state["iterates"]

    def save():
        save_picture(work.picture(), out, depth)
        if proof:
            save_picture(printed(to_picture(work.picture()), proof), print_of)
        with whole_file(saved) as temporary:
            state = {"settings": settings, "work": work.state_dict(), "iterates": iterates}
            torch.save(state, temporary)

    try:
        with interrupts() as asked:  # between iterations: one cut off could not be gone on from
            for iterate in work:
                iterates.append(asdict(iterate))
                if asked or (callback and callback(iterate, work)):
                    save()
                    raise FaststyleError(f"stopped; {out} is what it had become, --resume goes on.")
                if iterate.i % save_every == 0 or iterate.i == iterate.i_max:
                    keep_going(save)
        save()
    finally:
        write_json({"settings": settings, "versions": versions(), "iterates": iterates}, trace)
        with whole_file(plot) as temporary:
            loss_figure(iterates).savefig(temporary, dpi=120)
    saved.unlink(missing_ok=True)
    return [out, *[print_of] * bool(proof), trace, plot]


def loss_figure(iterates: list[dict]) -> Figure:
    "The loss and its parts, iteration by iteration, on a logarithmic scale."
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([iterate["loss"] for iterate in iterates], label="loss", linewidth=2)
    for part in iterates[0]["parts"] if iterates else ():
        axes.plot([iterate["parts"][part] for iterate in iterates], label=part)
    axes.set(xlabel="iteration", ylabel="loss", yscale="log")
    axes.legend()
    return figure
