"A network for any painting: it predicts scales and shifts from a painting's statistics."

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..core.assets import builtin_path
from ..core.moments import correlations, mean_and_std
from ..core.weights import unpacked
from .normalization import affine_widths
from .stylefile import read_state
from .transformer import TransformerNet, make_network

__all__ = ["HIDDEN", "AnyStyleNet", "load_any_style"]

HIDDEN = {"full": 384, "slim": 256}  # arch of the network -> channels
PROJECTED = 20  # channels of each layer whose correlations the predictor sees


class AnyStyleNet(nn.Module):
    """A `TransformerNet` and the predictor of its scales and shifts (Ghiasi et al. 2017).

    The predictor sees moments of a perceptual backbone's features at several layers: means and
    standard deviations of channels, and correlations of trained mixtures of channels. It predicts
    each scale's and shift's difference from the network's own.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: Sequence[int],  # of each layer
        arch: str = "full",  # or slim
    ):
        super().__init__()
        self.arch, hidden = arch, HIDDEN[arch]
        self.net = make_network(arch)
        self.widths = affine_widths(self.net)
        n = 2 * sum(channels)
        self.register_buffer("mean", torch.zeros(n))  # of the roots of means and deviations
        self.register_buffer("std", torch.ones(n))
        # All weights belong to convolutions, so that the optimizer orthogonalizes their steps.
        self.mixtures = nn.ModuleList(nn.Conv2d(c, PROJECTED, 1, bias=False) for c in channels)
        self.predictor = nn.Sequential(
            nn.Conv2d(n + len(channels) * PROJECTED * (PROJECTED + 1) // 2, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, sum(self.widths.values()), 1),
        )

    def styles(
        self,
        moments: Sequence[Tensor],  # [B, C + 1, C + 1] of each layer, see core.moments
    ) -> dict[str, Tensor]:  # weight of the network -> [B, C]
        "Scales and shifts of every normalization, for each painting."
        with torch.autocast(moments[0].device.type, enabled=False):
            found = self.predictor(self.description(moments)[..., None, None]).flatten(1)
        own = dict(self.net.named_parameters())
        parts = found.split(list(self.widths.values()), 1)
        return {name: own[name] + part for name, part in zip(self.widths, parts)}

    def description(
        self,
        moments: Sequence[Tensor],  # as of `styles`
    ) -> Tensor:  # [B, n]
        "What the predictor sees."
        simple = torch.cat([part for m in moments for part in mean_and_std(m)], 1)
        i, j = torch.tril_indices(PROJECTED, PROJECTED, device=simple.device)
        mixed = [
            correlations(m, weight.flatten(1))[:, i, j]
            for m, weight in zip(moments, self.mixtures.parameters())
        ]
        return torch.cat([(simple.sqrt() - self.mean) / self.std, *mixed], 1)

    @torch.no_grad()
    @torch.random.fork_rng([])
    def network(
        self,
        moments: Sequence[Tensor],  # as of `styles`
    ) -> TransformerNet:
        "A network with these paintings as its styles, in eval mode."
        net = make_network(self.arch, len(moments[0])).eval()
        net.load_state_dict(self.net.state_dict() | self.styles(moments))
        return net


@torch.random.fork_rng([])  # a new network draws random weights
def load_any_style(
    arch: str = "full",  # or slim
) -> AnyStyleNet:
    "The built-in network for any painting."
    state, info = read_state(builtin_path("any_painting", arch))
    state = unpacked(state)
    channels = [len(w[0]) for name, w in state.items() if name.startswith("mixtures.")]
    net = AnyStyleNet(channels, info["arch"])
    net.load_state_dict(state)
    return net.eval()
