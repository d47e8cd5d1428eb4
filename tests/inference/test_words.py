"The words of the page, in each of its languages."

import re

import pytest

from faststyle_fastai.inference.html import page_words

LANGUAGES = page_words()
# Names, units and what is the same by chance.
SAME = {
    "creditsServed", "details", "files", "minutesLeft", "name", "ownFailed", "seconds",
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
