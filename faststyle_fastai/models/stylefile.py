"Load and save trained networks, with the base network that `strength` interpolates toward."

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import DataParallel
from torch.nn.parallel import DistributedDataParallel

from ..core.assets import MODEL, builtin_path
from ..core.atomic import atomic_write
from ..core.errors import FaststyleError
from ..core.weights import read_weights
from .metadata import check_names, checked_info
from .normalization import is_affine
from .transformer import ARCHS, TransformerNet, from_examples, make_network

if TYPE_CHECKING:
    from fastai.learner import Learner

__all__ = ["card_of", "import_style", "load_style", "save_style"]

FORMAT = "faststyle/1"
BASE = "base."  # prefix of the weights of a base stored in the file
LARGEST = 2**30  # most bytes of a file


def save_style(
    learn: "Learner",  # from style_learner or autoencoder_learner
    path: str | Path,  # .safetensors
    add_to: str | Path | None = None,  # the file that training started from; its styles come first
) -> Path:
    """Write the network with its style names, size, recipe and base, atomically and without code.

    With `add_to=`, the styles trained after `learn.freeze()` are added to the styles of that file.
    The images of the existing styles stay bit-for-bit the same.

    The base is the network at `strength` 0. The built-in autoencoder is stored by its hash, any
    other base in half precision.

    Raises `ValueError` if `path` does not end in .safetensors, and if `add_to` is another network;
    `FaststyleError` for weights that are not finite, and if the file cannot be written.
    """
    info, base = card_of(learn)
    state = {k: v.detach().cpu() for k, v in plain_net(learn.model).state_dict().items()}
    if add_to is not None:
        state, info, base = _joined(Path(add_to), state, info)
    return save_network(state, info, base, path)


def card_of(learn: "Learner") -> tuple[dict, dict[str, Tensor] | None]:
    "A learner's metadata and the weights of its base. Those of a plain one tell its network."
    if card := getattr(learn, "style_card", None):
        return card.info, card.base
    if not isinstance(net := plain_net(learn.model), TransformerNet):
        kind = type(net).__name__
        raise FaststyleError(f"{kind} is not a TransformerNet, which style files hold.")
    own = {k: v.shape for k, v in net.state_dict().items()}
    for arch, settings in ARCHS.items():
        if net.affine and not settings.get("affine", True):
            continue
        if own == shapes(arch, net.n_styles):
            names = ["style", *(f"style{i}" for i in range(2, net.n_styles + 1))]
            size = getattr(learn.dls, "size", 256)
            return {"arch": arch, "styles": names, "size": size, "recipe": "", "base": ""}, None
    raise FaststyleError(f"The network has none of the sizes {', '.join(ARCHS)}.")


def plain_net(net: torch.nn.Module) -> torch.nn.Module:
    "The network inside one of `torch.compile` or for several GPUs, which rename its weights."
    net = net.module if isinstance(net, (DataParallel, DistributedDataParallel)) else net
    return getattr(net, "_orig_mod", net)


def save_network(
    state: dict[str, Tensor],  # of a TransformerNet
    info: dict,  # its metadata, as `load_style` returns it
    base: dict[str, Tensor] | None,  # the network at `strength` 0
    path: str | Path,  # .safetensors
) -> Path:
    "Write a network with its base: the built-in one by its hash, any other in half precision."
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path}: the name of a style file must end in .safetensors.")
    state = {k: v.detach().cpu().contiguous() for k, v in state.items()}
    if base and info["base"] == "carried":
        state |= {BASE + k: v.cpu().half().contiguous() for k, v in base.items()}
    write_style(state, info, path)
    return path


def _joined(path, state, info):
    "The network of `path` with the styles of `state` appended, its metadata and its base."
    net, before, base = load_style(path)
    check_can_add(path, before, info["styles"])
    if before["arch"] != info["arch"]:
        raise ValueError(f"{path} has arch '{before['arch']}', not '{info['arch']}'.")
    own = net.state_dict()
    if not all(is_affine(key) or torch.equal(value, state[key]) for key, value in own.items()):
        raise ValueError(
            f"The network differs from {path} in more than new styles. Start from "
            f"pretrained='{path}' and train after learn.freeze()."
        )
    joined = join_styles(own, state)
    palettes = before.get("palettes", {}) | info.get("palettes", {})
    styles = before["styles"] + info["styles"]
    return joined, {**before, "styles": styles, "palettes": palettes}, base


def import_style(
    peer: str | Path,  # a .pth of pytorch/examples' fast_neural_style
    path: str | Path,  # .safetensors
    name: str | None = None,  # of the style; None: the file name
) -> Path:
    """Convert a network of pytorch/examples to a style file; reads weights only, never code.

    Raises `FileNotFoundError` for a missing file, and `ValueError` for one that is no such network.
    """
    peer, path = Path(peer), Path(path)
    check_names([name or peer.stem])
    state = read_weights(peer)
    try:
        state = from_examples(state.get("state_dict", state))
        arch = "slim" if len(state["conv1.conv2d.weight"]) == 16 else "full"
        info = {"arch": arch, "styles": [name or peer.stem], "size": 256}
        info |= {"recipe": "johnson", "base": ""}
        network_of(state, info)
    except (KeyError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        raise ValueError(
            f"{peer} is not a network of pytorch/examples' fast_neural_style ({error})."
        ) from None
    return save_network(state, info, None, path)


def check_can_add(path, info, names):
    "Check that styles with these names can be added to the network of `path`."
    if not info["styles"]:
        raise ValueError(f"{path} is an autoencoder. Styles can only be added to a style network.")
    if not ARCHS.get(info["arch"], {}).get("affine", True):
        raise ValueError(f"{path} has arch '{info['arch']}', which holds only one style.")
    if known := sorted(set(info["styles"]) & set(names)):
        raise ValueError(f"{path} already has a style '{known[0]}'. Give the new one another name.")


def select_styles(
    state: dict[str, Tensor],  # of a TransformerNet
    styles: list[int],  # indices of styles
) -> dict[str, Tensor]:  # of a network with these styles, in this order
    "Select styles of a network; a style may be repeated."
    return {k: v[styles].clone() if is_affine(k) else v for k, v in state.items()}


def join_styles(
    state: dict[str, Tensor],  # of a TransformerNet
    more: dict[str, Tensor],  # scales and shifts of other styles
) -> dict[str, Tensor]:  # of a network with all these styles, the others last
    "Append styles to those of a network."
    return {k: torch.cat([v, more[k]]) if is_affine(k) else v for k, v in state.items()}


def write_style(state: dict[str, Tensor], info: dict, path: Path):
    "Write weights and metadata to a .safetensors file atomically."
    if bad := [k for k, v in state.items() if not v.isfinite().all()]:
        raise FaststyleError(
            f"{', '.join(bad[:3])} contain NaN or infinity. {path} was not written."
        )
    said = {k: v if isinstance(v, str) else json.dumps(v) for k, v in info.items()}
    said["format"] = FORMAT
    said["checksum"] = checksum(state, said)
    try:
        with atomic_write(path) as temporary:
            temporary.write_bytes(in_order(save(state, said)))
    except OSError as error:
        raise FaststyleError(f"{path} cannot be written ({error.strerror}).") from error


def in_order(data: bytes) -> bytes:
    "A .safetensors file with a sorted header: safetensors writes metadata in random order."
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[end:]


def checksum(state: dict[str, Tensor], said: dict[str, str]) -> str:
    "SHA-256 of all weights and metadata."
    found = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name, value in sorted(state.items()):
        found.update(f"{name} {value.dtype} {list(value.shape)}".encode())
        found.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def load_style(
    path: str | Path,  # a .safetensors file written by save_style, or a run folder
) -> tuple[TransformerNet, dict, dict | None]:  # in eval mode; metadata; base weights
    """Load a trained network, its metadata and its base.

    The metadata are `arch`, `styles`, `size`, `recipe` and `base`, and `palettes` if the paintings'
    colors are known. The base is the network at
    `strength` 0, or None. Raises `FileNotFoundError` for a missing file, and `ValueError` for one
    that is not a network of this package; it never runs code from a file.
    """
    path = Path(path)
    if path.is_dir():
        path /= MODEL
    state, said = read_state(path)
    base = {k.removeprefix(BASE): v for k, v in state.items() if k.startswith(BASE)}
    state = {k: v for k, v in state.items() if not k.startswith(BASE)}
    try:
        info = checked_info(said)
        net = network_of(state, info)
        if base:
            network_of(base, {**info, "styles": []})
        return net, info, base or builtin_weights(info)
    except ValueError as error:
        why = str(error).rstrip(".")
        raise ValueError(f"{path} is not a valid faststyle network: {why}.") from None


def read_state(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:  # float32 weights; metadata
    "Read weights and metadata that `write_style` wrote; `ValueError` for any other file."
    if not path.is_file():
        raise FileNotFoundError(f"Style file not found: {path}.")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is larger than {LARGEST >> 20} MB and not a faststyle network.")
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
            state = {k: file.get_tensor(k) for k in file.keys()}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is not a .safetensors file or is damaged ({error}).") from None
    if said.get("format") != FORMAT:
        raise ValueError(f"{path} is not a faststyle network. Its format is not '{FORMAT}'.")
    if said.pop("checksum", None) != checksum(state, said):
        raise ValueError(f"{path} is damaged: its checksum does not match.")
    return {k: v.float() for k, v in state.items()}, said


@torch.random.fork_rng([])  # a new network draws random weights
def network_of(
    state: dict[str, Tensor],  # of a TransformerNet
    info: dict,  # its arch and styles
) -> TransformerNet:  # in eval mode
    "Build a network from weights; `ValueError` if they are not finite or have the wrong shape."
    arch, n_styles = info["arch"], max(1, len(info["styles"]))
    wanted = shapes(arch, n_styles)
    if odd := sorted(wanted.keys() ^ state.keys()):
        raise ValueError(f"missing or unexpected weights: {', '.join(odd[:3])}")
    for name, value in state.items():
        if value.shape != wanted[name]:
            raise ValueError(f"{name} has shape {list(value.shape)}, not {list(wanted[name])}")
        if not value.isfinite().all():
            raise ValueError(f"{name} contains NaN or infinity")
    net = make_network(arch, n_styles)
    net.load_state_dict(state)
    return net.eval()


def shapes(arch, n_styles):
    "The shapes of a network's weights, without memory, however many styles there are."
    with torch.device("meta"):
        return {k: v.shape for k, v in make_network(arch, n_styles).state_dict().items()}


def builtin_weights(info):
    "Weights of the base if it is the built-in autoencoder of this version."
    if not info["base"].startswith("autoencoder") or info["base"] != builtin_base(info["arch"]):
        return None
    return load_style(builtin_path("autoencoder", info["arch"]))[0].state_dict()


@lru_cache
def builtin_base(arch):
    "The metadata entry for the built-in autoencoder as a base: name and hash."
    digest = hashlib.sha256(builtin_path("autoencoder", arch).read_bytes()).hexdigest()
    return f"autoencoder:{digest[:16]}"
