"`faststyle stylize --print`: as many pixels as a paper has."

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle_fastai.images.sizes import Paper, fit_paper

STYLE = "--style", "tiny:udnie", "--stroke", "broadest"


@pytest.mark.parametrize(
    "paper, dpi, size",
    [
        ("A6", 60, (331, 248)),  # 350x248 px; the photo's sides are 4:3
        ("10x20cm", 50.8, (267, 200)),
        ("4x3in", 100, (400, 300)),
    ],
)
def test_a_print_is_as_large_as_its_paper(faststyle, photo, paper, dpi, size):
    Image.open(photo).rotate(90, expand=True).save("up.png", dpi=(72, 72))
    args = photo, "up.png", *STYLE, "--print", paper, "--dpi", dpi, "-o", "out"
    assert faststyle("stylize", *args).returncode == 0
    assert Image.open("out/0.jpg").size == size
    assert Image.open("out/up.png").size == size[::-1]


@pytest.mark.parametrize(
    "out, depth",
    [("a.jpg", 8), ("a.png", 8), ("a.png", 16), ("a.tif", 8), ("a.tif", 16), ("a.pdf", 8)],
)
def test_the_file_says_its_dpi(faststyle, photo, out, depth):
    args = photo, *STYLE, "--print", "A6", "--dpi", 50, "--bit-depth", depth
    for more in ((), ("--strip",)):
        said = faststyle("stylize", *args, "-o", out, "--overwrite", *more)
        assert said.returncode == 0, said.stderr
        if out == "a.pdf":
            assert boxes(out) == {"/MediaBox": (397.44, 298.08)}  # 276x207 px
            continue
        with Image.open(out) as image:
            assert [round(float(d)) for d in image.info["dpi"]] == [50, 50]
            assert image.getexif().get(282, 50) == 50


def boxes(file):
    "The sizes of a PDF's boxes in points; its image has a color profile."
    pikepdf = pytest.importorskip("pikepdf")
    with pikepdf.open(file) as pdf:
        (page,) = pdf.pages
        (image,) = page.resources.XObject.values()
        assert image.ColorSpace[0] == "/ICCBased"
        sides = {name: [float(x) for x in page[name]] for name in page.keys() if "Box" in name}
    return {
        name: (round(x1 - x0, 2), round(y1 - y0, 2)) for name, (x0, y0, x1, y1) in sides.items()
    }


@pytest.mark.parametrize("depth, out", [(8, "a.png"), (16, "a.png"), (8, "a.pdf")])
def test_the_edge_that_is_cut_off_mirrors_the_picture(faststyle, photo, out, depth):
    args = photo, *STYLE, "--print", "A6", "--dpi", 50, "--bleed", "5.08mm", "--bit-depth", depth
    assert faststyle("stylize", *args, "-o", out).returncode == 0
    if out == "a.pdf":
        sides = boxes(out)
        assert sides["/TrimBox"] == (397.44, 298.08)  # 276x207 px
        assert sides["/BleedBox"] == sides["/MediaBox"] == (426.24, 326.88)
        return
    image = np.asarray(Image.open(out))
    assert image.shape == (227, 296, 3)
    inside = image[10:-10, 10:-10]
    assert (image == np.pad(inside, [(10, 10), (10, 10), (0, 0)], "symmetric")).all()


def test_hidden_colors_do_not_show_at_the_edges_of_a_print():
    x = torch.zeros(1, 4, 12, 12)
    x[..., 3:9, 3:9] = 1
    x[:, :3] *= 0.5
    print_of = fit_paper(x, Paper(60, 60, 100, 0))
    colors = print_of[:, :3][:, :, print_of[0, 3] > 0.1]
    assert (colors - 0.5).abs().max() < 0.01


@pytest.mark.parametrize(
    "args, status, why",
    [
        (("--print", "A77"), 2, "Unknown paper 'A77'. Use A2 to A6, letter, or a size such as"),
        (("--print", "0x3cm"), 2, "Unknown paper '0x3cm'"),
        (("--print", "A4", "--bleed", "3"), 2, "Unknown length '3'. Use a length such as 3mm"),
        (("--bleed", "3mm"), 2, "--bleed needs --print."),
        (("--print", "A6", "--bleed", "3cm"), 2, "--bleed is at most a quarter of the paper's"),
        (("--print", "A2", "--dpi", "1200"), 2, "--print at --dpi 1200 is 19843x28063 px."),
        (("--print", "A4", "--dpi", "2"), 2, "--print at --dpi 2 is 17x23 px. Use at least 64 px"),
    ],
)
def test_sizes_that_make_no_sense(faststyle, photo, args, status, why):
    said = faststyle("stylize", photo, *STYLE, *args, "-o", "a.jpg")
    text = " ".join(said.stderr.replace("│", "").split())
    assert said.returncode == status and why in text
