"""How far pytorch/examples' recipe and ours come in a given number of minutes.

    python -m benchmarks.training.examples A.jpg --photos DIR --weights VGG19.safetensors \\
        --peer EXAMPLES/fast_neural_style/neural_style [--minutes 1.5] [--peer-minutes 30]

The peer's `train()` runs as published: from scratch, Adam at 1e-3, batch 4, 256 px. Only its loss
network differs: VGG19 up to the end of the file, with the layers relu1_2, relu2_2 and relu3_3. Ours
is the recipe `fast` with the built-in start and backbone, trained anew for each number of minutes.
Both are measured under VGG19 on photos that neither has seen. The measurements don't count as
training time.
"""

import argparse
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import torch
from fastai.torch_core import set_seed

from benchmarks.report import report
from faststyle_fastai.all import (
    StyleDataLoaders,
    Stylizer,
    perceptual_backbone,
    read_picture,
    style_learner,
    to_tensor,
)
from faststyle_fastai.images.sizes import resize_short
from faststyle_fastai.perceptual.evaluate import reference_loss

SIZE, BS = 256, 4
Outputs = namedtuple("Outputs", "relu1_2 relu2_2 relu3_3")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("painting")
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("--weights", required=True, help="VGG19 weights.")
    parser.add_argument(
        "--peer", required=True, help="Folder fast_neural_style/neural_style of pytorch/examples."
    )
    parser.add_argument("--style-weight", type=float, default=1e10, help="The peer's style weight.")
    parser.add_argument(
        "--minutes", type=float, nargs="+", default=[1.5, 3], help="Minutes of our trainings."
    )
    parser.add_argument("--peer-minutes", type=int, default=30)
    parser.add_argument("--count", type=int, default=8, help="Number of held-out photos.")
    args = parser.parse_args()
    dls = StyleDataLoaders.from_folder(args.photos, SIZE, seed=0, device="cpu")
    loss = reference_loss(perceptual_backbone("vgg19", args.weights), args.painting)
    photos = [resize_short(to_tensor(read_picture(p)), SIZE) for p in dls.valid.items[: args.count]]

    @torch.no_grad()
    def look(paint):
        return sum(loss(paint(photo).clamp(0, 1), photo).item() for photo in photos) / len(photos)

    theirs = peer(args, dls.train.items, look)
    rows = []
    for minutes in args.minutes:
        set_seed(0)
        ours = StyleDataLoaders.from_folder(args.photos, SIZE, 2, seed=0, device="cpu")
        learn = style_learner(ours, args.painting)
        with learn.no_bar(), learn.no_logging():
            learn.fit_recipe(minutes=minutes)
        total = look(Stylizer(learn).paint)
        until = next((f"{m:.1f}" for m, seen in theirs if seen <= total), f"> {theirs[-1][0]:.1f}")
        reached = min(seen for m, seen in theirs if m <= minutes)
        row = {"minutes": minutes, "ours, total": round(total, 2)}
        row["pytorch/examples, total"] = round(reached, 2)
        row[f"after {theirs[-1][0]:.0f} minutes"] = round(min(seen for _, seen in theirs), 2)
        rows.append(row | {"its minutes to ours": until})
        print(rows[-1], flush=True)
    name = Path(args.painting).stem
    facts = {"painting": name, "photos": len(photos), "its style weight": args.style_weight}
    report("examples", rows, bs=BS, size=SIZE, **facts)


class Enough(Exception):
    "The time of the training is over."


def peer(args, files, look):
    "(minutes, held-out total) over the course of pytorch/examples' own train()."
    sys.path.insert(0, args.peer)
    import neural_style

    backbone = perceptual_backbone("vgg19", args.weights)
    curve, made, whole = [], [], range(1, args.peer_minutes + 1)
    marks = iter(60 * m for m in sorted({*args.minutes, *whole}))

    class Loss(torch.nn.Module):
        def __init__(self, requires_grad):
            super().__init__()

        def forward(self, x):
            return Outputs(**backbone(x * backbone.std + backbone.mean, Outputs._fields))

    class Net(neural_style.TransformerNet):
        def __init__(self):
            super().__init__()
            made.append(self)

    def painted(x):  # its images are multiples of 4 px
        return (made[0](255 * x) / 255)[..., : x.shape[-2], : x.shape[-1]]

    class Adam(torch.optim.Adam):
        seconds, tick, mark = 0.0, time.perf_counter(), next(marks)

        def step(self, *step_args, **kwargs):
            super().step(*step_args, **kwargs)
            self.seconds += time.perf_counter() - self.tick
            if self.seconds >= self.mark:
                curve.append((self.mark / 60, look(painted)))  # at its first step since then
                print(*curve[-1], flush=True)
                self.mark = next(marks, None)
                if self.mark is None:
                    raise Enough
            self.tick = time.perf_counter()

    neural_style.Vgg16, neural_style.TransformerNet, neural_style.Adam = Loss, Net, Adam
    with tempfile.TemporaryDirectory() as folder:
        (photos := Path(folder) / "photos" / "all").mkdir(parents=True)
        for file in map(Path, files):
            (photos / file.name).symlink_to(file.absolute())
        try:
            neural_style.train(
                SimpleNamespace(
                    accel=False, seed=0, image_size=SIZE, dataset=str(photos.parent), batch_size=BS,
                    lr=1e-3, style_image=args.painting, style_size=None, epochs=1000,
                    content_weight=1e5, style_weight=args.style_weight, log_interval=500,
                    checkpoint_model_dir=None, save_model_dir=folder,
                )
            )  # fmt: skip
        except Enough:
            return curve
        finally:
            sys.path.remove(args.peer)


if __name__ == "__main__":
    main()
