"""Seconds that a visitor of the web page waits, in Chromium.

    python -m benchmarks.web.page PHOTO

Each row is the median of `--rounds`: from the action to the new picture on the screen. The server
runs on the same machine in its own process, as `faststyle web` starts it; its start, until a page
is ready, is measured once.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.report import cpu, open_chromium, report

SIZES = {"512 px": (512, 512), "12 MP": (4000, 3000)}
PORT = 8793
SLOW = 120_000  # ms to wait


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        photos = {}
        for name, size in SIZES.items():
            photos[name] = Path(folder) / f"{name}.jpg"
            Image.open(args.photo).convert("RGB").resize(size).save(photos[name], quality=95)
        command = [sys.executable, "-m", "faststyle_fastai", "web", "--no-browser"]
        command += ["--port", str(PORT), "--folder", str(Path(folder) / "styles")]
        browser = open_chromium(driver)
        began = time.perf_counter()
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            next(line for line in server.stderr if "Serving on" in line)
            ready(browser.new_page())
            started = {
                "action": "start the server, open the page",
                "s": time.perf_counter() - began,
            }
            rows = [started, *waits(browser, photos, args.rounds)]
            browser.close()
        finally:
            server.terminate()
    report("page", rows, cpu=cpu(), rounds=args.rounds)


def ready(tab):
    tab.goto(f"http://127.0.0.1:{PORT}")
    tab.get_by_text("Ready.").wait_for(timeout=SLOW)


def waits(browser, photos, rounds):
    took = {}

    def wait(page, name, act):
        body, began = page.locator("body"), time.perf_counter()
        before = body.get_attribute("data-painted")
        act()
        page.locator(f"body:not([data-painted='{before}'])").wait_for(timeout=SLOW)
        took.setdefault(name, []).append(time.perf_counter() - began)

    for _ in range(rounds):
        tab = browser.new_page(viewport={"width": 1366, "height": 768})
        began = time.perf_counter()
        ready(tab)
        took.setdefault("open the page", []).append(time.perf_counter() - began)
        for name, photo in photos.items():
            choose = partial(tab.locator("#file").set_input_files, photo)
            wait(tab, f"choose a photo, {name}", choose)
            tab.locator("#styles canvas").nth(5).wait_for(timeout=SLOW)  # the thumbnails in sight
            began = time.perf_counter()
            with tab.expect_download(timeout=SLOW):
                tab.locator("#download").click()
            took.setdefault(f"download, {name}", []).append(time.perf_counter() - began)
        wait(tab, "", partial(tab.locator("#file").set_input_files, photos["512 px"]))
        tab.locator("#styles canvas").nth(5).wait_for(timeout=SLOW)
        for name, act in controls(tab):
            wait(tab, f"{name}, 512 px", act)
        tab.close()
    took.pop("")
    return [{"action": name, "s": statistics.median(times)} for name, times in took.items()]


def controls(page):
    "Name and function that uses it, for each control of the page; each changes the picture."
    yield "a style", page.get_by_role("radio", name="The Scream").click
    yield "Strength", partial(page.get_by_label("Strength").press, "PageDown")
    yield "Mix with", partial(page.get_by_label("Mix with").select_option, label="Udnie")
    yield "Share", partial(page.get_by_label("Share of the second style").press, "PageDown")
    yield "Keep the original colors", page.get_by_label("Keep the original colors").check
    yield "Strokes", partial(page.locator("#stroke").select_option, "broad")
    yield "only the person", page.get_by_label("the person").check


if __name__ == "__main__":
    main()
