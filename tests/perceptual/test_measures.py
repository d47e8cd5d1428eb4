import math

import pytest
import torch
from conftest import noise
from torch.nn import functional as F

from faststyle_fastai.all import perceptual_backbone
from faststyle_fastai.perceptual.measures import grid, mottling, patches, structure, tone


def gradient(height=128, width=160):
    return torch.linspace(0.1, 0.9, width).expand(1, 3, height, width).clone()


def test_tone_is_the_order_of_light_and_dark():
    photo = gradient()
    assert tone(photo, photo).item() == pytest.approx(1, abs=1e-5)
    assert tone(photo**3, photo).item() == pytest.approx(1, abs=1e-5)  # darker, in the same order
    assert tone(1 - photo, photo).item() == pytest.approx(-1, abs=1e-5)
    assert abs(tone(noise(1, 3, 128, 160), photo).item()) < 0.4
    textured = (photo + 0.3 * (noise(1, 3, 128, 160) - 0.5)).clamp(0, 1)
    assert tone(textured, photo) > 0.95  # strokes do not count
    two = torch.cat([photo, 1 - photo])
    assert tone(two, photo.expand(2, -1, -1, -1)).tolist() == pytest.approx([1, -1], abs=1e-5)


def test_structure_is_where_things_are_not_how_strong():
    lite, photo = perceptual_backbone("lite"), F.interpolate(noise(1, 3, 16, 16), scale_factor=8)
    pale, elsewhere = 0.5 + 0.5 * (photo - 0.5), photo.roll(64, 3)
    assert structure(photo, photo, lite).item() == pytest.approx(1, abs=1e-5)
    assert structure(pale, photo, lite) > 0.9
    assert abs(structure(elsewhere, photo, lite).item()) < 0.3


def test_mottling_is_texture_where_neither_photo_nor_painting_has_any():
    photo, painting = gradient(), gradient()
    painting[..., 60:] = 0.5  # quiet
    photo[..., :80] = 0.5  # flat
    flat_only = photo.clone()
    flat_only[..., :80] += 0.2 * noise(1, 3, 128, 80)
    elsewhere = photo.clone()
    elsewhere[..., 80:] += 0.2 * noise(1, 3, 128, 80)
    assert mottling(photo, photo, painting) == mottling(elsewhere, photo, painting) == 0
    assert mottling(flat_only, photo, painting) > 0.01
    assert mottling(flat_only, photo, noise(1, 3, 128, 128)) == 0  # a painting that is rough too
    assert math.isnan(mottling(photo, noise(1, 3, 128, 160), painting))


def test_patches_are_edges_that_the_photo_does_not_have():
    photo = gradient()
    photo[:, :, 40:80, 40:80] = 0.9  # an object
    assert patches(photo, photo) == 0
    recolored = photo.clone()
    recolored[:, 0, 40:80, 40:80] = 0.5  # within the object's edges
    patchy = photo.clone()
    patchy[:, 0, 96:120, 96:144] += 0.3
    textured = (photo + 0.1 * (noise(1, 3, 128, 160) - 0.5)).clamp(0, 1)
    assert patches(patchy, photo) > 10 * patches(recolored, photo)
    assert patches(textured, photo) < patches(patchy, photo)  # strokes are smaller than patches


def test_a_grid_is_seen_and_strokes_and_edges_are_not():
    strokes = F.interpolate(noise(1, 3, 24, 30), (192, 240), mode="bicubic").clamp(0, 1)
    edges = strokes.clone()
    edges[..., 60:64] = edges[:, :, 90:94] = 0
    dots = strokes.clone()
    dots[..., ::6, ::6] += 0.15
    assert grid(dots) > 3 * max(grid(strokes), grid(edges))
    assert math.isnan(grid(strokes[..., :60]))
