"The command that paints an image stroke by stroke."

from pathlib import Path
from typing import Annotated, Any

from typer import Argument

from ..core.atomic import atomic_write, may_write_file
from ..core.errors import UsageError
from ..core.extras import extra
from ..core.terminal import tell
from ..images.formats import FILMS, PICTURES
from . import options
from .checks import check_style
from .loading import load_mixture
from .options import option

GIF, VIDEO = (8, 480), (25, 1280)  # frames per second, and px of the longer side at most
HELD = 2  # seconds that its last frame is shown
LARGE = 20  # MB of an SVG that is slow to edit
OUTPUT = "Output file: .svg, an image, or a video of the painting (.mp4, .gif)."
STYLE = f"Paint in a style first. {options.STYLE}"
BRUSH = (
    "Width of the largest brush, as a share of the longer side. Default: 0.003 for pens; else as "
    "in the painting of --style, or 0.05."
)
BRUSHES = "Brushes, each half as wide as the one before. Default: 5."
DETAIL = "Amount of detail, from 0 to 1. Higher values paint smaller differences."
PENS = "Draw on white with N pen colors, as for a plotter. 0: paint."
RELIEF = "How high the paint lies, from 0 to 1. Default: 0.5, and 0 for pens."
CANVAS = "How much of the canvas's weave shows, from 0 to 1."
HEIGHTS = "Also save how high the paint lies, as a gray image."
SIZE = "Longer side. Default: the image's, at most 8192; 1280 of a video, and 480 of a GIF."
SECONDS = "Seconds of painting in a video; the result stays for 2 more. Default: 12."


def strokes(
    picture: Annotated[str, Argument(help="Image: a file or a URL.", metavar="INPUT")],
    out: Annotated[Path, option("FILE", OUTPUT, "-o", "--output")],
    style: Annotated[str | None, option("STYLE", STYLE, callback=check_style)] = None,
    brush: Annotated[float | None, option("SHARE", BRUSH, min=0.003, max=0.5)] = None,
    layers: Annotated[int | None, option("N", BRUSHES, min=1, max=8)] = None,
    detail: Annotated[float, option("SHARE", DETAIL, min=0, max=1)] = 0.7,
    pens: Annotated[int, option("N", PENS, min=0, max=32)] = 0,
    size: Annotated[int | None, option("PX", SIZE, min=16, max=8192)] = None,
    relief: Annotated[float | None, option("SHARE", RELIEF, min=0, max=1)] = None,
    canvas: Annotated[float, option("SHARE", CANVAS, min=0, max=1)] = 0.0,
    heights: Annotated[Path | None, option("FILE", HEIGHTS)] = None,
    seconds: Annotated[float | None, option("SECONDS", SECONDS, min=1, max=600)] = None,
    seed: Annotated[int, option("N", "Seed of the order of strokes.", min=0)] = 0,
    force: options.Force = False,
    trust_pickle: options.TrustPickle = False,
    device: options.Device = None,
):
    "Paint an image with brush strokes or pens: as SVG, as an image, or as a video of its painting."
    from ..images.files import read_picture
    from ..images.saving import check_format, save_picture
    from ..strokes.drawing import draw_heights, draw_strokes, painting_frames
    from ..strokes.paths import paint_strokes
    from ..video.codecs import write_video

    suffix = out.suffix.lower()
    if suffix in FILMS:
        extra("av", "video")
    film, vector = suffix in FILMS | {".gif"}, suffix == ".svg"
    if vector and (relief or canvas):
        raise UsageError("An SVG has no relief and no canvas. Use an image or a video.")
    if seconds and not film:
        raise UsageError("--seconds is for videos and GIFs.")
    if pens and relief:
        raise UsageError("Pens leave no relief. Do not use both --pens and --relief.")
    read_picture(picture, shortest=1)  # fail early on a bad file
    if not (film or vector) and suffix not in PICTURES | {".pdf"}:
        raise ValueError(
            f"{out}: unsupported format '{suffix}'. Use .svg, .mp4, .gif, .jpg or .png."
        )
    may_write_file(out if film or vector else check_format(out), force)
    if heights:
        if heights.resolve() == out.resolve():
            raise UsageError("--heights and -o name the same file. Give two names.")
        may_write_file(check_format(heights), force)
    source: Any = picture
    like = None
    if style:
        paint, styles = load_mixture(style, trust_pickle=trust_pickle, device=device, quiet=True)
        source, like = paint(picture, style=styles), paint.painting_of(styles)
    drawing = paint_strokes(source, brush, layers, detail, pens, seed, like)
    if vector:
        write_svg(drawing, size, out)
    elif film:
        fps, most = GIF if suffix == ".gif" else VIDEO
        side = size or max(16, min(most, max(drawing.size)))
        frames = painting_frames(
            drawing, side, round((seconds or 12) * fps), HELD * fps, relief, canvas
        )
        write_video(frames, out, fps)
    else:
        save_picture(draw_strokes(drawing, size, relief, canvas), out)
    if heights:
        save_picture(draw_heights(drawing, size), heights)
    options.print_outputs(out, *[heights] if heights else [])


def write_svg(drawing, size, out):
    "Write strokes as SVG; warn if it is so large that editors are slow."
    from ..strokes.drawing import strokes_svg

    text = strokes_svg(drawing, size)
    if len(text) > LARGE * 1e6:
        tell(f"{out} has {len(text) / 1e6:.0f} MB, which slows editors. Lower --detail.")
    with atomic_write(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
