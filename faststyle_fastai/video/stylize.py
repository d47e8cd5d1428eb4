"Repaints videos frame by frame."

from contextlib import closing, contextmanager
from dataclasses import replace
from errno import EACCES, EDQUOT, EFBIG, EIO, ENOSPC, EPERM, EROFS
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..core.devices import finishing_device
from ..core.errors import FaststyleError
from ..core.extras import extra
from ..core.interrupts import interrupts
from ..core.prefetch import map_batches, map_overlapped
from ..core.values import check_numbers
from ..images.files import to_picture, to_tensor
from ..images.masks import fit_mask, gray, read_mask, shares
from ..images.sizes import resize_short, resized, short_shape
from ..inference.enlarge import enlarged, painting_shape
from ..inference.finish import finished
from ..inference.options import PaintOptions
from ..models.transformer import TransformerNet
from .reader import VideoFrame, open_video
from .temporal import FlowBlender, SmoothedStatistics
from .writer import video_writer

__all__ = ["paint_video"]

HELD = 25, 2**25  # frames, and pixels, read before painting on a CPU
OF_THE_DISK = ENOSPC, EDQUOT, EFBIG, EIO, EROFS, EACCES, EPERM
MISSING = 0.5  # seconds that a video may be shorter than stated


def paint_video(
    paint,  # a Stylizer
    source: str | Path,  # a video, a GIF or an image sequence: frames/%04d.png
    out: str | Path,  # .mp4, .mkv, .webm, .mov, .gif or frames/%04d.png
    style=None,  # as in Stylizer
    strength: float = 1.0,
    size: int | None = None,  # px of the video's short side; None: as it is
    smooth: bool = False,  # brush strokes follow the motion
    start: float = 0.0,  # seconds
    end: float | None = None,
    fps: float | None = None,  # frames per second; None: as in the video
    codec: str | None = None,  # ffmpeg's name; None: H.264, or VP9 for .webm
    crf: int | None = None,  # quality, lower is better and larger; None: 18, or 31 for VP9
    resume: bool = False,  # continue an interrupted video
    watch=None,  # called with (seconds painted, total seconds or None) after each frame
    **options,  # other fields of PaintOptions; tiles use the statistics of their frame only
) -> Path:  # `out`
    """Repaint a video; its sound and frame times are preserved.

    On a CPU, groups of up to 25 frames are read, painted and encoded in turn. On a GPU these steps
    overlap. Memory use does not grow with length. After a KeyboardInterrupt the video can be played
    as far as it got. `resume=True` continues it, also after the process was killed.
    """
    av, source, out = extra("av", "video"), str(source), Path(out)
    check_numbers(start=start, end=end, fps=fps, crf=crf)
    if out.resolve() == Path(source).resolve():
        raise FaststyleError(f"{out} would overwrite its own input. Choose another -o.")
    settings = {"source": source, "painted": fingerprint(paint, style, strength), "size": size}
    options = PaintOptions(style, strength, **options)
    settings |= {"colors": options.keep_colors, "smooth": smooth, "start": start, "codec": codec}
    settings |= {"stroke": options.stroke}
    mask, black = options.mask, options.black
    mask = None if mask is None else read_mask(mask)
    settings |= {"fps": fps, "crf": crf, "mask": mask and sha256(mask.tobytes()).hexdigest()}
    settings |= {"black": None if black is None else fingerprint(paint, black, strength)}
    painted = frame_painter(paint, replace(options, mask=mask), size, smooth)
    with open_video(source, fps) as film:
        writer = video_writer(out, film, settings, codec, crf, resume)
        go_on = " Continue with --resume." if writer.resumes else ""
        total = film.seconds and float(min(film.seconds, end or film.seconds))
        reached, why = start if writer.done is None else float(writer.done), None
        together = map_overlapped
        if paint.device.type == "cpu":
            most, pixels = HELD
            held = max(1, min(most, pixels // (film.video.width * film.video.height)))
            together = partial(map_batches, n=held)
        new = (
            frame
            for frame in film.frames(reached, end)
            if writer.done is None or frame.time > writer.done
        )

        def write(_, frame):
            with interrupts() as asked:  # a frame that is encoded is stored too
                writer.add(frame)
            if asked:
                raise KeyboardInterrupt
            return float(frame.time + frame.seconds)

        try:
            with closing(together(new, painted, write)) as done:
                for _, result in done:
                    with writing(av, out, writer):
                        reached = result.result()
                    if watch:
                        watch(reached, total)
        except KeyboardInterrupt:
            why, kept = "Stopped", writer.resumes
        except av.FFmpegError as error:
            why, kept = f"{source} is damaged ({error.strerror})", False
        else:
            kept = False
            if total and reached < total - MISSING and film.is_cut(end):
                why = f"{source} ends early"
        with writing(av, out, writer):
            any_frame = writer.finish(start, reached if why else end, kept)
        if not any_frame and not why:
            raise FaststyleError(f"{source} has no frames in the requested time range.")
        if why:
            told = f"{why}: painted up to {reached:.1f} of {total or 0:.1f} s."
            raise FaststyleError(f"{told}{go_on if kept else ''}")
    return out


@contextmanager
def writing(av, out, writer):
    "Report errors in writing a file as one line; only after those of the disk can it be resumed."
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        go_on = " Continue with --resume." if writer.resumes and error.errno in OF_THE_DISK else ""
        if writer.resumes and not go_on:
            writer.discard()
        raise FaststyleError(f"{out} cannot be written ({error.strerror}).{go_on}") from None


def fingerprint(paint, style, strength):
    "Identify a network, style and strength by a hash that is the same on all devices."
    found = sha256(repr((paint.style_weights(style).tolist(), strength)).encode())
    states = [paint.weights, *filter(None, [strength < 1 and paint.base])]
    if not isinstance(paint.net, TransformerNet):  # its weights are in another program
        states = [{"painted": paint.paint(torch.linspace(0, 1, 768).view(1, 3, 16, 16))}]
    for state in states:
        for values in state.values():
            found.update(values.float().numpy(force=True).tobytes())
    return found.hexdigest()


def frame_painter(
    paint,  # a Stylizer
    how: PaintOptions,  # its `size` is not used
    size: int | None = None,  # px of the short side of the frames; None: as they are
    smooth: bool = False,  # brush strokes follow the motion
):
    "Return a function that repaints the frames of one video, in order."
    mask, black = how.mask, how.black
    plain = not isinstance(paint.net, TransformerNet)
    styles = [how.style] if black is None else [how.style, black]
    net = None if plain else SmoothedStatistics(paint.network(styles, how.strength))
    along, before, last = FlowBlender() if smooth else None, None, None
    device = finishing_device(paint.device)
    sides = {}  # shape -> px of tiles and of the short side, fixed because free memory changes
    fitted_mask = lru_cache(1)(lambda shape: gray(fit_mask(mask, shape[::-1])).to(device))

    def whole(photo, seconds):
        "Paint the tensor of a frame with smoothed statistics."
        full = resize_short(photo, size) if size else photo
        shape = painting_shape(full.shape[-2:], how.stroke, None)
        x = full if shape == full.shape[-2:] else resize_short(full, min(shape))
        share = None
        if mask is not None and black is not None:
            share = resized(fitted_mask(photo.shape[-2:]), x.shape[-2:]).clamp(0, 1)
        if plain:
            y = paint.paint(x, how.style, how.strength, share, black)
        else:
            there, weights = x.to(paint.device), None if share is None else shares(share, 1)
            with paint.arithmetic():
                y = net(there, seconds, weights)
            y = paint.exposed(y, there, how.strength)
        y = y.to(device)
        return full, y if y.shape == full.shape else enlarged(y, x, full)

    @torch.inference_mode()
    def painted(frame: VideoFrame) -> VideoFrame:
        nonlocal before, last
        if before is not None and frame.picture is before[0]:  # a repeated frame
            return replace(frame, picture=before[1])
        seconds, last = float(frame.time - (frame.time if last is None else last)), frame.time
        shape = frame.picture.shape
        if shape not in sides:
            reduced = short_shape(shape[:2], size) if size else shape[:2]
            at = painting_shape(reduced, how.stroke, None)
            sides[shape] = paint.tile_side(frame.picture, at, how.tile), min(at)
        side, short = sides[shape]
        if side is None:
            photo, x = whole(to_tensor(frame.picture, device), seconds)
            where = None if mask is None or black is not None else fitted_mask(photo.shape[-2:])
            x = finished(x, photo, how.keep_colors, where)
        else:
            picture, tiled = Image.fromarray(frame.picture), replace(how, size=short, tile=side)
            photo, x = to_tensor(frame.picture), to_tensor(paint(picture, **vars(tiled)))
            photo, x = (resize_short(y, size) if size else y for y in (photo, x))
        if along:
            x = along(np.asarray(to_picture(photo)), x[0].permute(1, 2, 0).numpy(force=True))
            x = torch.from_numpy(x).permute(2, 0, 1)
        before = frame.picture, np.asarray(to_picture(x))
        return replace(frame, picture=before[1])

    return painted
