"""How much a pretrained start saves: steps and seconds to the same held-out loss.

    python -m benchmarks.training.pretraining A.jpg B.jpg --photos DIR [--backbone vgg19 \\
        --weights FILE] [--autoencoder FILE …]

Every start trains the same way: recipe `fast`, 128 px, batch 4, constant learning rate, the same
photos in the same order. The reference loss is measured on the same held-out photos. The mark is
the mean loss, over seeds, that training from scratch reaches in `--steps` steps. A start that
doesn't reach it stops after 1.5 times as many. "Rows first" trains only the style's own scales and
shifts for the first ten steps.
"""

import argparse
import statistics
import time
import warnings
from functools import partial
from pathlib import Path

import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.torch_core import set_seed

from benchmarks.report import report
from faststyle_fastai.all import (
    StyleDataLoaders,
    autoencoder_learner,
    perceptual_backbone,
    style_learner,
)
from faststyle_fastai.perceptual.evaluate import reference_loss

SIZE, BS, LR, EVERY, ROWS_FIRST = 128, 4, 3e-3, 10, 10
ROWS = "gallery, rows first"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos.")
    parser.add_argument("paintings", nargs="+", help="Paintings that are not in the gallery.")
    parser.add_argument("--backbone", default="lite", help="Reference backbone.")
    parser.add_argument("--weights", help="Weights of the reference backbone.")
    parser.add_argument("--autoencoder", action="append", default=[], help="Another start: a file.")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    backbone = perceptual_backbone(args.backbone, args.weights)
    starts = {
        "scratch": None,
        "autoencoder, relu1_1, 600 photos": autoencoder(args.photos, 600, {"relu1_1": 1.0}),
        "autoencoder, relu2_2, 2,000 photos": autoencoder(args.photos, 2000, {"relu2_2": 1.0}),
        "autoencoder that ships": "autoencoder",
        **{Path(file).stem: file for file in args.autoencoder},
        "gallery": "gallery",
        ROWS: "gallery",
    }
    seeds, rows = range(args.seeds), []
    for style in args.paintings:
        loss = reference_loss(backbone, style)
        run = partial(train, args.photos, style, loss, most=3 * args.steps // 2)
        scratch = [run(None, seed, last=args.steps) for seed in seeds]
        mark = statistics.mean(curve[-1][1] for curve, _ in scratch)
        for name, start in starts.items():
            runs = scratch
            if start is not None:
                rows_first = ROWS_FIRST if name == ROWS else 0
                runs = [run(start, seed, mark=mark, rows_first=rows_first) for seed in seeds]
            steps = [curve[-1][0] for curve, _ in runs]
            rows.append(
                {
                    "painting": Path(style).stem,
                    "start": name,
                    "loss before": round(statistics.mean(curve[0][1] for curve, _ in runs), 2),
                    "mark": round(mark, 2),
                    "steps to it": round(statistics.mean(steps)),
                    "of seeds": " ".join(map(str, steps)),
                    "seconds": round(statistics.mean(seconds for _, seconds in runs)),
                    "faster": f"{args.steps / statistics.mean(steps):.1f}x",
                }
            )
            print(rows[-1], flush=True)
    facts = {"size": SIZE, "bs": BS, "lr": LR, "seeds": args.seeds, "yardstick": args.backbone}
    report("pretraining", rows, **facts)


def loaders(photos, seed, images):
    set_seed(seed)
    return StyleDataLoaders.from_folder(
        photos, SIZE, BS, images=images, max_valid=8, seed=0, device="cpu"
    )


def autoencoder(photos, images, content):
    "An autoencoder trained on the given number of images."
    learn = autoencoder_learner(loaders(photos, 0, images), content_layers=content, small=0)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(1, 2e-3)
    return learn


class HeldOut(Callback):
    "The loss on held-out photos every few steps. Ends the fit at `mark` or after `last`."

    order = 100

    def __init__(self, loss, photos, mark, last):
        self.loss, self.photos, self.mark, self.last = loss, photos, mark, last
        self.curve, self.seconds = [], 0.0

    def before_fit(self):
        self._look(0)
        self.tick = time.perf_counter()

    def after_step(self):
        step = self.train_iter + 1
        if step % EVERY == 0:
            self.seconds += time.perf_counter() - self.tick
            self._look(step)
            if step == self.last or self.curve[-1][1] <= self.mark:
                raise CancelFitException
            self.tick = time.perf_counter()

    @torch.no_grad()
    def _look(self, step):
        with torch.autocast("cpu", enabled=False):
            total = self.loss(self.learn.model(self.photos), self.photos)
        self.curve.append((step, total.item()))


class RowsFirst(Callback):
    "Unfreezes a frozen learner after the given number of steps."

    def __init__(self, after):
        self.after = after

    def after_step(self):
        if self.train_iter + 1 == self.after:
            self.learn.unfreeze()


def train(photos, style, loss, start, seed, most, last=None, mark=0.0, rows_first=0):
    "(step, held-out loss) every few steps up to `mark` or `last`, and the seconds of training."
    dls = loaders(photos, seed, BS * most)
    held_out = torch.cat([b[0] for b in dls.valid]).as_subclass(torch.Tensor)
    learn = style_learner(dls, style, pretrained=start, small=0)
    watch = HeldOut(loss, held_out, mark, last or most)
    if rows_first:
        learn.freeze()
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, LR, cbs=[watch, RowsFirst(rows_first)])
    return watch.curve, watch.seconds


if __name__ == "__main__":
    main()
