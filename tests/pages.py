"Ways to ask a page over HTTP, as a program would, and to use it in a browser."

import json
import os
import re
import shutil
import time
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image

from faststyle_fastai.all import read_picture


def call(port, path, body=None, **headers):
    "Status and text of an answer."
    headers = {k.replace("_", "-"): headers[k] for k in headers}
    try:
        with urlopen(
            Request(f"http://127.0.0.1:{port}{path}", body, headers), timeout=60
        ) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def files_in(folder):
    "The files of a folder and below, while others may delete there: `rglob` would fail."
    return {Path(place, name) for place, _, names in os.walk(folder) for name in names}


def waited_for(what, seconds=60):
    "What a function returns once it is true; a page works on, and cleans up, after its answer."
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


@contextmanager
def served(folder, handler=SimpleHTTPRequestHandler, port=0):
    "The address at which a folder is served."
    with ThreadingHTTPServer(("127.0.0.1", port), partial(handler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


SAYS_PAINTED = re.compile(r"^\s*Painted")  # not "could not be painted"
DESK, PHONE = (1200, 900), (390, 844)


def opened(tab, file):
    "Open a photo and wait until it is painted."
    return repainted(tab, lambda: tab.locator("#file").set_input_files(file))


def heard(tab, words, line="#said", seconds=90):
    "What a line of the page says, once it includes these words."
    said = tab.locator(line).filter(has_text=words)
    try:
        said.wait_for(timeout=1000 * seconds)
    except Exception:  # Playwright's, which need not be installed
        text = tab.locator(line).inner_text()
        raise AssertionError(f"{line} says {text!r}, not {words!r}.") from None
    return said.inner_text()


def repainted(tab, act):
    "Do something, and wait until the page has painted again; return what it says."
    before = tab.locator("body").get_attribute("data-painted")
    act()
    tab.locator(f"body:not([data-painted='{before}'])").wait_for(timeout=90_000)
    return tab.locator("#said").inner_text()


def downloaded(tab):
    "The painting."
    with tab.expect_download(timeout=90_000) as download:
        tab.locator("#download").click()
    heard(tab, "Saved at")
    return download.value


def several(photos):
    "Photos to open at once: two of the same name, and one that is damaged."
    Path("other").mkdir()
    shutil.copy(photos / "flower" / "0.jpg", "other/0.jpg")
    Path("bad.jpg").write_bytes(b"bad")
    read_picture(photos / "china" / "0.jpg").rotate(90, expand=True).save("high.png")
    return [photos / "china" / "0.jpg", "other/0.jpg", "bad.jpg", "high.png"]


def painted_in_one_file(download, photos, style):
    "Check the .zip of `several` photos painted like `style`."
    with zipfile.ZipFile(download.path()) as found:
        assert found.testzip() is None
        names = [f"0-{style}.jpg", f"0-{style}-2.jpg", f"high-{style}.png"]
        assert found.namelist() == names
        images = [read_picture(Image.open(found.open(name))) for name in names]
    sound = [read_picture(photos[i]) for i in (0, 1, 3)]
    assert [image.size for image in images] == [photo.size for photo in sound]
    for image, photo in zip(images, sound):
        assert np.abs(np.asarray(image, int) - np.asarray(photo)).mean() > 5


def own_styles(tab):
    "Go to the view of one's own styles."
    tab.get_by_role("link", name="My styles").click()
    tab.locator("#works figure").first.wait_for()


def taught(tab, words, seconds=90):
    "What the view of one's own styles says, once it includes these words."
    return heard(tab, words, "#told", seconds)


def send(port, what, body=b"", how=None, visitor="v", **headers):
    "What the page answers to a program: status, content and headers."
    given = {"visitor": visitor, "how": quote(json.dumps(how or {}))} | headers
    request = Request(f"http://127.0.0.1:{port}/page/{what}", body, given)
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        return error.code, error.read(), error.headers


@contextmanager
def visitor(chromium, address):
    "A function that opens a page; at the end, checks for requests to other sites and errors."
    opened, elsewhere, errors = [], [], []

    def hear(message):
        said = f"{message.text} {message.location['url']}"
        # A thumbnail of the photo before is refused, and asked for again with the next one.
        late = "410 (Gone)" in said and said.endswith("/page/thumbnail")
        if message.type == "error" and not late:
            errors.append(said)

    def visit(size=DESK, script=""):
        how = {"permissions": ["camera"], "reduced_motion": "reduce"}
        context = chromium.new_context(viewport=dict(zip(("width", "height"), size)), **how)
        context.set_default_timeout(60_000)  # of a busy machine
        opened.append(context)
        tab = context.new_page()
        tab.add_init_script(script)
        tab.on("request", lambda r: elsewhere.append(r.url))
        if not script:
            tab.on("pageerror", lambda error: errors.append(str(error)))
            tab.on("console", hear)
        tab.goto(address)
        tab.locator("#said").filter(has_text="Ready.").wait_for()
        return tab

    visit.errors = errors
    yield visit
    for context in opened:
        context.close()
    assert all(url.startswith((address, "data:", "blob:")) for url in elsewhere)
    assert errors == []


def forgiven(tab, visit, refusals=1):
    "Wait for what the browser reports of refused requests, which may come late, and drop it."
    for _ in range(100):
        if len(visit.errors) >= refusals:
            break
        tab.wait_for_timeout(100)
    assert ["400 (Bad Request)" in error for error in visit.errors] == [True] * refusals
    visit.errors.clear()


def saved(tab, button):
    "The download that a button starts."
    with tab.expect_download(timeout=90_000) as download:
        tab.get_by_role("button", name=button, exact=True).click()
    return download.value
