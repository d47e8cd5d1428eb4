import pytest
import torch
from conftest import noise

from faststyle_fastai.measures import tone


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
