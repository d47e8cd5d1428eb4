import numpy as np
import pytest
import torch
from conftest import SMALL
from PIL import Image
from safetensors.torch import load_file, save_file

from faststyle_fastai.all import (
    ASSETS,
    optimize_style,
    read_picture,
    read_tensor,
    save_picture,
    to_tensor,
)
from faststyle_fastai.optimization.initializers import INITS
from faststyle_fastai.optimization.pixel_recipes import optimization_plan, scales_between
from faststyle_fastai.optimization.pixels import PixelOptimizer
from faststyle_fastai.perceptual.style_losses import CONTENT_LOSSES, STYLE_LOSSES


def optimizer(photo, paintings, device="cpu", **overrides):
    plan = optimization_plan("crowson", **{**SMALL, **overrides})
    return PixelOptimizer(photo, paintings, None, plan, device=device)


def test_scales_are_root_two_apart():
    assert scales_between(128, 512) == [128, 181, 256, 362, 512]
    assert scales_between(128, 128) == [128]


def test_pixels_in_the_dark_do_not_stick_there(photo, painting, tmp_path):
    dark = read_tensor(photo)
    dark[..., dark.shape[3] // 2 :] = 0  # where the first step leaves [0, 1]
    save_picture(dark, tmp_path / "dark.png")
    plan = {"optimizer": "wolfe", "end_scale": 32, "initial_iterations": 30}
    work = optimizer(tmp_path / "dark.png", painting, **plan)
    list(work)
    right = work.picture()[..., work.picture().shape[3] // 2 :]
    assert (right == 0).float().mean() < 0.02 and right.amin() >= 0 and right.amax() <= 1


def test_an_end_below_the_recipes_beginning_is_the_only_size():
    plan = optimization_plan("gatys", end_scale=256)
    assert scales_between(plan.min_scale, plan.end_scale) == [256]
    with pytest.raises(ValueError, match="end_scale=96 is below min_scale=128"):
        optimization_plan("crowson", min_scale=128, end_scale=96)


@pytest.mark.parametrize("recipe", ["neighbors", "crowson", "gatys"])
@pytest.mark.parametrize("kind", ["adam", "lbfgs", "wolfe"])
def test_it_gets_better(photo, painting, recipe, kind):
    seen = []
    changed = {**SMALL, "end_scale": 32, "initial_iterations": 8}
    picture = optimize_style(
        photo,
        painting,
        recipe=recipe,
        optimizer=kind,
        callback=lambda i, _: seen.append(i),
        **changed,
    )
    assert picture.size == (32, 24) and [it.i for it in seen] == [*range(1, 9)]
    assert min(it.loss for it in seen) < 0.95 * seen[0].loss
    assert all(sum(it.parts.values()) == pytest.approx(it.loss, rel=1e-4) for it in seen)


def test_sizes_grow_and_so_does_the_picture(photo, painting):
    work = optimizer(photo, painting)
    seen = [((it.width, it.height, it.i_max), work.done()) for it in work]
    sizes, done = zip(*seen)
    assert list(sizes) == [(33, 25, 4)] * 4 + [(46, 34, 3)] * 3
    small, large = 33 * 25, 46 * 34  # an iteration takes time in proportion to its pixels
    whole = 4 * small + 3 * large
    assert done[:2] == pytest.approx([small / whole, 2 * small / whole])
    assert done[-2:] == pytest.approx([1 - large / whole, 1])


@pytest.mark.parametrize("kind", ["adam", "lbfgs", "wolfe"])
def test_going_on_is_the_same_to_the_bit(photo, painting, tmp_path, kind):
    whole = optimizer(photo, painting, optimizer=kind)
    for _ in whole:
        pass
    for stop in (2, 4, 6):
        part = optimizer(photo, painting, optimizer=kind)
        for count, _ in enumerate(part, 1):
            if count == stop:
                break
        torch.save(part.state_dict(), tmp_path / "state")
        rest = optimizer(photo, painting, optimizer=kind)
        rest.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
        assert len(list(rest)) == 7 - stop
        assert torch.equal(rest.picture(), whole.picture())


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["max", "average", "l2"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_any_painting_under_any_pooling(photo, pooling, precision):
    noise = np.random.default_rng(0).integers(0, 255, (300, 200, 3), np.uint8)
    flat, dark, small = (
        Image.new("RGB", s, c)
        for s, c in (((64, 48), "red"), ((64, 48), "black"), ((16, 16), "gray"))
    )
    for painting in (flat, dark, small, Image.fromarray(noise)):
        for content in (photo, flat, dark):
            changed = {**SMALL, "initial_iterations": 2, "iterations": 1, "pooling": pooling}
            plan = optimization_plan("crowson", **changed)
            work = PixelOptimizer(content, painting, None, plan, device="cpu", precision=precision)
            assert [np.isfinite(iterate.loss) for iterate in work] == [True] * 3


def test_what_is_too_small_is_said(photo, painting):
    thin, dot = Image.new("RGB", (1, 90)), Image.new("RGB", (3, 3))
    with pytest.raises(ValueError, match="1x33 px is too small for relu5_1.*Raise min_scale"):
        optimizer(thin, painting)
    for tiny, size in ((dot, "3x3"), (thin, "1x90")):
        with pytest.raises(ValueError, match=f"A painting of {size} px is too small for relu5_1"):
            optimizer(photo, tiny)


def test_errors_over_their_own_size(photo, painting):
    "crowsonkb's first release: squares over absolute values, Gram matrices over H * W."
    x, other = torch.rand(1, 6, 5, 4), torch.rand(1, 6, 7, 3)
    style = STYLE_LOSSES["gram_scaled"]
    target = style.target(style.statistics(other))
    ours = style.distances([style.statistics(x)], [target])[0].item()
    grams = [f.flatten(2)[0] @ f.flatten(2)[0].T / f[0, 0].numel() for f in (x, other)]
    difference = grams[0] - grams[1]
    assert ours == pytest.approx((difference.square().sum() / difference.abs().sum()).item(), 1e-4)
    free = torch.rand(1, 6, 5, 4, requires_grad=True)
    CONTENT_LOSSES["scaled"](free, x).sum().backward()
    assert 0.5 < free.grad.abs().sum() < 2  # about 1
    picture = optimize_style(photo, painting, recipe="crowson_2021", device="cpu", **SMALL)
    assert picture.size == (46, 34)


def test_gatys_steps_by_adam_as_torch_has_it(photo, painting):
    plan = optimization_plan("gatys", end_scale=32, backbone="lite")
    work = PixelOptimizer(photo, painting, None, plan, device="cpu")
    next(iter(work))
    assert work.opt.defaults["betas"] == (0.9, 0.999) and plan.style_weight == 1e3


def test_style_ratio_and_layers(photo, painting):
    changed = {**SMALL, "recipe": "crowson", "end_scale": 32, "initial_iterations": 1}

    def style(**more):
        found = []
        optimize_style(
            photo,
            painting,
            device="cpu",
            callback=lambda it, _: found.append(it.parts),
            **changed,
            **more,
        )
        return found[0]["style"]

    assert style(style_weight=3.0) == pytest.approx(3 * style(), rel=1e-4)
    one = style(style_layers={"relu1_1": None})
    assert one != style() and style(style_layers={"relu1_1": 1e-9}) < 1e-3 * one


def test_a_mask_divides_the_picture(photo, tmp_path):
    for color in ("red", "blue"):
        Image.new("RGB", (40, 40), color).save(tmp_path / f"{color}.png")
    left = Image.new("L", (96, 72))
    left.paste(255, (0, 0, 48, 72))
    paintings = tmp_path / "red.png", tmp_path / "blue.png"
    painted = optimize_style(
        photo, list(paintings), mask=left, **{**SMALL, "initial_iterations": 40, "iterations": 1}
    )
    x = to_tensor(painted)
    redness = x[0, 0] - x[0, 2]
    assert redness[:, :20].mean() > redness[:, -20:].mean() + 0.2


@pytest.mark.parametrize("init", list(INITS))
def test_inits_are_seeded_pictures(photo, painting, init):
    first, second = (optimizer(photo, painting, init=init).picture() for _ in range(2))
    assert torch.equal(first, second) and first.min() >= 0 and first.max() <= 1


def test_a_painting_of_one_color_has_noise_of_it(photo):
    red = Image.new("RGB", (64, 64), (200, 0, 0))
    mean = optimizer(photo, red, init="style_stats").picture().mean((0, 2, 3))
    assert abs(mean - torch.tensor([200 / 255, 0, 0])).max() < 0.01


def test_a_painting_may_be_an_array(photo, painting):
    array = np.asarray(read_picture(painting))
    assert optimizer(photo, array).paintings.works[0].size == read_picture(painting).size


def test_an_image_to_begin_with(photo, painting):
    plan = optimization_plan("crowson", **SMALL)
    start = PixelOptimizer(photo, painting, None, plan, device="cpu", start=painting).picture()
    assert (start - optimizer(photo, painting).picture()).abs().mean() > 0.05


def test_layers_that_are_not_there_are_said(photo, painting, tmp_path):
    state, cut = load_file(ASSETS / "lite.safetensors"), tmp_path / "to_relu3_4.safetensors"
    save_file({k: v for k, v in state.items() if int(k.split(".")[1]) < 18}, cut)
    plan = optimization_plan("crowson", **SMALL)
    with pytest.warns(UserWarning, match="relu4_1 is relu3_4 at 0.5 of the size.*relu5_1 .* 0.25"):
        work = PixelOptimizer(photo, painting, None, plan, weights=cut, device="cpu")
    assert work.objective.layers["relu5_1"] == ("relu3_4", 0.25)
    assert work.objective.layers["relu3_1"] == ("relu3_1", 1.0)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"init": "blue"}, "Unknown init 'blue'. Choose one of content, gray"),
        ({"optimizer": "sgd"}, "Unknown optimizer 'sgd'. Choose one of adam, lbfgs, wolfe"),
        ({"pooling": "min"}, "Unknown pooling 'min'. Choose one of max, average"),
        ({"style_loss": "l1"}, "Unknown style loss 'l1'. Choose one of w2, w2_relative, gram"),
        ({"min_scale": 16, "end_scale": 16}, "too small for relu5_1: .* needs 16 px"),
        ({"pace": 1}, "Unknown setting pace"),
        ({"rematch": 0}, "rematch"),
        ({"content_layers": {"relu2_9": 1.0}}, "has no layer relu2_9. Choose layers from relu1_1"),
    ],
)
def test_bad_settings_say_what_there_is(photo, painting, given, said):
    with pytest.raises(ValueError, match=said):
        optimizer(photo, painting, **given)


def test_two_devices_share_the_backbone(photo, painting):
    one, two = (optimizer(photo, painting, device=device) for device in ("cpu", "cpu,cpu"))
    losses = [[it.loss for it in work] for work in (one, two)]
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match="Give one device, or two of the same kind"):
        optimizer(photo, painting, device="cpu,meta")


def test_a_weight_for_each_painting(photo, painting):
    with pytest.raises(ValueError, match="2 style weights for 1 painting:"):
        optimize_style(photo, painting, [1, 2], **SMALL)
    with pytest.raises(ValueError, match="one each, from 0"):
        optimize_style(photo, [painting, photo], [2, -1], **SMALL)
    with pytest.raises(ValueError, match="A mask needs a second painting"):
        optimize_style(photo, [painting, photo], [1, 0], mask=Image.new("L", (8, 8)), **SMALL)


def test_style_at_several_scales(photo, painting):
    losses = []
    for scales in ((1,), (0.5,), (1, 0.5)):
        plan = optimization_plan(
            "crowson", backbone="lite", end_scale=64, min_scale=64, scales=scales
        )
        work = PixelOptimizer(photo, painting, None, plan, device="cpu", precision="float32")
        losses.append(next(iter(work)).parts["style"])
    assert losses[0] != losses[1] and losses[2] == pytest.approx(sum(losses[:2]) / 2, rel=1e-4)
