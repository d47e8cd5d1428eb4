"Starting images for the optimization of pixels."

import torch
from PIL import Image
from torch import Tensor, nn

from ..images.files import to_tensor
from ..images.sizes import resized_tensor
from ..inference.first_sight import any_style, painting_moments
from ..inference.refine import refine
from ..inference.stylizer import Stylizer

__all__ = ["INITS", "begin"]

SECONDS = 60  # of refining, at most; the first size is small


def begin(
    init: str,  # a row of `INITS`, or stylized:STYLE
    shape: tuple[int, int],  # height, width
    photo: Image.Image,
    styles: list[tuple[float, Image.Image]],  # shares and paintings
    seed: int,
    device: torch.device,  # for the network of stylized:STYLE
) -> Tensor:  # [1, 3, H, W] in [0, 1]
    "Make the starting image."
    if init.startswith("stylized:"):
        return stylized(init.removeprefix("stylized:"), shape, photo, device)
    if init not in INITS:
        raise ValueError(f"Unknown init '{init}'. Available: {', '.join(INITS)}, stylized:STYLE.")
    return INITS[init](shape, photo, styles, torch.Generator().manual_seed(seed))


def stylized(source, shape, photo, device):
    small = photo.resize(shape[::-1], Image.Resampling.BICUBIC)
    return to_tensor(Stylizer(source, device, trust_pickle=False)(small))


def content(shape, photo, styles, random):
    "The photo."
    return resized_tensor(photo, shape[::-1])


@torch.random.fork_rng([])  # new modules draw random weights
def refined(shape, photo, styles, random):
    "The photo in the style of the painting with the largest share, refined, see `refine()`."
    painting = to_tensor(max(styles, key=lambda pair: pair[0])[1])
    x = resized_tensor(photo, shape[::-1])
    net = any_style().network(painting_moments(painting))
    net = refine(net, painting, [x], SECONDS)
    with torch.no_grad():
        return net(x).clamp(0, 1)


def gray(shape, photo, styles, random):
    "Gray, with noise too weak to see."
    return torch.rand(1, 3, *shape, generator=random) / 255 + 0.5


def uniform(shape, photo, styles, random):
    "Noise, uniform in [0, 1]."
    return torch.rand(1, 3, *shape, generator=random)


def normal(shape, photo, styles, random):
    "Normal noise around gray, with a standard deviation of 1/4."
    return _truncated(shape, [0.5] * 3, [0.25] * 3, random)


def style_stats(shape, photo, styles, random):
    "Noise with the mean and variance of the paintings' colors."
    pixels = [(share, to_tensor(painting)) for share, painting in styles]
    mean = sum(share * x.mean((0, 2, 3)) for share, x in pixels)
    variance = sum(share * x.var((0, 2, 3)) for share, x in pixels)
    return _truncated(shape, mean.tolist(), variance.sqrt().tolist(), random)


def _truncated(shape, means, stds, random):
    "Normal noise of each channel's mean and standard deviation, cut to [0, 1]."
    x = torch.empty(3, *shape)
    for channel, mean, std in zip(x, means, stds):
        nn.init.trunc_normal_(channel, mean, std, 0.0, 1.0, generator=random)
    return x[None]


# Images to start from. A row is a function of (height, width), the photo, (share, painting) pairs
# and a generator, and returns [1, 3, H, W]. The name stylized:STYLE starts from a painted photo.
INITS = {f.__name__: f for f in (content, gray, uniform, normal, style_stats, refined)}
