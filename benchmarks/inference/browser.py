"""Seconds to paint in a browser: the page of `faststyle export`, in Chromium, beside PyTorch.

    python -m benchmarks.inference.browser PHOTO [--peer PEER/src]

Both paint the same pixels. The page runs ONNX Runtime Web in WebAssembly on one thread, as from a
file. The table shows medians of `--rounds`, and how far the page's picture is from Python's.

The peer is reiinakano/fast-style-transfer-deeplearnjs, whose networks run in WebGL only. Without a
graphics card, Chromium imitates one on the CPU. It paints once, because that takes minutes. To
build it, run in its folder:

    npm install --no-save deeplearn@0.3.11 esbuild
    echo 'export * from "./net"; export * from "deeplearn";' > src/peer.ts
    npx esbuild src/peer.ts --bundle --format=iife --global-name=peer --outfile=src/peer.js
"""

import argparse
import statistics
import tempfile
import threading
import time
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.report import cpu, open_chromium, report
from faststyle_fastai.all import Stylizer, export_html

SIZES = {"256 px": (256, 256), "512 px": (512, 512), "1080p": (1920, 1080), "12 MP": (4000, 3000)}
PEER = """async () => {
  const math = new peer.NDArrayMathGPU(), net = new peer.TransformNet(math, "wave");
  await net.load();
  const canvas = Object.assign(document.createElement("canvas"), { width: 256, height: 256 });
  canvas.getContext("2d").fillRect(64, 64, 128, 128);
  const photo = peer.Array3D.fromPixels(canvas), began = performance.now();
  await (await net.predict(photo)).data();
  return (performance.now() - began) / 1000;
}"""
NETWORKS, STYLE = ("tiny", "slim", "gallery"), "great_wave"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("--peer", help="Folder src of the built peer.")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = open_chromium(driver, "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
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
        if args.peer:
            row = dict.fromkeys(rows[0], "")
            row |= {"network": "fast-style-transfer-deeplearnjs", "photo": "256 px"}
            rows.append(row | {"page, s": peer(browser, args.peer)})
        version = browser.version
        browser.close()
    report("browser", rows, chromium=version, cpu=cpu())


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


def peer(browser, folder):
    "Seconds that the peer takes for 256 x 256 px, its network loaded."
    serve = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab = browser.new_page()
        tab.set_default_timeout(600_000)
        tab.goto(f"http://127.0.0.1:{server.server_port}/peer.js")
        tab.add_script_tag(url="peer.js")
        seconds = tab.evaluate(PEER)
        server.shutdown()
    return seconds


if __name__ == "__main__":
    main()
