"Features of PiotrekSkalski's system, which uses fastai, and their checks."

import io
from contextlib import redirect_stdout
from pathlib import Path

import torch
from fastai.callback.tracker import EarlyStoppingCallback, SaveModelCallback
from fastai.callback.training import GradientAccumulation
from fastai.learner import load_learner
from fastai.losses import MSELossFlat

from benchmarks.cli.system_checks import (
    paints_video,
    published,
    tutorial,
    weights,
)
from faststyle_fastai.all import (
    Checkpoint,
    Stylizer,
    TransformerNet,
    autoencoder_learner,
    save_style,
    style_learner,
)
from faststyle_fastai.training.recipes import recipe_plan

ROOT = Path(__file__).parent.parent.parent


def metrics(learn):
    return list(learn.recorder.metric_names)[1:-1]


def control(bench):
    ae = autoencoder_learner(bench.dls(), arch="slim")
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
    learn = style_learner(bench.dls(), bench.painting, arch="slim", cbs=cbs)
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


def one_cycle(bench):
    lrs = bench.fitted(style_learner(bench.dls(images=20), bench.painting)).recorder.lrs
    return lrs[0] < max(lrs) / 2 and lrs[-1] < max(lrs) / 2


def few_photos(bench):
    "Check that the loss falls on sixteen photos that are drawn again and again."
    learn = style_learner(bench.dls(images=80), bench.painting, pretrained="autoencoder")
    before = learn.validate()[0]
    return bench.fitted(learn).validate()[0] < 0.8 * before


def checkpointed(bench):
    for resume in (False, True):
        learn = style_learner(bench.dls(), bench.painting, arch="slim")
        with learn.no_bar(), learn.no_logging():
            learn.fit(1 + resume, cbs=Checkpoint(bench.at("kept"), every=1, resume=resume))
    return max(int(path.name[5:]) for path in bench.at("kept").glob("step-*")) == 6


SKALSKI = [
    ("TransformerNet of pytorch/examples", lambda b: "deconv3.conv2d.weight" in
     TransformerNet().state_dict()),
    ("a fastai Learner and DataLoaders", lambda b: type(b.learn).__mro__[1].__name__ == "Learner"),
    ("one cycle", one_cycle),
    ("VggLoss by names and aliases of layers", weights(
        "skalski", "vgg16", content_layers={"relu_4": 2.0})),
    ("total variation in it", published("skalski", tv_weight=1e-6)),
    ("an autoencoder at the first ReLU", lambda b: b.ae.recorder.losses[-1].isfinite()
     and recipe_plan("skalski", "autoencoder").content_layers == {"relu1_1": 1.0}),
    ("an autoencoder under pixels' squares, the control", control),
    ("its style run", published("skalski", style_weight=1e10, content_weight=1e5, lr=2e-4,
                                         images=20_000, schedule=("fit", "fit_one_cycle"))),
    ("styles start from the autoencoder", lambda b: b.learn.style_card.info["base"] == "carried"),
    ("a pretrained start saves steps", lambda b: (
        ROOT / "benchmarks/results/pretraining.json").exists()),
    ("few photos do", few_photos),
    ("fastai's verbs", verbs),
    ("predict", lambda b: b.learn.predict(b.photo)[2].shape == (3, 96, 128)),
    ("to_fp16, fastai's callbacks", callbacks),
    ("a Checkpoint that resumes", checkpointed),
    ("export", lambda b: b.learn.export(b.at("e.pkl").resolve()) is None
     and b.at("e.pkl").stat().st_size < 8e6),
    ("load_learner, predict, get_preds", exported),
    ("Stylizer of .safetensors, .pkl, Learner", stylizers),
    ("notebooks, settings.ini, setup.py", lambda b: all(
        (ROOT / name).exists() for name in ("settings.ini", "setup.py", "nbs/01_pretraining.ipynb"))),
    ("a hosted notebook", tutorial("01_pretraining")),
    ("published weights: 1e10, 1e11, 2e10, other variations", lambda b: [
        recipe_plan("skalski", "style", style_weight=w, tv_weight=1e-5) for w in (1e11, 2e10)]),
    ("pictures of several styles", lambda b: (ROOT / "nbs/images/gallery.jpg").exists()),
    ("films", paints_video),
]  # fmt: skip
