"Training images repainted for other networks."

import pickle

import pytest
import torch
from fastai.vision.all import (
    CategoryBlock,
    DataBlock,
    ImageBlock,
    Normalize,
    RandomSplitter,
    Resize,
    get_image_files,
    imagenet_stats,
    parent_label,
)
from torchvision import tv_tensors
from torchvision.transforms import v2

from faststyle_fastai.all import StyleAugment, StyleAugmentV2


def loaders(photos, *tfms):
    block = DataBlock(
        (ImageBlock, CategoryBlock), get_items=get_image_files, get_y=parent_label,
        splitter=RandomSplitter(0.3, seed=1), item_tfms=Resize(48), batch_tfms=tfms,
    )  # fmt: skip
    return block.dataloaders(photos, bs=4, device="cpu", shuffle=False)


def test_fastai_s_batches_are_repainted_in_training_only(photos):
    norm = Normalize.from_stats(*imagenet_stats)
    plain, styled = loaders(photos, norm), loaders(photos, StyleAugment(p=1.0), norm)
    (x, y), (painted, labels) = (next(iter(dls.train)) for dls in (plain, styled))
    off = (painted - x).abs().mean((1, 2, 3))
    assert (off > 0.1).all() and y.tolist() == labels.tolist() and type(painted) is type(x)
    (x, _), (same, _) = (next(iter(dls.valid)) for dls in (plain, styled))
    assert torch.equal(x, same)


def test_workers_get_a_network_on_the_cpu(monkeypatch):
    moved, cpu = [], torch.nn.Module.cpu
    monkeypatch.setattr(torch.nn.Module, "cpu", lambda net: moved.append(net) or cpu(net))
    augment = StyleAugmentV2(p=1.0)
    moved.clear()
    pickle.dumps(augment)
    assert moved and augment.repaint.net not in moved  # a copy, not one's own


def test_a_share_is_repainted_and_each_in_another_style():
    x = torch.rand(1, 3, 32, 32).expand(40, 3, 32, 32)
    seen = StyleAugment(p=0.5, styles=["udnie", "the_scream"]).repaint(x)
    changed = (seen - x).abs().mean((1, 2, 3)) > 0
    assert 8 < changed.sum() < 32
    first, second = seen[changed][:2]
    assert (first - second).abs().mean() > 1e-3


def test_torchvision_s_boxes_and_masks_stay():
    image = tv_tensors.Image(torch.rand(3, 32, 40))
    box = tv_tensors.BoundingBoxes([[1, 2, 30, 20]], format="XYXY", canvas_size=(32, 40))
    mask = tv_tensors.Mask(torch.ones(32, 40))
    how = v2.Compose([StyleAugmentV2(p=1.0), v2.Identity()])
    painted, boxes, masks, label = how(image, box, mask, torch.tensor(3))
    assert type(painted) is tv_tensors.Image and painted.shape == image.shape
    assert (painted - image).abs().mean() > 0.05
    assert torch.equal(boxes, box) and torch.equal(masks, mask) and label == 3
    batch = torch.rand(2, 3, 32, 32)
    assert how(batch).shape == batch.shape and not torch.equal(how(batch), batch)


def test_gray_images_and_halves_are_repainted_and_integers_refused():
    repaint = StyleAugment(p=1.0).repaint
    gray = torch.rand(2, 1, 32, 32)
    assert repaint(gray).shape == gray.shape and (repaint(gray) - gray).abs().mean() > 0.05
    assert repaint(torch.rand(2, 3, 32, 32, dtype=torch.half)).dtype == torch.half
    with pytest.raises(ValueError, match="ToDtype"):
        repaint(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))


@pytest.mark.parametrize("how, said", [({"p": 2}, "p=2"), ({"styles": ["none"]}, "none")])
def test_wrong_settings(how, said):
    with pytest.raises(ValueError, match=said):
        StyleAugment(**how)
