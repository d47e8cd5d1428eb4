"A network for any painting: it predicts scales and shifts from a painting's statistics."

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..core.assets import ASSETS
from .normalization import is_affine
from .stylefile import read_state
from .transformer import TransformerNet, make_network

__all__ = ["AnyStyleNet", "load_any_style"]

HIDDEN = 384  # channels
PATH = ASSETS / "any_painting.safetensors"


class AnyStyleNet(nn.Module):
    """A `TransformerNet` and the predictor of its scales and shifts (Ghiasi et al. 2017).

    The predictor sees channel means and standard deviations of a perceptual backbone's features. It
    predicts each scale's and shift's difference from the network's own.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        n_in: int,  # number of statistics, see style_losses.feature_statistics
    ):
        super().__init__()
        self.net = make_network("full")
        self.widths = {k: p.shape[1] for k, p in self.net.named_parameters() if is_affine(k)}
        self.register_buffer("mean", torch.zeros(n_in))  # of the roots of the statistics
        self.register_buffer("std", torch.ones(n_in))
        # As convolutions of 1x1, so that the optimizer orthogonalizes their steps too.
        self.predictor = nn.Sequential(
            nn.Conv2d(n_in, HIDDEN, 1),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, HIDDEN, 1),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, sum(self.widths.values()), 1),
        )
        for values in self.predictor[-1].parameters():
            nn.init.zeros_(values)

    def styles(
        self,
        statistics: Tensor,  # [B, n_in], at least 0
    ) -> dict[str, Tensor]:  # weight of the network -> [B, C]
        "Scales and shifts of every normalization, for each painting."
        with torch.autocast(statistics.device.type, enabled=False):
            x = (statistics.float().sqrt() - self.mean) / self.std
            found = self.predictor(x[..., None, None]).flatten(1)
        own = dict(self.net.named_parameters())
        parts = found.split(list(self.widths.values()), 1)
        return {name: own[name] + part for name, part in zip(self.widths, parts)}

    def forward(
        self,
        x: Tensor,  # [B, 3, H, W] RGB in [0, 1]
        statistics: Tensor,  # [B, n_in], of a painting for each photo
    ) -> Tensor:  # [B, 3, H, W]
        "Repaint each photo in the manner of its painting."
        which = torch.arange(len(x), device=x.device)
        return functional_call(self.net, self.styles(statistics), (x, which))

    @torch.no_grad()
    def network(
        self,
        statistics: Tensor,  # [n_styles, n_in]
    ) -> TransformerNet:
        "A network with these paintings as its styles, in eval mode."
        net = make_network("full", len(statistics)).eval()
        net.load_state_dict(self.net.state_dict() | self.styles(statistics))
        return net


def load_any_style() -> AnyStyleNet:
    "The built-in network for any painting."
    state = read_state(PATH)[0]
    net = AnyStyleNet(len(state["mean"]))
    net.load_state_dict(state)
    return net.eval()
