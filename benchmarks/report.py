"Tables of results, printed and saved as JSON, and helpers that several benchmarks share."

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from faststyle_fastai.all import StyleDataLoaders
from faststyle_fastai.core.devices import computes_bfloat16
from faststyle_fastai.perceptual.backbones import BACKBONES

RESULTS = Path(__file__).parent / "results"


def arguments(
    doc: str,  # the script's docstring
    backbone: str = "lite",
) -> argparse.ArgumentParser:
    "A parser with the options of all scripts that measure with a reference backbone."
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--photos", required=True, help="Folder of photos, for training too.")
    parser.add_argument("--count", type=int, default=8, help="Number of held-out photos.")
    parser.add_argument("--backbone", default=backbone, help="Reference backbone.")
    parser.add_argument("--weights", help="Weights of the reference backbone.")
    return parser


def report(
    name: str,  # the JSON file's, without .json
    rows: list[dict],  # with the same keys
    per_cpu: bool = False,  # name the kind of CPU in the rows, and keep those of other kinds
    **facts,  # the conditions of the measurement
):
    "Print `rows` as a Markdown table. Write them, `facts` and the machine to results/NAME.json."
    if per_cpu:
        others = [row for row in kept(name)["rows"] if row.get("CPU") != cpu()]
        rows = others + [{"CPU": cpu(), **row} for row in rows]
    print(markdown(rows))
    facts |= {"torch": torch.__version__, "cores": torch.get_num_threads()}
    facts |= {"machine": platform.machine()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"facts": facts, "rows": rows}, indent=1) + "\n")
    print(path)


def cpu() -> str:
    "The instruction sets in use; the environment variable ONEDNN_MAX_CPU_ISA switches some off."
    found = [torch.backends.cpu.get_cpu_capability()]
    if computes_bfloat16(torch.device("cpu")):
        found.append("bfloat16")
        if torch.cpu._is_amx_tile_supported() and "ONEDNN_MAX_CPU_ISA" not in os.environ:
            found.append("AMX")
    return ", ".join(found)


def markdown(rows: list[dict]) -> str:
    "A Markdown table."
    heads = list(rows[0]) if rows else ["none"]
    lines = [heads, ["-" for _ in heads], *([row[h] for h in heads] for row in rows)]
    return "\n".join("| " + " | ".join(_text(v) for v in line) + " |" for line in lines)


def table(name: str) -> str:
    "The Markdown table of a benchmark's saved results."
    return markdown(kept(name)["rows"])


def kept(name: str) -> dict:  # rows, and facts: the conditions of the measurement
    "A benchmark's saved results."
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {"facts": {}, "rows": []}


def held_out(
    settings: dict,  # from a run.json
    photos: str | Path,  # the folder that the run was trained on
    count: int,
) -> list[Path]:
    "Photos that a `faststyle train` run held out. The same seed gives the same photos."
    return list(StyleDataLoaders.from_folder(photos, seed=settings["seed"]).valid.items[:count])


def in_turns(
    runs: dict,  # name -> function of `x`
    x,
    rounds: int,  # after a first one, which warms up
) -> dict[str, float]:
    "Median seconds of each function. They take turns."
    took = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run(x)
            took[name].append(time.perf_counter() - began)
    return {name: statistics.median(times[1:]) for name, times in took.items()}


def fresh(function, *args):
    "The result of a module-level function, computed in a new process."
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)


def peak() -> float:
    "Peak resident memory of this process in MB (Linux)."
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measured(act) -> tuple[float, float]:
    "Seconds of a call, and the MB that it adds to the peak of this process."
    before, began = peak(), time.perf_counter()
    act()
    return time.perf_counter() - began, peak() - before


def random_vgg(
    name: str,  # a VGG of BACKBONES
    file: Path,
) -> Path:
    "Write random weights in the shapes of a VGG, to measure it or to compare losses under it."
    torch.manual_seed(0)
    state, index, n_in = {}, 0, 3
    for widths in BACKBONES[name]:
        for width in widths:
            std = (2 / (9 * n_in)) ** 0.5
            state[f"features.{index}.weight"] = std * torch.randn(width, n_in, 3, 3)
            state[f"features.{index}.bias"] = torch.zeros(width)
            n_in, index = width, index + 2
        index += 1
    save_file(state, file)
    return file


def open_chromium(driver, *flags: str):
    "The browser, for Playwright's driver."
    path = shutil.which("chromium") or shutil.which("google-chrome")
    return driver.chromium.launch(executable_path=path, args=["--no-sandbox", *flags])


def _text(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)
