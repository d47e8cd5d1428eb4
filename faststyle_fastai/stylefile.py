"The files that trained networks are kept in, and the base each can go back to."

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .backbones import ASSETS, read_weights
from .errors import FaststyleError
from .files import whole_file
from .transformer import ARCHS, TransformerNet, from_examples, is_row, make_network

if TYPE_CHECKING:
    from fastai.learner import Learner

__all__ = ["import_style", "load_style", "save_style"]

FORMAT, FIELDS = "faststyle/1", {"arch", "styles", "size", "recipe", "base"}
MODEL = "model.safetensors"  # the network in a run folder
BASE = "base."  # prefix of the carried base's weights


def save_style(
    learn: "Learner",  # from style_learner or autoencoder_learner
    path: str | Path,  # .safetensors
    add_to: str | Path | None = None,  # the file it started from, whose styles come first
) -> Path:
    """Write the network with its names, size, recipe and base: no code, whole or not at all.

    With `add_to=` the rows that were trained after `learn.freeze()` join that file's styles,
    whose pictures stay the same to the bit.

    The base is what `strength` goes back to: the autoencoder that ships by its hash, any other
    start carried along in half precision.
    """
    path, card = Path(path), learn.style_card
    if path.suffix != ".safetensors":
        raise ValueError(f"{path}: a style's file ends in .safetensors.")
    state = {k: v.detach().cpu().contiguous() for k, v in learn.model.state_dict().items()}
    info, base = card.info, card.base
    if add_to is not None:
        state, info, base = _joined(Path(add_to), state, info)
    if base and info["base"] == "carried":
        state.update({BASE + k: v.half().contiguous() for k, v in base.items()})
    write_style(state, info, path)
    return path


def _joined(path, state, info):
    "The network of `path` with the rows of `state` after its own; what is said of it; its base."
    net, before, base = load_style(path)
    may_join(path, before, info["styles"])
    if before["arch"] != info["arch"]:
        raise ValueError(f"{path} is a network of arch '{before['arch']}', not '{info['arch']}'.")
    joined = {}
    for key, value in net.state_dict().items():
        if is_row(key):
            joined[key] = torch.cat([value, state[key]])
        elif torch.equal(value, state[key]):
            joined[key] = value
        else:
            raise ValueError(
                f"the network is not {path}'s with new rows alone: begin with "
                f"pretrained='{path}' and train after learn.freeze()."
            )
    return joined, {**before, "styles": before["styles"] + info["styles"]}, base


def import_style(
    peer: str | Path,  # a .pth of pytorch/examples' fast_neural_style
    path: str | Path,  # .safetensors
    name: str | None = None,  # of the style; None: the file's
) -> Path:
    "Another program's network as one of ours; reads weights only, never code."
    peer, path = Path(peer), Path(path)
    state = read_weights(peer)
    try:
        state = from_examples(state.get("state_dict", state))
        arch = "light" if len(state["conv1.conv2d.weight"]) == 16 else "full"
        info = {"arch": arch, "styles": [name or peer.stem], "size": 256}
        info |= {"recipe": "johnson", "base": ""}
        network_of(state, info)
    except (KeyError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        raise ValueError(
            f"{peer} is no network of pytorch/examples' fast_neural_style: {error}."
        ) from None
    write_style(state, info, path)
    return path


def may_join(path, info, names):
    "See that styles of these names can be added to the network of `path`."
    if not info["styles"]:
        raise ValueError(f"{path} is an autoencoder: there are no styles to add one to.")
    if not ARCHS.get(info["arch"], {}).get("affine", True):
        raise ValueError(f"{path} is a network of arch '{info['arch']}', which has one style only.")
    if known := sorted(set(info["styles"]) & set(names)):
        raise ValueError(f"{path} has a style {known[0]} already: give the new one another name.")


def take_rows(
    state: dict[str, Tensor],  # of a TransformerNet
    rows: list[int],
) -> dict[str, Tensor]:  # of one that has these styles, in this order
    "Some styles of a network, or the same one several times."
    return {k: v[rows].clone() if is_row(k) else v for k, v in state.items()}


def write_style(state: dict[str, Tensor], info: dict, path: Path):
    "A network's weights and what is said of it, as a .safetensors, whole or not at all."
    if bad := [k for k, v in state.items() if not v.isfinite().all()]:
        raise FaststyleError(f"{', '.join(bad[:3])} hold NaN or infinity: {path} is not written.")
    said = {k: v if isinstance(v, str) else json.dumps(v) for k, v in info.items()}
    said["format"] = FORMAT
    said["checksum"] = checksum(state, said)
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(save(state, said))
    except OSError as error:
        raise FaststyleError(f"{path} cannot be written: {error.strerror}.") from error


def checksum(state: dict[str, Tensor], said: dict[str, str]) -> str:
    "Of all weights and all that is said of them: SHA-256."
    found = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name, value in sorted(state.items()):
        found.update(f"{name} {value.dtype} {list(value.shape)}".encode())
        found.update(value.reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()


def load_style(
    path: str | Path,  # a .safetensors of save_style's, or a run folder
) -> tuple[TransformerNet, dict, dict | None]:  # in eval; arch, styles, …; the base's weights
    "A trained network, what its file says of it, and the base it can go back to."
    path = Path(path)
    if path.is_dir():
        path /= MODEL
    if not path.is_file():
        raise FileNotFoundError(f"no style file {path}.")
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
            state = {k: file.get_tensor(k) for k in file.keys()}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is no .safetensors file, or a damaged one: {error}.") from None
    if said.get("format") != FORMAT:
        raise ValueError(f"{path} is not a faststyle network (its format is not '{FORMAT}').")
    if said.pop("checksum", None) != checksum(state, said):
        raise ValueError(f"{path} is damaged: its checksum is another.")
    state = {k: v.float() for k, v in state.items()}
    base = {k.removeprefix(BASE): v for k, v in state.items() if k.startswith(BASE)}
    state = {k: v for k, v in state.items() if not k.startswith(BASE)}
    try:
        if missing := FIELDS - said.keys():
            raise ValueError(f"{', '.join(sorted(missing))} are not said")
        info = {**said, "styles": json.loads(said["styles"]), "size": int(said["size"])}
        if not all(isinstance(name, str) for name in info["styles"]):
            raise ValueError(f"styles are {said['styles']}, not a list of names")
        net = network_of(state, info)
        if base:
            network_of(base, {**info, "styles": []})
        return net, info, base or bundled_weights(info)
    except (KeyError, ValueError, TypeError) as error:
        why = str(error).rstrip(".")
        raise ValueError(f"{path} is not as a faststyle network must be: {why}.") from None


def network_of(
    state: dict[str, Tensor],  # a TransformerNet's
    info: dict,  # its arch and styles
) -> TransformerNet:  # in eval
    "The network of these weights; `ValueError` when they are not finite or not of this shape."
    net = make_network(info["arch"], max(1, len(info["styles"])))
    wanted = net.state_dict()
    if odd := sorted(wanted.keys() ^ state.keys()):
        raise ValueError(f"{', '.join(odd[:3])} are missing or too many")
    for name, value in state.items():
        if value.shape != wanted[name].shape:
            raise ValueError(f"{name} is {list(value.shape)}, not {list(wanted[name].shape)}")
        if not value.isfinite().all():
            raise ValueError(f"{name} holds NaN or infinity")
    net.load_state_dict(state)
    return net.eval()


def bundled_weights(info):
    "The base's weights when it is the autoencoder that ships, and still the same one."
    if not info["base"].startswith("autoencoder") or info["base"] != bundled_base(info["arch"]):
        return None
    return load_style(shipped_path("autoencoder", info["arch"]))[0].state_dict()


def shipped_path(name, arch):
    "A network that ships for `arch`: the autoencoder or the gallery."
    path = ASSETS / f"{name if arch == 'full' else f'{name}-{arch}'}.safetensors"
    if not path.is_file():
        raise FaststyleError(
            f"no {name} ships for arch '{arch}': start from a file of your own or from "
            f"scratch, pretrained=None (--pretrained none)."
        )
    return path


@lru_cache
def bundled_base(arch):
    "How a style says that it started from the autoencoder that ships: name and hash."
    digest = hashlib.sha256(shipped_path("autoencoder", arch).read_bytes()).hexdigest()
    return f"autoencoder:{digest[:16]}"
