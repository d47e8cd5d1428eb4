"Backbones: frozen perceptual networks, their named layers and their weights."

import copy
import warnings
from collections import OrderedDict
from contextvars import ContextVar
from functools import lru_cache, partial
from pathlib import Path

import torch
from torch import Tensor, nn

from ..core.assets import ASSETS
from ..core.constants import IMAGENET
from ..core.errors import FaststyleError
from ..core.values import known
from ..core.weights import read_weights

__all__ = ["BACKBONES", "POOLINGS", "Backbone", "perceptual_backbone"]

# A network like VGG (Simonyan & Zisserman 2015) is a row of the output channels of the 3x3
# convolutions in each block; blocks are separated by pooling. `perceptual_backbone` loads its
# weights, with torchvision's names, from a file, the package or torchvision. For any other network
# the row is a function that makes it from the path of its weights, or None.
BACKBONES = {
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),  # torchvision's
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),  # torchvision's
    "vgg19_16x": ((16,) * 2, (32,) * 2, (64,) * 4, (128,) * 4, (128,)),  # Wang et al. 2020
    "lite": ((24,) * 2, (48,) * 2, (112,) * 4, (128,) * 4, (128,)),  # built in, 2.3 MB
}
# How a block's features are halved: a module, and a factor that keeps them as large as `max` does.
POOLINGS: dict[str, tuple] = {
    "max": (nn.MaxPool2d, 1.0),  # the largest of four features, as VGG was trained
    "average": (nn.AvgPool2d, 2.0),  # twice their mean, for smoother images
    "l2": (partial(nn.LPPool2d, 2.0), 0.78),  # the root of their sum of squares, scaled
    "plain average": (nn.AvgPool2d, 1.0),  # their mean, as in Gatys et al. 2016
}
SHIPPED = {"lite": ASSETS / "lite.safetensors"}
# Of this thread's call: threads may share a backbone.
FEATURES: ContextVar[dict[str, Tensor | None]] = ContextVar("features", default={})  # noqa: B039


@torch.random.fork_rng([])  # a new network draws random weights
def perceptual_backbone(
    name: str = "vgg16",  # a row of `BACKBONES`
    weights: str | Path | None = None,  # .safetensors or .pth, torchvision's keys, whole or cut
    layers=None,  # cut the network after the deepest of these; None: keep all
    pooling: str = "max",  # a row of `POOLINGS`; it and padding are of stacks like VGG
    padding: str = "zeros",  # mode of the first convolution; the others use zeros
    normalize: bool = True,  # normalize images with ImageNet's mean and std
) -> "Backbone":  # frozen, in eval mode; images in [0, 1] -> features by layer name
    """Load a pretrained network whose features measure content and style.

    Without `weights`, uses the built-in ones (`lite`), torch's cache or torchvision's download.
    Raises `ValueError` for an unknown name or layer or for weights that do not fit,
    `FileNotFoundError` for a missing file, and `FaststyleError` if no weights can be found.
    """
    known("pooling", pooling, POOLINGS)
    row = BACKBONES[known("backbone", name, BACKBONES)]
    if callable(row):
        net = row(weights)
    else:
        whole = _untrained(name, pooling, padding)
        names = [layer for layer, _ in whole.named_children()]
        layer_names(layers or [], names, [n for n in names if n.startswith("relu")], name)
        if weights is None:
            file, state = name, _known_weights(name)
        else:
            file, state = str(weights), read_weights(Path(weights))
            state = {k: v for k, v in state.items() if isinstance(v, Tensor)}
        net = _trained(whole, state, file, name)
    backbone = Backbone(net, layers, normalize)
    backbone.source = name, weights and str(weights), layers, pooling, padding, normalize
    return backbone


class Backbone(nn.Module):
    "A frozen network; forward hooks collect the features of the requested layers."

    net: nn.Module
    mean: Tensor  # [1, 3, 1, 1]
    std: Tensor
    source: tuple | None = None  # arguments of `perceptual_backbone` that recreate it

    def __init__(
        self,
        net: nn.Module,  # its layers are its modules by name; a stack like VGG's, relu1_1, pool1, …
        layers=None,  # names to choose from; None: the ReLUs of a stack, otherwise all
        normalize: bool = True,  # images with ImageNet's mean and std
    ):
        super().__init__()
        stack = isinstance(net, nn.Sequential)
        modules = net.named_children() if stack else net.named_modules()
        names = [name for name, _ in modules if name]  # without the network itself
        self.relus = [name for name in names if stack and name.startswith("relu")]
        self.layers = layer_names(layers or self.relus or names, names, self.relus)
        if isinstance(net, nn.Sequential):  # cut after the deepest layer
            net = net[: 1 + max(names.index(name) for name in self.layers)]
        for name, module in net.named_modules():
            if hasattr(module, "inplace"):  # unless a hook keeps the input
                own = name in self.relus
                module.inplace = own and names[names.index(name) - 1] not in self.layers
        self.net = net
        self.cast: dict[tuple, nn.Module] = {}
        for name in self.layers:
            net.get_submodule(name).register_forward_hook(partial(keep, name))
        colors = IMAGENET if normalize else ((0.0,) * 3, (1.0,) * 3)
        for name, values in zip(("mean", "std"), colors):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def forward(
        self,
        x: Tensor,  # [B, 3, H, W] RGB in [0, 1]
        layers=None,  # a subset of `self.layers`; None: all
    ) -> dict[str, Tensor]:  # layer -> [B, C, H/2^k, W/2^k] after k poolings
        "Features at `layers`; layers past the deepest one are not run."
        wanted = self.layers if layers is None else self.named(layers)
        smallest = self.smallest(wanted[-1])
        if min(x.shape[-2:]) < smallest:
            h, w = x.shape[-2:]
            raise ValueError(
                f"{w}x{h} px is too small for {wanted[-1]}. It needs at least {smallest} px."
            )
        x = ((x - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        found: dict = dict.fromkeys(wanted)
        token = FEATURES.set(found)
        try:
            self._in_autocast_type(x.device)(x)
        except AllFound:
            pass
        finally:
            FEATURES.reset(token)
        return found

    def smallest(self, layer: str) -> int:
        "The least short side of an image, in px, whose poolings leave something at a layer."
        names = [name for name, _ in self.net.named_children()]
        before = names[: names.index(layer)] if layer in names else []
        return 2 ** sum(name.startswith("pool") for name in before)

    def _in_autocast_type(self, device):
        "The network in the type of autocast, which would cast its frozen weights at each call."
        kind = device.type
        if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
            return self.net
        key = device, torch.get_autocast_dtype(kind)
        if key not in self.cast:
            with torch.inference_mode(False):  # or it could not be used in training later
                self.cast[key] = copy.deepcopy(self.net).to(key[1])
        return self.cast[key]

    def named(self, layers) -> list[str]:
        "Full names of layers given by name or alias; `ValueError` for unknown ones."
        return layer_names(layers, self.layers, self.relus)

    def train(self, mode: bool = True):
        "Stay in eval mode: a perceptual network is never trained."
        return super().train(False)


def keep(name, module, args, output):
    "A forward hook for the first call of a module; the last requested layer ends the pass."
    found = FEATURES.get()
    if name in found and found[name] is None:
        found[name] = output
        if all(features is not None for features in found.values()):
            raise AllFound


class AllFound(Exception):
    "All requested features are known; the rest of the network need not run."


def reachable(
    backbone: Backbone,
    layers,  # names
) -> dict[str, tuple[str, float]]:  # name -> layer to read, and scale of the image
    """Substitute the last layer on a smaller image for layers past it, with a warning.

    The image is halved for each pooling in between.
    """
    last, found, said = backbone.layers[-1], {}, []
    for name in layers:
        deeper = name not in backbone.layers and name[4:5].isdigit() and name > last
        if deeper and last in backbone.relus:
            found[name] = last, 0.5 ** (int(name[4]) - int(last[4]))
            said.append(f"{name} is {last} at {found[name][1]:g} of the size")
        else:
            found[name] = backbone.named([name])[0], 1.0
    if said:
        warnings.warn(
            f"The backbone weights end at {last}. Substitutes: {', '.join(said)}.", stacklevel=2
        )
    return found


def spread(
    backbone: Backbone,
    devices: list[torch.device],  # one or two, of the same kind
) -> Backbone:
    "Move a backbone to a device; a second device takes all layers after the first pooling."
    backbone.to(devices[0])
    deeper = nn.Sequential(*backbone.net.children())[5:]
    if len(devices) > 1 and len(deeper):
        deeper.to(devices[1])[0].register_forward_pre_hook(lambda _, args: args[0].to(devices[1]))
    return backbone


class Scaled(nn.Module):
    "A module whose output is multiplied by `scale`."

    def __init__(self, module, scale):
        super().__init__()
        self.module, self.scale = module, scale

    def forward(self, x):
        return self.module(x) * self.scale


def layer_names(
    asked,  # names such as relu2_2, or relu_4: the ReLU of the fourth convolution
    known,  # the layers to choose from, in order
    relus,  # all ReLUs of the network, in order
    network="The backbone",  # its name, for the message
) -> list[str]:
    "Full names of the requested layers, in network order."
    aliases = {f"relu_{i}": name for i, name in enumerate(relus, 1)}
    names = [aliases.get(name, name) for name in asked]
    if wrong := [given for given, name in zip(asked, names) if name not in known]:
        there = [name for name in known if name in relus] or known
        raise ValueError(
            f"{network} has no layer {', '.join(wrong)}. Choose layers from {', '.join(there)}."
        )
    return sorted(set(names), key=list(known).index)


def _untrained(name, pooling, padding):
    "The network of a row of `BACKBONES`."
    layers: dict[str, nn.Module] = {}
    n_in, (pool, scale) = 3, POOLINGS[pooling]
    for block, widths in enumerate(BACKBONES[name], 1):
        for i, width in enumerate(widths, 1):
            conv = nn.Conv2d(n_in, width, 3, padding=1, padding_mode=padding)
            layers |= {f"conv{block}_{i}": conv, f"relu{block}_{i}": nn.ReLU()}
            n_in, padding = width, "zeros"  # of all but the first
        layers[f"pool{block}"] = Scaled(pool(2), scale) if scale != 1 else pool(2)
    return nn.Sequential(OrderedDict(layers))


def _trained(net, state, source, name):
    "The network up to the last convolution in `state`, which must contain all earlier ones."
    # A layer's place is its number in torchvision's names.
    wanted = {f"features.{key}": p for key, p in nn.Sequential(*net).named_parameters()}
    if not (given := [key for key in wanted if key in state]):
        raise ValueError(f"{source} does not fit {name}: it has no features.0.weight.")
    end = int(given[-1].split(".")[1]) + 2  # after its ReLU
    needed = {key: p for key, p in wanted.items() if int(key.split(".")[1]) < end}
    if missing := [key for key in needed if key not in state]:
        raise ValueError(f"{source} lacks {', '.join(missing)}. Only the end may be cut off.")
    for key, p in needed.items():
        value = state[key]
        if value.shape != p.shape:
            raise ValueError(
                f"{source} does not fit {name}: {key} is {list(value.shape)}, but {name} needs "
                f"{list(p.shape)}."
            )
        p.data.copy_(value)
    return net[: end + (not isinstance(net[end], nn.Conv2d))]  # with a pooling


@lru_cache(maxsize=2)
def _known_weights(name):
    if name in SHIPPED:
        return read_weights(SHIPPED[name])
    import torchvision  # slow to import and only needed here

    if name not in torchvision.models.list_models():
        raise FaststyleError(f"No package provides weights for {name}. Give a file (weights=).")
    weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=True, check_hash=True)
        return {k: v for k, v in state.items() if k.startswith("features.")}
    except Exception as error:
        cache = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
        raise FaststyleError(
            f"The weights of {name} are not cached and cannot be downloaded "
            f"({type(error).__name__}). Give a file (weights=), put torchvision's weights "
            f"at {cache}, or use the built-in backbone (lite)."
        ) from None
