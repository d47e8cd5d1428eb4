import numpy as np
import pytest
import torch
from conftest import noise, quietly

from faststyle_fastai.all import (
    ASSETS,
    FaststyleError,
    Stylizer,
    export_onnx,
    read_picture,
    save_style,
    style_learner,
    to_tensor,
)
from faststyle_fastai.inference import onnx as onnx_module
from faststyle_fastai.inference.onnx import OnnxNet
from faststyle_fastai.models.stylefile import load_style, select_styles, write_style

onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    "A slim network of two styles, as a style file and as ONNX."
    folder = tmp_path_factory.mktemp("export")
    net, info, _ = load_style(ASSETS / "gallery-slim.safetensors")
    state = select_styles(net.state_dict(), [0, 3])
    write_style(state, info | {"styles": ["waves", "stars"]}, folder / "two.safetensors")
    export_onnx(Stylizer(folder / "two.safetensors"), folder / "two.onnx")
    return folder


def test_an_exported_network_paints_the_same(exported):
    ours, other = (
        Stylizer(exported / f"two.{end}", precision="float32") for end in ("safetensors", "onnx")
    )
    assert other.styles == ours.styles and not list(other.net.parameters())
    on_processor = Stylizer(exported / "two.onnx", device="cpu").net.session.get_providers()
    assert on_processor == ["CPUExecutionProvider"]
    for shape in ((1, 3, 40, 44), (3, 3, 33, 70), (1, 3, 5, 7)):
        x = noise(*shape)
        for style in ("waves", 1, {"waves": 0.3, "stars": 0.7}):
            assert torch.allclose(other.paint(x, style), ours.paint(x, style), atol=1e-4)
    assert not torch.allclose(other.paint(x, 0), other.paint(x, 1), atol=1e-2)


def test_a_network_trained_for_longer_is_exported(dls, painting, photo):
    learn = style_learner(dls, painting, arch="tiny", small=0, scales=(1,), precision="float32")
    quietly(learn, "fit_one_cycle", 3, 1e-2)
    save_style(learn, "waves.safetensors")
    path = export_onnx(learn, "waves.onnx")
    pair = (Stylizer(file, "cpu", "float32")(photo) for file in (path, "waves.safetensors"))
    ours, other = (np.asarray(picture, int) for picture in pair)
    assert np.abs(ours - other).max() <= 1


def test_what_8_bits_do_not_show_may_differ(exported, tmp_path, monkeypatch):
    ours, paint = onnx_module.away, Stylizer(exported / "two.safetensors")
    monkeypatch.setattr(onnx_module, "away", lambda *args: ours(*args) + 0.4 / 255)
    export_onnx(paint, tmp_path / "alike.onnx")
    monkeypatch.setattr(onnx_module, "away", lambda *args: ours(*args) + 0.6 / 255)
    with pytest.raises(FaststyleError, match="of 255 at most, and 0.5 is allowed"):
        export_onnx(paint, tmp_path / "apart.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["alike.onnx"]


@pytest.mark.parametrize("weights, share, most", [("half", 0.55, 0.1), ("int8", 0.35, 2)])
def test_small_files_paint_almost_the_same(exported, tmp_path, weights, share, most):
    ours = Stylizer(exported / "two.safetensors", precision="float32")
    path = export_onnx(ours, tmp_path / "small.onnx", weights)
    assert path.stat().st_size < share * (exported / "two.onnx").stat().st_size
    x = noise(1, 3, 64, 80)
    off = (Stylizer(path).paint(x) - ours.paint(x)).abs().mean() * 255
    assert 0 < off < most


def test_one_style_of_several_is_exported_alone(exported, faststyle, photos, tmp_path):
    source = f"{exported}/two.safetensors:stars"
    said = faststyle("export", source, "-o", "stars.onnx")
    assert said.returncode == 0 and said.stdout == "stars.onnx\n", said.stderr
    again = faststyle("export", source, "-o", "stars.onnx")
    assert again.returncode == 1 and "--overwrite" in again.stderr
    photo = photos / "china" / "0.jpg"
    for style, name in ((source, "ours.png"), ("stars.onnx", "onnx.png")):
        said = faststyle("stylize", photo, "--style", style, "--precision", "float32", "-o", name)
        assert said.returncode == 0, said.stderr
    ours, other = (to_tensor(read_picture(tmp_path / name)) for name in ("ours.png", "onnx.png"))
    assert (ours - other).abs().max() <= 1.01 / 255  # rounded twice
    assert faststyle("export", source, "-o", "half.onnx", "--dtype", "half").returncode == 0
    assert (tmp_path / "half.onnx").stat().st_size < 0.6 * (tmp_path / "stars.onnx").stat().st_size


def test_what_an_exported_network_cannot_do_is_said(exported, photos):
    paint, photo = Stylizer(exported / "two.onnx"), photos / "china" / "0.jpg"
    with pytest.raises(FaststyleError, match="strength must be 1"):
        paint(photo, strength=0.5)
    with pytest.raises(FaststyleError, match="Do not use tile="):
        paint(photo, tile=32)
    with pytest.raises(FaststyleError, match="already"):
        export_onnx(paint, exported / "again.onnx")
    with pytest.raises(ValueError, match="Choose one of float32, half, int8"):
        export_onnx(paint, exported / "again.onnx", "tiny")
    with pytest.raises(ValueError, match="must end in .onnx"):
        export_onnx(paint, exported / "again.ox")
    assert sorted(p.name for p in exported.iterdir()) == ["two.onnx", "two.safetensors"]


def test_damaged_and_foreign_files_are_refused(exported, tmp_path):
    whole = (exported / "two.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged"):
        OnnxNet(tmp_path / "cut.onnx")
    foreign = onnx.load(exported / "two.onnx")
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(ValueError, match="not written by `faststyle export`"):
        Stylizer(tmp_path / "foreign.onnx")
    with pytest.raises(FileNotFoundError):
        Stylizer(tmp_path / "none.onnx:stars")
