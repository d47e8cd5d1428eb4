"Features of seloufian's and tarun-bisht's systems, which train networks, and their checks."

import json
from functools import lru_cache
from pathlib import Path

import torch
from PIL import Image

from benchmarks.cli.system_checks import (
    camera_paints,
    out,
    paints_video,
    picture_at_an_address,
    published,
    seloufian_losses,
    shapes,
    tutorial,
    weights,
)
from faststyle_fastai.all import (
    BUILTIN_STYLES,
    Stylizer,
    TransformerNet,
    load_style,
    read_picture,
    save_style,
    style_grid,
    to_picture,
)
from faststyle_fastai.models.transformer import make_network

ROOT = Path(__file__).parent.parent.parent
JOHNSON = [(32, 1), (64, 2), (128, 4), *[(128, 4)] * 10, (64, 2), (32, 1), (3, 1)]


def settings(run):
    return json.loads((run / "run.json").read_text())["settings"]


def trained(bench, name, *words):
    "Train one style in a new run folder."
    bench.run("train", bench.photos, "--style", bench.painting, "-o", bench.at(name), *words,
              "--crop-size", "64", "--batch-size", "2", "--images", "6", "--quiet")  # fmt: skip
    return bench.folder / name


def steps(run):
    return sorted(int(path.name[5:]) for path in run.glob("checkpoints/step-*"))


@lru_cache(1)
def longer(bench):
    run = trained(bench, "longer", "--epochs", "1")
    before = max(steps(run))
    trained(bench, "longer", "--epochs", "2", "--resume")
    return max(steps(run)) == 2 * before


SELOUFIAN = [
    ("one network of 9-32, 3s2-64, 3s2-128, five residual blocks, 64, 32, 9-3 for N styles",
     lambda b: shapes(TransformerNet(3)) == JOHNSON),
    ("a style costs few parameters", lambda b: sum(
        p.numel() for p in TransformerNet(2).parameters()) == 1_679_235 + 3_200),
    ("one model learns several paintings",
     lambda b: load_style(b.trained)[1]["styles"] == ["dawn", "dusk", "noon"]),
    ("paintings as a folder", lambda b: len(settings(b.trained)["style"]) == 3),
    ("losses on VGG16, 17 times the sum", weights("dumoulin", "vgg16")),
    ("the numbers of those losses", seloufian_losses),
    ("25,000 iterations of 16 photos at 256 px",
     published("dumoulin", images=400_000, bs=16, size=256)),
    ("how many iterations", lambda b: max(steps(trained(b, "many", "--epochs", "3"))) == 9),
    ("checkpoints in a folder", lambda b: steps(b.trained)),
    ("how often they are written", lambda b: steps(
        trained(b, "often", "--checkpoint-every", "2")) == [2, 3]),
    ("a training resumes", longer),
    ("a finished one goes on for longer", longer),
    ("on a device of one's choice", lambda b: Stylizer(b.trained, "cpu").device.type == "cpu"),
    ("one picture by a style's index", lambda b: Stylizer(b.trained)(b.photo, 2).size),
    ("several pictures", lambda b: len(b.run(
        "stylize", b.photos, "--style", f"{b.trained}:dusk", "-o", b.at("many-out"), "--quiet"
    ).split()) == 16),
    ("a weighted mix", lambda b: Stylizer(b.trained)(b.photo, [0.5, 0.2, 0.3]).size),
    ("grids between two and four styles", lambda b: all(
        b.run("grid", b.photo, *words, "-o", b.at("grid.png"), "--overwrite")
        for words in (["--style", "udnie", "--style", "tahiti"],
                      ["--style", "udnie", "--style", "tahiti", "--style", "mondrian",
                       "--style", "the_scream"])
    ) and style_grid(Stylizer("udnie"), b.photo, [0, 1], 2)),
    ("a film of the progress", lambda b: len(list(b.trained.glob("progress-*.gif"))) == 3),
    ("the loss recorded and plotted", lambda b: "style:dawn" in (
        b.trained / "history.csv").read_text() and (b.trained / "loss.png").exists()),
    ("trained styles to take", lambda b: len(BUILTIN_STYLES) >= 12 and "Hokusai" in b.run("styles")),
    ("a sheet of styles and pictures", lambda b: (ROOT / "nbs/images/gallery.jpg").exists()),
    ("a notebook of it", lambda b: (ROOT / "nbs/03_many_styles.ipynb").exists()),
    ("the notebook on a hosted machine", tutorial("03_many_styles")),
]  # fmt: skip


TARUN = [
    ("its layers' shapes", lambda b: shapes(make_network("tarun")) == [*JOHNSON, (3, 1)]),
    ("reflection, instance normalization without scales, eps 1e-3", lambda b: (
        make_network("tarun").in1.eps == 1e-3 and not make_network("tarun").in1.weight.requires_grad)),
    ("normalization and tanh at the end", lambda b: 0 <= make_network("tarun").eval()(
        9 * torch.rand(1, 3, 32, 32)).min()),
    ("VGG19's relu4_2 and relu1_1 to relu5_1", weights("tarun", "vgg19")),
    ("content 10, style 100, variation 0.004",
     published("tarun", content_weight=10.0, style_weight=100.0, tv_weight=0.004)),
    ("Adam 1e-3, four photos of 256 px, two epochs, one rate",
     published("tarun", lr=1e-3, bs=4, size=256, epochs=2, schedule=("fit",), opt="adam")),
    ("weights of the losses", lambda b: settings(trained(
        b, "weighed", "--style-weight", "2", "--content-weight", ".5", "--tv-weight", "3",
        "--style-layers", "relu1_1,relu3_1=2", "--content-layers", "relu3_1"))["plan"]["loss"]["tv"]["weight"] == 3),
    ("learning rate and epochs", lambda b: settings(trained(
        b, "rated", "--lr", "1e-4", "--epochs", "2"))["plan"]["lr"] == 1e-4),
    ("mixed precision", lambda b: [settings(trained(
        b, p, "--precision", p))["precision"] for p in ("bfloat16", "float32")]),
    ("resumes", longer),
    ("checkpoints every so many steps, the best epoch", lambda b: (
        b.trained / "checkpoints/best.safetensors").exists()),
    ("losses printed and plotted", lambda b: (b.trained / "loss.png").exists()),
    ("a photo at an address", picture_at_an_address("stylize")),
    ("a painting at an address", picture_at_an_address("train")),
    ("addresses for the slow way", picture_at_an_address("optimize")),
    ("pictures read at a size", lambda b: read_picture(b.photo, shortest=32).size),
    ("tensors as pictures, grids of pictures", lambda b: to_picture(torch.rand(1, 3, 8, 8)).size),
    ("shapes of all layers", lambda b: "1,679,235" in str(b.learn.summary())),
    ("any folder, the first N, batches, workers ahead", lambda b: len(b.dls(bs=3, images=9).train) == 3),
    ("any size after training at one", lambda b: [
        Stylizer(b.trained)(Image.new("RGB", size)).size for size in ((5, 7), (257, 33))]),
    ("one pass, clipped, saved, beside the photo", lambda b: b.learn.show_results(max_n=1) is None),
    ("films", lambda b: paints_video(b, "--fps", "5", "--crf", "30")),
    ("the camera, live", camera_paints),
    ("the slow way beside it", lambda b: out(b, b.painting)),
    ("checkpoints for any machine", lambda b: load_style(save_style(b.learn, b.at("s.safetensors")))),
    ("its published checkpoints", "left out: they are TensorFlow's own files, which nothing but "
     "TensorFlow reads; import reads pytorch/examples' .pth"),
    ("COCO by wget", "left out: any folder of photos does; nothing is downloaded unasked"),
    ("hosted notebooks", tutorial("02_train_a_style")),
]  # fmt: skip
