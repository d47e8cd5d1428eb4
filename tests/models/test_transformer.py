import pytest
import torch
from conftest import noise
from networks import examples_network
from torch.nn import functional as F

from faststyle_fastai.all import TransformerNet, from_examples, to_examples
from faststyle_fastai.models.normalization import instance_norm
from faststyle_fastai.models.transformer import make_network


def n_parameters(net):
    return sum(p.numel() for p in net.parameters())


def test_size_of_the_published_network():
    assert n_parameters(TransformerNet()) == 1_679_235
    assert n_parameters(TransformerNet(n_styles=2)) == 1_679_235 + 3_200
    assert n_parameters(TransformerNet(width=0.5)) < 1_679_235 / 3.8


@pytest.mark.parametrize("size", [(5, 5), (5, 40), (33, 30), (64, 37)])
def test_any_size_comes_back(size):
    assert TransformerNet(width=0.25)(noise(2, 3, *size)).shape == (2, 3, *size)


def test_rows_of_styles():
    net, x = TransformerNet(3, width=0.25).eval(), noise(2, 3, 30, 33)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.1 * torch.randn_like(p))
    both = net(x, torch.tensor([2, 0]))
    assert torch.allclose(both[:1], net(x[:1], torch.tensor([2])), atol=1e-5)
    assert torch.equal(net(x), net(x, torch.zeros(2, dtype=torch.long)))


def tarun_network(state, x):
    "The network of tarun-bisht/fast-style-transfer after its TensorFlow code, with our weights."

    def conv(x, name, stride=1):
        weight, bias = (state[f"{name}.conv2d.{part}"] for part in ("weight", "bias"))
        x = F.pad(x, (weight.shape[-1] // 2,) * 4, "reflect")
        x = F.conv2d(x, weight, bias, stride)
        mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)
        return (x - mean) / (var + 1e-3).sqrt()

    x = conv(x, "conv1").relu()
    x = conv(x, "conv2", 2).relu()
    x = conv(x, "conv3", 2).relu()
    for i in range(1, 6):
        x = x + conv(conv(x, f"res{i}.conv1").relu(), f"res{i}.conv2")
    x = conv(F.interpolate(x, scale_factor=2), "deconv1").relu()
    x = conv(F.interpolate(x, scale_factor=2), "deconv2").relu()
    return (conv(x, "deconv3").tanh() + 1) / 2


def test_the_network_of_tarun():
    net, x = make_network("tarun").eval(), noise(2, 3, 40, 48)
    theirs = tarun_network(net.state_dict(), (x - net.mean) / net.std)
    assert torch.allclose(net(x), theirs, atol=1e-4)
    trained = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert trained == 1_679_235 - 3_200  # no scales, no shifts
    assert 0 <= net(5 * x).min() and net(5 * x).max() <= 1
    with pytest.raises(ValueError, match="n_styles=2. A network without scales"):
        make_network("tarun", 2)


def test_four_pixels_are_too_few():
    with pytest.raises(ValueError, match="40x4 px is too small. Each side needs at least 5 px"):
        TransformerNet(width=0.25)(noise(1, 3, 4, 40))


def test_padding_reflects_at_the_right_and_below():
    net, x = TransformerNet(width=0.25), noise(1, 3, 30, 33)
    padded = F.pad(x, (0, 3, 0, 2), mode="reflect")
    assert torch.equal(net(x), net(padded)[..., :30, :33])


@torch.no_grad()
def test_weights_to_and_from_pytorch_examples():
    net = TransformerNet(width=0.25)
    for p in net.parameters():
        p.add_(0.05 * torch.randn_like(p))
    x = noise(1, 3, 32, 40)
    peer = to_examples(net.state_dict())
    assert peer["in1.weight"].shape == (8,)
    assert torch.allclose(examples_network(peer, 255 * x) / 255, net(x), atol=1e-4)
    back = from_examples(peer)
    for name, value in net.state_dict().items():
        assert torch.allclose(back[name], value, atol=1e-4), name


def test_old_running_statistics_are_passed_over():
    peer = to_examples(TransformerNet(width=0.25).state_dict())
    peer["in1.running_mean"] = torch.zeros(8)
    assert "in1.running_mean" not in from_examples(peer)


@torch.no_grad()
def test_each_picture_has_its_own_style():
    net, x = TransformerNet(n_styles=2, width=0.25), noise(2, 3, 16, 16)
    net.in5.weight[1] *= 2
    both = net(x, torch.tensor([0, 1]))
    assert torch.allclose(both[:1], net(x[:1], torch.tensor([0])), atol=1e-5)
    assert torch.allclose(both[1:], net(x[1:], torch.tensor([1])), atol=1e-5)
    assert not torch.allclose(both[1:], net(x[1:]), atol=1e-2)
    assert torch.equal(net(x), net(x, torch.tensor([[1.0, 0], [1, 0]])))


@pytest.mark.parametrize("size", [(8, 12), (300, 260)])
def test_instance_norm_and_its_gradient(size):
    x = 3 * noise(2, 4, *size) + torch.arange(4).view(1, 4, 1, 1)
    weight, bias, grad = noise(2, 4), noise(2, 4).flip(1), noise(2, 4, *size).flip(-1) - 0.5

    def plain(x, weight, bias):
        x, weight, bias = (value.double() for value in (x, weight, bias))
        return F.instance_norm(x) * weight[..., None, None] + bias[..., None, None]

    found = []
    for norm in (plain, instance_norm):
        inputs = [value.clone().requires_grad_() for value in (x, weight, bias)]
        y = norm(*inputs)
        y.backward(grad.to(y.dtype))
        found.append([y, *(value.grad for value in inputs)])
    for right, ours in zip(*found):
        assert (right - ours).abs().max() < 1e-3 * right.abs().max()
