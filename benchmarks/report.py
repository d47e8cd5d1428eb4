"Tables of figures: printed, and kept as JSON for the README; the photos they are of."

import argparse
import json
import multiprocessing
import platform
from pathlib import Path

import torch

from faststyle_fastai.all import StyleDataLoaders

RESULTS = Path(__file__).parent / "results"


def arguments(
    doc: str,  # of the script
    backbone: str = "lite",
) -> argparse.ArgumentParser:
    "The command line that all scripts with a yardstick share."
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--photos", required=True, help="a folder, of the training too")
    parser.add_argument("--count", type=int, default=8, help="held-out photos to use")
    parser.add_argument("--backbone", default=backbone, help="the yardstick's")
    parser.add_argument("--weights", help="its weights file")
    return parser


def report(
    name: str,  # of the JSON file
    rows: list[dict],  # one a line, same keys
    **facts,  # how it was measured
):
    "Print `rows` as a Markdown table and write them, with where and how, to results/NAME.json."
    print(markdown(rows))
    facts |= {"torch": torch.__version__, "cores": torch.get_num_threads()}
    facts |= {"machine": platform.machine()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"facts": facts, "rows": rows}, indent=1) + "\n")
    print(path)


def markdown(rows: list[dict]) -> str:
    "A Markdown table."
    heads = list(rows[0])
    lines = [heads, ["-" for _ in heads], *([row[h] for h in heads] for row in rows)]
    return "\n".join("| " + " | ".join(_text(v) for v in line) + " |" for line in lines)


def table(name: str) -> str:
    "The Markdown table of a benchmark's kept results."
    return markdown(kept(name)["rows"])


def kept(name: str) -> dict:  # rows, and facts: how they were measured
    "A benchmark's kept results."
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {"facts": {}, "rows": []}


def held_out(
    settings: dict,  # of a run.json
    photos: str | Path,  # the folder it was trained on
    count: int,
) -> list[Path]:
    "Photos that a run of `faststyle train` did not train on: the same ones for the same seed."
    return list(StyleDataLoaders.from_folder(photos, seed=settings["seed"]).valid.items[:count])


def fresh(function, *args):
    "What a function of a module gives in a process of its own."
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)


def peak() -> float:
    "Peak resident memory of this process, MB (Linux)."
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _text(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)
