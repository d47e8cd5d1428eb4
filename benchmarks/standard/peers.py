"""The peers of `benchmarks.standard`: small networks for any painting, each run by its own code.

A peer is a clone of its repository in the folder `--peers`, under the repository's name. A row of
`PEERS` makes a function from a painting's and a photo's file to an image, [1, 3, H, W].
"""

import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import torch.utils.serialization
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import to_tensor

Paint = Callable[[Path, Path], Tensor]
SIDE = 512  # px of a painting's short side, if it is larger


@dataclass(frozen=True)
class Peer:
    "A published network."

    repository: str  # on GitHub
    published: str
    weights: list[str]  # globs of files in the repository
    load: Callable[[Path], Paint]  # from the clone


@contextmanager
def importing(*folders: Path):
    "Import a peer's modules from its own folders, and forget them afterwards: names repeat."
    before, path = set(sys.modules), list(sys.path)
    sys.path[:0] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if any(file.startswith(str(folder)) for folder in folders):
                del sys.modules[name]


def picture(file: Path) -> Image.Image:
    image = Image.open(file).convert("RGB")
    scale = SIDE / min(image.size)
    size = round(image.width * scale), round(image.height * scale)
    return image.resize(size, Image.Resampling.BICUBIC) if scale < 1 else image


def tensor(file: Path) -> Tensor:
    return to_tensor(picture(file))[None]


def micro_ast(clone: Path) -> Paint:
    with importing(clone):
        import net_microAST as nets
    parts = nets.Encoder(), nets.Encoder(), nets.Modulator(), nets.Decoder()
    names = "content_encoder", "style_encoder", "modulator", "decoder"
    for part, name in zip(parts, names):
        file = clone / "models" / f"{name}_iter_160000.pth.tar"
        part.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    net = nets.TestNet(*parts).eval()
    return lambda painting, photo: net(tensor(photo), tensor(painting), 1.0)


def rl_mini_styler(clone: Path) -> Paint:
    with importing(clone / "rl"):  # its package's own __init__ needs Tensorboard
        import nets
    actor, builder = nets.Actor(), nets.Decoder()
    for part, name in ((actor, "actor"), (builder, "builder")):
        file = clone / "exp" / "ckpt" / f"{name}.pth.tar"
        part.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        part.eval()

    def paint(painting, photo):
        x, style = tensor(photo), tensor(painting)
        for _ in range(10):  # its default
            action, _, _, seen = actor.sample(x, style)
            x = builder(action, seen)
        return x

    return paint


def ada_in(clone: Path) -> Paint:
    import tensorflow as tf

    def part(name):
        graph = tf.compat.v1.GraphDef()
        graph.ParseFromString((clone / "adain" / "models" / name).read_bytes())
        sources = {node.name for node in graph.node if node.op == "Placeholder"}
        read = {name.split(":")[0].lstrip("^") for node in graph.node for name in node.input}
        (end,) = [node.name for node in graph.node if node.name not in read]

        def start():
            tf.import_graph_def(graph, name="")

        wrapped = tf.compat.v1.wrap_function(start, [])
        return wrapped.prune([f"{name}:0" for name in sorted(sources)], [f"{end}:0"])

    encode, decode = part("encoder_opt_quantized.pb"), part("decoder_opt_quantized.pb")

    def paint(painting, photo):
        of_style, of_photo = (
            encode(tf.constant(np.asarray(picture(file), np.float32)[None]))[0]
            for file in (painting, photo)
        )
        found = decode(of_photo, of_style)[0].numpy()
        return torch.from_numpy(found).permute(0, 3, 1, 2) / 255

    return paint


def magenta(clone: Path) -> Paint:
    import tensorflow as tf

    folder = clone / "_example" / "style_transform"

    def run(name, *inputs):
        net = tf.lite.Interpreter(str(folder / name), num_threads=torch.get_num_threads())
        slots = net.get_input_details()
        for slot, x in zip(slots, inputs):
            net.resize_tensor_input(slot["index"], x.shape)
        net.allocate_tensors()
        for slot, x in zip(slots, inputs):
            net.set_tensor(slot["index"], x)
        net.invoke()
        return net.get_tensor(net.get_output_details()[0]["index"])

    def paint(painting, photo):
        small = picture(painting).resize((256, 256), Image.Resampling.BICUBIC)
        style = np.asarray(small, np.float32)[None] / 255
        style = run("style_predict_quantized_256.tflite", style)
        x = np.asarray(picture(photo), np.float32)[None] / 255
        found = run("style_transfer_quantized_dynamic.tflite", x, style)
        return torch.from_numpy(found).permute(0, 3, 1, 2)

    return paint


def wct(clone: Path) -> Paint:
    torch.utils.serialization.load_lua = None  # which it imports, and torch no longer has
    trained = clone / "trained_models"
    args = {f"e{i}": trained / "wct_se_16x_new" / f"{i}SE.pth" for i in range(1, 6)}
    args |= {f"d{i}": trained / "wct_se_16x_new_sd" / f"{i}SD.pth" for i in range(1, 6)}
    with importing(clone / "PytorchWCT", clone):
        import util_wct

        settings = {name: str(file) for name, file in args.items()}
        net = util_wct.WCT(SimpleNamespace(mode="16x", numpy=False, **settings)).eval()

    def paint(painting, photo):
        x, style = tensor(photo), tensor(painting)
        for i in range(5, 0, -1):  # as its styleTransfer, without the GPU
            encode, decode = getattr(net, f"e{i}"), getattr(net, f"d{i}")
            seen, wanted = encode(x), encode(style)
            x = decode(net.transform(seen[0], wanted[0], torch.empty_like(seen), 1.0))
        return x

    return paint


PEERS = {
    "MicroAST": Peer("EndyWon/MicroAST", "AAAI 2023", ["models/*.pth.tar"], micro_ast),
    "RLMiniStyler": Peer(
        "fengxiaoming520/RLMiniStyler", "IJCAI 2025", ["exp/ckpt/*.pth.tar"], rl_mini_styler
    ),
    "AdaIN, 8 bits": Peer(
        "penny4860/android-style-transfer",
        "ICCV 2017",
        ["adain/models/*coder_opt_quantized.pb"],
        ada_in,
    ),
    "Magenta, 8 bits": Peer(
        "mattn/go-tflite", "BMVC 2017", ["_example/style_transform/*.tflite"], magenta
    ),
    "WCT, 1/16": Peer(
        "MingSun-Tse/Collaborative-Distillation",
        "CVPR 2020",
        ["trained_models/wct_se_16x_new*/[1-5]S[ED].pth"],
        wct,
    ),
}
