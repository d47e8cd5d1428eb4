"What visitors of the page need. (A package, so that `conftest` stays that of all tests.)"

import pytest
from pages import visitor


@pytest.fixture
def visit(chromium, site):
    "A function that opens the page: size and script → tab."
    with visitor(chromium, site[0]) as visit:
        yield visit
