import configparser
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import files as files_of
from importlib.metadata import metadata, requires, version
from pathlib import Path

import nbformat
import pytest
from PIL import Image

import faststyle_fastai
from faststyle_fastai.core.assets import ASSETS

ROOT = Path(__file__).parent.parent


def test_one_version():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "settings.ini")
    assert settings["DEFAULT"]["version"] == faststyle_fastai.__version__
    assert version("faststyle_fastai") == faststyle_fastai.__version__


def test_the_installed_package_names_its_requirements():
    names = {re.split("[^\\w-]", line)[0] for line in requires("faststyle_fastai")}
    assert {"fastai", "torch", "torchvision", "pillow", "numpy", "safetensors", "typer"} <= names


def test_what_an_index_shows_has_no_dead_link():
    said = metadata("faststyle_fastai")
    text = said["Description"] or said.get_payload()
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert "## Install" in text and all(link.startswith("https://") for link in links)
    assert said["License-Expression"].startswith("Apache-2.0")


def test_nbdev_export_changes_nothing(tmp_path):
    for name in ("pyproject.toml", "settings.ini", "nbs/index.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    only = shutil.ignore_patterns("assets", "browser", "__pycache__")
    shutil.copytree(ROOT / "faststyle_fastai", tmp_path / "faststyle_fastai", ignore=only)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    subprocess.run(
        [sys.executable, "-c", "from nbdev.doclinks import nbdev_export as e; e()"],
        cwd=tmp_path,
        check=True,
    )
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}


def test_what_ships_is_small():
    sizes = {p.name: p.stat().st_size for p in ASSETS.rglob("*") if p.is_file()}
    assert sizes["lite.safetensors"] <= 3.5e6 and sizes["gallery.safetensors"] <= 3.7e6
    assert sizes["decoder.safetensors"] <= 6e6 and sizes["decoder-slim.safetensors"] <= 2e6
    assert sizes["any_painting.safetensors"] <= 4e6 and sum(sizes.values()) <= 24e6


def test_licenses_of_others_are_installed():
    names = "LICENSE", "THIRD_PARTY_LICENSES.txt"
    files = [file for file in files_of("faststyle_fastai") if file.name in names]
    text = "".join(file.read_text() for file in files)
    for owner in (
        "Apache License",
        "Microsoft Corporation",
        "Huan Wang",
        "Zisserman",
        "Google LLC",
    ):
        assert owner in text


def test_the_readme_is_made_from_the_index():
    sys.path.insert(0, str(ROOT / "tools"))
    from make_docs import readme

    assert (ROOT / "README.md").read_text(encoding="utf-8") == readme()


PAGES = [*ROOT.glob("*.md"), *(ROOT / "nbs").glob("*.ipynb"), ASSETS / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link for link in links if link and "://" not in link]
    assert not [link for link in local if not (page.parent / link).exists()]


TUTORIALS = sorted((ROOT / "nbs").glob("0*.ipynb"))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorials_start_anywhere(path, monkeypatch):
    sys.path.insert(0, str(ROOT / "tools"))
    from make_docs import hosted

    notebook = nbformat.read(path, as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    ran = []
    python = code[0].replace("%pip install -q ", "install = ")
    exec(python, here := {})
    assert "install" not in here  # it is installed
    monkeypatch.setattr("importlib.util.find_spec", lambda name: ran.append(name))
    exec(python, here := {})
    assert ran == ["faststyle_fastai"] and here["install"].startswith("faststyle_fastai")
    text = "\n".join(code)
    assert "../" not in text and not re.search(r"""["']/\w""", text)  # nothing of one machine
    hosted(notebook, path.name, "")
    before = notebook.cells[0].source
    hosted(notebook, path.name, "https://github.com/someone/faststyle")
    assert f"colab.research.google.com/github/someone/faststyle/blob/main/nbs/{path.name}" in (
        notebook.cells[0].source
    )
    assert "git+https://github.com/someone/faststyle" in notebook.cells[1].source
    hosted(notebook, path.name, "")
    assert notebook.cells[0].source.split() == before.split() and "git+" not in code[0]


@pytest.mark.parametrize("name", ["speed", "preferred", "ladder", "standard"])
def test_charts_show_the_results_as_they_are(name, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.charts import CHARTS, SHOWS, plt

    figure, axes = plt.subplots()
    now = CHARTS[name](axes)
    plt.close(figure)
    with Image.open(ROOT / f"nbs/images/{name}.png") as drawn:
        assert json.loads(drawn.text[SHOWS]) == now


@pytest.mark.parametrize(
    "room", [p.parent.name for p in ROOT.glob("faststyle_fastai/*/__init__.py")]
)
def test_contributors_find_every_module(room):
    text = (ROOT / "CONTRIBUTING.md").read_text()
    row = re.search(rf"^\| `{room}` \|[^|]*\|(.*)\|$", text, re.M)[1]
    modules = {file.stem for file in (ROOT / "faststyle_fastai" / room).glob("*.py")}
    assert set(re.findall(r"`(\w+)`", row)) == modules - {"__init__"}
