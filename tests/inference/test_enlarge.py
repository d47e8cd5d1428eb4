import numpy as np
import pytest
import torch
from conftest import noise
from PIL import Image
from torch.nn import functional as F

from faststyle_fastai.all import PaintOptions, Stylizer, to_tensor
from faststyle_fastai.images.files import to_picture
from faststyle_fastai.images.shapes import short_shape
from faststyle_fastai.images.sizes import resize_short, resized
from faststyle_fastai.inference.finish import enlarged, enlarger
from faststyle_fastai.inference.options import painting_shape
from faststyle_fastai.inference.paint_tiles import reduced


def test_where_a_picture_is_painted():
    assert painting_shape((3000, 4000), "medium", None) == (640, 853)
    assert painting_shape((400, 500), "medium", None) == (400, 500)  # never enlarged
    assert painting_shape((3000, 4000), "finest", None) == (3000, 4000)
    assert painting_shape((3000, 4000), "broad", 512) == (512, 683)
    with pytest.raises(ValueError, match="Unknown stroke 'bold'. Choose one of finest, fine"):
        PaintOptions(stroke="bold")
    with pytest.raises(ValueError, match="Invalid size=4. Use a number of at least 8"):
        PaintOptions(size=4)


def scene(side=512):
    "A photo with edges that are lost at a quarter of its size."
    x = F.interpolate(noise(1, 3, 4, 4), (side, side), mode="nearest")
    x[..., 101:103, :] = x[..., :, 301:303] = 0
    return x


def test_edges_of_the_photo_come_back_and_strokes_stay():
    photo = scene()
    small = resized(photo, (128, 128)).clamp(0, 1)
    painted = (0.2 + 0.6 * small).flip(1)  # keeps edges, changes colors
    wanted = (0.2 + 0.6 * photo).flip(1)
    plain = resized(painted, photo.shape[-2:])
    sharp = enlarged(painted, small, photo)
    assert (sharp - wanted).abs().mean() < 0.7 * (plain - wanted).abs().mean()
    strokes = noise(1, 3, 128, 128)  # unrelated to the photo, so no detail is added
    off = enlarged(strokes, small, photo) - resized(strokes, photo.shape[-2:]).clamp(0, 1)
    assert off.abs().mean() < 0.01


def test_parts_are_the_whole():
    photo = scene(600)
    small = resized(photo, (150, 150)).clamp(0, 1)
    painted = 0.2 + 0.6 * small
    whole = enlarged(painted, small, photo)
    grow = enlarger(painted, small, to_picture(photo))
    for box in ((0, 0, 256, 256), (256, 200, 600, 600)):
        left, top, right, bottom = box
        off = (grow(box) - whole[..., top:bottom, left:right]).abs()
        assert off.mean() < 0.001 and off.max() < 0.01


def test_a_large_photo_looks_as_a_small_one_does():
    paint, small = Stylizer("slim:great_wave"), to_picture(scene(320))
    large = small.resize((1600, 1600), Image.Resampling.NEAREST)
    painted = [to_tensor(paint(picture, stroke="broadest")) for picture in (small, large)]
    fine = to_tensor(paint(large, stroke="fine"))
    there = [resized(x, (100, 100)) for x in (*painted, fine)]
    alike, unlike = ((there[0] - x).abs().mean() for x in there[1:])
    assert painted[1].shape[-2:] == (1600, 1600) and alike < 0.03 and unlike > alike
    assert torch.equal(to_tensor(paint(small, stroke="medium")), to_tensor(paint(small)))


@pytest.mark.parametrize("size", [(500, 333), (77, 640)])
def test_a_photo_is_reduced_in_parts_as_at_once(size):
    photo = scene(640).roll(20, 2)
    photo = to_picture(resized(photo, size[::-1]))
    shape = short_shape(photo.size[::-1], 61)
    assert (reduced(photo, shape) - resize_short(to_tensor(photo), 61)).abs().max() < 1e-4


def test_tiles_of_a_reduced_photo_are_the_whole():
    paint, photo = Stylizer("slim:udnie", "cpu", "float32"), to_picture(scene(700))
    pair = (paint(photo, stroke="broadest", tile=tile) for tile in (None, 128))
    whole, tiled = (np.asarray(picture, int) for picture in pair)
    assert np.abs(whole - tiled).max() <= 2
