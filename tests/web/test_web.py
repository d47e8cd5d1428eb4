"The page that shows an optimization, requested as by a browser."

import socket
import subprocess
import sys
import time
from io import BytesIO
from urllib.request import urlopen

import pytest
from gradio_client import Client
from PIL import Image

from faststyle_fastai.all import FaststyleError, read_picture
from faststyle_fastai.web.server import live_page


def test_watched_and_stopped_from_the_page(photos, painting, tmp_path, port):
    args = ["--backbone", "lite", "-ms", "32", "-s", "32", "-ii", "1000000", "-o", "out.png"]
    page = ["--web", "--port", str(port)]
    command = [sys.executable, "-m", "faststyle_fastai", "optimize"]
    command += [next(photos.rglob("*.jpg")), painting, *args, *page]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert any(f"http://127.0.0.1:{port}" in line for line in run.stderr)
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        for _ in range(100):
            picture, status, curve = client.predict(api_name="/look")
            if picture:
                break
            time.sleep(0.1)
        assert read_picture(picture).width == 32 and curve["plot"].startswith("data:image")
        with urlopen(f"http://127.0.0.1:{port}/image") as image:
            assert image.headers["Content-Type"] == "image/jpeg"
            assert Image.open(BytesIO(image.read())).width == 32
        assert "of 1000000" in status and "iterations per second" in status and "MB" in status
        client.predict(api_name="/stop")
        said = run.communicate(timeout=60)[1]
    finally:
        run.kill()
    assert run.returncode == 1 and "Stopped. out.png is the image so far" in said
    assert read_picture(tmp_path / "out.png").width == 32


def test_a_port_in_use_is_said(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(FaststyleError, match="choose another --port"), live_page(port=port):
            pass
