"The documentation's site: every page of it, as a reader would see it."

import importlib.util
import re
import zlib
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("myst_nb")
TOOL = Path(__file__).parents[1] / "tools" / "make_site.py"
UNSEEN = {"script", "style", "title", "math"}
VOID = {"meta", "link", "img", "input", "br", "hr", "source", "path", "use", "col", "wbr"}


class Page(HTMLParser):
    "The links, the anchors, the title and the prose of a page."

    def __init__(self, file):
        super().__init__()
        self.links, self.anchors, self.prose, self.inside = [], set(), "", []
        self.fetched = []  # what a browser loads with the page
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.links += [given[key] for key in ("href", "src") if given.get(key)]
        self.fetched += [given["src"]] if given.get("src") else []
        self.fetched += [given["href"]] if tag == "link" and given.get("href") else []
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"pre", "code", *UNSEEN} & set(self.inside):
            self.prose += data


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("make_site", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    out = tmp_path_factory.mktemp("site")
    tool.main(out, demo=False)
    (out / "studio").mkdir()
    (out / "studio" / "index.html").touch()
    return out, {file: Page(file) for file in out.rglob("*.html") if file.stat().st_size}


def test_every_link_leads_somewhere(site):
    out, pages = site
    assert out / "index.html" in pages and len(pages) > 30
    for file, page in pages.items():
        for link in page.links:
            scheme, host, path, _, anchor = urlsplit(link)
            if scheme or host:
                continue
            to = (file.parent / unquote(path)).resolve() if path else file
            to = to / "index.html" if to.is_dir() else to
            assert to.exists(), (file.name, link)
            if anchor and to in pages:
                assert unquote(anchor) in pages[to].anchors, (file.name, link)


def test_pages_show_text_and_not_how_it_was_made(site):
    out, pages = site
    for file, page in pages.items():
        for sign in ("#| echo", "```", "reference(", "Markdown(", "**", "\n|"):
            assert sign not in page.prose, (file.name, sign, page.prose.partition(sign)[0][-200:])


def test_names_are_headings_with_their_source(site):
    out, pages = site
    found = pages[out / "api_inference.html"]
    assert {
        "faststyle-stylizer-call",
        "faststyle-export-html",
        "faststyle-stylizer",
    } <= found.anchors
    links = [link for link in found.links if link.startswith("source/inference.stylizer.html#L-")]
    assert {code_at(out, link) for link in links} >= {"class Stylizer:", "def __call__("}
    assert "api_inference.html#faststyle-stylizer" in pages[out / "08_any_painting.html"].links
    inventory = zlib.decompress((out / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    for line in inventory.splitlines():  # for links from other projects
        if " py:" in line:
            page, anchor = line.split()[3].split("#")
            assert anchor in pages[out / page].anchors, line
    assert "faststyle_fastai.inference.stylizer.Stylizer py:class" in inventory


def code_at(out, link):
    "The line of source that a link leads to."
    page, anchor = link.split("#")
    line = re.search(f'<a id="{anchor}".*', (out / page).read_text(encoding="utf-8"))[0]
    return unescape(re.sub("<[^>]*>", "", line)).lstrip("0123456789 ")


def test_pages_need_nothing_from_elsewhere_and_keep_two_hyphens(site):
    out, pages = site
    for file, page in pages.items():
        assert not [link for link in page.fetched if link.startswith("http")], file.name
    assert "--refine" in pages[out / "cli.html"].prose
