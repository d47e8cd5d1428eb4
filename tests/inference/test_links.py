"Styles as links: the same bytes from Python and JavaScript, and what each does with them."

import base64
import random
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import fails
from exported import away, downloaded, open_photo
from pages import heard, repainted
from PIL import Image

from faststyle_fastai.all import BUILTIN_STYLES, Stylizer, save_style
from faststyle_fastai.inference.html import BROWSER
from faststyle_fastai.inference.links import (
    link_of_names,
    link_of_row,
    read_link,
    shared_networks,
    style_link,
    widths,
)
from faststyle_fastai.training.runs import add_style

CLIPBOARD = "navigator.clipboard.writeText = async (text) => { window.copied = text; };"
HALF = {"great_wave": 50, "udnie": 50}


def a_row(seed=0, title="Die Brücke · 波"):
    random = np.random.default_rng(seed)
    parts = [(random.normal(size=n) ** 3).astype("f4") for n in widths()]
    parts[3][:] = 0.5  # all the same
    moments = random.random((4, 4)).astype("f4")
    moments = (moments + moments.T) / 2
    moments[3, 3] = 1
    return "gallery", title, moments, parts


def sealed(body):
    data = b"\1" + zlib.crc32(body).to_bytes(4, "little") + body
    return "#s=" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def body_of(link):
    return base64.urlsafe_b64decode(link[3:] + "=" * (-len(link[3:]) % 4))[5:]


def hostile():
    "Damaged links, and whole ones with what no style has."
    good = link_of_row(*a_row())
    body = bytearray(body_of(good))
    dice = random.Random(1)
    yield from ("", "#s=", "#s=A", good[:-1], good[:100], good + "A", good.replace("#s=", "#t="))
    for _ in range(20):
        at = dice.randrange(3, len(good))
        yield good[:at] + dice.choice("abcXYZ019").replace(good[at], "_") + good[at + 1 :]
    at = 6 + body[5]
    yield sealed(bytes(body[: at - 1]) + b"\n" + bytes(body[at:]))  # a title of two lines
    for number in (np.nan, np.inf, 1e30):
        changed = body[:]
        changed[at : at + 4] = np.float32(number).tobytes()
        yield sealed(bytes(changed))
        changed = body[:]
        changed[at + 40 : at + 44] = np.float32(number).tobytes()
        yield sealed(bytes(changed))
    yield sealed(bytes(body[:-1]))
    yield sealed(b"\1" + b"0000" + bytes(body[5:]))  # another network
    yield sealed(b"\7" + bytes(body[1:]))  # another kind
    yield sealed(b"\0\x64\x09__proto__")
    yield sealed(b"\0\xff\x05udnie")
    yield link_of_names(HALF | {"tahiti": 60})


def test_python_and_javascript_agree_byte_for_byte(chromium):
    context = chromium.new_context()
    tab = context.new_page()
    tab.add_script_tag(content=(BROWSER / "link.js").read_text())
    known = {"ids": shared_networks(), "widths": widths(), "names": [*BUILTIN_STYLES]}
    for seed, title in enumerate(["Die Brücke · 波", "🎨" * 80]):
        key, _, moments, parts = a_row(seed)
        link = link_of_row(key, title, moments, parts)
        given = [key, title, moments.tolist(), np.concatenate(parts).tolist(), known]
        made = tab.evaluate(
            """([key, title, moments, row, { ids, widths }]) =>
            linkOfRow({ id: ids[key], widths }, title, moments, Float32Array.from(row))""",
            given,
        )
        assert made == link and 1000 < len(link) < 3000
        read = tab.evaluate(
            """([link, known]) => {
              const { network, title, moments, row } = readLink(link, known);
              return [network, title, moments, [...row]];
            }""",
            [link, known],
        )
        network, said, colors, rows = read_link(f"https://a.b/studio/{link}")
        assert read == [network, said, colors.tolist(), np.concatenate(rows).tolist()]
        assert said == title[:60] and np.allclose(colors, moments)
        assert all(np.ptp(b) / 255 >= np.abs(a - b).max() for a, b in zip(parts, rows))
    names = """([shares, known]) => {
      const link = linkOfNames(shares);
      return [link, [...readLink(link, known).shares]];
    }"""
    assert tab.evaluate(names, [HALF, known]) == [link_of_names(HALF), [[*i] for i in HALF.items()]]
    refused = """([link, known]) => {
      try { readLink(link, known) } catch ({ message }) { return message }
    }"""
    for link in hostile():
        with pytest.raises(ValueError, match=r"^The link (is incomplete|was made)") as error:
            read_link(link)
        said = tab.evaluate(refused, [link, known])
        assert said == ("linkOther" if "version" in str(error.value) else "linkDamaged"), link
    context.close()


def test_a_link_paints_like_its_style(faststyle, photo, painting):
    faststyle("stylize", photo, "--style", "great_wave", "--mix", "udnie=.4", "-o", "mixed.png")
    said = faststyle("share", "great_wave", "--mix", "udnie=.4", "--studio", "https://a.b/c/")
    link = said.stdout.split()[-1]
    assert link.startswith("https://a.b/c/#s=") and len(link) < 80
    faststyle("stylize", photo, "--style", link, "-o", "linked.png")
    assert away(Image.open("linked.png"), Image.open("mixed.png")) == 0
    sight = Stylizer(str(painting), "cpu", "float32", arch="slim")
    link = style_link(sight)
    assert len(link) < 3000 and style_link(Stylizer(str(painting), "cpu")) == link
    sight.decodes = False
    assert away(Stylizer(link, "cpu", "float32")(photo), sight(photo)) < 0.5


def test_a_style_added_to_the_built_in_network_is_a_link(faststyle, photo, photos, painting):
    fails(faststyle("add-style", "slim", "--style", painting), 1, "comes with faststyle", "-o")
    add_style("slim", painting, photos, "mine.safetensors", minutes=0.01, device="cpu", quiet=True)
    mine = Stylizer("mine.safetensors:waves", "cpu", "float32")
    link = style_link(mine)
    linked = Stylizer(link, "cpu", "float32")
    assert linked.styles == ["waves"] and away(linked(photo), mine(photo)) < 0.5
    assert away(linked(photo, strength=0), mine(photo, strength=0)) < 0.5
    mixed = Stylizer(style_link(mine, {"waves": 0.5, "udnie": 0.5}), "cpu", "float32")
    assert away(mixed(photo), mine(photo, {"waves": 0.5, "udnie": 0.5})) < 0.5


def test_what_is_no_link_is_said_in_a_line(faststyle, trained, photo):
    save_style(trained, "mine.safetensors")
    fails(faststyle("share", "mine.safetensors"), 1, "network of its own", "faststyle export")
    fails(faststyle("share", "tahiti", "-o", "code.svg"), 2, "--studio")
    fails(faststyle("share", "tahiti", "-o", "code.jpg"), 2, ".svg or .png")
    link = link_of_row(*a_row())[:-5]
    fails(faststyle("stylize", photo, "--style", link, "-o", "a.png"), 1, "link is incomplete")
    assert not Path("a.png").exists()


def test_a_link_as_a_code(faststyle):
    pytest.importorskip("segno")
    for name in ("code.svg", "code.png"):
        said = faststyle("share", "tahiti", "--studio", "https://a.b/", "-o", name)
        assert said.stdout.split() == [name, f"https://a.b/{link_of_names({'tahiti': 100})}"]
    assert min(Image.open("code.png").size) > 100 and "<svg" in Path("code.svg").read_text()
    fails(faststyle("share", "udnie", "--studio", "https://a.b/", "-o", "code.png"), 1, "exists")


@pytest.fixture
def elsewhere(studio, tmp_path):
    "The studio, as if it were on the web at an address."
    page = tmp_path / "studio.html"
    page.write_text(studio.read_text().replace('"studio": ""', '"studio": "https://a.b/"'))
    return page


@pytest.mark.slow
def test_the_studio_opens_and_makes_links(visit, elsewhere, photos, painting):
    Image.open(photos / "china" / "0.jpg").save("china.png")
    tab = visit(elsewhere, script=CLIPBOARD)
    open_photo(tab, "china.png")

    def followed(link):
        tab.evaluate("(link) => { location.hash = link }", link)

    def shared():
        tab.get_by_role("button", name="Share this style").click()
        heard(tab, "Link copied")
        return tab.evaluate("copied").removeprefix("https://a.b/")

    repainted(tab, lambda: followed(link_of_names(HALF)))
    heard(tab, "came with the link")
    python = Stylizer("slim", "cpu", "float32")
    assert away(downloaded(tab)[0], python("china.png", {"great_wave": 0.5, "udnie": 0.5})) < 1.5
    assert shared() == link_of_names(HALF)
    tab.reload()
    heard(tab, "came with the link")
    assert shared() == link_of_names(HALF)
    repainted(tab, tab.get_by_role("radio", name="Udnie Picabia").click)
    repainted(tab, lambda: tab.get_by_label("Mix with").select_option(label="Women of Tahiti"))
    assert shared() == link_of_names({"udnie": 50, "tahiti": 50})
    repainted(tab, lambda: tab.set_input_files("#own", painting))
    link = shared()
    assert "send the painting itself" in tab.locator("#said").inner_text()
    assert read_link(link)[:2] == ("sight", "Waves")
    repainted(tab, lambda: followed(link_of_row("sight", *read_link(link)[1:])))
    linked = Stylizer(link, "cpu", "float32")
    assert away(downloaded(tab)[0], linked("china.png")) < 1.5
    chosen = tab.locator("#styles [aria-checked=true]").inner_text()
    for bad, words in ((link[:-9], "incomplete"), (sealed(b"\0\x64\x03abc"), "another version")):
        followed(bad)
        heard(tab, words)
        assert tab.locator("#styles [aria-checked=true]").inner_text() == chosen


def test_thirds_sum_to_one():
    thirds = dict.fromkeys(("udnie", "tahiti", "mondrian"), 1 / 3)
    assert sum(read_link(style_link(Stylizer("udnie", "cpu"), thirds)).values()) == 100
