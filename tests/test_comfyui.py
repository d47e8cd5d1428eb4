"The node of ComfyUI."

from pathlib import Path
from runpy import run_path

import torch
from conftest import noise

from faststyle_fastai.all import BUILTIN_STYLES, Stylizer, save_picture, to_picture

FILE = Path(__file__).parents[1] / "bridges" / "comfyui" / "faststyle.py"


def faststyle_node():
    return run_path(str(FILE))["NODE_CLASS_MAPPINGS"]["Faststyle"]


def test_comfyui_paints():
    node, photos = faststyle_node(), noise(2, 40, 56, 3)
    assert node.INPUT_TYPES()["required"]["style"] == ([*BUILTIN_STYLES],)
    paint = getattr(node(), node.FUNCTION)
    with torch.inference_mode():  # as there
        (painted,) = paint(photos, "udnie", 0.5, file="tiny:great_wave")
        (at_sight,) = paint(photos[:1], "udnie", 1.0, noise(1, 160, 200, 3))
    assert painted.shape == photos.shape and 0 <= painted.min() < painted.max() <= 1
    save_picture(to_picture(noise(1, 160, 200, 3).movedim(-1, 1)), "noise.png")
    for found, style, strength in ((painted, "tiny:great_wave", 0.5), (at_sight, "noise.png", 1.0)):
        photo = photos[:1].movedim(-1, 1)
        expected = Stylizer(style)(photo, strength=strength, tensor=True).movedim(1, -1)
        assert torch.allclose(found[:1], expected, atol=1e-4)


def test_comfyui_paints_again_with_a_file_that_was_trained_again(tmp_path):
    node = faststyle_node()
    file, photo, painted = tmp_path / "style.safetensors", noise(1, 40, 56, 3), []
    for style in ("tiny", "slim"):
        Stylizer(style).save(file)
        painted += node().paint(photo, "udnie", 1.0, file=str(file))
    assert (painted[0] - painted[1]).abs().mean() > 0.05
    assert node.IS_CHANGED(file=str(file)) != node.IS_CHANGED(file=str(file))  # nothing is kept
    assert node.IS_CHANGED() == node.IS_CHANGED(style="udnie")
