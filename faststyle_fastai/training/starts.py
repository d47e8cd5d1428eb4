"What a network starts from: a built-in network, a file, a Learner, or what its paintings tell."

import copy

import torch
from fastai.learner import Learner
from torch import Tensor

from ..core.assets import builtin_path
from ..images.sizes import resize_short
from ..inference.builtin import find_style
from ..inference.first_sight import PREDICTED, any_style, painting_moments, together
from ..models.stylefile import builtin_base, card_of, join_styles, load_style, plain_net
from ..models.transformer import TransformerNet, make_network
from ..perceptual.losses import VggLoss
from .data import StyleDataLoaders

__all__ = ["nearest_starts", "network_to_start"]

STARTS = "autoencoder", "gallery"  # built in


def network_to_start(pretrained, arch, paintings):
    """The network to start from, the name of its base, the base's weights if they must be saved.

    Last comes PREDICTED if that network itself began so.
    """
    if pretrained == "predicted" and paintings:
        return any_style(arch).network(seen_in(paintings)), builtin_base(arch), None, PREDICTED
    if isinstance(pretrained, Learner):
        info, base = card_of(pretrained)
        net = copy.deepcopy(plain_net(pretrained.model)).cpu()
    else:
        ships = pretrained in STARTS
        path = builtin_path(pretrained, arch) if ships else find_style(pretrained)[0]
        net, info, base = load_style(path)
    if info["arch"] != arch:
        raise ValueError(
            f"pretrained= has arch '{info['arch']}', not '{arch}': use the same arch for both."
        )
    if pretrained == "autoencoder":
        return net, builtin_base(arch), None, None
    if not info["styles"]:  # an autoencoder
        return net, "carried", net.state_dict(), None
    kept, began = base if info["base"] == "carried" else None, info.get("start")
    if paintings and began == PREDICTED:  # what they tell suits its convolutions, too
        net = with_styles(net, arch, seen_in(paintings))
    return net, info["base"], kept, began


def seen_in(paintings):
    return together([painting_moments(painting) for painting in paintings])


@torch.no_grad()
def with_styles(net, arch, seen):
    "A network with more styles: those that the predictor sees in paintings."
    larger = make_network(arch, net.n_styles + len(seen[0])).eval()
    larger.load_state_dict(join_styles(net.state_dict(), any_style(arch).styles(seen)))
    return larger


@torch.no_grad()
def nearest_starts(
    start: TransformerNet,  # a network of several styles
    loss: VggLoss,  # with the new paintings
    dls: StyleDataLoaders,  # the source of a few photos
) -> list[int]:
    "For each new painting, the style of `start` whose images have the lowest style loss."
    photos = dls.valid.one_batch()[0][:4].as_subclass(Tensor)
    photos = resize_short(photos, min(128, dls.size))  # small copies are enough
    styles = torch.eye(start.n_styles, device=photos.device)
    painted = (start(photos, style.expand(len(photos), -1)).clamp(0, 1) for style in styles)
    return torch.stack([loss.style_distances(x) for x in painted]).argmin(0).tolist()
