"Opposite edges that meet."

import numpy as np
import pytest
from PIL import Image

from benchmarks.inference.seams import seams
from faststyle_fastai.all import Stylizer, read_picture, seamless


@pytest.fixture
def tile(photos):
    "A texture: four mirrored photos, moved so that none of their seams is at the edge."
    a = np.asarray(read_picture(photos / "china" / "0.jpg"))
    a = np.concatenate([a, a[:, ::-1]], 1)
    a = np.concatenate([a, a[::-1]], 0)
    return Image.fromarray(np.roll(a, (a.shape[0] // 4, a.shape[1] // 4), (0, 1)))


def test_edges_meet(tile, painting):
    for style in ("the_scream", painting):
        paint = Stylizer(style, "cpu")
        plain, all_four, sides = paint(tile), seamless(paint, tile), seamless(paint, tile, "sides")
        assert min(seams(plain)) > 2 > max(seams(all_four)) and seams(sides)[0] < 2
        assert all_four.size == sides.size == tile.size


def test_from_the_command_line(faststyle, tile):
    tile.save("tile.png")
    words = "stylize", "tile.png", "--style", "udnie", "--seamless"
    done = faststyle(*words, "all", "-o", "out.png")
    assert done.returncode == 0, done.stderr
    assert max(seams(read_picture("out.png"))) < 2
    for more, said in ((["top"], "Use sides or all."), (["all", "--paint", "person"], "--paint")):
        wrong = faststyle(*words, *more, "-o", "no.png")
        assert wrong.returncode == 2 and said in wrong.stderr
