"""Damaged images, damaged networks and nonsense calls: does the command line handle them?

    python -m benchmarks.cli.fuzz [--pictures 10000] [--models 2000] [--calls 2000] [--seed 0]

All calls go through `faststyle`'s own main function, in one process. The script counts failures:
errors that are not one clear line, more than ten seconds of silence, and half-written or unexpected
files.
"""

import argparse
import io
import os
import random
import shutil
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.report import peak, report
from faststyle_fastai.cli import main as cli
from faststyle_fastai.core.assets import builtin_path

AT_ONCE = 100  # images per folder
SLOW = 10  # seconds
COUNTED = "tried", "refused", "tracebacks", "slow", "half-written", "unexpected files"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind, count in ("pictures", 10_000), ("models", 2000), ("calls", 2000):
        parser.add_argument(f"--{kind}", type=int, default=count)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rows = []
    for kind, run in ("pictures", pictures), ("models", models), ("calls", calls):
        here = Path.cwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            run(AT_ONCE, random.Random(args.seed + 1))  # warm up: imports take memory once
            before = peak()
            row = {"damaged": kind} | run(getattr(args, kind), random.Random(args.seed))
            os.chdir(here)
        rows.append(row | {"more memory, MB": round(peak() - before)})
        print(rows[-1], flush=True)
    report("fuzz", rows, seed=args.seed)


def pictures(count: int, draw: random.Random) -> dict:
    "Paint folders of damaged images with a small network."
    found, good = dict.fromkeys(COUNTED, 0), valid_images()
    style = builtin_path("gallery", "slim")
    for begin in range(0, count, AT_ONCE):
        source, target = Path("in"), Path("out")
        source.mkdir()
        for i in range(begin, min(begin + AT_ONCE, count)):
            suffix, data = draw.choice(good)
            if draw.random() < 0.2:
                suffix = draw.choice(good)[0]
            (source / f"{i}{suffix}").write_bytes(mutated(data, draw, good))
        given = sorted(source.iterdir())
        command = ["stylize", "in", "-o", "out", "--style", f"{style}:udnie", "--size", "16"]
        output, slowest = call([*command, "--max-megapixels", "4"])
        found["tried"] += len(given)
        count_failures(found, output, slowest)
        made = [p for p in target.rglob("*") if p.is_file()]
        found["refused"] += len(given) - len(made)
        found["half-written"] += sum(not is_intact(path) for path in made)
        names = {path.name for path in given}
        found["unexpected files"] += len([p for p in made if p.name not in names])
        found["unexpected files"] += len(others("in", "out"))
        for folder in source, target:
            shutil.rmtree(folder, ignore_errors=True)
    return found


def models(count: int, draw: random.Random) -> dict:
    "Run `faststyle info` on damaged networks."
    found = dict.fromkeys(COUNTED, 0)
    data = builtin_path("autoencoder", "slim").read_bytes()
    for _ in range(count):
        Path("net.safetensors").write_bytes(mutated(data, draw, [("", data)]))
        output, slowest = call(["info", "net.safetensors"])
        found["tried"] += 1
        found["refused"] += "error: " in output
        count_failures(found, output, slowest)
        found["unexpected files"] += len(others("net.safetensors"))
    return found


def calls(count: int, draw: random.Random) -> dict:
    "Run commands with random words: in any order, too many, too few, of the wrong kind."
    found = dict.fromkeys(COUNTED, 0)
    Image.new("RGB", (16, 16), "navy").save("a.png")
    Path("text.jpg").write_text("no picture")
    Path("folder").mkdir(exist_ok=True)
    there = {path.name for path in Path().iterdir()}
    for _ in range(count):
        command = draw.choice(COMMANDS)
        words = draw.choices(WORDS, k=draw.randrange(7))
        for option in draw.choices(OPTIONS, k=draw.randrange(5)):
            words[draw.randrange(len(words) + 1) :] = [option, draw.choice(WORDS)]
        output, slowest = call([*command, *words])
        found["tried"] += 1
        found["refused"] += "rror" in output
        count_failures(found, output, slowest)
        made = {path.name for path in Path().iterdir()} - there
        found["unexpected files"] += len(made - {*WORDS, *OUTPUTS})
        for name in made:
            shutil.rmtree(name) if Path(name).is_dir() else Path(name).unlink()
    return found


COMMANDS = [  # none can train or optimize for long
    ["stylize"], ["stylize", "a.png", "--style", "udnie"], ["evaluate"], ["info"], ["styles"],
    ["import"], ["train", "folder"], ["pretrain", "folder"], ["add-style"], [], ["--help"],
    ["optimize", "a.png", "-i", "1", "-ii", "1", "-s", "16"], ["export", "-o", "out.onnx"],
    ["video"], ["video", "a.png", "--style", "udnie", "-o", "out.gif"],
]  # fmt: skip
OUTPUTS = {"out", "out.safetensors", "out.onnx", "out.gif"}
WORDS = [
    "a.png", "text.jpg", "folder", "missing", "missing.jpg", "out.png", "out", "out.xyz", "", ".",
    "/", "-1", "0", "1", "16", "1e99", "nan", "inf", "1/0", "udnie", "udnie=.3", "udnie=x", "é…\n",
    "http://", "file:///a", "https://127.0.0.1:1/a.jpg", "*", "[", "a" * 300, "lite", "slim",
    "out.safetensors", "a.png:b", ":", "--", "cuda:7", "mps", "none", "true",
]  # fmt: skip
OPTIONS = [
    "-o", "--style", "--strength", "--mix", "--mask", "--background-style", "--size",
    "--keep-colors", "--bit-depth", "--skip-existing", "--overwrite", "--max-megapixels",
    "--device", "--quiet", "--backbone", "--backbone-weights", "--recipe", "--pretrained", "--arch",
    "--batch-size", "--images", "--resume", "--patience", "--num-workers", "--seed", "--name",
    "--iterations", "--photos", "--compare-with", "--painting", "--json", "--init",
    "--style-size", "--optimizer", "--pooling", "-sw", "-cw", "--proof", "--nonsense",
]  # fmt: skip


def call(words):
    "The output of a call, and its longest silence in seconds."
    output = Timed()
    with redirect_stdout(output), redirect_stderr(output), warnings.catch_warnings():
        argv, sys.argv = sys.argv, ["faststyle", *words]
        try:
            cli.main()
        except SystemExit:
            pass
        except BaseException as error:
            print(f"Traceback: {type(error).__name__}: {error}")
        finally:
            sys.argv = argv
            output.write("")
    return output.getvalue(), output.slowest


class Timed(io.StringIO):
    "A text stream that measures the longest time between two writes."

    def __init__(self):
        super().__init__()
        self.last, self.slowest = time.monotonic(), 0.0

    def write(self, text):
        now = time.monotonic()
        self.last, self.slowest = now, max(self.slowest, now - self.last)
        return super().write(text)


def count_failures(found, output, slowest):
    "Count failures and print them."
    bad = [line for line in output.splitlines() if "Traceback" in line or "--debug shows" in line]
    found["tracebacks"] += len(bad)
    found["slow"] += slowest > SLOW
    for line in bad or [output[-300:]] * (slowest > SLOW):
        print(f"{slowest:.1f} s: {line}", file=sys.stderr)


def mutated(data: bytes, draw: random.Random, good: list) -> bytes:
    "A copy of `data` with one of five kinds of damage, or with none."
    data = bytearray(data)
    kind = draw.randrange(6)
    if kind == 0:
        for _ in range(draw.choice([1, 3, 30])):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif kind == 1:
        del data[draw.randrange(len(data)) :]
    elif kind == 2:  # in the header
        for _ in range(draw.choice([1, 8])):
            data[draw.randrange(min(64, len(data)))] = draw.randrange(256)
    elif kind == 3:
        at = draw.randrange(200)
        data[:at] = draw.choice(good)[1][:at]
    elif kind == 4:
        at = draw.randrange(len(data))
        data[at:at] = draw.randbytes(draw.choice([1, 16, 5000]))
    return bytes(data)


def valid_images():
    "Small valid images of many formats, modes and sizes, each as (suffix, content)."
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 4), np.uint8)
    full, found = Image.fromarray(noise), []
    for mode, suffixes in {
        "RGB": (".jpg", ".png", ".webp", ".tif", ".bmp", ".gif"),
        "RGBA": (".png", ".webp", ".tif"),
        "L": (".jpg", ".png", ".tif"),
        "LA": (".png",),
        "P": (".png", ".gif"),
        "1": (".png", ".tif"),
        "CMYK": (".jpg", ".tif"),
        "I;16": (".png", ".tif"),
        "F": (".tif",),
    }.items():
        for suffix in suffixes:
            for size in (56, 40), (1, 1), (3, 200):
                picture = full.convert("L").convert("I") if mode == "I;16" else full
                picture = picture.resize(size).convert(mode)
                content = io.BytesIO()
                picture.save(content, Image.registered_extensions()[suffix])
                found.append((suffix, content.getvalue()))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = io.BytesIO()
    full.convert("RGB").save(content, "JPEG", exif=exif, progressive=True)
    return [*found, (".jpeg", content.getvalue())]


def is_intact(path):
    try:
        with Image.open(path) as picture:
            picture.load()
    except Exception:
        return False
    return not path.name.startswith(".")


def others(*known):
    return [path for path in Path().iterdir() if path.name not in known]


if __name__ == "__main__":
    main()
