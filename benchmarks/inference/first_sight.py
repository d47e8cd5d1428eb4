"""Paintings that the decoder has never seen, painted at sight.

    python -m benchmarks.inference.first_sight PAINTINGS --photos DIR --weights VGG19 \\
        [--others NAME=DIR …] [--pictures DIR]

PAINTINGS is a folder of paintings, of painters who were held out (`tools/make_predictor.py` names
them). The measures and options are those of `benchmarks.perceptual.gallery`. Then it paints one
photo of 512 px from the shell: in a built-in style, and by the first of these paintings. The
seconds are medians of alternating runs.
"""

import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import ImageOps

from benchmarks.perceptual.gallery import SIZE, compared_arguments, means, measured
from benchmarks.report import report
from faststyle_fastai.all import Stylizer, perceptual_backbone, picture_files, read_picture
from faststyle_fastai.perceptual.evaluate import reference_loss

RUNS = 5


def main():
    parser = compared_arguments(__doc__)
    parser.add_argument("paintings", type=Path, help="Folder of paintings.")
    args = parser.parse_args()
    photos, paintings = picture_files(args.photos)[: args.count], picture_files(args.paintings)
    backbone, rows = perceptual_backbone(args.backbone, args.weights), []
    for painting in paintings:
        loss, paint = reference_loss(backbone, painting), partial(Stylizer(painting), tensor=True)
        rows += measured(painting.stem, loss, paint, photos, args)
    facts = {"backbone": args.backbone, "photos": len(photos), "px": SIZE}
    report("first_sight", rows, **facts)
    report("first_sight_means", means(rows), **facts)
    report("first_sight_shell", shell_rows(photos[0], paintings[0]), px=512, runs=RUNS)


def shell_rows(photo, painting):
    "Seconds from the shell until the painted file is there."
    took = {"built-in style": [], "new painting": []}
    with TemporaryDirectory() as folder:
        small, out = Path(folder) / "photo.png", Path(folder) / "out.png"
        ImageOps.fit(read_picture(photo), (512, 512)).save(small)
        for _ in range(RUNS):
            for name, style in zip(took, ("udnie", painting)):
                command = [sys.executable, "-m", "faststyle_fastai", "stylize", small]
                began = time.monotonic()
                subprocess.run(
                    [*command, "--style", style, "-o", out, "--overwrite", "--quiet"], check=True
                )
                took[name].append(time.monotonic() - began)
    return [{"style": name, "seconds": round(statistics.median(s), 2)} for name, s in took.items()]


if __name__ == "__main__":
    main()
