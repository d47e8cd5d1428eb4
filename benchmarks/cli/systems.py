"""Check the features of five published systems in this package, one by one.

    python -m benchmarks.cli.systems [--peers DIR]

Each row of the tables in benchmarks/cli/*_rows.py is a feature of one system, and a function that
does the same here: offline, on images of 64 to 128 px, with networks of random weights in VGG's
shapes. The script prints `works` or the failure for each row. Rows that are left out on purpose
give the reason. `--peers` is a folder with crowsonkb/style-transfer-pytorch at its first release
(as `crowsonkb`) and seloufian/Faster-Style-Transfer (as `seloufian`). With it, their own losses run
on the same random weights.
"""

import argparse
import os
import shutil
import sys
import tempfile
import traceback
import warnings
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

from fastai.learner import Learner
from PIL import Image
from sklearn.datasets import load_sample_image
from typer.testing import CliRunner

from benchmarks.report import random_vgg, report
from faststyle_fastai.all import StyleDataLoaders, autoencoder_learner, style_learner
from faststyle_fastai.cli.main import app
from faststyle_fastai.cli.optimize import as_typed
from faststyle_fastai.core.errors import format_error

SMALL = "--crop-size", "64", "--batch-size", "2", "--images", "6", "--quiet"


class Bench:
    "A folder of photos and paintings, the command line, and objects that several rows share."

    def __init__(self, folder: Path, peers: Path | None):
        self.folder, self.peers = folder, peers
        for name in ("china.jpg", "flower.jpg"):
            whole = Image.fromarray(load_sample_image(name))
            for i in range(8):
                crop = whole.crop((50 * i, 30 * i, 50 * i + 240, 30 * i + 180)).resize((128, 96))
                self.at(f"photos/{name[:-4]}-{i}.jpg", crop)
        self.photos, self.photo = folder / "photos", folder / "photos" / "china-0.jpg"
        for i, name in enumerate(("dawn", "noon", "dusk")):
            painted = Image.effect_mandelbrot((120, 90), (-2, -1, 1, 1), 9 + 4 * i)
            tint = Image.new("RGB", painted.size, ("orange", "teal", "navy")[i])
            self.at(f"paintings/{name}.png", Image.blend(painted.convert("RGB"), tint, 0.5))
        self.paintings = folder / "paintings"
        self.painting = self.paintings / "dawn.png"

    def at(self, name, picture=None) -> Path:
        "A path in the folder. Saves `picture` there."
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if picture:
            picture.save(path)
        return path

    def run(self, *words, code=0) -> str:
        "The output of the command line, or its error message if `code` is not 0."
        typed = [str(word) for word in words]
        result = CliRunner().invoke(app, as_typed(typed) if typed[0] == "optimize" else typed)
        if result.exit_code != code:
            raise result.exception or AssertionError(result.output)
        return result.output if not code else format_error(result.exception)

    def dls(self, size=64, bs=2, images=6):
        how = {"images": images, "valid_pct": 0.2, "device": "cpu"}
        return StyleDataLoaders.from_folder(self.photos, size, bs, **how)

    def fitted(self, learn: Learner, n=1) -> Learner:
        with learn.no_bar(), learn.no_logging():
            learn.fit_one_cycle(n, 1e-3)
        return learn

    @cached_property
    def trained(self) -> Path:
        "The run folder of a training on a folder of three paintings."
        self.run("train", self.photos, "--style", self.paintings, "-o", self.at("run"), *SMALL)
        return self.folder / "run"

    @cached_property
    def ae(self) -> Learner:
        return self.fitted(autoencoder_learner(self.dls()))

    @cached_property
    def learn(self) -> Learner:
        return self.fitted(style_learner(self.dls(), self.painting, pretrained=self.ae))

    def vgg(self, name: str) -> Path:
        "A file of random weights in a VGG's shapes."
        path = self.at(f"{name}.safetensors")
        return path if path.exists() else random_vgg(name, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="Folder with clones of the systems' code.")
    parser.add_argument("--only", help="Text that the features to check contain.")
    args = parser.parse_args()
    from benchmarks.cli.system_rows import ROWS

    warnings.simplefilter("ignore")
    folder, rows, here = Path(tempfile.mkdtemp()), [], Path.cwd()
    peers = args.peers and args.peers.resolve()
    os.chdir(folder)
    try:
        bench = Bench(folder, peers)
        for system, feature, check in ROWS:
            if not args.only or args.only in feature:
                rows.append({"system": system, "feature": feature, "here": tried(check, bench)})
                print(" | ".join(rows[-1].values()), flush=True)
    finally:
        os.chdir(here)
        shutil.rmtree(folder, ignore_errors=True)
    count = sum(row["here"].startswith("works") for row in rows)
    print(f"{count} of {len(rows)} work")
    if not args.only:
        rest = [row for row in rows if not row["here"].startswith("works")]
        report("systems", rest, features=len(rows), work=count)
    wrong = [row for row in rows if row["here"].startswith("not:")]
    sys.exit(1 if wrong else 0)


def tried(check, bench) -> str:
    "The result of a row: `works`, `left out: why`, `not tried: why` or `not: error`."
    if isinstance(check, str):
        return check
    try:
        with patch.object(sys, "argv", ["faststyle"]):
            result = check(bench)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        traceback.print_exc()
        return f"not: {type(error).__name__}: {' '.join(str(error).split())[:120]}"
    if isinstance(result, str):
        return result
    return "works" if result else "not: it did something else"


if __name__ == "__main__":
    main()
