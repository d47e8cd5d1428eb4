"Options of the commands do what they say, not only parse."

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import av
import pytest
from conftest import fails
from PIL import Image

from faststyle_fastai.all import Stylizer, read_picture
from faststyle_fastai.bulk import cluster as bulk

ASTRONAUT = Path(__file__).parents[2] / "nbs" / "images" / "astronaut.jpg"


@pytest.mark.parametrize(
    ("words", "how"),
    [
        (("--keep-colors",), {"keep_colors": True}),
        (("--faces", "painted"), {"faces": "painted"}),
        (("--paint", "person"), {"area": "person"}),
        (("--tile", 64, "--exact"), {"tile": 64, "exact": True}),
    ],
)
def test_of_painting(faststyle, words, how):
    Image.open(ASTRONAUT).resize((256, 256)).save("a.png")
    paint = Stylizer("tiny:udnie")
    said = faststyle("stylize", "a.png", "--style", "tiny:udnie", *words, "-o", "b.png")
    assert said.returncode == 0, said.stderr
    assert read_picture("b.png").tobytes() == paint("a.png", **how).tobytes()
    assert "tile" in how or paint("a.png", **how).tobytes() != paint("a.png").tobytes()


def test_of_the_page(faststyle, monkeypatch):
    given = []

    @contextmanager
    def page(*args, **how):
        given.append((args, how))
        yield

    monkeypatch.setattr("faststyle_fastai.web.app.web_page", page)
    monkeypatch.setattr("faststyle_fastai.cli.web.until_interrupted", lambda: None)
    words = "--folder", "mine", "--photos", ".", "--host", "0.0.0.0", "--port", 9, "--no-browser"
    words += "--allow-host", "a.example", "--shared", "--max-megapixels", 7
    assert faststyle("web", *words).returncode == 0
    how = {"host": "0.0.0.0", "port": 9, "browser": False, "megapixels": 7, "device": None}
    how |= {"precision": "auto", "allow_hosts": ["a.example"], "shared": True}
    assert given == [((Path("mine"), Path(".")), how)]


def test_of_bulk(faststyle, monkeypatch):
    seen = []

    def paint(*args, **how):
        seen.append(how)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return [("a.jpg", "broken")]

    monkeypatch.setattr(bulk, "paint_bulk", paint)
    words = "bulk", "in", "out", "--style", "udnie", "--num-workers", 3, "--batch-size", 5
    words += "--overwrite", "--strength", 0.5, "--paint", "person", "--faces", "painted"
    words += "--keep-colors", "--quiet"
    fails(faststyle(*words), 1, "1 image failed, see out/failures.csv", "a.jpg: broken")
    how = {"workers": 3, "batch": 5, "force": True, "strength": 0.5, "area": "person"}
    how |= {"faces": "painted", "keep_colors": True, "watch": None}
    assert how.items() <= seen[0].items()
    assert faststyle(*words).returncode == 130


def test_of_videos(faststyle, film):
    words = "--end", 0.1, "--no-sound", "--codec", "libx265", "-o", "quiet.mp4"
    said = faststyle("video", film, "--style", "tiny:udnie", *words)
    assert said.returncode == 0, said.stderr
    with av.open("quiet.mp4") as out:
        assert not out.streams.audio and out.streams.video[0].codec_context.name == "hevc"


SMALL = "-s", 32, "--min-scale", 32, "--backbone", "lite", "-ii", 4, "--device", "cpu"


def test_of_optimizing(faststyle, photo, painting):
    words = "--init", "gray", "--pooling", "average", "--step-size", 0.03, "--avg-decay", 0.5
    words += (
        "--style-scale-fac",
        0.5,
        "--tone-weight",
        2,
        "--content-loss",
        "relative",
        "--no-strokes",
    )
    said = faststyle("optimize", photo, painting, "-o", "b.png", *SMALL, *words)
    assert said.returncode == 0, said.stderr
    plan = json.loads(Path("b.png.trace.json").read_text())["settings"]["plan"]
    how = {"init": "gray", "pooling": "average", "step_size": 0.03, "avg_decay": 0.5}
    assert (how | {"style_scale_fac": 0.5, "strokes": False}).items() <= plan.items()
    assert plan["loss"]["tone"]["weight"] == 2
    assert plan["loss"]["content"]["distance"] == "relative"
    for out, init in (("c.png", "content"), ("d.png", "stylized:tiny:udnie")):
        said = faststyle("optimize", photo, painting, "-o", out, *SMALL, "--init", init)
        assert said.returncode == 0, said.stderr
    assert read_picture("c.png").tobytes() != read_picture("d.png").tobytes()


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("stylize", "me.png", "--tile", 64, "--bs", 2), 2, "painted one at a time"),
        (("stylize", "film.mp4"), 1, "is a video. Use faststyle video"),
        (("stylize", "udnie"), 1, "It is a style: use --style"),
        (("grid", "me.png", "--style", "slim:tahiti"), 1, "different files"),
    ],
)
def test_what_does_not_go_together(faststyle, film, args, code, words):
    shutil.copy(film, "film.mp4")
    Image.new("RGB", (32, 32)).save("me.png")
    fails(faststyle(*args, "--style", "udnie", "-o", "out.png"), code, words)
