"Pages that `faststyle export` writes, and ways to use them in a browser."

from pathlib import Path

import numpy as np
import pytest
from pages import repainted
from PIL import Image

from faststyle_fastai.all import Stylizer, export_html, export_studio


@pytest.fixture(scope="session")
def slim():
    return Stylizer("slim", "cpu", "float32")


@pytest.fixture(scope="session")
def one_page(tmp_path_factory, slim):
    return export_html(slim, tmp_path_factory.mktemp("page") / "all.html")


@pytest.fixture(scope="session")
def studio(tmp_path_factory):
    return export_studio(tmp_path_factory.mktemp("studio") / "site") / "index.html"


@pytest.fixture
def china(photos):
    "A photo without the losses of a JPEG."
    Image.open(photos / "china" / "0.jpg").save("china.png")
    return Path("china.png")


@pytest.fixture
def visit(chromium):
    "A function that opens a page from disk. Requests elsewhere fail the test."
    contexts, elsewhere = [], []

    def visit(path, size=(1366, 768), script=""):
        viewport = dict(zip(("width", "height"), size))
        contexts.append(context := chromium.new_context(viewport=viewport, reduced_motion="reduce"))
        tab = context.new_page()
        tab.add_init_script(script)
        tab.on("pageerror", lambda error: elsewhere.append(str(error)))
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
    return repainted(tab, lambda: tab.set_input_files("#file", file))


def downloaded(tab):
    "The picture that Download saves, and its name."
    with tab.expect_download() as saved:
        tab.click("#download")
    tab.get_by_text("Saved at").wait_for()
    return Image.open(saved.value.path()).convert("RGB"), saved.value.suggested_filename


def away(a, b):
    "Mean difference, in 1/255."
    return np.abs(np.asarray(a, float) - np.asarray(b.convert("RGB"), float)).mean()
