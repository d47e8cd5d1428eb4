"What a fastai user types by habit works, or says why not."

import warnings
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from fastai.vision.all import (
    Adam,
    Brightness,
    ChannelsLast,
    CSVLogger,
    DataBlock,
    DataLoader,
    DataLoaders,
    EarlyStoppingCallback,
    FlipItem,
    GradientAccumulation,
    GradientClip,
    ImageBlock,
    Interpretation,
    Learner,
    MSELossFlat,
    Normalize,
    Resize,
    SaveModelCallback,
    ShowGraphCallback,
    get_image_files,
    imagenet_stats,
    load_learner,
    mse,
)
from PIL import Image

from faststyle_fastai.all import (
    Checkpoint,
    FaststyleError,
    Keyframes,
    LossParts,
    Preview,
    StyleDataLoaders,
    Stylizer,
    TransformerNet,
    VggLoss,
    load_style,
    perceptual_backbone,
    read_picture,
    save_style,
    style_learner,
    to_tensor,
)

PAIRS = DataBlock(blocks=(ImageBlock, ImageBlock), get_items=get_image_files, item_tfms=Resize(32))


@pytest.fixture
def made(photos, painting):
    "A function that makes a small learner, which sees four photos in an epoch."
    few = {"size": 32, "bs": 2, "images": 4, "valid_pct": 0.15, "device": "cpu"}
    dls = StyleDataLoaders.from_folder(photos, **few)
    return partial(style_learner, dls, painting, arch="tiny", small=0, scales=(1,))


LAYERS = {"content_layers": {"relu3_4": 1.0}, "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}}


def quietly(learn, *cbs, epochs=1):
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(epochs, cbs=[*cbs])
    return learn


# What is given to the learner, and an attribute of it that must be the same afterwards.
GIVEN = {
    "metrics": [mse],
    "opt_func": Adam,
    "loss_func": MSELossFlat(),
    "path": ".",
    "model_dir": "mine",
    "moms": (0.9, 0.8, 0.9),
    "cbs": [GradientClip(1.0), GradientAccumulation(4)],
}


@pytest.mark.parametrize("name", GIVEN)
def test_arguments_of_a_learner(made, name):
    learn = quietly(made(**{name: GIVEN[name]}))
    if name == "metrics":
        assert learn.metrics[0].func is mse
        night = Image.new("RGB", (32, 32), "navy")
        quietly(style_learner(made.args[0], [made.args[1], night], arch="tiny", metrics=mse))
    elif name == "cbs":
        assert {"gradient_clip", "gradient_accumulation"} <= {cb.name for cb in learn.cbs}
    else:
        assert str(getattr(learn, name)) == str(GIVEN[name])


CALLBACKS = {
    "ShowGraph": ShowGraphCallback,
    "ChannelsLast": ChannelsLast,
    "SaveModel": partial(SaveModelCallback, monitor="valid_style"),
    "EarlyStopping": partial(EarlyStoppingCallback, patience=9),
    "CSVLogger": CSVLogger,
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks(made, name):
    learn = made(cbs=CALLBACKS[name]())
    learn.fit_one_cycle(2)
    assert learn.recorder.values


METHODS = {
    "lr_find": lambda learn: learn.lr_find(num_it=8, show_plot=False),
    "fit": lambda learn: learn.fit(1),
    "fit_flat_cos": lambda learn: learn.fit_flat_cos(1),
    "fit_sgdr": lambda learn: learn.fit_sgdr(1, 1),
    "fine_tune": lambda learn: learn.fine_tune(1),
    "freeze": lambda learn: (learn.freeze(), learn.fit(1, slice(1e-4, 1e-3))),
    "to_fp16": lambda learn: learn.to_fp16().fit(1),
    "summary": lambda learn: learn.summary(),
    "show_results": lambda learn: learn.show_results(max_n=1),
    "plot_loss": lambda learn: (learn.fit(1), learn.recorder.plot_loss()),
    "get_preds": lambda learn: learn.get_preds(with_loss=True, with_input=True),
    "validate": lambda learn: learn.validate(),
    "interpretation": lambda learn: Interpretation.from_learner(learn).top_losses(1),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(made, name):
    learn = made()
    with learn.no_bar(), learn.no_logging(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        METHODS[name](learn)
        learn.fit(1)
    assert not [w for w in said if "shadowing" in str(w.message)]


def test_results_are_pairs_whatever_is_imported(made, dls, photos):
    plt.close("all")
    with (learn := made()).no_bar():
        learn.show_results(max_n=2)
    assert len(plt.gcf().axes) == 4
    plt.close("all")
    with learn.no_bar():
        learn.show_results(dl=dls.test_dl(get_image_files(photos)[:2]), max_n=2)
    assert len(plt.gcf().axes) == 2  # a batch is one photo


def test_losses_of_each_image(made):
    preds, targets, losses = made().get_preds(with_loss=True)
    assert preds.shape == targets.shape and losses.shape == (len(preds),)
    assert (losses > 0).all()


def test_whole_photos_of_a_test_loader(made, dls, photos):
    files = get_image_files(photos)[:2]
    preds, _ = made().get_preds(dl=dls.test_dl(files))
    assert preds.shape == (2, 3, 72, 96)


def test_a_data_block_of_pairs(photos, painting):
    dls = PAIRS.dataloaders(photos, bs=2, device="cpu")  # a string, as fastai allows
    learn = quietly(style_learner(dls, painting, arch="tiny"))
    assert learn.style_card.info["size"] == 32 and np.isfinite(learn.recorder.values[0]).all()


def test_a_data_block_that_cannot_teach(photos, painting):
    alone = DataBlock(blocks=(ImageBlock,), get_items=get_image_files, item_tfms=Resize(32))
    with pytest.raises(ValueError, match="the same photos as targets"):
        style_learner(alone.dataloaders(photos, bs=2), painting, arch="tiny")
    scaled = PAIRS.new(batch_tfms=Normalize.from_stats(*imagenet_stats))
    with pytest.raises(ValueError, match="Leave out Normalize"):
        style_learner(scaled.dataloaders(photos, bs=2), painting, arch="tiny")


def test_loaders_made_by_hand(painting):
    pairs = [(photo, photo) for photo in torch.rand(4, 3, 32, 32)]
    quietly(style_learner(DataLoaders(*[DataLoader(pairs, bs=2)] * 2), painting, arch="tiny"))
    with pytest.raises(ValueError, match="fastai's DataLoader"):
        style_learner(DataLoaders(torch.utils.data.DataLoader(pairs)), painting, arch="tiny")


def test_photos_as_a_list_with_more_transforms(photos, painting):
    given = {"item_tfms": FlipItem(1.0), "batch_tfms": [Brightness(0.2)]}
    files = get_image_files(photos)
    dls = StyleDataLoaders.from_folder(files, size=32, bs=2, device="cpu", **given)
    photo, target = dls.one_batch()
    assert torch.equal(photo, target)
    quietly(style_learner(dls, painting, arch="tiny", small=0))
    with pytest.raises(ValueError, match="crops are square"):
        StyleDataLoaders.from_folder(files, size=(32, 48), bs=2)


def test_our_parts_in_a_learner_of_fastais(dls, painting):
    loss = VggLoss(perceptual_backbone("lite"), to_tensor(read_picture(painting)), **LAYERS)
    learn = Learner(dls, TransformerNet(width=0.25), loss_func=loss, metrics=[mse])
    pair = dls.train_ds.items[:1] * 2
    cbs = [Checkpoint("ck", every=2), Preview(pair[:1], size=32), LossParts(), Keyframes([pair])]
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, cbs=cbs)
    assert np.isfinite(learn.recorder.values[0]).all() and learn.recorder.values[0][3] > 0
    assert load_style("ck/best.safetensors")[1]["arch"] == "tiny" and len(cbs[1].files()) == 3


def test_our_parts_without_fastai(dls, painting):
    loss = VggLoss(perceptual_backbone("lite"), to_tensor(read_picture(painting)), **LAYERS)
    net = TransformerNet(width=0.25)
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    photo = dls.one_batch()[0]
    errors = []
    for _ in range(8):
        opt.zero_grad()
        error = loss(net(photo), photo)
        error.backward()
        opt.step()
        errors.append(error.item())
    assert errors[-1] < errors[0]


def test_a_plain_learner_is_saved_exported_painted_with_and_loaded(dls, painting, tmp_path):
    loss = VggLoss(perceptual_backbone("lite"), to_tensor(read_picture(painting)), **LAYERS)
    learn = Learner(dls, TransformerNet(), loss_func=loss)
    quietly(learn)
    photo = Image.fromarray(np.full((40, 48, 3), 99, np.uint8))
    painted = np.asarray(Stylizer(learn, "cpu")(photo))
    file = save_style(learn, tmp_path / "own.safetensors")
    learn.export(tmp_path / "own.pkl")
    for source in (file, load_learner(tmp_path / "own.pkl")):
        assert np.abs(np.asarray(Stylizer(source, "cpu")(photo), int) - painted).max() <= 1
    paint = Stylizer(learn, "cpu")
    with torch.no_grad():
        next(learn.model.parameters()).add_(1)
    assert np.array_equal(np.asarray(paint(photo)), painted)  # it is a copy
    further = style_learner(dls, painting, arch="full", pretrained=learn)
    assert torch.equal(*(next(each.model.parameters()).cpu() for each in (learn, further)))
    for net, why in (
        (torch.nn.Linear(2, 2), "Linear is not a TransformerNet"),
        (TransformerNet(2, width=0.3), "has none of the sizes"),
    ):
        learn.model = net
        with pytest.raises(FaststyleError, match=why):
            save_style(learn, file)
    learn.model = TransformerNet(affine=False)
    assert Stylizer(save_style(learn, file), "cpu").info["arch"] == "full"


def test_a_compiled_network_is_saved_under_its_own_names(dls, painting, tmp_path):
    learn = style_learner(dls, painting, arch="tiny", pretrained=None)
    learn.model = torch.compile(learn.model, backend="eager")
    assert Stylizer(save_style(learn, tmp_path / "own.safetensors"), "cpu").styles


def test_normalize_is_refused_at_once(photos):
    with pytest.raises(ValueError, match="Leave out Normalize"):
        StyleDataLoaders.from_folder(
            photos, size=64, batch_tfms=Normalize.from_stats(*imagenet_stats)
        )
