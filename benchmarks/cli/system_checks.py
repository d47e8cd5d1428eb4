"Checks that several tables of features share, and long ones: pages, URLs, peers' losses."

import importlib.util
import sys
import threading
import types
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch
from urllib.request import urlopen

import nbformat
import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from faststyle_fastai.all import (
    PixelOptimizer,
    Stylizer,
    optimization_plan,
    perceptual_backbone,
    read_picture,
    style_learner,
    to_picture,
    to_tensor,
)
from faststyle_fastai.images.sizes import resized_tensor
from faststyle_fastai.inference.options import PaintOptions
from faststyle_fastai.models.normalization import InstanceNorm
from faststyle_fastai.training.recipes import recipe_plan
from faststyle_fastai.web.camera import Live, camera_page
from faststyle_fastai.web.watch import live_page

ROOT = Path(__file__).parent.parent.parent
PEERS = "not tried: needs --peers, the code of the system itself"
CLOSE = 1e-4


def shapes(net):
    "(channels, downscaling) of the output of each normalization and of the last layer."
    found, side = [], 64
    hooks = [
        module.register_forward_hook(
            lambda _, __, y: found.append((y.shape[1], side // y.shape[2]))
        )
        for module in net.modules()
        if isinstance(module, InstanceNorm) or module is net.deconv3
    ]
    with torch.no_grad():
        net.eval()(torch.rand(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    return found


def out(bench, *words, name="optimized.png", **kwargs):
    "Run `faststyle optimize` at a small size. Returns the file."
    size = "-ms", "32", "-s", "45", "-ii", "3", "-i", "2", "--quiet", "--overwrite"
    bench.run("optimize", bench.photo, *words, "-o", bench.at(name), *size, **kwargs)
    return bench.at(name)


def weights(recipe, name, **changed):
    "Check that a recipe's layers and losses train, with random backbone weights."

    def check(bench):
        learn = style_learner(
            bench.dls(bs=2, images=4), bench.painting, recipe, pretrained=None,
            weights=bench.vgg(name), arch="slim", **changed,
        )  # fmt: skip
        bench.fitted(learn)
        return learn.recorder.losses[-1].isfinite()

    return check


def published(recipe, **facts):
    plan = recipe_plan(recipe, "style")
    return lambda bench: all(getattr(plan, name) == fact for name, fact in facts.items())


def paints_video(bench, *words):
    frames = [Image.open(bench.photo).crop((i, 0, i + 64, 48)) for i in range(4)]
    frames[0].save(bench.at("film.gif"), save_all=True, append_images=frames[1:], duration=100)
    bench.run("video", bench.at("film.gif"), "--style", "great_wave", "-o", bench.at("film.mp4"),
              "--overwrite", "--quiet", *words)  # fmt: skip
    return bench.at("film.mp4").stat().st_size > 0


def tutorial(name):
    "Check that a notebook first installs the package, and gets its badges from settings.ini."

    def check(bench):
        sys.path.insert(0, str(ROOT / "tools"))
        from make_docs import hosted

        notebook = nbformat.read(ROOT / "nbs" / f"{name}.ipynb", as_version=4)
        starts = "%pip install" in notebook.cells[1].source
        hosted(notebook, f"{name}.ipynb", "owner/name")
        return starts and "colab.research.google.com/github/owner/name" in notebook.cells[0].source

    return check


def commands_of(command, option):
    return lambda bench: f"--{option}" in bench.run(command, "--help")


def picture_at_an_address(command):
    "Check a command with a photo or a painting from a URL."

    def check(bench):
        handler = partial(SimpleHTTPRequestHandler, directory=bench.folder)
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            at = f"http://127.0.0.1:{server.server_port}"
            photo, painting = f"{at}/photos/china-0.jpg", f"{at}/paintings/dawn.png"
            few = "--crop-size", "64", "--batch-size", "2", "--images", "4", "--quiet"
            made = bench.at(f"{command}-out.png")
            words = {
                "stylize": (photo, "--style", "great_wave", "-o", made),
                "train": (
                    bench.photos,
                    "--style",
                    f"there={painting}",
                    "-o",
                    bench.at("far"),
                    *few,
                ),
                "optimize": (photo, painting, "-s", "32", "-ii", "2", "-o", made, "--quiet"),
            }[command]
            bench.run(command, *words)
            server.shutdown()
        return (made if command != "train" else bench.at("far/model.safetensors")).exists()

    return check


def page_shows(bench):
    "Check that the page shows an optimization, and serves its image alone."
    plan = optimization_plan("neighbors", end_scale=32, min_scale=32, initial_iterations=3)
    work = PixelOptimizer(bench.photo, bench.painting, None, plan, device="cpu")
    port = free_port()
    with live_page(port=port) as watch:
        for iterate in work:
            watch(iterate, work)
        with urlopen(f"http://127.0.0.1:{port}/image") as image:
            alone = image.headers["Content-Type"] == "image/jpeg"
        with urlopen(f"http://127.0.0.1:{port}/") as page:
            return alone and "faststyle optimize" in page.read().decode()


def camera_paints(bench):
    "Check that a frame is painted, and that the camera page offers a recording."
    paint, port = Stylizer("slim", "cpu"), free_port()
    live = Live(paint, 48, PaintOptions())
    picture = live(np.asarray(read_picture(bench.photo)), "udnie", 1, "all")
    with camera_page(paint, port=port), urlopen(f"http://127.0.0.1:{port}/") as page:
        return picture.size == (64, 48) and "Save recording" in page.read().decode()


def free_port():
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        return server.server_port


def module_at(path, name, **stubs):
    "Import a Python file as a module."
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    with patch.dict(sys.modules, stubs):
        spec.loader.exec_module(module)
    return module


def alike(ours, theirs):
    "Check that pairs of numbers agree to a ten-thousandth."
    off = max(abs(a / b - 1) for a, b in zip(ours, theirs))
    return f"works: apart by {off:.1e}" if off < CLOSE else f"not: apart by {off:.1e}"


def pair(bench, size):
    "The image to optimize, a photo and a painting, each [1, 3, size, size]."
    made = read_picture(bench.photos / "flower-3.jpg")
    pictures = made, read_picture(bench.photo), read_picture(bench.painting)
    return [resized_tensor(picture, (size, size)) for picture in pictures]


def optimized(bench, recipe, size, x, photo, painting):
    "The parts of a recipe's loss at `x` under a random VGG19, and the optimization."
    plan = optimization_plan(recipe, min_scale=size, end_scale=size)
    pictures, weights = (to_picture(photo), to_picture(painting)), bench.vgg("vgg19")
    work = PixelOptimizer(*pictures, None, plan, weights, device="cpu", precision="float32")
    parts = work.objective.at(size, (size, size))[0](x / work.unit)
    return [parts[name].item() for name in ("content", "style", "tv")], work


def crowson_losses(bench):
    "Compare with the losses of the first release's own code, on the same random VGG19."
    if not (bench.peers and (bench.peers / "crowsonkb").is_dir()):
        return PEERS
    peer = module_at(bench.peers / "crowsonkb/style_transfer/style_transfer.py", "peer_crowson")
    x, photo, painting = pair(bench, 128)
    ours, work = optimized(bench, "crowson_2021", 128, x, photo, painting)
    rounded = (to_tensor(to_picture(y)) for y in (photo, painting))
    found, at, wanted = (work.objective.backbone(y) for y in (x, *rounded))
    content = 0.015 * peer.ContentLoss(at["relu4_2"])(found["relu4_2"])
    style = sum(
        w * peer.StyleLoss(peer.StyleLoss.get_target(wanted[k]))(found[k])
        for k, w in work.plan.style_layers.items()
    )
    return alike(ours, [content.item(), style.item(), 2 * peer.TVLoss()(x).item()])


def seloufian_losses(bench):
    "Compare with the perceptual losses of its own code, on the same random VGG16."
    if not (bench.peers and (bench.peers / "seloufian").is_dir()):
        return PEERS
    file = bench.peers / "seloufian/faster_style_transfer/model/loss_functions.py"
    peer = module_at(file, "peer_seloufian", **{"torchvision": types.ModuleType("torchvision")})
    x, photo, painting = pair(bench, 64)
    learn = style_learner(
        bench.dls(), to_picture(painting), "dumoulin", pretrained=None, weights=bench.vgg("vgg16"),
        style_size=64,
    )  # fmt: skip
    loss = learn.loss_func
    loss(x, photo)
    ours = [loss.parts[name].item() for name in ("content", "style")]
    backbone = perceptual_backbone("vgg16", bench.vgg("vgg16"), normalize=False)
    found, at, wanted = (backbone(y) for y in (x, photo, loss.styles[0]))
    content, style = [*loss.content_layers], [*loss.style_layers]
    stacked = {k: torch.cat([at[k], found[k], wanted[k]]) for k in [*content, *style]}
    theirs = peer.style_transfer_loss(stacked, content, style, 17).item()
    only = peer.style_transfer_loss(stacked, content, style, 0).item()
    return alike([sum(ours), ours[0]], [theirs, only])


def gatys_losses(bench):
    "Compare with the blog's formulas, on the same random VGG19."
    x, photo, _ = pair(bench, 64)
    painting = resized_tensor(read_picture(bench.painting), (96, 64))
    ours, work = optimized(bench, "gatys", 64, x, photo, painting)
    wanted = resized_tensor(to_picture(painting), (64, round(64 * 64 / 96)))
    found, at, style = (
        work.objective.backbone(y) for y in (x, to_tensor(to_picture(photo)), wanted)
    )
    content = F.mse_loss(found["relu4_2"], at["relu4_2"])
    grams = 0.0
    for k in work.plan.style_layers:
        f, s = (y[k].flatten(2)[0] for y in (found, style))
        grams = grams + F.mse_loss(f @ f.T, s @ s.T) / s.numel() / 5
    y = x / work.unit
    tv = y.diff(dim=-1).abs().sum() + y.diff(dim=-2).abs().sum()
    return alike(ours, [content.item(), 1e3 * grams.item(), 1e-2 * tv.item()])
