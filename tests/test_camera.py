"The camera's page, asked as a browser asks it."

import socket

import pytest
from gradio_client import Client, handle_file
from PIL import Image

from faststyle_fastai.all import ASSETS, Stylizer, read_picture
from faststyle_fastai.camera import camera_page


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_frames_are_painted_and_one_is_kept(port, tmp_path):
    Image.effect_noise((160, 120), 60).convert("RGB").save(tmp_path / "frame.png")
    frame = handle_file(str(tmp_path / "frame.png"))
    with camera_page(Stylizer(ASSETS / "gallery-light.safetensors"), port=port, size=60):
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        pictures = []
        for style, strength in (("great_wave", 1), ("the_scream", 1), ("the_scream", 0.2)):
            picture, rate = client.predict(frame, style, strength, api_name="/paint")
            pictures.append(read_picture(picture))
        assert pictures[0].size == (80, 60) and rate.endswith("frames/s")
        assert len({picture.tobytes() for picture in pictures}) == 3
        assert read_picture(client.predict(api_name="/snapshot")).size == (80, 60)
