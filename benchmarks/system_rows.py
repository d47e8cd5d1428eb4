"What five published systems do, a row each: the system, its feature, how it is tried here."

import importlib.util
import io
import json
from contextlib import redirect_stdout
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
import tifffile
import torch
from fastai.callback.tracker import EarlyStoppingCallback, SaveModelCallback
from fastai.callback.training import GradientAccumulation
from fastai.learner import load_learner
from fastai.losses import MSELossFlat
from PIL import Image, ImageCms

from benchmarks.system_checks import (
    camera_paints,
    commands_of,
    crowson_losses,
    gatys_losses,
    page_shows,
    picture_at_an_address,
    seloufian_losses,
    shapes,
    tutorial,
)
from faststyle_fastai.all import (
    GALLERY,
    OPTIMIZATIONS,
    Checkpoint,
    PixelOptimizer,
    Stylizer,
    TransformerNet,
    load_style,
    make_network,
    optimization_plan,
    optimize_style,
    perceptual_backbone,
    read_picture,
    save_style,
    style_grid,
    style_learner,
    to_picture,
)
from faststyle_fastai.recipes import recipe_plan, scales_between

matplotlib.use("Agg")
SELOUFIAN, CROWSONKB, BLOG = "seloufian", "crowsonkb", "Gatys blog"
TARUN, SKALSKI = "tarun-bisht", "PiotrekSkalski"
ROOT = Path(__file__).parent.parent
JOHNSON = [(32, 1), (64, 2), (128, 4), *[(128, 4)] * 10, (64, 2), (32, 1), (3, 1)]
STYLE_1, STYLE_2 = "relu1_1 relu2_1 relu3_1 relu4_1 relu5_1".split(), {"relu2_2": 1e5}
OPTIMIZE = {"backbone": "lite", "min_scale": 32, "end_scale": 45, "device": "cpu"}
OPTIMIZE |= {"initial_iterations": 3, "iterations": 2}


def out(bench, *words, name="optimized.png", **kwargs):
    "`faststyle optimize` at a small size; the file."
    size = "-ms", "32", "-s", "45", "-ii", "3", "-i", "2", "--quiet", "--force"
    bench.run("optimize", bench.photo, *words, "-o", bench.at(name), *size, **kwargs)
    return bench.at(name)


def parts(bench, **changed):
    "The parts of the loss that an optimization begins with."
    found = []
    how = {**OPTIMIZE, "initial_iterations": 1, "end_scale": 32, **changed}
    optimize_style(bench.photo, bench.painting, callback=lambda i, _: found.append(i), **how)
    return found[0].parts


def settings(run):
    return json.loads((run / "run.json").read_text())["settings"]


def trained(bench, name, *words):
    "A run folder of its own, of one style."
    bench.run("train", bench.photos, "--style", bench.painting, "-o", bench.at(name), *words,
              "--size", "64", "--bs", "2", "--images", "6", "--quiet")  # fmt: skip
    return bench.folder / name


def steps(run):
    return sorted(int(path.name[5:]) for path in run.glob("checkpoints/step-*"))


@lru_cache(1)
def longer(bench):
    run = trained(bench, "longer", "--epochs", "1")
    before = max(steps(run))
    trained(bench, "longer", "--epochs", "2", "--resume")
    return max(steps(run)) == 2 * before


def profile(bench):
    "A picture in another color space is read by its profile."
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


def metrics(learn):
    return list(learn.recorder.metric_names)[1:-1]


def control(bench):
    from faststyle_fastai.all import autoencoder_learner

    ae = autoencoder_learner(bench.dls(), arch="light")
    ae.loss_func = MSELossFlat()
    return metrics(bench.fitted(ae)) == ["train_loss", "valid_loss"]


def verbs(bench):
    learn = bench.learn
    with learn.no_bar(), learn.no_logging(), redirect_stdout(io.StringIO()):
        learn.lr_find(num_it=3, show_plot=False)
        learn.dls.show_batch(max_n=2)
        learn.show_results(max_n=2)
        learn.validate()
        learn.get_preds()
        learn.save("x")
        learn.load("x")
    return "1,679,235" in str(learn.summary())


def callbacks(bench):
    cbs = [SaveModelCallback(), EarlyStoppingCallback(), GradientAccumulation(2)]
    learn = style_learner(bench.dls(), bench.painting, arch="light", cbs=cbs)
    return bench.fitted(learn).to_fp16().to_fp32() is learn


def exported(bench):
    bench.learn.export(bench.at("style.pkl").resolve())
    learn = load_learner(bench.at("style.pkl"))
    with learn.no_bar(), learn.no_logging():
        once, twice = (learn.predict(bench.photo)[2] for _ in range(2))
        found = learn.get_preds(dl=learn.dls.test_dl([bench.photo, bench.painting]))
    return once.shape == (3, 96, 128) and torch.equal(once, twice) and len(found[0]) == 2


def stylizers(bench):
    file = save_style(bench.learn, bench.at("style.safetensors"))
    bench.learn.export(bench.at("style.pkl").resolve())
    pictures = [
        Stylizer(source, "cpu")(bench.photo, keep_colors=True)
        for source in (file, bench.at("style.pkl"), bench.learn)
    ]
    Stylizer(file)(bench.photo, strength=0.5)
    return len({picture.tobytes() for picture in pictures}) == 1


def weights(recipe, name, **changed):
    "A recipe's layers and losses, trained on random weights."

    def check(bench):
        learn = style_learner(
            bench.dls(bs=2, images=4), bench.painting, recipe, pretrained=None,
            weights=bench.vgg(name), arch="light", **changed,
        )  # fmt: skip
        bench.fitted(learn)
        return learn.recorder.losses[-1].isfinite()

    return check


def published(recipe, **facts):
    return lambda bench: facts.items() <= vars(recipe_plan(recipe, "style")).items()


def film(bench, *words):
    frames = [Image.open(bench.photo).crop((i, 0, i + 64, 48)) for i in range(4)]
    frames[0].save(bench.at("film.gif"), save_all=True, append_images=frames[1:], duration=100)
    bench.run("video", bench.at("film.gif"), "--style", "great_wave", "-o", bench.at("film.mp4"),
              "--force", "--quiet", *words)  # fmt: skip
    return bench.at("film.mp4").stat().st_size > 0


def one_cycle(bench):
    lrs = bench.fitted(style_learner(bench.dls(images=20), bench.painting)).recorder.lrs
    return lrs[0] < max(lrs) / 2 and lrs[-1] < max(lrs) / 2


def few_photos(bench):
    "Sixteen photos, drawn again and again: the loss falls."
    learn = style_learner(bench.dls(images=80), bench.painting, pretrained="autoencoder")
    before = learn.validate()[0]
    return bench.fitted(learn).validate()[0] < 0.8 * before


def checkpointed(bench):
    for resume in (False, True):
        learn = style_learner(bench.dls(), bench.painting, arch="light")
        with learn.no_bar(), learn.no_logging():
            learn.fit(1 + resume, cbs=Checkpoint(bench.at("kept"), every=1, resume=resume))
    return max(int(path.name[5:]) for path in bench.at("kept").glob("step-*")) == 6


ROWS = [
    (SELOUFIAN, "one network of 9-32, 3s2-64, 3s2-128, five residual blocks, 64, 32, 9-3 for N styles",
     lambda b: shapes(TransformerNet(3)) == JOHNSON),
    (SELOUFIAN, "a style costs few parameters", lambda b: sum(
        p.numel() for p in TransformerNet(2).parameters()) == 1_679_235 + 3_200),
    (SELOUFIAN, "one model learns several paintings",
     lambda b: load_style(b.trained)[1]["styles"] == ["dawn", "dusk", "noon"]),
    (SELOUFIAN, "paintings as a folder", lambda b: len(settings(b.trained)["style"]) == 3),
    (SELOUFIAN, "losses on VGG16, 17 times the sum", weights("dumoulin", "vgg16")),
    (SELOUFIAN, "the numbers of those losses", seloufian_losses),
    (SELOUFIAN, "25,000 iterations of 16 photos at 256 px",
     published("dumoulin", images=400_000, bs=16, size=256)),
    (SELOUFIAN, "how many iterations", lambda b: max(steps(trained(b, "many", "--epochs", "3"))) == 9),
    (SELOUFIAN, "checkpoints in a folder", lambda b: steps(b.trained)),
    (SELOUFIAN, "how often they are written", lambda b: steps(
        trained(b, "often", "--checkpoint-every", "2")) == [2, 3]),
    (SELOUFIAN, "a training resumes", longer),
    (SELOUFIAN, "a finished one goes on for longer", longer),
    (SELOUFIAN, "on a device of one's choice", lambda b: Stylizer(b.trained, "cpu").device.type == "cpu"),
    (SELOUFIAN, "one picture by a style's index", lambda b: Stylizer(b.trained)(b.photo, 2).size),
    (SELOUFIAN, "several pictures", lambda b: len(b.run(
        "stylize", b.photos, "--style", f"{b.trained}:dusk", "-o", b.at("many-out"), "--quiet"
    ).split()) == 16),
    (SELOUFIAN, "a weighted mix", lambda b: Stylizer(b.trained)(b.photo, [0.5, 0.2, 0.3]).size),
    (SELOUFIAN, "grids between two and four styles", lambda b: all(
        b.run("grid", b.photo, *words, "-n", "2", "-o", b.at("grid.png"), "--force")
        for words in (["--style", "udnie", "--style", "tahiti"],
                      ["--style", "udnie", "--style", "tahiti", "--style", "mondrian",
                       "--style", "the_scream"])
    ) and style_grid(Stylizer("udnie"), b.photo, [0, 1], 2)),
    (SELOUFIAN, "a film of the progress", lambda b: len(list(b.trained.glob("progress-*.gif"))) == 3),
    (SELOUFIAN, "the loss recorded and plotted", lambda b: "style:dawn" in (
        b.trained / "history.csv").read_text() and (b.trained / "loss.png").exists()),
    (SELOUFIAN, "trained styles to take", lambda b: len(GALLERY) >= 12 and "Hokusai" in b.run("styles")),
    (SELOUFIAN, "a sheet of styles and pictures", lambda b: (ROOT / "nbs/images/gallery.jpg").exists()),
    (SELOUFIAN, "a notebook of it", lambda b: (ROOT / "nbs/03_many_styles.ipynb").exists()),
    (SELOUFIAN, "the notebook on a hosted machine", tutorial("03_many_styles")),
    (CROWSONKB, "CONTENT STYLE… -o OUT", lambda b: out(b, b.painting, b.paintings / "noon.png")),
    (CROWSONKB, "sizes √2 apart", lambda b: scales_between(128, 512) == [128, 181, 256, 362, 512]),
    (CROWSONKB, "VGG19", lambda b: out(b, b.painting, "--recipe", "crowson", "--weights", b.vgg("vgg19"))),
    (CROWSONKB, "VGG19 is downloaded on first use", "not tried: it needs torchvision's server"),
    (CROWSONKB, "the first layer padded by replication", lambda b: perceptual_backbone(
        "lite", padding="replicate").net[0].padding_mode == "replicate"),
    (CROWSONKB, "max, average and l2 pooling, scaled", lambda b: all(
        out(b, p, "--pooling", pooling, "--backbone", "lite", "--recipe", "crowson")
        for pooling in ("max", "average", "l2") for p in b.paintings.iterdir())),
    (CROWSONKB, "errors whose gradients have an L1 norm of about 1", crowson_losses),
    (CROWSONKB, "Gram matrices over H * W", lambda b: out(b, b.painting, "--style-loss", "gram_scaled")),
    (CROWSONKB, "the mean of iterates, handed on to the next size",
     lambda b: plan("crowson").avg_decay == 0.99 and out(b, b.painting, "-ad", "0.9")),
    (CROWSONKB, "Adam starts warm at each size", warm),
    (CROWSONKB, "a weight for each style layer", lambda b: list(
        OPTIMIZATIONS["crowson"].style_layers.values()) == [n / 341 for n in (256, 64, 16, 4, 1)]
        and out(b, b.painting, "--style-layers", "relu1_1=2,relu2_1")),
    (CROWSONKB, "-s, 512", lambda b: optimization_plan("crowson").end_scale == 512
     and Image.open(out(b, b.painting)).width == 45),
    (CROWSONKB, "-sw 2 1", lambda b: out(b, b.painting, b.paintings / "noon.png", "-sw", "2", "1")),
    (CROWSONKB, "-cw, 0.015", lambda b: optimization_plan("crowson").content_weight == 0.015
     and out(b, b.painting, "-cw", ".05")),
    (CROWSONKB, "-tw, 2", lambda b: optimization_plan("crowson").tv_weight == 2
     and out(b, b.painting, "-tw", "4")),
    (CROWSONKB, "--devices, one or two", lambda b: out(b, b.painting, "--devices", "cpu", "cpu")),
    (CROWSONKB, "a device that is not there is named", lambda b: torch.cuda.is_available() or any(
        word in b.run("optimize", b.photo, b.painting, "--device", "cuda:0", "-o", b.at("x.png"), code=1)
        for word in ("NVIDIA", "CUDA"))),
    (CROWSONKB, "profiles become sRGB", lambda b: profile(b) < 3),
    (CROWSONKB, "the result has sRGB's profile", lambda b: Image.open(
        out(b, b.painting)).info["icc_profile"]),
    (CROWSONKB, "a TIFF of 16 bits", lambda b: tifffile.imread(
        out(b, b.painting, name="deep.tif")).dtype == np.uint16),
    (CROWSONKB, "alpha is ignored", alpha),
    (CROWSONKB, "--web shows the progress", page_shows),
    (CROWSONKB, "--port, 8080", lambda b: "8080" in b.run("optimize", "--help")),
    (CROWSONKB, "/image, the picture alone", page_shows),
    (CROWSONKB, "five ways to begin", lambda b: all(out(b, b.painting, "--init", init) for init in (
        "content", "gray", "uniform", "normal", "style_stats"))),
    (CROWSONKB, "its other options", lambda b: out(
        b, b.painting, "--optimizer", "lbfgs", "-r", "3", "-ss", ".01", "-ms", "40",
        "--style-scale-fac", ".9", "--style-size", "64")),
    (CROWSONKB, "saves as it goes, a trace", lambda b: json.loads(
        b.at(out(b, b.painting).name + ".trace.json").read_text())["iterates"]),
    (CROWSONKB, "sizes for print", lambda b: scales_between(128, 2896)[-1] == 2896),
    (CROWSONKB, "pip install -e", lambda b: importlib.util.find_spec("faststyle_fastai")),
    (CROWSONKB, "a hosted notebook", tutorial("04_optimise")),
    (BLOG, "VGG19's layers", lambda b: list(OPTIMIZATIONS["gatys"].style_layers) == STYLE_1
     and list(OPTIMIZATIONS["gatys"].content_layers) == ["relu4_2"]),
    (BLOG, "average pooling, not scaled", lambda b: plan("gatys").pooling == "plain average"),
    (BLOG, "content, style over C * H * W of the painting, variation", gatys_losses),
    (BLOG, "the content loss is a mean square", lambda b: plan("gatys").content_loss == "mse"),
    (BLOG, "the style loss is of undivided Gram matrices", lambda b: plan("gatys").style_loss == "gram_sum"),
    (BLOG, "the variation is a sum", lambda b: plan("gatys").tv == "sum"),
    (BLOG, "Adam as torch has it, 0.03", lambda b: plan("gatys").betas == (0.9, 0.999)
     and plan("gatys").step_size == 0.03),
    (BLOG, "epochs", lambda b: optimization_plan("gatys").initial_iterations == 500),
    (BLOG, "style_ratio", lambda b: plan("gatys").style_weight == 1e3
     and out(b, b.painting, "--style-ratio", "1e5")
     and parts(b, style_weight=2.0)["style"] > 1.9 * parts(b)["style"]),
    (BLOG, "variation_weight", lambda b: plan("gatys").tv_weight == 1e-2),
    (BLOG, "begins with the photo", lambda b: parts(b, recipe="gatys")["content"] < 1e-6),
    (BLOG, "or with random pixels", lambda b: parts(b, init="uniform")["content"] > 0),
    (BLOG, "never enlarged", lambda b: not plan("gatys").enlarge),
    (BLOG, "normalized pixels, free of bounds", lambda b: not plan("gatys").clamp),
    (BLOG, "the picture is saved as it grows", lambda b: out(b, b.painting, "--save-every", "1")),
    (BLOG, "a plot of the losses", lambda b: b.at(out(b, b.painting).name + ".loss.png").exists()),
    (BLOG, "progress is shown", lambda b: "2/2  loss" in b.run(
        "optimize", b.photo, b.painting, "-s", "32", "-ii", "2", "-o", b.at("p.png"), "--force")),
    (BLOG, "the device that is there", lambda b: out(b, b.painting)),
    (BLOG, "photo and painting side by side", lambda b: (ROOT / "nbs/images/slow.jpg").exists()),
    (BLOG, "saved as a JPEG", lambda b: Image.open(out(b, b.painting, name="o.jpg")).format == "JPEG"),
    (BLOG, "a hosted notebook", tutorial("04_optimise")),
    (TARUN, "its layers' shapes", lambda b: shapes(make_network("tarun")) == [*JOHNSON, (3, 1)]),
    (TARUN, "reflection, instance normalization without scales, eps 1e-3", lambda b: (
        make_network("tarun").in1.eps == 1e-3 and not make_network("tarun").in1.weight.requires_grad)),
    (TARUN, "normalization and tanh at the end", lambda b: 0 <= make_network("tarun").eval()(
        9 * torch.rand(1, 3, 32, 32)).min()),
    (TARUN, "VGG19's relu4_2 and relu1_1 to relu5_1", weights("tarun", "vgg19")),
    (TARUN, "content 10, style 100, variation 0.004",
     published("tarun", content_weight=10.0, style_weight=100.0, tv_weight=0.004)),
    (TARUN, "Adam 1e-3, four photos of 256 px, two epochs, one rate",
     published("tarun", lr=1e-3, bs=4, size=256, epochs=2, schedule=("fit",), opt="adam")),
    (TARUN, "weights of the losses", lambda b: settings(trained(
        b, "weighed", "--style-weight", "2", "--content-weight", ".5", "--tv-weight", "3",
        "--style-layers", "relu1_1,relu3_1=2", "--content-layers", "relu3_1"))["plan"]["tv_weight"] == 3),
    (TARUN, "learning rate and epochs", lambda b: settings(trained(
        b, "rated", "--lr", "1e-4", "--epochs", "2"))["plan"]["lr"] == 1e-4),
    (TARUN, "mixed precision", lambda b: [settings(trained(
        b, p, "--precision", p))["precision"] for p in ("bfloat16", "float32")]),
    (TARUN, "resumes", longer),
    (TARUN, "checkpoints every so many steps, the best epoch", lambda b: (
        b.trained / "checkpoints/best.safetensors").exists()),
    (TARUN, "losses printed and plotted", lambda b: (b.trained / "loss.png").exists()),
    (TARUN, "a photo at an address", picture_at_an_address("stylize")),
    (TARUN, "a painting at an address", picture_at_an_address("train")),
    (TARUN, "addresses for the slow way", picture_at_an_address("optimize")),
    (TARUN, "pictures read at a size", lambda b: read_picture(b.photo, shortest=32).size),
    (TARUN, "tensors as pictures, grids of pictures", lambda b: to_picture(torch.rand(1, 3, 8, 8)).size),
    (TARUN, "shapes of all layers", lambda b: "1,679,235" in str(b.learn.summary())),
    (TARUN, "any folder, the first N, batches, workers ahead", lambda b: len(b.dls(bs=3, images=9).train) == 3),
    (TARUN, "any size after training at one", lambda b: [
        Stylizer(b.trained)(Image.new("RGB", size)).size for size in ((5, 7), (257, 33))]),
    (TARUN, "one pass, clipped, saved, beside the photo", lambda b: b.learn.show_results(max_n=1) is None),
    (TARUN, "films", lambda b: film(b, "--fps", "5", "--crf", "30")),
    (TARUN, "the camera, live", camera_paints),
    (TARUN, "the slow way beside it", lambda b: out(b, b.painting)),
    (TARUN, "checkpoints for any machine", lambda b: load_style(save_style(b.learn, b.at("s.safetensors")))),
    (TARUN, "its published checkpoints", "left out: they are TensorFlow's own files, which nothing but "
     "TensorFlow reads; import reads pytorch/examples' .pth"),
    (TARUN, "COCO by wget", "left out: any folder of photos does; nothing is downloaded unasked"),
    (TARUN, "hosted notebooks", tutorial("02_train_a_style")),
    (SKALSKI, "TransformerNet of pytorch/examples", lambda b: "deconv3.conv2d.weight" in
     TransformerNet().state_dict()),
    (SKALSKI, "a fastai Learner and DataLoaders", lambda b: type(b.learn).__mro__[1].__name__ == "Learner"),
    (SKALSKI, "one cycle", one_cycle),
    (SKALSKI, "VggLoss by names and aliases of layers", weights(
        "skalski", "vgg16", content_layers={"relu_4": 2.0})),
    (SKALSKI, "total variation in it", published("skalski", tv_weight=1e-6)),
    (SKALSKI, "an autoencoder at the first ReLU", lambda b: b.ae.recorder.losses[-1].isfinite()
     and recipe_plan("skalski", "autoencoder").content_layers == {"relu1_1": 1.0}),
    (SKALSKI, "an autoencoder under pixels' squares, the control", control),
    (SKALSKI, "its style run", published("skalski", style_weight=1e10, content_weight=1e5, lr=2e-4,
                                         images=20_000, schedule=("fit", "fit_one_cycle"))),
    (SKALSKI, "styles start from the autoencoder", lambda b: b.learn.style_card.info["base"] == "carried"),
    (SKALSKI, "a pretrained start saves steps", lambda b: (
        ROOT / "benchmarks/results/pretraining.json").exists()),
    (SKALSKI, "few photos do", few_photos),
    (SKALSKI, "fastai's verbs", verbs),
    (SKALSKI, "predict", lambda b: b.learn.predict(b.photo)[2].shape == (3, 96, 128)),
    (SKALSKI, "to_fp16, fastai's callbacks", callbacks),
    (SKALSKI, "a Checkpoint that resumes", checkpointed),
    (SKALSKI, "export", lambda b: b.learn.export(b.at("e.pkl").resolve()) is None
     and b.at("e.pkl").stat().st_size < 8e6),
    (SKALSKI, "load_learner, predict, get_preds", exported),
    (SKALSKI, "Stylizer of .safetensors, .pkl, Learner", stylizers),
    (SKALSKI, "notebooks, settings.ini, setup.py", lambda b: all(
        (ROOT / name).exists() for name in ("settings.ini", "setup.py", "nbs/01_pretraining.ipynb"))),
    (SKALSKI, "a hosted notebook", tutorial("01_pretraining")),
    (SKALSKI, "published weights: 1e10, 1e11, 2e10, other variations", lambda b: [
        recipe_plan("skalski", "style", style_weight=w, tv_weight=1e-5) for w in (1e11, 2e10)]),
    (SKALSKI, "pictures of several styles", lambda b: (ROOT / "nbs/images/gallery.jpg").exists()),
    (SKALSKI, "films", lambda b: film(b)),
    *[("options", f"{command} --{option}", commands_of(command, option)) for command, options in {
        "train": "style-weight content-weight tv-weight lr epochs content-layers style-layers "
                 "style-size optimizer checkpoint-every preview-every preview-photo valid-pct precision",
        "pretrain": "content-weight tv-weight lr epochs content-layers optimizer checkpoint-every "
                    "valid-pct workers precision",
        "add-style": "style-weight content-weight tv-weight lr style-layers content-layers precision",
        "optimize": "style-ratio content-layers style-layers devices precision",
        "stylize": "batch-size precision",
        "video": "mix mask black tile strength fps crf precision",
    }.items() for option in options.split()],
    ("options", "camera: choice of camera, recording", camera_paints),
]  # fmt: skip
