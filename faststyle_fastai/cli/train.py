"The commands that train."

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option

from ..core.assets import MODEL
from ..core.terminal import tell
from . import options, training_options
from .checks import check_folder, check_keyframes, check_paintings, check_trained
from .loading import quoted
from .options import option
from .training_options import LOSS, RUN, SCHEDULE, STYLE_LOSS

STABLE = 1.5  # weight of TemporalConsistency: higher is steadier, but less like the painting
RESULTS = "Folder for the results."
PHOTOS = "Folder of training photos. Default: scikit-learn's two samples."
PRETRAINED = "Network to start from: none, autoencoder (built in), or a file."
MINUTES = "Train for this many minutes. The learning-rate schedule is scaled to fit."
RESUME = "Resume an interrupted training with the same options."
STYLE = (
    "Painting to learn: a file, a URL, a folder of paintings, or NAME=PAINTING; NAME=FILE,FILE,… "
    "for one style from several. Repeat for several styles in one network."
)
KEYFRAMES = (
    "Frame of a video and the same frame painted by you, instead of --style. PHOTOS are frames of "
    "the video. Repeat for several."
)
TRAIN_PRETRAINED = (
    "Network to start from: predicted (from the painting), gallery, autoencoder, none, or a file."
)
TRAIN_MINUTES = (
    "Training time in minutes, including setup and saving. Default: with recipe fast, 5 for each "
    "style; otherwise the recipe's epochs."
)
PATIENCE = (
    "Stop after this many epochs without improvement and keep the best network. Use with --minutes."
)
TRAIN_STABLE = "Train temporally consistent strokes for video. Fewer steps fit into the time."
PREVIEW_EVERY = "Steps between previews. Default: 100, at least 10 seconds apart."
PREVIEW_PHOTOS = "Photo for the previews. Repeat for several. Default: two."
TRAIN_RESUME = (
    "Resume the run in --output with the same options. More --minutes or --epochs extend a "
    "finished run."
)
ADD_STYLE_RUN = "Run folder or .safetensors file; with -o, also gallery, slim or tiny."
ADD_STYLE_STYLE = "Painting to add: a file, a URL, or NAME=PAINTING."
ADD_STYLE_PHOTOS = "Folder of training photos. Default: the run's."
OUT = "Output file (.safetensors). Default: update RUN in place."

# torch and fastai take seconds to import, so only the commands import them and `--help` stays fast.
# Each command passes its options to the function of the same name; `locals()` comes before the
# import so that it holds nothing else.


def demo(
    out: Annotated[Path, option("DIR", RESULTS, "-o", "--output")] = Path("faststyle-demo"),
    photos: Annotated[Path | None, option("DIR", PHOTOS, callback=check_folder)] = None,
    minutes: Annotated[float, option("MINUTES", "Training time in minutes.", min=0.01)] = 1.5,
    device: options.Device = None,
    precision: options.Precision = "auto",
    seed: training_options.Seed = 0,
    quiet: options.Quiet = False,
):
    "Train a style offline in minutes and repaint a photo in it."
    arguments = locals()
    from ..training.demo import demo

    written = demo(**arguments)
    options.print_outputs(*written)
    if not quiet:
        next_step = f"faststyle stylize PHOTO --style {quoted(out)} -o painted.jpg"
        tell(f"Open {written[0]}. To paint a photo of yours: {next_step}")


@options.takes(LOSS | SCHEDULE, RUN)
def pretrain(
    photos: training_options.Photos,
    out: options.StyleOutput,
    recipe: training_options.Recipe = "fast",
    pretrained: Annotated[str, option("START", PRETRAINED)] = "none",
    arch: training_options.Arch = "full",
    minutes: Annotated[float | None, option("MINUTES", MINUTES, min=0.01)] = None,
    valid_pct: training_options.ValidPct = 0.02,
    checkpoint_every: training_options.CheckpointEvery = None,
    resume: Annotated[bool, Option("--resume", help=RESUME)] = False,
    **overrides: Any,
):
    "Train an autoencoder, a starting point for styles, on a folder of photos."
    arguments = training_arguments(locals())
    from ..training.pretraining import pretrain

    options.print_outputs(pretrain(**arguments))


@options.takes(STYLE_LOSS | LOSS | SCHEDULE, RUN)
def train(
    photos: training_options.Photos,
    out: training_options.Out,
    style: Annotated[list[str] | None, option("PAINTING", STYLE, callback=check_paintings)] = None,
    keyframes: Annotated[
        list[str] | None,
        option("FRAME PAINTED", KEYFRAMES, "--keyframe", callback=check_keyframes),
    ] = None,
    recipe: training_options.Recipe = "fast",
    pretrained: Annotated[str, option("START", TRAIN_PRETRAINED)] = "predicted",
    arch: training_options.Arch = "full",
    minutes: Annotated[float | None, option("MINUTES", TRAIN_MINUTES, min=0.01)] = None,
    patience: Annotated[int | None, option("N", PATIENCE, min=1)] = None,
    stable: Annotated[bool, Option("--temporal-loss", help=TRAIN_STABLE)] = False,
    valid_pct: training_options.ValidPct = 0.02,
    checkpoint_every: training_options.CheckpointEvery = None,
    preview_every: Annotated[int | None, option("STEPS", PREVIEW_EVERY, min=1)] = None,
    preview_photos: Annotated[
        list[str] | None, option("FILE", PREVIEW_PHOTOS, "--preview-photo")
    ] = None,
    resume: Annotated[bool, Option("--resume", help=TRAIN_RESUME)] = False,
    **overrides: Any,
):
    "Train one or more styles from paintings and a folder of photos."
    if bool(style) == bool(keyframes):
        raise BadParameter("Give a painting with --style, or painted frames with --keyframe.")
    arguments = training_arguments(locals())
    weighted = "weight" in arguments["loss"].get("temporal", {})  # by --set
    arguments["stable"] = STABLE if stable and not weighted else None
    arguments["keyframes"] = [pair.splitlines() for pair in keyframes or []]
    from ..training.runs import train

    run = train(**arguments)
    options.print_outputs(run / MODEL, run / "model.pkl", *run.glob("loss.png"))
    options.print_outputs(*sorted(run.glob("progress*")))


@options.takes(STYLE_LOSS | LOSS, RUN)
def add_style(
    run: Annotated[Path, Argument(metavar="RUN", help=ADD_STYLE_RUN, callback=check_trained)],
    style: Annotated[str, option("PAINTING", ADD_STYLE_STYLE, callback=check_paintings)],
    photos: Annotated[Path | None, option("DIR", ADD_STYLE_PHOTOS, callback=check_folder)] = None,
    out: Annotated[Path | None, option("FILE", OUT, "-o", "--output")] = None,
    minutes: Annotated[float, option("MINUTES", "Training time in minutes.", min=0.01)] = 3,
    **overrides: Any,
):
    "Add a painting to a trained network. Existing styles stay bit-for-bit unchanged."
    arguments = training_arguments(locals())
    from ..training.runs import add_style

    options.print_outputs(add_style(**arguments))


def training_arguments(given: dict[str, Any]) -> dict[str, Any]:
    "The arguments of a training function, from the options of its command."
    arguments = given | given["overrides"]
    del arguments["overrides"]
    loss: dict[str, dict[str, Any]] = {}
    for term, name, value in arguments.pop("settings") or ():
        loss.setdefault(term, {})[name] = value
    if arguments.get("pretrained") == "none":
        arguments["pretrained"] = None
    return arguments | {"loss": loss}
