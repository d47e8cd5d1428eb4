"Styles as links, on the page of a computer."

import re

import pytest
from conftest import quick_page
from pages import heard, opened, repainted, visitor
from playwright.sync_api import expect

from faststyle_fastai.all import Stylizer, style_link
from faststyle_fastai.inference.links import link_of_names, read_link

CLIPBOARD = """navigator.clipboard.writeText = async (text) => { window.copied = text };
window.addEventListener("unhandledrejection", ({ reason }) => { throw reason });"""
HALF = {"great_wave": 50, "udnie": 50}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("styles")
    with quick_page(folder) as address:
        yield address, folder


@pytest.mark.slow
def test_a_link_becomes_a_style_of_the_page(chromium, site, painting, photos):
    address, folder = site
    with visitor(chromium, address) as visit:
        tab = visit(script=CLIPBOARD)

        def followed(link):
            tab.evaluate("(link) => { location.hash = link }", link)

        def shared():
            tab.get_by_role("button", name="Share this style").click()
            heard(tab, "Link copied")
            return tab.evaluate("copied").removeprefix(f"{address}/")

        opened(tab, photos / "china" / "0.jpg")
        tab.once("dialog", lambda dialog: dialog.dismiss())
        followed(link_of_names(HALF))
        expect(tab).not_to_have_url(re.compile("#s="))
        assert not [*folder.iterdir()]  # nobody's link adds a style by itself
        tab.on("dialog", lambda dialog: dialog.accept())
        followed(link_of_names({"tahiti": 100}))
        heard(tab, "Women of Tahiti · Gauguin came with the link")
        assert not [*folder.iterdir()] and shared() == link_of_names({"tahiti": 100})
        for _ in range(2):
            followed(link_of_names(HALF))
            heard(tab, "great wave udnie came with the link")
            followed(link_of_names({"tahiti": 100}))
            heard(tab, "Women of Tahiti · Gauguin came with the link")
        assert [file.name for file in folder.iterdir()] == ["great_wave_udnie.safetensors"]
        repainted(tab, lambda: tab.set_input_files("#own", painting))
        link = shared()
        assert read_link(link)[:2] == ("sight", "Waves")
        assert link == style_link(Stylizer({"Waves": str(folder / "Waves.png")}, "cpu"))
        before = sorted(folder.iterdir())
        followed(link[:-7])
        heard(tab, "The link is incomplete")
        chosen = tab.locator("#faces [aria-checked=true]").inner_text()
        assert chosen.startswith("Waves") and sorted(folder.iterdir()) == before
