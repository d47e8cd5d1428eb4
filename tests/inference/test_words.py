"The words of the page, in each of its languages."

import json
import re

import pytest

from faststyle_fastai.inference.html import BROWSER, page_words

LANGUAGES = page_words()
# Names, units and what is the same by chance.
SAME = {
    "creditsServed", "details", "files", "lessonSo", "minutesLeft", "name", "ownFailed", "seconds",
    "sidePhoto", "styles",
}  # fmt: skip


def flat(words, before=""):
    "Words by their keys, also of what holds several."
    found = {}
    for key, value in words.items():
        found |= flat(value, f"{key}.") if isinstance(value, dict) else {before + key: value}
    return found


def blanks(text):
    return sorted(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_all_that_english_says(language):
    words, english = flat(LANGUAGES[language]), flat(LANGUAGES["en"])
    assert list(words) == list(english)
    for key, text in words.items():
        assert blanks(text) == blanks(english[key]), key
        assert bool(text.strip()) == bool(english[key]), key
        if language != "en":
            assert text != english[key] or key in SAME, key


def test_every_word_is_in_the_language_file_and_used():
    words = json.loads((BROWSER / "words" / "en.json").read_text())
    code = "".join(
        file.read_text() for file in BROWSER.glob("*.*") if file.suffix in (".js", ".html")
    )
    asked = r'(?:say|tell\w+|correct)\("(\w+)"', r"words\.(\w+)", r'data-(?:say|label)="(\w+)"'
    asked = {name for pattern in asked for name in re.findall(pattern, code)}
    assert asked <= set(words)
    notes = {"refined", "partly", "sight", "noBase"}  # which the server names
    unused = {name.removesuffix("Served") for name in words} - asked - notes
    assert {name for name in unused if f'"{name}"' not in code} == set()


def test_marks_of_french_stay_beside_their_words():
    for key, text in flat(LANGUAGES["fr"]).items():
        assert not re.search(r" [:;?!»%]|« ", text), key  # spaces at which a line would break


def test_names_within_arabic_keep_their_own_direction():
    for key, text in flat(LANGUAGES["ar"]).items():
        bare = re.search(r"(?<!\u2068){(title|now|names?|why)}", text)
        assert not bare or key == "ownNamed", key  # it is a name itself
