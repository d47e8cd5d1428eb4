import pickle

import numpy as np
import pytest
import torch
from conftest import noise
from PIL import Image

from faststyle_fastai.all import (
    FaststyleError,
    Stylizer,
    TransformerNet,
    read_picture,
    read_tensor,
    save_style,
    style_grid,
    style_learner,
    to_tensor,
)
from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.models.normalization import is_affine
from faststyle_fastai.models.stylefile import write_style


@pytest.fixture
def paint(trained, tmp_path):
    return Stylizer(save_style(trained, tmp_path / "waves.safetensors"))


def test_a_picture_comes_back_in_its_size(paint, photos):
    file = photos / "china" / "0.jpg"
    for picture in (file, str(file), read_picture(file), np.asarray(read_picture(file))):
        result = paint(picture)
        assert result.size == (96, 72) and result.mode == "RGB"
    assert paint(file, size=24).size == (96, 72)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (20_000, 10), (10, 2000)])
def test_odd_sizes(paint, size):
    assert paint(Image.new("RGB", size, "orange")).size == size


def test_strength_slides_the_weights_to_the_base(paint, trained, photos):
    x = read_tensor(photos / "china" / "0.jpg")
    alone = Stylizer(trained, precision="float32")
    alone.info = {**alone.info, "palettes": {}}
    assert torch.equal(alone.paint(x), trained.model.eval()(x).clamp(0, 1))
    steps = [paint.paint(x, strength=s) for s in (0, 0.5, 1)]
    distance = [(steps[0] - step).abs().mean().item() for step in steps]
    assert 0 == distance[0] < distance[1] < distance[2]
    with pytest.raises(ValueError, match="strength=2"):
        paint.paint(x, strength=2)


def test_a_redrawn_photo_keeps_its_exposure(paint, photos):
    x = to_tensor(read_picture(photos / "china" / "0.jpg"))
    autoencoder = Stylizer(ASSETS / "autoencoder.safetensors").paint(x)
    for redrawn in (autoencoder, paint.paint(x, strength=0)):
        for moment in (torch.mean, torch.std):
            assert torch.allclose(moment(redrawn, (2, 3)), moment(x, (2, 3)), atol=0.02)
    painted = paint.paint(x)
    assert not torch.allclose(painted.mean((2, 3)), x.mean((2, 3)), atol=0.02)


def test_without_a_base_strength_is_one(dls, painting):
    paint = Stylizer(style_learner(dls, painting, pretrained=None))
    assert paint(Image.new("RGB", (16, 16))).size == (16, 16)
    with pytest.raises(FaststyleError, match="has no base"):
        paint(Image.new("RGB", (16, 16)), strength=0.5)


def test_a_learner_its_pickle_and_its_file_paint_alike(trained, paint, tmp_path):
    trained.export(tmp_path / "waves.pkl")
    x = noise(1, 3, 16, 16)
    assert torch.equal(Stylizer(trained).paint(x), paint.paint(x))
    assert torch.equal(
        Stylizer(tmp_path / "waves.pkl").paint(x, strength=0.3), paint.paint(x, strength=0.3)
    )


def test_keep_colors(paint):
    blue = Image.new("RGB", (32, 32), (90, 110, 150))
    kept = np.asarray(paint(blue, keep_colors=True).convert("YCbCr")).reshape(-1, 3)
    want = np.asarray(blue.convert("YCbCr"))[0, 0]
    assert np.abs(kept[:, 1:].astype(int).mean(0) - want[1:]).max() < 12


@pytest.fixture
def two(tmp_path):
    "A network of two styles that differ only in their rows."
    state = TransformerNet(2, width=0.5).state_dict()
    for name in filter(is_affine, state):
        state[name][1] += 0.5 * torch.randn_like(state[name][1])
    info = {"arch": "slim", "styles": ["a", "b"], "size": 32, "recipe": "fast", "base": ""}
    write_style(state, info, tmp_path / "two.safetensors")
    return Stylizer(tmp_path / "two.safetensors", precision="float32")


def test_mixes_of_styles(two):
    x = noise(1, 3, 32, 32)
    a, b = two.paint(x, "a"), two.paint(x, "b")
    assert torch.equal(two.paint(x, {"a": 1.0}), a) and torch.equal(two.paint(x, [0, 1]), b)
    steps = [two.paint(x, {"a": 1 - t, "b": t}) for t in (0, 0.5, 1)]
    far = (a - b).abs().mean()
    assert 0 < (steps[1] - a).abs().mean() < far and 0 < (steps[1] - b).abs().mean() < far
    with pytest.warns(UserWarning, match="sum to 1.2, not 1"):
        two.paint(x, {"a": 1.2})
    with pytest.raises(ValueError, match="Unknown style 'c'. Available styles: a, b"):
        two.paint(x, {"a": 0.5, "c": 0.5})
    with pytest.raises(ValueError, match="Invalid weight -1 of style b"):
        two.paint(x, {"a": 2, "b": -1})
    for mix in ({"a": 0, "b": 0}, {"a": 2}):
        with pytest.raises(ValueError, match="above 0 and at most 1.5"):
            two.paint(x, mix)
    with pytest.raises(ValueError, match="3 weights for 2 styles"):
        two.paint(x, [1, 0, 0])


def test_masks(two):
    photo = Image.effect_noise((320, 32), 90).convert("RGB")
    mask = Image.new("L", photo.size)
    mask.paste(255, (0, 0, 160, 32))
    painted, half = np.asarray(two(photo, "a")), np.asarray(two(photo, "a", mask=mask))
    assert (half[:, :160] == painted[:, :160]).all()
    assert (half[:, 160:] == np.asarray(photo)[:, 160:]).all()
    x = torch.from_numpy(np.array(mask))  # also as a tensor of numbers, shares, or yes and no
    yes = x[None, None] > 0
    for same in (x, x[None] / 255, yes, yes.long(), (x / 255).expand(1, 3, -1, -1)):
        assert (np.asarray(two(photo, "a", mask=same)) == half).all()
    with pytest.raises(ValueError, match="This one has 4 channels"):
        two(photo, mask=x.expand(4, -1, -1))
    gray = two(photo, "a", mask=Image.new("L", photo.size, 128))
    between = (painted.astype(int) + np.asarray(photo)) / 2
    assert np.abs(np.asarray(gray) - between).max() < 3
    with pytest.warns(UserWarning, match="The mask is 32x16 px but the photo 320x32"):
        two(photo, mask=mask.resize((32, 16)))
    with pytest.raises(ValueError, match="A mask must be a gray image. This one has 2 channels"):
        two(photo, mask=mask.convert("LA"))
    with pytest.raises(ValueError, match="needs a mask"):
        two(photo, "a", black="b")


def test_a_mask_between_two_styles(two):
    photo = Image.effect_noise((320, 32), 90).convert("RGB")
    a, b = (np.asarray(two(photo, style)).astype(int) for style in "ab")
    mask = Image.new("L", photo.size, 255)
    mask.paste(0, (160, 0, 320, 32))
    mask.paste(51, (140, 0, 160, 32))
    pair = np.asarray(two(photo, "a", mask=mask, black="b")).astype(int)
    assert (pair[:, :140] == a[:, :140]).all() and (pair[:, 160:] == b[:, 160:]).all()
    assert np.abs(pair - (0.2 * a + 0.8 * b))[:, 140:160].max() <= 1
    assert two(photo, "a", size=16, mask=mask, black="b").size == photo.size


def test_style_grid(two):
    photo = Image.effect_noise((40, 30), 90).convert("RGB")

    def cell(page, column, row):
        return page.crop((48 * column, 38 * row, 48 * column + 40, 38 * row + 30)).tobytes()

    a, b = (two(photo, style).tobytes() for style in "ab")
    row = style_grid(two, photo, ["a", "b"], n=3)
    assert row.size == (3 * 40 + 16, 30)
    assert [cell(row, i, 0) for i in (0, 2)] == [a, b] and cell(row, 1, 0) not in (a, b)
    square = style_grid(two, photo, ["a", "b", "b", "a"], n=2)
    assert [cell(square, x, y) for y in (0, 1) for x in (0, 1)] == [a, b, b, a]
    with pytest.raises(ValueError, match="Give two or four styles"):
        style_grid(two, photo, ["a"])


def test_styles_by_name(paint):
    picture = Image.new("RGB", (16, 16))
    assert paint(picture, style="waves").tobytes() == paint(picture, style=0).tobytes()
    with pytest.raises(ValueError, match="Unknown style 'sea'. Available styles: waves"):
        paint(picture, style="sea")
    with pytest.raises(ValueError, match="No style 1"):
        paint(picture, style=1)


@pytest.mark.slow
@pytest.mark.parametrize("size, at_once", [((130, 75), True), ((96, 200), False)])
def test_tiles_are_the_whole_picture(two, size, at_once, monkeypatch):
    monkeypatch.setattr("faststyle_fastai.inference.paint_tiles.fits_at_once", lambda *_: at_once)
    photo = Image.effect_noise(size, 90).convert("RGB")
    mask = Image.linear_gradient("L").resize(size)
    for options in (
        {"style": {"a": 0.5, "b": 0.5}},
        {"mask": mask, "black": "b", "keep_colors": True},
        {"mask": mask},
    ):
        whole, tiled = (
            np.asarray(two(photo, tile=tile, exact=True, **options)).astype(int)
            for tile in (None, 64)
        )
        assert np.abs(whole - tiled).max() <= 1


def test_a_photo_that_was_taken_sideways_is_painted_upright_in_tiles(two):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.effect_noise((300, 180), 90).convert("RGB").save("a.png", exif=exif)
    whole, tiled = (np.asarray(two("a.png", tile=tile, exact=True)) for tile in (None, 64))
    assert whole.shape == (300, 180, 3)
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_it_is_pickled(photo):
    paint = Stylizer("tiny:great_wave", "cpu")
    again = pickle.loads(pickle.dumps(paint))
    assert again(photo).tobytes() == paint(photo).tobytes()
