"What `stylize` reads and writes, and which of its options go together."

import os
import sys
import time
import warnings
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from ..core.atomic import check_writable, may_write_file
from ..core.errors import FaststyleError, UsageError
from ..core.terminal import tell
from ..core.values import either
from ..images.formats import PICTURES
from ..images.shapes import INCH

SMALLEST = 64  # px of the short side of a print
PAUSE = 1.0  # seconds between two looks at a watched folder


def plan(inputs, out, depth, force, skip_existing, masks=None):
    "The images to paint, as pairs of source and target."
    from ..images.discovery import plan_outputs

    jobs = plan_outputs(inputs, out, depth, force, masks)
    if skip_existing:
        jobs = [(source, target) for source, target in jobs if not target.exists()]
    if not force and (existing := [target for _, target in jobs if target.exists()]):
        more = f" and {len(existing) - 1} more exist" if existing[1:] else " exists"
        raise FaststyleError(
            f"{existing[0]}{more}: use --overwrite, --skip-existing, or another -o."
        )
    for target in {target.parent: target for _, target in jobs}.values():
        check_writable(target)
    return jobs


def check_watched(inputs, out, save_mask, skip_existing):
    "Check that one folder is watched, and that what is painted is not put around it."
    folder = Path(inputs[0]).resolve()
    if len(inputs) > 1 or not folder.is_dir():
        raise UsageError(f"--watch takes one folder, not {' '.join(inputs)}.")
    single = out.suffix.lower() in PICTURES and not out.is_dir()
    if single or out.is_file() or out.resolve() in [folder, *folder.parents]:
        raise UsageError(f"--watch needs another folder than {out} as -o.")
    check_writable(out / "painted.png")
    if save_mask:
        raise UsageError("--watch does not work with --save-mask. Remove one of them.")
    if skip_existing:
        raise UsageError("--watch skips what is painted already: remove --skip-existing.")


def watched(folder, out, depth, force, quiet):
    "Yield, at each look at a folder, the images that are whole and not painted yet, as `plan`."
    from ..images.discovery import plan_outputs

    there, wrong, ours = None, "", set[tuple]()
    seen: dict[Any, tuple] = {}  # source -> its size and time at the last look
    done: dict[Any, tuple] = {}  # the same when it was painted
    while True:
        before, there = there, os.path.isdir(folder)
        if there != before and not (there and quiet):
            tell(f"Watching {folder}. Ctrl-C stops." if there else f"{folder} is gone. Waiting.")
        jobs = []
        # No folder, no image in it, or one that was taken away just now.
        with suppress(OSError):
            try:
                found = plan_outputs([folder], out, depth)
            except FaststyleError as error:  # two images of one output
                found, why = [], f"warning: {error}"
                if why != wrong:
                    tell(why)
                wrong = why
            stats = {source: Path(source).stat() for source, _ in found}
            now = {source: (stat.st_size, stat.st_mtime_ns) for source, stat in stats.items()}
            if not force:
                done = {s: now[s] for s, target in found if is_newer(target, stats[s])} | done
            jobs = [job for job in found if done.get(job[0]) != now[job[0]] == seen.get(job[0])]
            seen = now
        done |= {source: seen[source] for source, _ in jobs}
        for job in [job for job in jobs if not (force or job in ours or may_replace(job[1]))]:
            tell(
                f"warning: {job[1]} was not made by faststyle and is kept. To replace it, give "
                "--overwrite."
            )
            jobs.remove(job)
        ours.update(jobs)
        yield jobs
        time.sleep(PAUSE)


def may_replace(target):
    "Whether there is no such image, or one that says that this program painted it."
    from ..images.metadata import is_signed

    return not target.exists() or is_signed(target)


def is_newer(target, came):
    "Whether an output was written after its image came; cameras' clocks may be ahead."
    when = came.st_mtime
    if sys.platform != "win32" or when > time.time():  # there st_ctime is when it was created
        when = min(when, came.st_ctime)
    return target.exists() and target.stat().st_mtime >= when


def print_size(paper, dpi, bleed, megapixels):
    "The paper of a print in px; None without one."
    from ..images.sizes import Paper

    if not paper:
        if bleed or dpi:
            raise UsageError(f"{'--bleed' if bleed else '--dpi'} needs --print.")
        return None
    dpi = dpi or 300
    short, long, bleed = (round(length / INCH * dpi) for length in (*paper, bleed))
    if bleed > short / 4:
        raise UsageError("--bleed is at most a quarter of the paper's short side.")
    down, across = short + 2 * bleed, long + 2 * bleed
    if not (SMALLEST <= short and down * across <= megapixels * 1e6):
        raise UsageError(
            f"--print at --dpi {dpi:g} is {down}x{across} px. Use at least {SMALLEST} px, and at "
            f"most {megapixels:g} megapixels (--max-megapixels)."
        )
    return Paper(short, long, dpi, bleed)


def plan_masks(inputs, out, settings, force, jobs):
    """The file of the mask of each image to paint, by source.

    With `force` it may exist: an interrupted run may have left the mask of an unpainted image.
    """
    from ..images.discovery import plan_outputs

    if out is None:
        return {}
    if settings.mask is None and settings.area == "all":
        raise UsageError("--save-mask needs --paint or --mask.")
    painted, outputs = dict(jobs), plan_outputs(inputs, out, force=True)
    masks = {
        source: file if file == out else file.with_suffix(".png")
        for source, file in outputs
        if source in painted
    }
    taken = {Path(file).resolve() for file in chain(*jobs)}
    for mask in masks.values():
        may_write_file(mask, force)
        if (place := mask.resolve()) in taken:
            raise FaststyleError(
                f"Two files would be {mask}. Rename one, or choose another --save-mask."
            )
        taken.add(place)
    return masks


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
    if refine and painterly:
        raise UsageError("Use either --refine or --painterly, not both.")
    if refine or painterly:
        return
    if painting:
        raise UsageError("--painting needs --refine SECONDS or --painterly.")
    if likeness is not None and not at_sight:
        raise UsageError("--likeness needs --refine SECONDS, --painterly or a painting as --style.")


def check_seamless(edges, settings):
    "Check the edges that are to meet, before anything is painted."
    if not edges:
        return
    from ..inference.seamless import EDGES

    if edges not in EDGES:
        raise UsageError(f"Invalid --seamless {edges}. Use {either(EDGES)}.")
    if settings.mask is not None or settings.area != "all":
        raise UsageError("--seamless paints all of a photo: remove --mask and --paint.")
