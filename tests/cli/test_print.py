"`faststyle stylize --print`: as many pixels as a paper has."

import pytest
from PIL import Image

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


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("out", ["a.jpg", "a.png", "a.tif", "a.pdf"])
def test_the_file_says_its_dpi(faststyle, photo, out, depth):
    if depth == 16 and out[-3:] not in ("png", "tif"):
        return
    args = photo, *STYLE, "--print", "A6", "--dpi", 50, "--bit-depth", depth
    for more in ((), ("--strip",)):
        said = faststyle("stylize", *args, "-o", out, "--overwrite", *more)
        assert said.returncode == 0, said.stderr
        if out == "a.pdf":
            assert b"/MediaBox [ 0 0 397.44 298.08 ]" in open(out, "rb").read()  # 276x207 px
            continue
        with Image.open(out) as image:
            assert [round(float(d)) for d in image.info["dpi"]] == [50, 50]
            assert image.getexif().get(282, 50) == 50


@pytest.mark.parametrize(
    "args, status, why",
    [
        (("--print", "A77"), 2, "Unknown paper 'A77'. Use A2 to A6, letter, or such as 30x40cm."),
        (("--print", "0x3cm"), 2, "Unknown paper '0x3cm'"),
        (("--print", "A2", "--dpi", "1200"), 1, "--print at --dpi 1200 is 19843x28063 px."),
        (("--print", "A4", "--dpi", "2"), 1, "--print at --dpi 2 is 17x23 px. Use at least 64 px"),
    ],
)
def test_sizes_that_make_no_sense(faststyle, photo, args, status, why):
    said = faststyle("stylize", photo, *STYLE, *args, "-o", "a.jpg")
    text = " ".join(said.stderr.replace("│", "").split())
    assert said.returncode == status and why in text
