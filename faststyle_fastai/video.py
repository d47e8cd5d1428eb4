"Films repainted, frame by frame."

from contextlib import closing, contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .enlarge import enlarged, painting_shape
from .errors import FaststyleError, extra
from .film import Frame, opened_film
from .filmfile import film_writer
from .finish import finished, fit_mask, gray, read_mask, resized, shares
from .images import to_picture, to_tensor
from .losses import resize_short, short_shape
from .pipeline import in_turn, overlapped
from .steady import MovedAlong, SlowStatistics
from .transformer import TransformerNet

__all__ = ["paint_video"]

HELD = 25, 2**25  # frames, and pixels, that are read before they are painted, on a processor
MISSING = 0.5  # seconds that a film may be shorter than it says


def paint_video(
    paint,  # a Stylizer
    source: str | Path,  # a film, a GIF, or a sequence of pictures: frames/%04d.png
    out: str | Path,  # .mp4, .mkv, .webm, .mov; .gif; frames/%04d.png
    style=None,  # as Stylizer takes it
    strength: float = 1.0,
    size: int | None = None,  # px of the short side; None: the film's
    keep_colors: bool = False,
    smooth: bool = False,  # strokes move along with what they paint
    mask=None,  # a gray picture: white is painted, black stays the film, grays are soft edges
    black=None,  # the style of what the mask leaves
    tile: str | int | None = "auto",  # see Stylizer; tiles have the statistics of their frame alone
    start: float = 0.0,  # seconds
    end: float | None = None,
    fps: float | None = None,  # frames a second; None: the film's
    codec: str | None = None,  # ffmpeg's name; None: H.264, for .webm VP9
    crf: int | None = None,  # quality, lower is better and larger; None: 18, for VP9 31
    resume: bool = False,  # go on with what was interrupted
    watch=None,  # called with (seconds painted, seconds in all or None) after each frame
    stroke: str = "medium",  # a row of enlarge.STROKES
) -> Path:  # `out`
    """Repaint a film: its sound as it is, its frames at their own times.

    A second's frames are read, painted and encoded, then the next; on a GPU all of it at once. The
    memory taken does not grow with the length. An interrupted one plays as far as it got, and
    `resume=True` goes on.
    """
    av, source, out = extra("av", "video"), str(source), Path(out)
    if out.resolve() == Path(source).resolve():
        raise FaststyleError(f"{out} would be written over itself: choose another -o.")
    settings = {"source": source, "painted": fingerprint(paint, style, strength), "size": size}
    settings |= {"colors": keep_colors, "smooth": smooth, "start": start, "codec": codec}
    settings |= {"stroke": stroke}
    mask = None if mask is None else read_mask(mask)
    settings |= {"fps": fps, "crf": crf, "mask": mask and sha256(mask.tobytes()).hexdigest()}
    settings |= {"black": None if black is None else fingerprint(paint, black, strength)}
    how = size, keep_colors, smooth, mask, black, tile, stroke
    painted = frame_painter(paint, style, strength, *how)
    with opened_film(source, fps) as film:
        writer = film_writer(out, film, settings, codec, crf, resume)
        go_on = ", --resume goes on" if writer.resumes else ""
        total = film.seconds and float(min(film.seconds, end or film.seconds))
        reached, why = start if writer.done is None else float(writer.done), None
        together = overlapped
        if paint.device.type == "cpu":
            most, pixels = HELD
            held = max(1, min(most, pixels // (film.video.width * film.video.height)))
            together = partial(in_turn, n=held)
        new = (
            frame
            for frame in film.frames(reached, end)
            if writer.done is None or frame.time > writer.done
        )

        def write(_, frame):
            writer.add(frame)
            return float(frame.time + frame.seconds)

        try:
            with closing(together(new, painted, write)) as done:
                for _, result in done:
                    with writing(av, out, go_on):
                        reached = result.result()
                    if watch:
                        watch(reached, total)
        except KeyboardInterrupt:
            why, kept = "stopped", writer.resumes
        except av.FFmpegError as error:
            why, kept = f"{source} is damaged ({error.strerror})", False
        else:
            kept = False
            if total and reached < total - MISSING and film.is_cut(end):
                why = f"{source} ends early"
        with writing(av, out, go_on):
            any_frame = writer.finish(start, reached if why else end, kept)
        if not any_frame and not why:
            raise FaststyleError(f"no frame of {source} lies in the time asked for.")
        if why:
            told = f"{why}: painted up to {reached:.1f} of {total or 0:.1f} s"
            raise FaststyleError(f"{told}{go_on if kept else ''}.")
    return out


@contextmanager
def writing(av, out, go_on):
    "What goes wrong with a file that is written, a full disk say, is one line."
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        raise FaststyleError(f"{out} cannot be written ({error.strerror}){go_on}.") from None


def fingerprint(paint, style, strength):
    "Of a network, its style and its strength: a hash of what it makes of a gradient."
    x = torch.linspace(0, 1, 3 * 16 * 16).view(1, 3, 16, 16)
    return sha256(paint.paint(x, style, strength).numpy(force=True).tobytes()).hexdigest()


def frame_painter(
    paint, style, strength, size, keep_colors, smooth, mask=None, black=None, tile=None,
    stroke="medium",
):  # fmt: skip
    "A function that repaints the frames of one film, in their order."
    if black is not None and mask is None:
        raise ValueError("black= is the style of what a mask leaves: give mask= too.")
    plain = not isinstance(paint.net, TransformerNet)
    styles = [style] if black is None else [style, black]
    net = None if plain else SlowStatistics(paint.network(styles, strength))
    along, before, last = MovedAlong() if smooth else None, None, None
    sides = {}  # shape -> px of its tiles, decided once: later the free memory is another; px
    fitted_mask = lru_cache(1)(lambda shape: gray(fit_mask(mask, shape[::-1])))

    def whole(photo, seconds):
        "A frame's tensor, painted with statistics that follow slowly."
        full = resize_short(photo, size) if size else photo
        shape = painting_shape(full.shape[-2:], stroke, None)
        x = full if shape == full.shape[-2:] else resize_short(full, min(shape))
        share = None
        if mask is not None and black is not None:
            share = resized(fitted_mask(photo.shape[-2:]), x.shape[-2:]).clamp(0, 1)
        if plain:
            y = paint.paint(x, style, strength, share, black)
        else:
            there, rows = x.to(paint.device), None if share is None else shares(share, 1)
            with paint.arithmetic():
                y = net(there, seconds, rows)
            y = paint.exposed(y, there, strength).cpu()
        return full, y if y.shape == full.shape else enlarged(y, x, full)

    @torch.inference_mode()
    def painted(frame: Frame) -> Frame:
        nonlocal before, last
        if before is not None and frame.picture is before[0]:  # the same picture once more
            return replace(frame, picture=before[1])
        seconds, last = float(frame.time - (frame.time if last is None else last)), frame.time
        shape = frame.picture.shape
        if shape not in sides:
            reduced = short_shape(shape[:2], size) if size else shape[:2]
            at = painting_shape(reduced, stroke, None)
            sides[shape] = paint.tile_side(frame.picture, at, tile), min(at)
        side, short = sides[shape]
        if side is None:
            photo, x = whole(to_tensor(frame.picture), seconds)
            where = None if mask is None or black is not None else fitted_mask(photo.shape[-2:])
            x = finished(x.cpu(), photo, keep_colors, where)
        else:
            how = {"mask": mask, "black": black, "tile": side}
            picture = Image.fromarray(frame.picture)
            photo = to_tensor(frame.picture)
            x = to_tensor(paint(picture, style, strength, short, keep_colors, **how))
            photo, x = (resize_short(y, size) if size else y for y in (photo, x))
        if along:
            x = along(np.asarray(to_picture(photo)), x[0].permute(1, 2, 0).numpy())
            x = torch.from_numpy(x).permute(2, 0, 1)
        before = frame.picture, np.asarray(to_picture(x))
        return replace(frame, picture=before[1])

    return painted
