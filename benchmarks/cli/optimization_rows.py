"Features of crowsonkb's system and of the Gatys blog, which optimize pixels, and their checks."

import importlib.util
import json
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image, ImageCms

from benchmarks.cli.system_checks import (
    crowson_losses,
    gatys_losses,
    out,
    page_shows,
    tutorial,
)
from faststyle_fastai.all import (
    OPTIMIZATIONS,
    PixelOptimizer,
    optimization_plan,
    optimize_style,
    perceptual_backbone,
    read_picture,
)
from faststyle_fastai.optimization.pixel_recipes import scales_between

ROOT = Path(__file__).parent.parent.parent
OPTIMIZE = {"backbone": "lite", "min_scale": 32, "end_scale": 45, "device": "cpu"}
OPTIMIZE |= {"initial_iterations": 3, "iterations": 2}
STYLE_LAYERS = "relu1_1 relu2_1 relu3_1 relu4_1 relu5_1".split()


def parts(bench, **changed):
    "The parts of the loss at the start of an optimization."
    found = []
    how = {**OPTIMIZE, "initial_iterations": 1, "end_scale": 32, **changed}
    optimize_style(bench.photo, bench.painting, callback=lambda i, _: found.append(i), **how)
    return found[0].parts


def profile(bench):
    "The mean error of a photo that is read from another color space by its profile."
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    path = bench.at("lab.tif")
    srgb, to = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    there = ImageCms.profileToProfile(Image.open(bench.photo), srgb, to, outputMode="LAB")
    there.save(path, icc_profile=lab)
    return np.abs(np.asarray(read_picture(path), int) - np.asarray(Image.open(bench.photo))).mean()


def alpha(bench):
    read_picture(bench.at("clear.png", Image.new("RGBA", (8, 8), (0, 0, 0, 0))))
    return "works: laid on white instead, so that colors nobody sees do not show"


def warm(bench):
    work = PixelOptimizer(bench.photo, bench.painting, None, plan("crowson"), device="cpu")
    moments = []
    for iterate in work:
        state = work.opt.state_dict()["state"][0]
        moments.append((iterate.width, float(state["step"]), state["exp_avg"].abs().sum()))
    first = next(m for m in moments if m[0] == 45)
    return first[1] == 4 and first[2] > 0


def plan(recipe, **changed):
    small = {k: v for k, v in OPTIMIZE.items() if k != "device"}
    return optimization_plan(recipe, **{**small, **changed})


CROWSONKB = [
    ("CONTENT STYLE… -o OUT", lambda b: out(b, b.painting, b.paintings / "noon.png")),
    ("sizes √2 apart", lambda b: scales_between(128, 512) == [128, 181, 256, 362, 512]),
    ("VGG19", lambda b: out(b, b.painting, "--recipe", "crowson", "--backbone-weights", b.vgg("vgg19"))),
    ("VGG19 is downloaded on first use", "not tried: it needs torchvision's server"),
    ("the first layer padded by replication", lambda b: perceptual_backbone(
        "lite", padding="replicate").net[0].padding_mode == "replicate"),
    ("max, average and l2 pooling, scaled", lambda b: all(
        out(b, p, "--pooling", pooling, "--backbone", "lite", "--recipe", "crowson")
        for pooling in ("max", "average", "l2") for p in b.paintings.iterdir())),
    ("errors whose gradients have an L1 norm of about 1", crowson_losses),
    ("Gram matrices over H * W", lambda b: out(b, b.painting, "--style-loss", "gram_scaled")),
    ("the mean of iterates, handed on to the next size",
     lambda b: plan("crowson").avg_decay == 0.99 and out(b, b.painting, "-ad", "0.9")),
    ("Adam starts warm at each size", warm),
    ("a weight for each style layer", lambda b: list(
        OPTIMIZATIONS["crowson"].style_layers.values()) == [n / 341 for n in (256, 64, 16, 4, 1)]
        and out(b, b.painting, "--style-layers", "relu1_1=2,relu2_1")),
    ("-s, 512", lambda b: optimization_plan("crowson").end_scale == 512
     and Image.open(out(b, b.painting)).width == 45),
    ("-sw 2 1", lambda b: out(b, b.painting, b.paintings / "noon.png", "-sw", "2", "1")),
    ("-cw, 0.015", lambda b: optimization_plan("crowson").content_weight == 0.015
     and out(b, b.painting, "-cw", ".05")),
    ("-tw, 2", lambda b: optimization_plan("crowson").tv_weight == 2
     and out(b, b.painting, "-tw", "4")),
    ("--devices, one or two", lambda b: out(b, b.painting, "--devices", "cpu", "cpu")),
    ("a device that is not there is named", lambda b: torch.cuda.is_available() or any(
        word in b.run("optimize", b.photo, b.painting, "--device", "cuda:0", "-o", b.at("x.png"), code=1)
        for word in ("NVIDIA", "CUDA"))),
    ("profiles become sRGB", lambda b: profile(b) < 3),
    ("the result has sRGB's profile", lambda b: Image.open(
        out(b, b.painting)).info["icc_profile"]),
    ("a TIFF of 16 bits", lambda b: tifffile.imread(
        out(b, b.painting, name="deep.tif")).dtype == np.uint16),
    ("alpha is ignored", alpha),
    ("--web shows the progress", page_shows),
    ("--port, 8080", lambda b: "8080" in b.run("optimize", "--help")),
    ("/image, the picture alone", page_shows),
    ("five ways to begin", lambda b: all(out(b, b.painting, "--init", init) for init in (
        "content", "gray", "uniform", "normal", "style_stats"))),
    ("its other options", lambda b: out(
        b, b.painting, "--optimizer", "lbfgs", "-r", "3", "-ss", ".01", "-ms", "40",
        "--style-scale-fac", ".9", "--style-size", "64")),
    ("saves as it goes, a trace", lambda b: json.loads(
        b.at(out(b, b.painting).name + ".trace.json").read_text())["iterates"]),
    ("sizes for print", lambda b: scales_between(128, 2896)[-1] == 2896),
    ("pip install -e", lambda b: importlib.util.find_spec("faststyle_fastai")),
    ("a hosted notebook", tutorial("04_optimize")),
]  # fmt: skip


BLOG = [
    ("VGG19's layers", lambda b: list(OPTIMIZATIONS["gatys"].style_layers) == STYLE_LAYERS
     and list(OPTIMIZATIONS["gatys"].content_layers) == ["relu4_2"]),
    ("average pooling, not scaled", lambda b: plan("gatys").pooling == "plain average"),
    ("content, style over C * H * W of the painting, variation", gatys_losses),
    ("the content loss is a mean square", lambda b: plan("gatys").content_loss == "mse"),
    ("the style loss is of undivided Gram matrices", lambda b: plan("gatys").style_loss == "gram_sum"),
    ("the variation is a sum", lambda b: plan("gatys").tv == "sum"),
    ("Adam as torch has it, 0.03", lambda b: plan("gatys").betas == (0.9, 0.999)
     and plan("gatys").step_size == 0.03),
    ("epochs", lambda b: optimization_plan("gatys").initial_iterations == 500),
    ("style_ratio", lambda b: plan("gatys").style_weight == 1e3
     and out(b, b.painting, "--style-ratio", "1e5")
     and parts(b, style_weight=2.0)["style"] > 1.9 * parts(b)["style"]),
    ("variation_weight", lambda b: plan("gatys").tv_weight == 1e-2),
    ("begins with the photo", lambda b: parts(b, recipe="gatys")["content"] < 1e-6),
    ("or with random pixels", lambda b: parts(b, init="uniform")["content"] > 0),
    ("never enlarged", lambda b: not plan("gatys").enlarge),
    ("normalized pixels, free of bounds", lambda b: not plan("gatys").clamp),
    ("the picture is saved as it grows", lambda b: out(b, b.painting, "--save-every", "1")),
    ("a plot of the losses", lambda b: b.at(out(b, b.painting).name + ".loss.png").exists()),
    ("progress is shown", lambda b: "2/2  loss" in b.run(
        "optimize", b.photo, b.painting, "-s", "32", "-ii", "2", "-o", b.at("p.png"), "--overwrite")),
    ("the device that is there", lambda b: out(b, b.painting)),
    ("photo and painting side by side", lambda b: (ROOT / "nbs/images/slow.jpg").exists()),
    ("saved as a JPEG", lambda b: Image.open(out(b, b.painting, name="o.jpg")).format == "JPEG"),
    ("a hosted notebook", tutorial("04_optimize")),
]  # fmt: skip
