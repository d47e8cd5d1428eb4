"The file of the network for any painting."

from pathlib import Path

import torch

from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.models.predictor import AnyStyleNet, load_any_style
from faststyle_fastai.models.stylefile import write_style


def test_weights_in_8_bits_read_as_they_were(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "tools")
    from small_weights import compact

    torch.manual_seed(0)
    net = AnyStyleNet([4, 6], "slim")
    for weight in net.parameters():
        torch.nn.init.normal_(weight)
    state, file = compact(net.state_dict()), tmp_path / "any.safetensors"
    info = {"arch": "slim", "styles": [], "base": "", "size": 256, "recipe": "fast"}
    write_style(state, info, file)
    monkeypatch.setattr("faststyle_fastai.models.predictor.builtin_path", lambda name, arch: file)
    read = load_any_style("slim").state_dict()
    for name, value in net.state_dict().items():
        largest = value.abs().amax((1, 2, 3), keepdim=True) if value.dim() == 4 else value.abs()
        assert ((read[name] - value).abs() <= largest / 250 + 1e-7).all(), name
    floats = sum(4 * value.numel() for value in net.state_dict().values())
    assert file.stat().st_size < 0.3 * floats


def test_what_ships_is_in_8_bits():
    assert builtin_path("any_painting").stat().st_size < 1.1 * sum(
        p.numel() for p in load_any_style().parameters()
    )
