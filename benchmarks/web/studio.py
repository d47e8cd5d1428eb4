"""Seconds and megabytes of the studio in Chromium, from a file, on one thread.

    python -m benchmarks.web.studio PHOTO PAINTING

The photo is painted at 512 px. The first painting counts from the opening of the page.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

from benchmarks.report import cpu, open_chromium, report
from faststyle_fastai.all import export_studio

SIDE = 512  # px
SLOW = 300_000  # ms to wait


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("painting", metavar="PAINTING")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page, photo = export_studio(Path(folder) / "studio.html"), Path(folder) / "photo.png"
        ImageOps.fit(Image.open(args.photo).convert("RGB"), (SIDE, SIDE)).save(photo)
        browser = open_chromium(driver)
        for _ in range(args.rounds):
            found.append(visit(browser, page, photo, args.painting))
        size, version = page.stat().st_size / 1e6, browser.version
        browser.close()
    row = {key: statistics.median(each[key] for each in found) for key in found[0]}
    report("studio", [row | {"page, MB": size}], chromium=version, cpu=cpu())


def visit(browser, page, photo, painting):
    tab, began = browser.new_page(), time.perf_counter()
    tab.goto(page.as_uri())
    tab.set_input_files("#file", photo)
    painted(tab)
    row = {"first painting, s": time.perf_counter() - began}
    tab.locator("#styles canvas").nth(5).wait_for(timeout=SLOW)
    row["all thumbnails, s"] = time.perf_counter() - began
    row["next style, s"] = timed(tab, lambda: tab.get_by_role("radio", name="Udnie").click())
    row["any painting, s"] = timed(tab, lambda: tab.set_input_files("#own", painting))
    tab.close()
    return row


def timed(tab, act):
    began = time.perf_counter()
    act()
    tab.locator("#said", has_not_text="Painted in").wait_for()
    painted(tab)
    return time.perf_counter() - began


def painted(tab):
    tab.get_by_text("Painted in").wait_for(timeout=SLOW)


if __name__ == "__main__":
    main()
