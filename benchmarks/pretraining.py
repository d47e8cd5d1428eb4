"""What a pretrained start is worth: steps and seconds to the same held-out loss.

    python -m benchmarks.pretraining --photos DIR --styles A.jpg B.jpg --other STYLE.safetensors \\
        [--backbone vgg19 --weights FILE]

Every start trains the same way (recipe `fast`, 128 px, batch 4, constant learning rate, the same
photos in the same order) and is measured on the same held-out photos under the yardstick. The
mark is what training from scratch reaches in `--steps` steps, the mean over seeds.
"""

import argparse
import statistics
import time
import warnings

import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.torch_core import set_seed

from benchmarks.report import report
from faststyle_fastai.all import (
    StyleDataLoaders,
    autoencoder_learner,
    perceptual_backbone,
    style_learner,
    yardstick,
)

SIZE, BS, LR, EVERY = 128, 4, 1e-3, 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="a folder")
    parser.add_argument("--styles", required=True, nargs="+", help="paintings")
    parser.add_argument("--other", required=True, help="a network trained on yet another style")
    parser.add_argument("--backbone", default="lite", help="the yardstick's")
    parser.add_argument("--weights", help="its weights file")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    backbone = perceptual_backbone(args.backbone, args.weights)
    starts = {
        "scratch": None,
        "autoencoder, relu1_1, 600 photos": autoencoder(args.photos, 600, {"relu1_1": 1.0}),
        "autoencoder, relu2_2, 2,000 photos": autoencoder(args.photos, 2000, {"relu2_2": 1.0}),
        "autoencoder that ships (relu1_1, 8,000 photos)": "autoencoder",
        "network of another style": args.other,
    }
    rows = []
    for style in args.styles:
        loss = yardstick(backbone, style)
        runs = {
            seed: train(args.photos, style, loss, None, seed, args.steps)
            for seed in range(args.seeds)
        }
        mark = statistics.mean(curve[-1][1] for curve, _ in runs.values())
        base = reached = None
        for name, start in starts.items():
            found = []
            for seed in range(args.seeds):
                if start is None:
                    curve, seconds = runs[seed]
                else:
                    curve, seconds = train(
                        args.photos, style, loss, start, seed, 2 * args.steps, mark
                    )
                reached = next((s for s, total in curve if total <= mark), curve[-1][0])
                if start is None:
                    reached = curve[-1][0]
                found.append((reached, seconds * reached / curve[-1][0], curve[0][1]))
                print(style, name, seed, *found[-1], flush=True)
            steps, seconds, first = (statistics.mean(v) for v in zip(*found))
            base = base or steps
            rows.append(
                {
                    "painting": style.rsplit("/", 1)[-1].split(".")[0],
                    "start": name,
                    "loss before": round(first, 2),
                    "mark": round(mark, 2),
                    "steps to it": round(steps),
                    "of seeds": " ".join(str(f[0]) for f in found),
                    "seconds": round(seconds),
                    "faster": f"{base / steps:.1f}x",
                }
            )
    facts = {"size": SIZE, "bs": BS, "lr": LR, "seeds": args.seeds, "yardstick": args.backbone}
    report("pretraining", rows, **facts)


def loaders(photos, seed, images):
    set_seed(seed)
    return StyleDataLoaders.from_folder(
        photos, SIZE, BS, images=images, max_valid=8, seed=0, device="cpu"
    )


def autoencoder(photos, images, content):
    "An autoencoder trained here, on so many photos."
    learn = autoencoder_learner(loaders(photos, 0, images), content=content, small=None)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(1, 2e-3)
    return learn


class HeldOut(Callback):
    "The yardstick on held-out photos every few steps; ends the fit at `mark`."

    order = 100

    def __init__(self, loss, photos, mark):
        self.loss, self.photos, self.mark = loss, photos, mark
        self.curve, self.seconds = [], 0.0

    def before_fit(self):
        self._look(0)
        self.tick = time.perf_counter()

    def after_step(self):
        step = self.train_iter + 1
        if step % EVERY == 0:
            self.seconds += time.perf_counter() - self.tick
            self._look(step)
            if self.mark and self.curve[-1][1] <= self.mark:
                raise CancelFitException
            self.tick = time.perf_counter()

    @torch.no_grad()
    def _look(self, step):
        with torch.autocast("cpu", enabled=False):
            total = self.loss(self.learn.model(self.photos), self.photos)
        self.curve.append((step, total.item()))


def train(photos, style, loss, start, seed, steps, mark=None):
    "(step, held-out loss) every few steps, and the seconds spent training."
    dls = loaders(photos, seed, BS * steps)
    held_out = torch.cat([b[0] for b in dls.valid]).as_subclass(torch.Tensor)
    learn = style_learner(dls, style, pretrained=start, small=None)
    watch = HeldOut(loss, held_out, mark)
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, LR, cbs=watch)
    return watch.curve, watch.seconds


if __name__ == "__main__":
    main()
