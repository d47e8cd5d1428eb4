"Which place of a painting each place of a photo takes."

import torch
from torch.nn import functional as F

from faststyle_fastai.perceptual.coherence import NOWHERE, SQUARE, coherent


def places(*shape, seed=0):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return F.normalize(x, dim=1)


def test_a_painting_takes_its_own_places():
    x = places(1, 32, 12, 9)
    assert torch.equal(coherent(x, x)[0], torch.arange(12 * 9).view(12, 9))


def test_a_part_of_a_painting_is_found_whole():
    x = places(2, 32, 16, 16)
    part = F.normalize(x[:, :, 4:12, 4:12] + 0.3 * places(2, 32, 8, 8, seed=1), dim=1)
    wanted = torch.arange(16 * 16).view(16, 16)[4:12, 4:12]
    assert (coherent(part, x) == wanted).float().mean() > 0.95


def test_a_flat_photo_takes_strokes_and_not_one_place():
    flat = places(1, 32, 1, 1)
    painting = F.normalize(flat + 0.03 * places(1, 32, 16, 16, seed=1), dim=1)
    found = coherent(flat.expand(1, 32, 16, 16), painting)[0]
    goes_on = (found[:, 1:] - found[:, :-1] == 1).float().mean()
    assert len(found.unique()) > SQUARE**2 - 1 and goes_on > 0.5


def test_styles_share_the_photo_and_nothing_is_taken_from_nowhere():
    x, y = places(1, 32, 32, 32), places(1, 32, 9, 8, seed=1)
    styles = torch.tensor([0] * 4 + [NOWHERE] + [1] * 4)[:, None].expand(9, 8)
    taken = styles.flatten()[coherent(x, y, styles, [0.25, 0.75])]
    assert (taken != NOWHERE).all() and (taken == 0).float().mean() == 0.25


def test_large_photos_in_parts(monkeypatch):
    x, y = places(1, 32, 24, 24), places(1, 32, 16, 16, seed=1)
    whole = coherent(x, y)
    monkeypatch.setattr("faststyle_fastai.perceptual.coherence.CHUNK", 64)
    assert torch.equal(coherent(x, y), whole)
