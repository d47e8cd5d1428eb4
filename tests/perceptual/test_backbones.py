import pytest
import torch
from conftest import noise
from networks import vgg_state
from safetensors.torch import save_file

from faststyle_fastai.all import FaststyleError, perceptual_backbone


def test_names_and_aliases_are_the_same_layers():
    net, x = perceptual_backbone("lite"), noise(1, 3, 32, 32)
    assert net.layers[:3] == ["relu1_1", "relu1_2", "relu2_1"] and net.layers[-1] == "relu5_1"
    assert torch.equal(net(x, ["relu_4"])["relu2_2"], net(x, ["relu2_2"])["relu2_2"])
    few = perceptual_backbone("lite", layers=["relu1_1", "relu2_2", "relu3_1"])
    assert few.named(["relu_4"]) == ["relu2_2"]
    with pytest.raises(ValueError, match="no layer relu_2. Choose layers from relu1_1"):
        few.named(["relu_2"])


def test_shapes_halve_at_each_pooling():
    found = perceptual_backbone("lite")(noise(2, 3, 32, 48), ["relu1_2", "relu3_1"])
    assert found["relu1_2"].shape == (2, 24, 32, 48) and found["relu3_1"].shape == (2, 112, 8, 12)


def test_wrong_layer_lists_the_right_ones():
    with pytest.raises(ValueError, match="no layer relu9_9. .*relu3_4"):
        perceptual_backbone("lite", layers=["relu9_9"])
    with pytest.raises(ValueError, match="vgg16 has no layer"):  # before anything is downloaded
        perceptual_backbone("vgg16", layers=["relu3_4"])


def test_nothing_past_the_deepest_layer_exists_or_runs():
    net = perceptual_backbone("lite", layers=["relu2_1"])
    assert list(dict(net.net.named_children()))[-1] == "relu2_1"
    net = perceptual_backbone("lite")
    net.net.get_submodule("conv2_1").register_forward_hook(lambda *_: pytest.fail("it ran"))
    net(noise(1, 3, 16, 16), ["relu1_2"])


def test_frozen_and_in_eval_for_good():
    net = perceptual_backbone("lite").train()
    assert not net.training and not any(p.requires_grad for p in net.parameters())


def test_weights_file_whole_or_cut(tmp_path):
    save_file(vgg_state("vgg16", 4), tmp_path / "cut.safetensors")
    torch.save(vgg_state("vgg16", 7), tmp_path / "cut.pth")
    assert perceptual_backbone("vgg16", tmp_path / "cut.safetensors").layers[-1] == "relu2_2"
    assert perceptual_backbone("vgg16", tmp_path / "cut.pth").layers[-1] == "relu3_3"
    with pytest.raises(ValueError, match="no layer relu3_1. .*relu2_2"):
        perceptual_backbone("vgg16", tmp_path / "cut.safetensors", ["relu3_1"])


def test_weights_that_do_not_fit(tmp_path):
    state, file = vgg_state("vgg16", 4), tmp_path / "w.safetensors"
    del state["features.2.weight"]
    save_file(state, file)
    with pytest.raises(ValueError, match="lacks features.2"):
        perceptual_backbone("vgg16", file)
    state = vgg_state("vgg16", 4)
    del state["features.7.bias"]
    save_file(state, file)
    with pytest.raises(ValueError, match="lacks features.7.bias"):
        perceptual_backbone("vgg16", file)
    save_file(vgg_state("lite", 4), file)
    with pytest.raises(ValueError, match=r"features.0.weight is \[24, 3, 3, 3\], but vgg16 needs"):
        perceptual_backbone("vgg16", file)
    save_file({"other": torch.zeros(1)}, file)
    with pytest.raises(ValueError, match="has no features.0.weight"):
        perceptual_backbone("vgg16", file)
    file.write_bytes(b"not weights")
    with pytest.raises(ValueError, match="not a .safetensors or .pth weights file"):
        perceptual_backbone("vgg16", file)
    with pytest.raises(FileNotFoundError, match="Weights file not found"):
        perceptual_backbone("vgg16", tmp_path / "absent.pth")


def test_offline_names_the_three_ways_out(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(FaststyleError, match=r"weights=.*/checkpoints/vgg16.*\(lite\)"):
        perceptual_backbone("vgg16")


def test_unknown_backbone_and_tiny_picture():
    with pytest.raises(ValueError, match="Unknown backbone 'resnet'. Choose one of vgg16"):
        perceptual_backbone("resnet")
    with pytest.raises(ValueError, match="3x8 px is too small for relu3_4. It needs at least 4 px"):
        perceptual_backbone("lite")(noise(1, 3, 8, 3), ["relu3_4"])


def test_a_backbone_that_nobody_can_download_needs_its_file():
    with pytest.raises(FaststyleError, match="weights for vgg19_16x. Give a file"):
        perceptual_backbone("vgg19_16x")
