"What `stylize` reads and writes, and which of its options go together."

import warnings
from pathlib import Path

from ..core.errors import FaststyleError


def plan(inputs, out, depth, force, skip_existing):
    "The images to paint, as pairs of source and target."
    from ..images.discovery import plan_outputs

    jobs = plan_outputs(inputs, out, depth, force)
    if skip_existing:
        return [(source, target) for source, target in jobs if not target.exists()]
    if not force and (existing := [target for _, target in jobs if target.exists()]):
        raise FaststyleError(
            f"{existing[0]} exists ({len(existing)} of {len(jobs)} outputs do). Use --overwrite, "
            "--skip-existing, or another -o."
        )
    return jobs


def plan_masks(inputs, out, settings, force):
    "The file of each image's mask, by source."
    if out is None:
        return {}
    if settings.mask is None and settings.area == "all":
        raise FaststyleError("--save-mask needs --paint or --mask.")
    return {
        source: target.with_suffix(".png") for source, target in plan(inputs, out, 8, force, False)
    }


def depth_of(jobs, tile):
    "16 if all photos have 16 bits per color channel and all outputs can keep them, else 8."
    from ..images.files import is_deep
    from ..images.saving import check_format

    if tile not in ("auto", "none"):  # tiles have 8
        return 8
    try:
        deep = jobs and all(isinstance(source, Path) and is_deep(source) for source, _ in jobs)
    except (FaststyleError, ValueError, OSError):  # said in its turn
        return 8
    if not deep:
        return 8
    try:
        for _, target in jobs:
            check_format(target, 16)
    except (FaststyleError, ValueError) as error:
        warnings.warn(f"The output has 8 bits per color channel. {error}", stacklevel=2)
        return 8
    return 16


def check_neighbors(refine, painterly, at_sight, likeness, painting):
    "Check that the options of painting by neighbors go together, before anything is painted."
    if refine or painterly:
        return
    if painting:
        raise FaststyleError("--painting needs --refine SECONDS or --painterly.")
    if likeness is not None and not at_sight:
        raise FaststyleError(
            "--likeness needs --refine SECONDS, --painterly or a painting as --style."
        )
