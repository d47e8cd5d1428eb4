"The page in the language of the browser, in Chromium if it is installed."

from contextlib import contextmanager

import pytest
from pages import DESK, PHONE, heard, repainted

from faststyle_fastai.inference.html import page_text, page_words

LANGUAGES = page_words()
SIDES = "width", "height"
SHOW_ALL = """() => {
    document.body.classList.add("open");
    const hidden = "header [hidden], main[hidden], aside [hidden], aside details";
    for (const each of document.querySelectorAll(hidden)) [each.hidden, each.open] = [false, true];
    document.getElementById("saving").showPopover();
}"""
# What is wider than its place, or outside of the window; strips of styles scroll.
CUT = """() => {
    const parts = document.querySelectorAll("html, header, nav, aside, button, .button, legend");
    const outside = ({ left, right }) => left < -1 || right > innerWidth + 1;
    const seen = [...parts].filter((each) => each.offsetParent && !each.closest(".styles"));
    const cut = (each) => each.scrollWidth > each.clientWidth + 1;
    return [document.documentElement, ...seen]
        .filter((each) => cut(each) || outside(each.getBoundingClientRect()))
        .map((each) => each.id || each.dataset.say || each.tagName);
}"""


@pytest.fixture
def read(chromium, site):
    "A function that opens the page in a browser of some language."

    @contextmanager
    def read(asked="", size=DESK, locale="en-US"):
        context = chromium.new_context(viewport=dict(zip(SIDES, size)), locale=locale)
        tab = context.new_page()
        tab.goto(f"{site[0]}/{asked}")
        yield tab
        context.close()

    return read


@pytest.mark.parametrize(
    "asked, locale, language",
    [("", "de-DE", "de"), ("", "nl", "en"), ("?lang=fr", "de-DE", "fr"), ("?lang=x", "ja", "ja")],
)
def test_a_page_speaks_the_language_of_its_browser(read, asked, locale, language):
    with read(asked, locale=locale) as tab:
        words = LANGUAGES[language]
        heard(tab, words["ready"].split("{")[0].strip())
        assert tab.locator("html").get_attribute("lang") == language
        assert tab.title() == f"{words['toPaint']} · faststyle"
        tab.get_by_role("link", name=words["toMine"]).click()
        tab.get_by_role("heading", name=words["ownClaim"]).wait_for()


def test_a_title_of_ones_own_stays(chromium):
    for title, seen in ((None, LANGUAGES["es"]["title"]), ("Waves", "Waves")):
        with chromium.new_page(locale="es-MX") as tab:
            tab.set_content(page_text(["common.js"], "script-src {digests}", {}, title))
            tab.locator("html[lang=es]").wait_for(state="attached")
            assert tab.title() == tab.locator("h1").inner_text() == seen


def test_arabic_is_read_from_right_to_left(read):
    with read("?lang=ar") as tab:
        heard(tab, "جاهز")
        faces = tab.get_by_role("radio")
        first, second = (faces.nth(i).bounding_box()["x"] for i in (0, 1))
        assert second < first
        faces.first.focus()
        tab.keyboard.press("ArrowLeft")
        assert faces.nth(1).get_attribute("aria-checked") == "true"
        tab.evaluate(SHOW_ALL)
        assert tab.locator("#paint aside").bounding_box()["x"] == 0
        direction = "id => getComputedStyle(document.getElementById(id)).direction"
        assert tab.evaluate(direction, "strength") == "rtl"
        assert {tab.evaluate(direction, id) for id in ("split", "at", "picture")} == {"ltr"}


def test_a_closer_look_from_right_to_left_stays_where_it_was(read):
    with read("?lang=ar") as tab:
        repainted(tab, tab.get_by_role("button", name=LANGUAGES["ar"]["try"]).click)
        tab.get_by_role("button", name=LANGUAGES["ar"]["nearer"]).click()
        around, picture = (tab.locator(of).bounding_box() for of in ("#place", "#picture"))
        assert picture["width"] > around["width"]
        middles = [box["x"] + box["width"] / 2 for box in (around, picture)]
        assert abs(middles[0] - middles[1]) < 3


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_no_language_is_cut(read, size):
    cut = {}
    for language, words in LANGUAGES.items():
        with read(f"?lang={language}", size) as tab:
            heard(tab, words["ready"].split("{")[0].strip())
            cut[language] = tab.evaluate(CUT)
            tab.evaluate(SHOW_ALL)
            cut[language] += tab.evaluate(CUT)
    assert cut == {language: [] for language in LANGUAGES}
