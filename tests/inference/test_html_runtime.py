"What runs in the exported page, and what it may not reach."

from http.server import SimpleHTTPRequestHandler

import pytest
from exported import away, downloaded, open_photo
from pages import served
from PIL import Image

pytest.importorskip("onnx")

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


@pytest.mark.slow
def test_on_a_graphics_card(visit, one_page, slim, photos):
    Image.open(photos / "china" / "2.jpg").save("china.png")
    tab = visit(one_page, script=GENUINE)
    open_photo(tab, "china.png")
    assert "on the graphics card" in tab.inner_text("#said")
    assert away(downloaded(tab)[0], slim("china.png", "starry_night")) < 1


@pytest.mark.slow
@pytest.mark.parametrize("broken", [REFUSED, BROKEN])
def test_a_graphics_card_that_fails(visit, one_page, slim, photos, broken):
    Image.open(photos / "china" / "2.jpg").save("china.png")
    tab = visit(one_page, script=f"{GENUINE};{broken}")
    open_photo(tab, "china.png")
    assert "graphics card" not in tab.inner_text("#said")
    assert away(downloaded(tab)[0], slim("china.png", "starry_night")) < 1


def test_threads_where_a_server_isolates_the_page(chromium, one_page, slim, photos):
    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self):
            for header in ISOLATED.items():
                self.send_header(*header)
            super().end_headers()

    Image.open(photos / "china" / "2.jpg").save("china.png")
    with served(one_page.parent, Handler) as address:
        tab = chromium.new_page()
        tab.goto(f"{address}/{one_page.name}")
        assert tab.evaluate("crossOriginIsolated")
        open_photo(tab, "china.png")
        assert away(downloaded(tab)[0], slim("china.png", "starry_night")) < 1
        threads = len(tab.workers)
        tab.close()
    assert threads > 1


def test_nothing_is_sent_anywhere(chromium, one_page, tmp_path):
    "Also not by code that got into the page: the policy is the browser's."
    seen = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        do_POST = do_HEAD = do_GET

    with served(tmp_path, Handler) as address:
        tab = chromium.new_page()
        tab.goto(one_page.as_uri())
        tab.get_by_text("Ready.").wait_for(timeout=60_000)
        assert tab.evaluate(BEACON, f"{address}/stolen") == []
        tab.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), "
            "{textContent: 'window.injected = true'}))"
        )
        tab.evaluate(
            "document.body.append(Object.assign(document.createElement('iframe'), "
            "{srcdoc: '<script src=data:text/javascript,top.injected=1></script>'}))"
        )
        tab.wait_for_timeout(300)
        assert tab.evaluate("window.injected") is None
        tab.close()
    assert seen == []
