"""Optimizing pixels, compared layer by layer with crowsonkb/style-transfer-pytorch's own code.

    python -m benchmarks.optimization.optimize CONTENT PAINTING --weights VGG19.safetensors \\
        --peer FOLDER_WITH_style_transfer

Both start from the same noise and use the same weights, layers and settings: those of the peer's
recipe, but with the layers of a file that ends at relu3_4. The two take turns of `--iterations`
each. Times are medians. The peer's loss, in float32, measures both final images. The gap between
the loss curves is reported twice: for the peer as it is, and for the peer with `sqrtm_eig`, the
exact matrix square root in its code. By default it takes twelve Newton–Schulz steps, too few for
small eigenvalues. Memory is measured in a new process, without the imports.
"""

import argparse
import statistics
import sys
import time
from types import SimpleNamespace
from unittest.mock import patch

import torch
import torchvision
from safetensors.torch import load_file

from benchmarks.report import fresh, measured, report
from faststyle_fastai.all import PixelOptimizer, optimization_plan, read_picture
from faststyle_fastai.images.sizes import resized_tensor

STYLE = {"relu1_1": 1, "relu2_1": 6, "relu3_1": 11, "relu3_4": 17}  # -> torchvision's index
CONTENT = {"relu3_2": 13}
WEIGHTS = [256 / 340, 64 / 340, 16 / 340, 4 / 340]
SIZES, ROUNDS, LARGE = (256, 512), 3, 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("content")
    parser.add_argument("painting")
    parser.add_argument("--weights", required=True, help="VGG19 weights.")
    parser.add_argument(
        "--peer", required=True, help="Folder with the peer's style_transfer package."
    )
    parser.add_argument("--iterations", type=int, default=30, help="Iterations per turn.")
    args = parser.parse_args()
    sys.path.insert(0, args.peer)
    rows = []
    for size in SIZES:
        runs = [(theirs(args, size), ours(args, size)) for _ in range(ROUNDS)]
        (their, their_picture), (our, our_picture) = runs[0]
        seconds = [statistics.median(t for run in runs for t in run[i][0].times) for i in range(2)]
        exact = theirs(args, size, exact=True)[0]
        gaps = [
            max(abs(a / b - 1) for a, b in zip(our.losses, peer.losses)) for peer in (their, exact)
        ]
        row = {"px": size, "theirs, s an iteration": seconds[0], "ours": seconds[1]}
        row["ours, of theirs"] = f"{seconds[1] / seconds[0]:.2f}x"
        row["their last loss"] = judged(args, their_picture)
        row["ours, by theirs"] = judged(args, our_picture)
        row |= {"loss curves apart": f"{gaps[0]:.1%}", "with its exact root": f"{gaps[1]:.1%}"}
        rows.append(row)
        print(rows[-1], flush=True)
    need = [fresh(peak_of, run, args) for run in (theirs, ours)]
    facts = {"theirs, MB": round(need[0]), "ours, MB": round(need[1]), "px of the memory": LARGE}
    report(
        "optimize", rows, memory=f"{need[1] / need[0]:.2f}x", iterations=args.iterations, **facts
    )


def ours(args, size):
    "Seconds and loss of each of our iterations, and the image."
    plan = optimization_plan(
        "crowson",
        content_layers=dict.fromkeys(CONTENT, 1.0),
        style_layers=dict(zip(STYLE, WEIGHTS)),
        init="uniform",
        min_scale=size,
        end_scale=size,
        initial_iterations=args.iterations,
    )
    work = PixelOptimizer(args.content, args.painting, None, plan, args.weights, device="cpu")
    watch = Watch()
    for iterate in work:
        watch(iterate)
    return watch, work.picture()


def theirs(args, size, exact=False):
    "Seconds and loss of each of the peer's iterations, and the image."
    transfer, watch = peer(args), Watch()
    from style_transfer import sqrtm

    root = (lambda a, num_iters: sqrtm.sqrtm_eig(a)) if exact else sqrtm.sqrtm_ns_lyap
    torch.manual_seed(0)
    with patch.object(sqrtm, "sqrtm_ns_lyap", root):
        transfer.stylize(
            read_picture(args.content),
            [read_picture(args.painting)],
            init="uniform",
            min_scale=size,
            end_scale=size,
            initial_iterations=args.iterations,
            callback=watch,
        )
    return watch, transfer.get_image_tensor()[None]


class Watch:
    "A callback that records the seconds and the loss of each iteration."

    def __init__(self):
        self.tick, self.times, self.losses = None, [], []

    def __call__(self, iterate):
        now = time.perf_counter()
        if self.tick:  # not the first, which computes the targets
            self.times.append(now - self.tick)
        self.tick = now
        self.losses.append(iterate.loss)


@torch.no_grad()
def judged(args, x):
    "The peer's loss of an image."
    from style_transfer import style_transfer as code

    transfer, size = peer(args), x.shape[:1:-1]
    content, painting = (read_picture(path) for path in (args.content, args.painting))
    photo = transfer.model(resized_tensor(content, size))
    style = transfer.model(resized_tensor(painting, code.size_to_fit(painting.size, max(size))))
    seen = transfer.model(x)
    total = 2 * code.TVLoss()(x)
    for layer in CONTENT.values():
        total += 0.015 * code.ContentLossMSE(photo[layer])(seen[layer])
    for weight, layer in zip(WEIGHTS, STYLE.values()):
        near = code.StyleLossW2(code.StyleLossW2.get_target(style[layer]))
        total += weight * near(seen[layer])
    return total.item()


def peak_of(run, args):
    "MB that the optimization of a large image takes beyond the imports."
    sys.path.insert(0, args.peer)
    from style_transfer import style_transfer  # noqa: F401 - count it as an import

    args.iterations = 2
    return measured(lambda: run(args, LARGE))[1]


def peer(args):
    "The peer's StyleTransfer with the weights and the layers of the file."
    from style_transfer import style_transfer

    state = load_file(args.weights)
    last = 1 + max(int(key.split(".")[1]) for key in state)
    features = torchvision.models.vgg19(weights=None).features[: last + 1]
    features.load_state_dict({k.removeprefix("features."): v for k, v in state.items()})
    style_transfer.models = SimpleNamespace(
        vgg19=lambda weights: SimpleNamespace(features=features),
        VGG19_Weights=SimpleNamespace(IMAGENET1K_V1=None),
    )
    transfer = style_transfer.StyleTransfer()
    transfer.content_layers, transfer.style_layers = [*CONTENT.values()], [*STYLE.values()]
    transfer.style_weights = WEIGHTS
    transfer.model.layers = sorted({*CONTENT.values(), *STYLE.values()})
    return transfer


if __name__ == "__main__":
    main()
