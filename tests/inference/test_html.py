"The page that `faststyle export` writes, in a real browser, from a file and without a network."

import gzip
import re
import shutil
import threading
import time
from copy import deepcopy
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from conftest import fails
from PIL import Image

from faststyle_fastai.all import ASSETS, Stylizer, export_html, style_thumbnail
from faststyle_fastai.inference import onnx
from faststyle_fastai.inference.html import BROWSER, CDN

pytest.importorskip("onnx")

IMAGES = Path(__file__).parents[2] / "nbs" / "images"
FILES = {
    "ort.webgpu.min.js": "ort.js",
    "ort-wasm-simd-threaded.asyncify.mjs": "ort.mjs",
}
ISOLATED = {  # what a server sends so that a page may use threads
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
REFUSED = "GPUAdapter.prototype.requestDevice = async () => { throw Error(); }"
BROKEN = """const Whole = Blob;
Blob = class extends Whole {
  constructor(parts, how) {  // the worker's code begins with the runtime
    const code = typeof parts[0] === "string";
    super(code ? ["GPUDevice.prototype.createBuffer = null;", ...parts] : parts, how);
  }
};"""
GENUINE = "Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', {get: () => false})"


@pytest.fixture(scope="module")
def paint():
    return Stylizer("slim", "cpu", "float32")


@pytest.fixture(scope="module")
def pages(tmp_path_factory, paint):
    "With the runtime inside, and from the network."
    folder = tmp_path_factory.mktemp("pages")
    program = onnx.traced(deepcopy(paint.net))  # takes 10 s
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx, "traced", lambda net: deepcopy(program))
        whole = export_html(paint, folder / "all.html")
        return whole, export_html(paint, folder / "cdn.html", True)


@pytest.fixture
def visit(chromium):
    "A function that opens a page from disk. Requests elsewhere go to `answer`, or fail the test."
    contexts, elsewhere = [], []

    def visit(path, size=(1366, 768), answer=None, script=""):
        viewport = dict(zip(("width", "height"), size))
        contexts.append(context := chromium.new_context(viewport=viewport))
        tab = context.new_page()
        tab.add_init_script(script)
        tab.on("pageerror", lambda error: elsewhere.append(str(error)))
        if answer:
            context.route(re.compile("https://"), answer)
        else:
            context.set_offline(True)
            tab.on("request", lambda r: elsewhere.append(r.url) if "http" in r.url[:4] else None)
        tab.goto(path.as_uri())
        tab.get_by_text("Ready.").wait_for(timeout=60_000)
        return tab

    yield visit
    for context in contexts:
        context.close()
    assert elsewhere == []


def open_photo(tab, file):
    tab.set_input_files("#file", file)
    tab.get_by_text("Painted in").wait_for(timeout=60_000)


def downloaded(tab):
    "The picture that Download saves, and its name."
    with tab.expect_download() as saved:
        tab.click("#download")
    tab.get_by_text("Saved at").wait_for()
    return Image.open(saved.value.path()).convert("RGB"), saved.value.suggested_filename


def away(a, b):
    "Mean difference, in 1/255."
    return np.abs(np.asarray(a, float) - np.asarray(b.convert("RGB"), float)).mean()


def test_a_page_paints_what_python_paints(visit, pages, paint, photos):
    Image.open(photos / "china" / "0.jpg").save("china.png")
    tab, file = visit(pages[0]), "china.png"
    open_photo(tab, file)
    seen, name = downloaded(tab)
    assert name == "china-great_wave.png"
    assert away(seen, paint(file, "great_wave")) < 1
    tab.get_by_role("button", name="Udnie").click()
    tab.get_by_text("Painted in").wait_for()  # a script in words is what the policy forbids
    seen, name = downloaded(tab)
    assert name == "china-udnie.png" and away(seen, paint(file, "udnie")) < 1
    tab.locator("#strength").fill("0")
    assert away(downloaded(tab)[0], Image.open(file)) < 1


def test_firefox_paints_the_same(pages, paint, photos, tmp_path):
    if not (path := shutil.which("firefox-esr") or shutil.which("firefox")):
        pytest.skip("no Firefox here")
    Image.open(photos / "china" / "0.jpg").save(tmp_path / "china.png")
    from firefox import firefox

    with firefox(path, tmp_path / "saved") as tab:
        tab.goto(pages[0])
        tab.wait_for("#said", "Ready.")
        tab.choose("#file", tmp_path / "china.png")
        tab.wait_for("#said", "Painted")
        tab.run("document.getElementById('download').click()")
        tab.wait_for("#said", "Saved at 96x72 px")
        saved = tmp_path / "saved" / "china-great_wave.png"
        until = time.monotonic() + 30  # the page only knows that the download began
        while not saved.exists() or saved.with_name(f"{saved.name}.part").exists():
            assert time.monotonic() < until
            time.sleep(0.1)
    assert away(Image.open(saved).convert("RGB"), paint("china.png", "great_wave")) < 1


def test_a_large_photo_is_painted_small_and_enlarged_with_its_edges(visit, pages, paint, photos):
    photo = Image.open(photos / "flower" / "0.jpg").resize((900, 700), Image.Resampling.BICUBIC)
    photo.save("large.png")
    tab = visit(pages[0], size=(390, 844))
    tab.locator("#stroke").select_option("broadest")
    open_photo(tab, "large.png")
    seen, _ = downloaded(tab)
    assert seen.size == (900, 700)
    assert away(seen, paint("large.png", "great_wave", stroke="broadest")) < 1
    box = tab.locator("#picture").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_a_painting_at_first_sight_has_its_colors(visit, photos):
    Image.open(photos / "china" / "0.jpg").save("china.png")
    at_sight = Stylizer(style_thumbnail("tahiti"), "cpu", "float32")
    tab = visit(export_html(at_sight, Path("tahiti.html").absolute()))
    open_photo(tab, "china.png")
    seen = downloaded(tab)[0]
    assert away(seen, at_sight("china.png")) < 1
    at_sight.palettes = {}
    assert away(seen, at_sight("china.png")) > 3


def test_only_the_person_is_painted(visit, pages, paint):
    photo = Image.open(IMAGES / "astronaut.jpg")
    photo.resize((300, 300)).save("person.png")
    tab = visit(pages[0])
    tab.locator("#area").select_option("the person")
    open_photo(tab, "person.png")
    person = downloaded(tab)[0]
    how = {"style": "great_wave", "faces": "painted"}
    assert away(person, paint("person.png", area="person", **how)) < 3
    tab.locator("#area").select_option("the background")
    tab.get_by_text("Painted in").wait_for()
    assert away(downloaded(tab)[0], paint("person.png", area="background", **how)) < 3
    tab.set_input_files("#file", IMAGES / "cat.jpg")
    tab.get_by_text("No person is found: no face can be seen.").wait_for(timeout=60_000)


def test_a_file_that_is_no_picture(visit, pages, tmp_path, photos):
    tab = visit(pages[0])
    (tmp_path / "notes.jpg").write_text("no picture")
    tab.set_input_files("#file", "notes.jpg")
    tab.get_by_text("notes.jpg is not a picture that this browser can read").wait_for()
    open_photo(tab, photos / "china" / "1.jpg")


def test_the_camera(visit, pages, photos):
    tab = visit(pages[0])
    open_photo(tab, photos / "china" / "0.jpg")
    tab.get_by_role("button", name="Camera").click()
    tab.get_by_text("pictures a second").wait_for(timeout=60_000)
    assert tab.locator("#download").is_disabled()
    tab.get_by_role("button", name="Stop").click()
    tab.get_by_text("Painted in").wait_for(timeout=60_000)  # the photo is back
    assert downloaded(tab)[0].size == (96, 72)


def test_on_a_graphics_card(visit, pages, paint, photos):
    Image.open(photos / "china" / "2.jpg").save("china.png")
    tab = visit(pages[0], script=GENUINE)
    open_photo(tab, "china.png")
    assert "on the graphics card" in tab.inner_text("#said")
    assert away(downloaded(tab)[0], paint("china.png", "great_wave")) < 1


@pytest.mark.parametrize("broken", [REFUSED, BROKEN])
def test_a_graphics_card_that_fails(visit, pages, paint, photos, broken):
    Image.open(photos / "china" / "2.jpg").save("china.png")
    tab = visit(pages[0], script=f"{GENUINE};{broken}")
    open_photo(tab, "china.png")
    assert "graphics card" not in tab.inner_text("#said")
    assert away(downloaded(tab)[0], paint("china.png", "great_wave")) < 1


def test_threads_where_a_server_isolates_the_page(chromium, pages, paint, photos, port):
    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self):
            for header in ISOLATED.items():
                self.send_header(*header)
            super().end_headers()

    Image.open(photos / "china" / "2.jpg").save("china.png")
    handler = partial(Handler, directory=pages[0].parent)
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab = chromium.new_page()
        tab.goto(f"http://127.0.0.1:{port}/{pages[0].name}")
        assert tab.evaluate("crossOriginIsolated")
        open_photo(tab, "china.png")
        assert away(downloaded(tab)[0], paint("china.png", "great_wave")) < 1
        threads = len(tab.workers)
        tab.close()
        server.shutdown()
    assert threads > 1


def test_the_runtime_from_the_network(visit, pages, photos):
    asked = []

    def answer(route):
        name = route.request.url.removeprefix(CDN)
        asked.append(name)
        if name.endswith(".wasm"):
            body, kind = gzip.decompress((BROWSER / "ort.wasm.gz").read_bytes()), "application/wasm"
        else:
            body, kind = (BROWSER / FILES[name]).read_bytes(), "text/javascript"
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(body=body, content_type=kind, headers=headers)

    assert pages[1].stat().st_size < pages[0].stat().st_size / 3
    open_photo(visit(pages[1], answer=answer), photos / "china" / "0.jpg")
    assert "ort.webgpu.min.js" in asked


def test_the_command_line_and_a_single_style_without_a_strip(faststyle, visit):
    said = faststyle("export", "slim:udnie", "-o", "udnie.html")
    assert said.returncode == 0 and said.stdout == "udnie.html\n"
    tab = visit(Path("udnie.html").absolute())
    assert not tab.locator("#styles").is_visible()
    assert tab.title() == "Udnie · Picabia"
    text = open("udnie.html", encoding="utf-8").read()
    assert "<title>Udnie · Picabia</title>" in text and "MIT License" in text and "@@" not in text
    fails(faststyle("export", "slim:udnie", "-o", "udnie.html"), 1, "udnie.html exists")
    coder = ASSETS / "autoencoder-slim.safetensors"
    fails(faststyle("export", coder, "-o", "coder.html"), 1, "autoencoder")
    assert len(text.encode()) < 16e6


BEACON = """async (address) => {
  const tries = {
    fetch: () => fetch(address),
    beacon: async () => { navigator.sendBeacon(address); throw Error(); }, // true says nothing
    image: () => new Promise((done, fail) => {
      Object.assign(new Image(), { onload: done, onerror: fail, src: address });
    }),
    script: () => new Promise((done, fail) => {
      const made = document.createElement("script");
      document.body.append(Object.assign(made, { onload: done, onerror: fail, src: address }));
    }),
    socket: () => new Promise((done, fail) => {
      const socket = new WebSocket(address.replace("http", "ws"));
      Object.assign(socket, { onopen: done, onerror: fail });
    }),
    worker: () => new Promise((done, fail) => {
      const text = `fetch("${address}").then(() => postMessage(1), () => postMessage(0))`;
      const code = new Blob([text]);
      const one = new Worker(URL.createObjectURL(code));
      one.onmessage = ({ data }) => (data ? done() : fail());
    }),
  };
  const sent = [];
  for (const [name, one] of Object.entries(tries))
    await Promise.resolve().then(one).then(() => sent.push(name), () => 0);
  return sent;
}"""


def test_nothing_is_sent_anywhere(chromium, pages, port):
    "Also not by code that got into the page: the policy is the browser's."
    seen = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        do_POST = do_HEAD = do_GET

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab = chromium.new_page()
        tab.goto(pages[0].as_uri())
        tab.get_by_text("Ready.").wait_for(timeout=60_000)
        assert tab.evaluate(BEACON, f"http://127.0.0.1:{port}/stolen") == []
        tab.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), "
            "{textContent: 'window.injected = true'}))"
        )
        assert tab.evaluate("window.injected") is None
        tab.close()
        server.shutdown()
    assert seen == []


def test_a_tiny_photo_is_painted(visit, pages, tmp_path):
    Image.new("RGB", (3, 2), "teal").save(tmp_path / "tiny.png")
    tab = visit(pages[0])
    open_photo(tab, tmp_path / "tiny.png")
    assert downloaded(tab)[0].size == (3, 2)


def test_a_photo_that_is_reduced_is_said(visit, pages, tmp_path):
    Image.new("L", (6000, 4000)).save(tmp_path / "large.png")
    tab = visit(pages[0])
    tab.locator("#stroke").select_option("broadest")
    open_photo(tab, tmp_path / "large.png")
    downloaded(tab)
    assert "The photo has 6000x4000 px" in tab.inner_text("#said")


def test_a_camera_without_a_photo(visit, pages):
    tab = visit(pages[0])
    tab.get_by_role("button", name="Camera").click()
    tab.get_by_text("pictures a second").wait_for(timeout=60_000)
    tab.get_by_role("button", name="Stop").click()
    tab.get_by_text("Drop a photo here").wait_for()
    with tab.expect_file_chooser():
        tab.get_by_text("Drop a photo here").click()
    assert tab.locator("#download").is_disabled()
    assert tab.locator("#download").evaluate("e => getComputedStyle(e).opacity") == "0.5"
