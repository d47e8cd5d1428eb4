"""Seconds that a visitor of the web page waits, in Chromium.

    python -m benchmarks.web.page PHOTO

Each row is the median of `--rounds`: from the action to the new picture on the screen. The server
runs on the same machine in its own process, as `faststyle web` starts it.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.report import cpu, report

SIZES = {"512 px": (512, 512), "12 MP": (4000, 3000)}
PORT, LOOKS = 8793, 40  # ms between looks; a look at each frame would take time from painting
SHOWN = """() => {
  const images = [...document.querySelectorAll("#result .image-container img")];
  return images.every((image) => image.complete) && images.map((image) => image.src).join();
}"""


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
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            next(line for line in server.stderr if "Serving on" in line)
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            rows = waits(browser, photos, args.rounds)
            browser.close()
        finally:
            server.terminate()
    report("page", rows, cpu=cpu(), rounds=args.rounds)


def waits(browser, photos, rounds):
    took = {}

    def wait(tab, name, act):
        before, began = tab.evaluate(SHOWN), time.perf_counter()
        act()
        new = f"before => {{ const now = ({SHOWN})(); return now && now != before }}"
        tab.wait_for_function(new, arg=before, polling=LOOKS)
        took.setdefault(name, []).append(time.perf_counter() - began)

    for _ in range(rounds):
        tab = browser.new_page(viewport={"width": 1366, "height": 768})
        began = time.perf_counter()
        tab.goto(f"http://127.0.0.1:{PORT}")
        tab.wait_for_function(SHOWN)
        took.setdefault("open the page: an example is painted", []).append(
            time.perf_counter() - began
        )
        file = tab.locator("input[type=file]").first
        for name, photo in photos.items():
            wait(tab, f"choose a photo, {name}", partial(file.set_input_files, photo))
            began = time.perf_counter()
            with tab.expect_download(timeout=120_000):
                tab.get_by_role("button", name="Download at full size").click()
            took.setdefault(f"download, {name}", []).append(time.perf_counter() - began)
        wait(tab, "", partial(file.set_input_files, photos["512 px"]))
        tab.get_by_role("button", name="More").click()
        for name, act in controls(tab):
            wait(tab, f"{name}, 512 px", act)
        tab.close()
    took.pop("")
    return [{"action": name, "s": statistics.median(times)} for name, times in took.items()]


def controls(tab):
    "Name and function that uses it, for each control of the page; each changes the picture."

    def option(field, name):
        box = tab.get_by_label(field, exact=True).first
        box.fill(name)
        return partial(box.press, "Enter")

    def slide(name):
        return partial(tab.get_by_label(f"range slider for {name}").first.press, "PageDown")

    yield "click a style", tab.locator("#styles button.thumbnail-item").nth(6).click
    yield "choose a style", option("Style", "The Starry Night")
    yield "Strength", slide("Strength")
    yield "Mix with", option("Mix with", "The Scream")
    yield "Share", slide("Share of the second style")
    yield "Keep the photo's colors", tab.get_by_label("Keep the photo's colors").click
    yield "Brush strokes", option("Brush strokes", "broad")


if __name__ == "__main__":
    main()
