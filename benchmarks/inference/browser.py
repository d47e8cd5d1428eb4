"""Seconds to paint in a browser: the page of `faststyle export`, in Chromium, beside PyTorch.

    python -m benchmarks.inference.browser PHOTO

Both paint the same pixels. The page runs ONNX Runtime Web in WebAssembly on one thread, as from a
file. The table shows medians of `--rounds`, and how far the page's picture is from Python's.
"""

import argparse
import shutil
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.report import report
from faststyle_fastai.all import Stylizer, export_html

SIZES = {"512 px": (512, 512), "1080p": (1920, 1080), "12 MP": (4000, 3000)}
NETWORKS, STYLE = ("slim", "gallery"), "great_wave"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for network in NETWORKS:
            paint = Stylizer(f"{network}:{STYLE}", "cpu", "float32")
            page = export_html(paint, Path(folder) / f"{network}.html")
            for name, size in SIZES.items():
                file = Path(folder) / f"{name}.png"
                Image.open(args.photo).convert("RGB").resize(size).save(file)
                here, there = [], []
                for _ in range(args.rounds):
                    begun = time.perf_counter()
                    ours = paint(file)
                    here.append(time.perf_counter() - begun)
                    seconds, theirs = in_browser(browser, page, file)
                    there.append(seconds)
                rows.append(
                    {
                        "network": network,
                        "photo": name,
                        "page, s": statistics.median(there),
                        "Python, s": statistics.median(here),
                        "difference, of 255": np.abs(theirs - np.asarray(ours, float)).mean(),
                        "page, MB": page.stat().st_size / 1e6,
                    }
                )
        version = browser.version
        browser.close()
    report("browser", rows, chromium=version)


def in_browser(browser, page, file):
    "Seconds until the painting is shown, and the downloaded picture."
    tab = browser.new_page()
    tab.goto(page.as_uri())
    tab.get_by_text("Ready.").wait_for(timeout=120_000)
    tab.set_input_files("#file", file)
    tab.get_by_text("Painted in").wait_for(timeout=300_000)
    seconds = float(tab.inner_text("#said").split()[2])
    with tab.expect_download(timeout=120_000) as saved:
        tab.click("#download")
    picture = np.asarray(Image.open(saved.value.path()).convert("RGB"), float)
    tab.close()
    return seconds, picture


if __name__ == "__main__":
    main()
