"Styles that are read from paintings which no network was trained on."

import shutil
from copy import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import fails, noise
from PIL import Image

from faststyle_fastai.all import (
    BUILTIN_STYLES,
    FaststyleError,
    Stylizer,
    export_onnx,
    nearest_styles,
    read_picture,
    save_picture,
    style_learner,
    style_thumbnail,
    to_tensor,
)
from faststyle_fastai.core.moments import moments
from faststyle_fastai.inference.first_sight import LAYERS, MARGIN
from faststyle_fastai.models.stylefile import write_style
from faststyle_fastai.perceptual.wasserstein import gaussian_root, w2_distances
from faststyle_fastai.training.recipes import recipe_plan


def test_a_painting_is_a_style(faststyle, painting, photo):
    said = faststyle("stylize", photo, "--style", painting, "-o", "out.png")
    assert said.stdout == "out.png\n" and Image.open("out.png").size == Image.open(photo).size
    assert f"faststyle train PHOTOS --style {painting} -o RUN" in said.stderr
    said = faststyle("stylize", photo, "--style", painting, "-o", "b.png", "--quiet")
    assert "faststyle train" not in said.stderr
    assert Image.open("out.png").tobytes() == Image.open("b.png").tobytes()


def test_a_painting_too_small_to_show_strokes_is_told(faststyle, photo):
    for side, told in ((120, 1), (130, 0)):
        Image.effect_noise((200, side), 90).save("sea.png")
        said = faststyle("stylize", photo, "--style", "sea.png", "-o", f"{side}.png", "--quiet")
        assert said.stderr.count("sea.png is 200x120 px, too small") == told


def test_the_picture_follows_the_painting(photo):
    red, blue = (Image.new("RGB", (80, 80), color) for color in ("#c03020", "#2040c0"))
    means = []
    for name, plain in {"red": red, "blue": blue}.items():
        grainy = Image.blend(plain, Image.effect_noise((80, 80), 90).convert("RGB"), 0.3)
        file = save_picture(grainy, f"{name}.png")
        means.append(to_tensor(Stylizer(file)(photo)).mean((0, 2, 3)))
    assert means[0][0] > means[1][0] + 0.1 and means[1][2] > means[0][2] + 0.1


def test_the_colors_approach_those_of_the_painting(photo):
    paint, target = (
        Stylizer(style_thumbnail("tahiti")),
        to_tensor(read_picture(style_thumbnail("tahiti"))),
    )

    def away(x):
        return w2_distances([moments(x)], [gaussian_root(moments(target))])[0].item()

    x = to_tensor(read_picture(photo))
    alone = copy(paint)
    alone.info = {**paint.info, "palettes": {}}
    near, before = paint.paint(x), alone.paint(x)
    assert away(near) < 0.5 * away(before)
    assert torch.allclose(paint.paint(x, strength=0), alone.paint(x, strength=0), atol=1e-4)
    assert paint.paint(torch.full((1, 3, 64, 64), 0.5)).isfinite().all()
    assert torch.allclose(paint.paint(torch.cat([x, 1 - x]))[:1], near, atol=0.01)


def test_a_saved_first_sight_has_its_colors(photo):
    pair = [style_thumbnail("tahiti"), style_thumbnail("udnie")]
    paint, mix = Stylizer(pair), {"tahiti": 0.4, "udnie": 0.6}
    kept = Stylizer(paint.save("kept.safetensors"))
    x = to_tensor(read_picture(photo))  # the network is for films: photos are decoded
    assert torch.equal(kept.paint(x, mix), paint.paint(x, mix))
    assert torch.equal(kept.painter("udnie").palette, Stylizer(pair[1]).painter().palette)
    wrong = {**paint.info, "palettes": {"tahiti": [[0]]}}
    write_style(paint.net.state_dict(), wrong, Path("wrong.safetensors"))
    with pytest.raises(ValueError, match="palettes is .*, not 4x4 numbers for each style"):
        Stylizer("wrong.safetensors")


def test_tiles_have_the_colors_of_the_whole(photo):
    paint, large = Stylizer(style_thumbnail("tahiti")), read_picture(photo).resize((320, 240))
    whole, tiled = (to_tensor(paint(large, tile=tile)) for tile in (None, 64))
    assert (whole - tiled).mean((2, 3)).abs().max() < 0.01
    assert (whole.std((2, 3)) / tiled.std((2, 3)) - 1).abs().max() < 0.03


def test_a_large_photo_is_decoded_in_parts_without_seams(monkeypatch):
    paint, x = Stylizer(style_thumbnail("tahiti"), "cpu", "float32"), noise(1, 3, 150, 200)
    x = torch.nn.functional.avg_pool2d(x, 9, 1)
    whole = paint(x, tensor=True)
    monkeypatch.setattr("faststyle_fastai.inference.sight_painter.TILE", 64)
    assert torch.allclose(paint(x, tensor=True), whole, atol=1e-3)


def test_a_lighter_network_for_any_painting(faststyle, painting, photo):
    said = faststyle("stylize", photo, "--style", painting, "--arch", "slim", "-o", "out.png")
    assert said.stdout == "out.png\n"
    paint = Stylizer(painting, arch="slim")
    assert paint.info["arch"] == "slim" and Stylizer(painting).info["arch"] == "full"
    assert paint(photo).tobytes() != Stylizer(painting)(photo).tobytes()
    x, kept = to_tensor(read_picture(photo)), paint.save("small.safetensors")
    assert torch.equal(paint.paint(x), Stylizer(kept).paint(x))
    refused = faststyle("stylize", photo, "--style", "udnie", "--arch", "slim", "-o", "b.png")
    fails(refused, 1, "udnie has its own network")
    fails(faststyle("stylize", photo, "--style", painting, "--arch", "huge", "-o", "b.png"), 2)


def test_a_painting_may_be_an_image(photo):
    image, how = Image.open(style_thumbnail("udnie")), {"device": "cpu", "arch": "slim"}
    wanted = np.asarray(Stylizer(style_thumbnail("udnie"), **how)(photo))
    for source in (image, np.asarray(image), to_tensor(image), {"painting": [image]}, [image]):
        paint = Stylizer(source, **how)
        assert paint.styles == ["painting"] and np.array_equal(paint(photo), wanted)
    mix = Stylizer([image, "tahiti"], **how)(photo, {"painting": 0.5, "tahiti": 0.5})
    assert not np.array_equal(mix, wanted)
    assert paint(photo, strokes=True).size == paint(photo).size  # as wide as the painting's


def test_paintings_and_built_in_styles_mix(faststyle, painting, photo):
    paint = Stylizer([painting, "great_wave"])
    assert paint.styles == [painting.stem, "great_wave"] and paint.named == painting.stem
    half = paint(photo, {painting: 0.5, "great_wave": 0.5}, tensor=True)
    alone = [paint(photo, style, tensor=True) for style in (0, "great_wave")]
    assert all((half - x).abs().mean() > 0.01 for x in alone)
    args = "stylize", photo, "--style", "great_wave", "--mix", f"{painting}=.5", "-o", "out.png"
    assert faststyle(*args).returncode == 0
    off = to_tensor(Image.open("out.png")) - half
    assert off.abs().mean() < 0.01  # of rounding to 8 bits, and of the thread count
    args = (
        "grid",
        photo,
        "--style",
        painting,
        "--style",
        "gallery:udnie",
        "-o",
        "grid.png",
    )
    assert faststyle(*args).stdout == "grid.png\n"


def test_what_cannot_be_mixed(trained, painting, tmp_path):
    from faststyle_fastai.all import save_style

    file = save_style(trained, tmp_path / "net.safetensors")
    for network in (file, f"{file}:waves"):
        with pytest.raises(FaststyleError, match="trained network, not an image"):
            Stylizer([painting, network])
    (tmp_path / "other").mkdir()
    twin = shutil.copy(painting, tmp_path / "other")
    assert Stylizer([painting, twin, "Great Wave"]).styles == ["waves", "great_wave"]  # one image
    save_picture(Image.open(painting).rotate(180), twin)
    with pytest.raises(FaststyleError, match="Two paintings are named waves"):
        Stylizer([painting, twin])


def test_the_statistics_are_those_of_the_training():
    plan = recipe_plan("fast", "style")
    assert LAYERS == list(plan.style_layers) and MARGIN == plan.style_margin


def test_strength_returns_to_the_photo(painting, photo):
    paint = Stylizer(painting)
    x = to_tensor(Image.open(photo))
    off = [(paint.paint(x, strength=s) - x).abs().mean() for s in (0, 0.5, 1)]
    assert off[0] < 0.05 and off[0] < off[1] < off[2]


NOISY = (noise(1, 3, 60, 80) * 255).byte()[0].permute(1, 2, 0).numpy()
ODD = {
    "one color": Image.new("RGB", (50, 40), "gray"),
    "three pixels": Image.fromarray(NOISY[:1, :3]),
    "transparent": Image.fromarray(np.dstack([NOISY, NOISY[..., :1]])),
    "sixteen bits": Image.fromarray(NOISY[..., 0].astype(np.uint16) * 256),
    "ink": Image.fromarray(NOISY).convert("CMYK"),
}


@pytest.mark.parametrize("name", ODD)
def test_any_image_is_a_painting(name, photo):
    ODD[name].save(f"{name}.tif")
    paint, x = Stylizer(f"{name}.tif"), to_tensor(Image.open(photo))
    assert paint.paint(x).isfinite().all() and paint(x, tensor=True).isfinite().all()


@pytest.mark.parametrize("tile", [None, 64])
def test_progress_only_grows(painting, photo, tile):
    paint, shares = Stylizer([painting, "udnie"], "cpu"), []
    how = {"mask": Image.linear_gradient("L").resize((96, 72)), "black": 1, "tile": tile}
    paint(photo, 0, size=66, **how, watch=shares.append)
    assert shares == sorted(shares) and shares[0] < 0.5 < shares[-1] == 1


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (33, 31), (129, 64)])
def test_photos_of_any_size(painting, size):
    x = noise(1, 3, *size)
    assert Stylizer(painting)(x, tensor=True).shape == x.shape


def test_what_is_no_painting(faststyle, photo):
    with open("text.jpg", "w") as file:
        file.write("not an image")
    fails(faststyle("stylize", photo, "--style", "text.jpg", "-o", "out.png"), 1, "text.jpg")
    for args in (("--style", "no.jpg"), ("--style", "udnie", "--mix", "no.webp=.3")):
        fails(faststyle("stylize", photo, *args, "-o", "out.png"), 1, "Image not found")
    Image.new("RGB", (2000, 4)).save("long.png")
    fails(faststyle("stylize", photo, "--style", "long.png", "-o", "out.png"), 1, "Crop it")


def test_a_style_at_first_sight_is_exported(faststyle, painting):
    pytest.importorskip("onnx")
    said = faststyle("export", painting, "-o", "waves.ONNX")
    assert said.returncode == 0
    Path("waves.ONNX").rename("waves.onnx")
    assert (paint := Stylizer("waves.onnx")).styles == [painting.stem]
    with pytest.raises(FaststyleError, match="An .onnx network cannot be refined"):
        paint.refined(painting, painting=painting)
    both = Stylizer([painting, style_thumbnail("udnie")], "cpu", "float32")
    assert (
        Stylizer(export_onnx(both, "both.onnx")).styles == both.styles == [painting.stem, "udnie"]
    )


def test_built_in_styles_by_likeness(faststyle):
    assert next(iter(nearest_styles(style_thumbnail("udnie")))) == "udnie"
    lines = faststyle("styles", "--like", style_thumbnail("great_wave")).stdout.splitlines()
    assert len(lines) == len(BUILTIN_STYLES) and "great_wave" in lines[0]
    alike = [float(line.split()[0]) for line in lines]
    assert alike == sorted(alike, reverse=True)


def test_training_starts_from_the_first_sight(dls, painting):
    learn = style_learner(dls, painting, small=0)
    x = dls.valid.one_batch()[0].as_subclass(torch.Tensor)
    before = Stylizer(painting, precision="float32").network([0])(x)
    assert torch.allclose(learn.model.eval()(x), before, atol=1e-3)


def test_each_painting_has_its_own_start_and_the_slim_network_starts_from_the_gallery(
    dls, painting
):
    paintings = [style_thumbnail("udnie"), painting]
    x = dls.valid.one_batch()[0].as_subclass(torch.Tensor)
    net = style_learner(dls, paintings, small=0).model.eval()
    for i, one in enumerate(paintings):
        alone = style_learner(dls, one, small=0).model.eval()
        assert torch.allclose(net(x, torch.tensor([i] * len(x))), alone(x), atol=1e-3)
    slim = style_learner(dls, painting, arch="slim", small=0)
    assert slim.style_card.info["arch"] == "slim"


def test_a_weaker_style_lies_between_the_photo_and_the_painting(photo, painting):
    paint = Stylizer(painting, "cpu")
    weak, half, full = (np.asarray(paint(photo, strength=s), int) for s in (0, 0.5, 1))
    assert (weak == np.asarray(read_picture(photo))).all() and np.abs(full - weak).mean() > 2
    assert np.abs(half - (weak + full) / 2).mean() < 2


def test_a_trained_style_is_painted_with_places_of_its_painting(faststyle, photo):
    paint = Stylizer("slim:the_scream", "cpu", "float32")
    painterly = paint(photo, painterly=True)
    sight = Stylizer(style_thumbnail("the_scream"), "cpu", "float32", arch="slim")
    assert painterly.tobytes() == sight(photo).tobytes() != paint(photo).tobytes()
    said = faststyle("stylize", photo, "--style", "the_scream", "--painterly", "-o", "p.png")
    assert said.returncode == 0


def test_likeness_goes_from_the_painting_to_the_photo(photo):
    paint = Stylizer(style_thumbnail("the_scream"), "cpu", "float32", arch="slim")
    near, middle, far = (paint(photo, likeness=share, tensor=True) for share in (0, 0.5, 1))
    assert torch.equal(far, paint(photo, tensor=True))
    assert (middle - far).abs().mean() < (near - far).abs().mean()
    with pytest.raises(FaststyleError, match="likeness= needs"):
        Stylizer("slim:the_scream", "cpu")(photo, likeness=0.5)
    with pytest.raises(ValueError, match="Invalid likeness='.5'"):
        paint(photo, likeness=".5")
