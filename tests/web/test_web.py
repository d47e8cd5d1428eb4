"The page that shows an optimization, requested as by a browser."

import socket
import subprocess
import sys
import time
from io import BytesIO

import pytest
import requests
from PIL import Image

from faststyle_fastai.all import FaststyleError, read_picture
from faststyle_fastai.web.watch import live_page


@pytest.mark.slow
def test_watched_and_stopped_from_the_page(photos, painting, tmp_path, port):
    args = ["--backbone", "lite", "-ms", "32", "-s", "32", "-ii", "1000000", "-o", "out.png"]
    page = ["--web", "--port", str(port)]
    command = [sys.executable, "-m", "faststyle_fastai", "optimize"]
    command += [next(photos.rglob("*.jpg")), painting, *args, *page]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert any(f"http://127.0.0.1:{port}" in line for line in run.stderr)
        address = f"http://127.0.0.1:{port}"
        for _ in range(100):
            told = requests.get(f"{address}/look").json()
            if told["sees"]:
                break
            time.sleep(0.1)
        for name, kind in (("image", "image/jpeg"), ("curve", "image/png")):
            image = requests.get(f"{address}/{name}")
            assert image.headers["Content-Type"] == kind
            shown = Image.open(BytesIO(image.content))
            assert name == "curve" or shown.width == 32
        details = told["details"]
        assert "of 1000000" in details and "iterations per second" in details and "MB" in details
        assert "Stop and save" in requests.get(address).text
        requests.post(f"{address}/stop")
        said = run.communicate(timeout=60)[1]
    finally:
        run.kill()
    assert run.returncode == 130 and "Stopped. out.png is the image so far" in said
    assert read_picture(tmp_path / "out.png").width == 32


def test_a_port_in_use_is_said(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(FaststyleError, match="choose another --port"), live_page(port=port):
            pass
