"A page for others, and what is sent to it."

import json
import tempfile
from io import BytesIO

import numpy as np
import pytest
from conftest import free_port
from pages import send
from PIL import Image

from faststyle_fastai.web.app import web_page


def png(color, side=96):
    Image.new("RGB", (side, side), color).save(data := BytesIO(), "PNG")
    return data.getvalue()


def noisy(seed, side=96):
    "A PNG of about 27 kB."
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(data := BytesIO(), "PNG")
    return data.getvalue()


def added(port, name, color, visitor):
    status, said, _ = send(port, "style", png(color), {"name": name}, visitor)
    assert status == 200, said
    return json.loads(said)["name"]


@pytest.fixture(scope="module")
def public_styles(tmp_path_factory):
    return tmp_path_factory.mktemp("styles")


@pytest.fixture(scope="module")
def public_scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def public(public_styles, public_scratch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(public_scratch))
        with web_page(public_styles, host="0.0.0.0", port=(port := free_port())):
            yield port
