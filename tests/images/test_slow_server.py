"Servers that answer a byte at a time, and films that FFmpeg would fetch."

import socket
import time
from threading import Thread

import pytest
from PIL import Image

from faststyle_fastai.cli.checks import check_video
from faststyle_fastai.core.errors import FaststyleError
from faststyle_fastai.images.remote import download
from faststyle_fastai.video.reader import open_video

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"


@pytest.fixture
def server(request):
    "Sends `request.param` at once, then a byte every tenth of a second; counts its visitors."
    with socket.create_server(("127.0.0.1", 0)) as listening:
        visits = []

        def answer():
            while True:
                try:
                    visitor, _ = listening.accept()
                    visits.append(visitor)
                    visitor.sendall(request.param)
                    while True:
                        visitor.sendall(b"x")
                        time.sleep(0.1)
                except OSError:  # it left, or the test ended
                    if listening.fileno() < 0:
                        return

        Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", visits
        for visitor in visits:
            visitor.close()
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("server", [HEAD, b"HTTP/1.1 200 OK\r\nX-", b""], indirect=True)
def test_a_server_that_drips_is_left_in_time(server):
    began = time.monotonic()
    with pytest.raises(FaststyleError, match="took longer than 0.5 seconds"):
        download(f"{server[0]}/a.png", seconds=0.5)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("server", [b""], indirect=True)
@pytest.mark.parametrize("path", ["/ok%31.png", "/ok%04d.png", "/film.mp4"])
def test_a_film_at_an_address_is_not_fetched(server, path, tmp_path):
    address, visits = server
    (tmp_path / "http:").mkdir()
    for film in (f"{address}{path}", f"hls+{address}{path}", f"concat:{address}{path}|b"):
        for refuse in (check_video, lambda film: open_video(film).__enter__()):
            with pytest.raises(FileNotFoundError, match="Video not found"):
                refuse(film)
    assert not visits


def test_numbered_images_and_names_with_a_percent_sign_are_films(tmp_path):
    red = Image.new("RGB", (16, 16), "red")
    (tmp_path / "100% of it").mkdir()
    for n in (1, 2):
        red.save(tmp_path / "100% of it" / f"{n:03}.png")
    red.save(tmp_path / "50% done.gif", save_all=True, append_images=[red.rotate(90)])
    for film in ("100% of it/%03d.png", "50% done.gif"):
        with open_video(film) as reader:
            assert len(list(reader.frames())) == (2 if "%03d" in film else 1)
    with pytest.raises(FileNotFoundError, match="Video not found: 100% of it/%03d.jpg"):
        open_video("100% of it/%03d.jpg").__enter__()


@pytest.mark.parametrize("server", [b""], indirect=True)
def test_a_playlist_fetches_nothing(server, tmp_path):
    address, visits = server
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}/a.ts\n#EXT-X-ENDLIST\n"
    for name in ("film.m3u8", "film.mp4"):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=f"{name} cannot be read as a video"):
            open_video(tmp_path / name).__enter__()
    assert not visits
