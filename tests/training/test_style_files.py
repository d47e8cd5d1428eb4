import pytest
import torch
from conftest import noise

from faststyle_fastai.all import (
    FaststyleError,
    StyleDataLoaders,
    Stylizer,
    autoencoder_learner,
    load_style,
    save_style,
    style_learner,
)
from faststyle_fastai.models.stylefile import write_style


@pytest.fixture(scope="module")
def untrained(photos, painting):
    dls = StyleDataLoaders.from_folder(photos, size=32, bs=2, device="cpu")
    return style_learner(dls, painting, arch="tiny", small=0)


def test_a_style_file_knows_itself(trained, tmp_path):
    path = save_style(trained, tmp_path / "waves.safetensors")
    net, info, base = load_style(path)
    assert info["styles"] == ["waves"] and info["arch"] == "tiny" and info["recipe"] == "fast"
    assert info["base"].startswith("autoencoder:") and base is not None
    for name, value in trained.model.state_dict().items():
        assert torch.equal(net.state_dict()[name], value)


def test_an_autoencoder_goes_on_from_another_and_carries_nothing(dls, tmp_path):
    file = save_style(autoencoder_learner(dls, arch="tiny"), tmp_path / "ae.safetensors")
    weights = load_style(file)[0].state_dict()
    for start in (file, "autoencoder"):
        more = autoencoder_learner(dls, pretrained=start, arch="tiny")
        same = all(torch.equal(v, weights[k]) for k, v in more.model.state_dict().items())
        assert same == (start == file)
        _, info, base = load_style(save_style(more, tmp_path / "more.safetensors"))
        assert info["base"] == "" and base is None


def test_an_autoencoder_of_one_s_own_is_carried_along(dls, painting, tmp_path):
    ae = autoencoder_learner(dls, arch="tiny")
    ours = {k: v.clone() for k, v in ae.model.state_dict().items()}
    file = save_style(ae, tmp_path / "ae.safetensors")
    learners = [style_learner(dls, painting, pretrained=start, arch="tiny") for start in (ae, file)]
    with torch.no_grad():
        ae.model.in1.bias += 1  # the base is a copy, independent of its learner
    for learn in learners:
        _, info, base = load_style(save_style(learn, tmp_path / "style.safetensors"))
        assert info["base"] == "carried" and info["size"] == 32
        assert all(torch.allclose(base[k], ours[k], atol=1e-3) for k in base)


def test_a_style_that_starts_from_another_goes_back_to_the_same_photo(trained, dls, painting):
    second = style_learner(dls, painting, pretrained=trained, arch="tiny", name="second")
    assert torch.equal(second.model.conv1.conv2d.weight, trained.model.conv1.conv2d.weight)
    x = noise(1, 3, 32, 32)
    photo = Stylizer(trained).paint(x, strength=0)
    assert torch.equal(Stylizer(second).paint(x, strength=0), photo)


def test_from_scratch_and_light(dls, painting, tmp_path):
    learn = style_learner(dls, painting, pretrained=None, arch="slim")
    net, info, base = load_style(save_style(learn, tmp_path / "slim.safetensors"))
    assert len(net.in1.weight[0]) == 16 and info["base"] == "" and base is None


def test_nothing_broken_is_saved(trained, tmp_path):
    with torch.no_grad():
        trained.model.in1.bias[0, 0] = float("nan")
    with pytest.raises(FaststyleError, match="in1.bias contain NaN"):
        save_style(trained, tmp_path / "bad.safetensors")
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_styles(tmp_path):
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(ValueError, match="not a .safetensors file or is damaged"):
        load_style(tmp_path / "text.safetensors")
    from faststyle_fastai.core.assets import ASSETS

    with pytest.raises(ValueError, match="not a faststyle network"):
        load_style(ASSETS / "lite.safetensors")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:-1000], "not a .safetensors file or is damaged"),
        (lambda data: data + bytes(8), "not a .safetensors file or is damaged"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "damaged: its checksum does not match"),
        (lambda data: data.replace(b"waves", b"wAves"), "damaged: its checksum does not match"),
    ],
)
def test_a_bit_that_is_another_is_noticed(untrained, tmp_path, change, said):
    path = save_style(untrained, tmp_path / "style.safetensors")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=said):
        load_style(path)


@pytest.mark.parametrize(
    ("info", "state", "said"),
    [
        ({"arch": "huge"}, {}, "Unknown arch 'huge'"),
        ({"size": "wide"}, {}, "size is wide px"),
        ({"styles": ["a", "b"]}, {}, r"in1.bias has shape \[1, 8\], not \[2, 8\]"),
        ({"recipe": None}, {}, "missing metadata: recipe"),
        ({"styles": [1]}, {}, r"styles is \[1\], not a list of names"),
        ({}, {"in1.bias": torch.zeros(1, 16, dtype=torch.bfloat16)}, r"bias has shape \[1, 16\]"),
        ({}, {"more": torch.zeros(1)}, "missing or unexpected weights: more"),
    ],
)
def test_what_a_file_says_must_fit(untrained, tmp_path, info, state, said):
    info = {k: v for k, v in (untrained.style_card.info | info).items() if v is not None}
    write_style(untrained.model.state_dict() | state, info, tmp_path / "odd.safetensors")
    with pytest.raises(ValueError, match=said):
        load_style(tmp_path / "odd.safetensors")


def test_a_network_for_several_gpus_is_saved(trained, tmp_path):
    net = trained.model
    trained.model = torch.nn.DataParallel(net)
    file = save_style(trained, tmp_path / "net.safetensors")
    saved = load_style(file)[0].state_dict()
    assert all((saved[k].cpu() == v.cpu()).all() for k, v in net.state_dict().items())
