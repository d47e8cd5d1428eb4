"Frozen perceptual networks: their named layers and where their weights come from."

import warnings
from functools import lru_cache, partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from .errors import FaststyleError, known

__all__ = ["ASSETS", "BACKBONES", "Backbone", "IMAGENET", "perceptual_backbone"]

ASSETS = Path(__file__).parent / "assets"
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean, std of RGB in [0, 1]

# Each network is blocks of 3x3 convolutions, a max pooling between blocks
# (VGG: Simonyan & Zisserman 2015). A new one is a row here and a state dict in torchvision's
# naming: `perceptual_backbone` takes the weights from a file, the package or torchvision.
BACKBONES = {
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
    "vgg19_16x": ((16,) * 2, (32,) * 2, (64,) * 4, (128,) * 4, (128,)),  # Wang et al. 2020
    "lite": ((24,) * 2, (48,) * 2, (112,) * 4, (128,) * 4, (128,)),
}
POOLINGS = {  # name -> module, and what keeps features as large as under max pooling
    "max": (nn.MaxPool2d, 1.0),
    "average": (nn.AvgPool2d, 2.0),
    "l2": (partial(nn.LPPool2d, 2.0), 0.78),
    "plain average": (nn.AvgPool2d, 1.0),  # as Gatys et al. 2016 have it
}
SHIPPED = {"lite": ASSETS / "lite.safetensors"}


def perceptual_backbone(
    name: str = "vgg16",  # a row of `BACKBONES`
    weights: str | Path | None = None,  # .safetensors or .pth, torchvision's keys, whole or cut
    layers=None,  # keep the network up to the deepest of these; None: all of it
    pooling: str = "max",  # a row of `POOLINGS`
    padding: str = "zeros",  # of the first convolution; the others' are zeros
    normalize: bool = True,  # pictures first, as ImageNet's
) -> "Backbone":  # frozen, in eval, pictures in [0, 1] in, features by layer name out
    """A pretrained network whose features say what a picture shows and how it is painted.

    Without `weights`: those that ship (`lite`), else torch's cache, else torchvision's download.
    Raises `ValueError` for a name or layer that does not exist and for weights that do not fit,
    `FileNotFoundError` for a missing file, `FaststyleError` when there is no way to the weights.
    """
    names = _names(known("backbone", name, BACKBONES))
    layer_names(layers or [], names, [n for n in names if n.startswith("relu")])
    if weights is None:
        source, state = name, _known_weights(name)
    else:
        source, state = str(weights), read_weights(Path(weights))
    known("pooling", pooling, POOLINGS)
    backbone = Backbone(_build(name, state, source, pooling, padding), layers, normalize)
    backbone.source = name, weights and str(weights), layers, pooling, padding, normalize
    return backbone


class Backbone(nn.Module):
    "A frozen stack of named layers; forward hooks collect what the asked-for layers give."

    source = None  # what `perceptual_backbone` makes it from again

    def __init__(
        self,
        net: nn.Sequential,  # children named conv1_1, relu1_1, …, pool1, … in order
        layers=None,  # names to keep; the network is cut after the deepest one
        normalize: bool = True,
    ):
        super().__init__()
        names = [name for name, _ in net.named_children()]
        self.relus = [name for name in names if name.startswith("relu")]  # relu_N counts these
        self.layers = layer_names(layers or self.relus, names, self.relus)
        self.net = net[: 1 + max(names.index(name) for name in self.layers)]
        for conv, relu in zip(names, names[1:]):
            if relu in self.relus:  # in place, unless that would change what a hook keeps
                net.get_submodule(relu).inplace = conv not in self.layers
        self.features = {}
        for name in self.layers:
            self.net.get_submodule(name).register_forward_hook(self._keep(name))
        for i, values in enumerate(IMAGENET if normalize else ((0.0,) * 3, (1.0,) * 3)):
            shape = torch.tensor(values).view(1, 3, 1, 1)
            self.register_buffer(("mean", "std")[i], shape, persistent=False)
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def _keep(self, name):
        def hook(module, args, output):
            self.features[name] = output

        return hook

    def forward(
        self,
        x: Tensor,  # [B, 3, H, W] RGB in [0, 1]
        layers=None,  # a subset of `self.layers`; None: all
    ) -> dict[str, Tensor]:  # layer -> [B, C, H/2^k, W/2^k] after k poolings
        "Features at `layers`; nothing past the deepest of them is run."
        wanted = self.layers if layers is None else self.named(layers)
        names = list(dict(self.net.named_children()))
        depth = 1 + max(names.index(name) for name in wanted)
        smallest = 2 ** sum(name.startswith("pool") for name in names[:depth])
        if min(x.shape[-2:]) < smallest:
            h, w = x.shape[-2:]
            raise ValueError(f"{w}x{h} px is too small for {wanted[-1]}: {smallest} px at least.")
        x = ((x - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        self.net[:depth](x)
        found, self.features = self.features, {}
        return {name: found[name] for name in wanted}

    def named(self, layers) -> list[str]:
        "Which of `self.layers` are meant by names or aliases; `ValueError` for any other."
        return layer_names(layers, self.layers, self.relus)

    def train(self, mode: bool = True):
        "Stay in eval: a perceptual network is never trained."
        return super().train(False)


def reachable(
    backbone: Backbone,
    layers,  # names
) -> dict[str, tuple[str, float]]:  # of each the layer it is read at, on what part of the size
    """Where a backbone has layers: those beyond its last one are that on a smaller picture, said.

    The picture is halved for each pooling between them.
    """
    last, found, said = backbone.layers[-1], {}, []
    for name in layers:
        if name[4:5].isdigit() and name > last:
            found[name] = last, 0.5 ** (int(name[4]) - int(last[4]))
            said.append(f"{name} is {last} at {found[name][1]:g} of the size")
        else:
            found[name] = backbone.named([name])[0], 1.0
    if said:
        warnings.warn(f"the backbone as given ends at {last}: {', '.join(said)}.", stacklevel=2)
    return found


def spread(
    backbone: Backbone,
    devices: list[torch.device],  # one or two, of one kind
) -> Backbone:
    "Put a backbone on a device, or all after its first pooling on a second: for larger pictures."
    backbone.to(devices[0])
    if len(devices) > 1:
        deeper = backbone.net[5:].to(devices[1])
        deeper[0].register_forward_pre_hook(lambda _, args: args[0].to(devices[1]))
    return backbone


class Scaled(nn.Module):
    "A module whose output is multiplied."

    def __init__(self, module, scale):
        super().__init__()
        self.module, self.scale = module, scale

    def forward(self, x):
        return self.module(x) * self.scale


def _names(backbone):
    "All layers of a row of `BACKBONES`, in order."
    names = []
    for block, widths in enumerate(BACKBONES[backbone], 1):
        for i in range(1, len(widths) + 1):
            names += [f"conv{block}_{i}", f"relu{block}_{i}"]
        names.append(f"pool{block}")
    return names


def layer_names(
    asked,  # names such as relu2_2, or relu_4: the ReLU of the fourth convolution
    known,  # the layers to choose from, in order
    relus,  # all ReLUs of the network, in order
) -> list[str]:
    "The asked-for layers under their full names, in the network's order."
    aliases = {f"relu_{i}": name for i, name in enumerate(relus, 1)}
    names = [aliases.get(name, name) for name in asked]
    if wrong := [given for given, name in zip(asked, names) if name not in known]:
        there = [name for name in known if name in relus]
        raise ValueError(f"no layer {', '.join(wrong)}: there are {', '.join(there)}.")
    return sorted(set(names), key=list(known).index)


def _build(name, state, source, pooling, padding):
    "The network up to the last convolution in `state`, which must hold all before it."
    net, n_in, index, wanted = nn.Sequential(), 3, 0, []
    for block, widths in enumerate(BACKBONES[name], 1):
        for i, width in enumerate(widths, 1):
            parts = [f"features.{index}.{part}" for part in ("weight", "bias")]
            weight, bias = (state.get(part) for part in parts)
            wanted += parts
            if weight is not None or bias is not None:
                if missing := [part for part in wanted if part not in state]:
                    raise ValueError(f"{source} lacks {', '.join(missing)}: cut only at the end.")
                mode = "zeros" if len(net) else padding
                conv = nn.Conv2d(n_in, width, 3, padding=1, padding_mode=mode)
                if weight.shape != conv.weight.shape or bias.shape != conv.bias.shape:
                    raise ValueError(
                        f"{source}: features.{index}.weight is {list(weight.shape)}, "
                        f"{name} needs {list(conv.weight.shape)}: not weights of {name}."
                    )
                with torch.no_grad():
                    conv.weight.copy_(weight)
                    conv.bias.copy_(bias)
                net.add_module(f"conv{block}_{i}", conv)
                net.add_module(f"relu{block}_{i}", nn.ReLU())
            n_in, index = width, index + 2
        if f"conv{block}_{len(widths)}" in dict(net.named_children()):
            pool, scale = POOLINGS[pooling]
            net.add_module(f"pool{block}", Scaled(pool(2), scale) if scale != 1 else pool(2))
        index += 1
    if not len(net):
        raise ValueError(f"{source} holds no features.0.weight: not weights of {name}.")
    return net


def read_weights(path: Path) -> dict:
    "The tensors of a .safetensors or .pth file, without running code."
    if not path.is_file():
        raise FileNotFoundError(f"no weights file {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise ValueError(f"{path} is no .safetensors or .pth weights file: {why}") from None
    except Exception as error:  # torch.load raises pickle's own kinds too
        raise ValueError(f"{path} cannot be read as weights: {type(error).__name__}.") from None


@lru_cache(maxsize=2)
def _known_weights(name):
    if name in SHIPPED:
        return read_weights(SHIPPED[name])
    import torchvision  # slow to import, and only here of use

    if name not in torchvision.models.list_models():
        raise FaststyleError(
            f"{name}'s weights are in no package. Give a file (weights=, --weights)."
        )
    weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=True, check_hash=True)
        return {k: v for k, v in state.items() if k.startswith("features.")}
    except Exception as error:
        cache = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
        raise FaststyleError(
            f"{name}'s weights are neither cached nor can they be downloaded "
            f"({type(error).__name__}). Give a file (weights=, --weights), or put torchvision's "
            f"at {cache}, or use the backbone that ships (lite)."
        ) from None
