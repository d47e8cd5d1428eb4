"""How well `lite` stands in for VGG19: its cost, its ranking of pictures, and what it trains.

    python -m benchmarks.lite A.jpg B.jpg … --photos DIR --weights VGG19.safetensors -o RUNS

Every painting is trained twice on as many pictures, under `lite` and under VGG19, and both
networks are measured under VGG19. The ranking is Spearman's correlation of the two yardsticks'
totals over pictures of one photo: other photos and paintings, these faintly over the photo, and
what the networks make of it at several strengths; and over the last alone. The cost is of a pass
there and back. RUNS keeps the runs: what is there is not trained again.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from scipy.stats import spearmanr

from benchmarks.many_styles import run_once
from benchmarks.report import held_out, report
from faststyle_fastai.all import (
    Stylizer,
    evaluate_style,
    perceptual_backbone,
    read_picture,
    resize_short,
    to_tensor,
    yardstick,
)
from faststyle_fastai.devices import computes_bfloat16

SIZE, LAST, ROUNDS = 256, "relu3_4", 9
STRENGTHS = 0.2, 0.4, 0.6, 0.8, 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paintings", nargs="+")
    parser.add_argument("--photos", required=True, help="a folder")
    parser.add_argument("--weights", required=True, help="of VGG19")
    parser.add_argument("--images", type=int, default=1500, help="pictures of a training")
    parser.add_argument("--count", type=int, default=8, help="held-out photos to use")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a folder for the runs")
    args = parser.parse_args()
    vgg, lite = perceptual_backbone("vgg19", args.weights), perceptual_backbone("lite")
    paintings, rows = [to_tensor(read_picture(p)) for p in args.paintings], []
    price = cost(vgg, lite)
    for painting in args.paintings:
        name, loss = Path(painting).stem, yardstick(vgg, painting)
        painters, row = {}, {"painting": name}
        for backbone, weights in (("vgg19", args.weights), ("lite", None)):
            out = args.out / f"{name}-{backbone}"
            settings = {"backbone": backbone, "weights": weights, "images": args.images}
            record = run_once(args.photos, [painting], out, **settings)
            photos = held_out(record["settings"], args.photos, args.count)
            painters[backbone] = Stylizer(out)
            found, _ = evaluate_style(painters[backbone].paint, photos, loss, iterations=0)
            for part in ("content", "style", "total"):
                row[f"{backbone}: {part}"] = round(found["network"][part], 3)
        row["lite's total"] = f"{row['lite: total'] / row['vgg19: total']:.3f}x"
        losses = loss, yardstick(lite, painting)
        ranks = ranking(losses, paintings, photos, painters.values())
        row["ranking"], row["of painted ones"] = (round(rank, 3) for rank in ranks)
        row["a pass, of VGG19's"] = price
        rows.append(row)
        print(row, flush=True)
    report("lite", rows, images=args.images, photos=args.count)


@torch.no_grad()
def ranking(losses, paintings, photos, painters):
    "How alike two losses rank pictures, the mean over photos: all pictures, the painted ones."
    pictures = [resize_short(to_tensor(read_picture(p)), SIZE) for p in photos]
    found = []
    for photo in pictures:
        others, shape = [*paintings, *(x for x in pictures if x is not photo)], photo.shape[-2:]
        plain = [torch.nn.functional.interpolate(x, shape, mode="area") for x in others]
        plain += [torch.lerp(photo, x, 0.3) for x in plain]
        painted = [paint.paint(photo, strength=s) for paint in painters for s in STRENGTHS]
        one, other = ([loss(x, photo).item() for x in painted + plain] for loss in losses)
        n = len(painted)
        found.append([spearmanr(one[:k], other[:k]).statistic for k in (None, n)])
    return [statistics.mean(values) for values in zip(*found)]


def cost(*backbones):
    "The second backbone's median seconds of a pass there and back, of the first's."
    x, times = torch.rand(2, 3, SIZE, SIZE, requires_grad=True), [[] for _ in backbones]
    for _ in range(ROUNDS):
        for backbone, seconds in zip(backbones, times):
            start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, computes_bfloat16(x.device)):
                total = backbone(x, [LAST])[LAST].float().sum()
            total.backward()
            seconds.append(time.perf_counter() - start)
    whole, part = (statistics.median(seconds) for seconds in times)
    return round(part / whole, 3)


if __name__ == "__main__":
    main()
