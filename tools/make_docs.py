"""Execute and clean the notebooks, and make README.md from nbs/index.ipynb.

python tools/make_docs.py [NOTEBOOK …]      # notebooks to execute; default: all
"""

import os
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parent.parent
NBS = ROOT / "nbs"
# Where the index says what the studio is; readers get the studio itself, where there is a site.
STUDIO = "howto_export.ipynb#the-studio-everything-without-training-in-one-file"


def tool(name):
    "A command of this environment, which need not be activated."
    return str(Path(sys.executable).with_name(name))


def main(notebooks):
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}  # no library warnings in the documentation
    for path in notebooks or [NBS]:
        command = [tool("nbdev-test"), str(path), "--n-workers", "1", "--save"]
        subprocess.run(command, check=True, env=quiet, cwd=ROOT)
    subprocess.run([tool("nbdev-clean")], check=True, cwd=ROOT)
    for path in NBS.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        if path.name[:2].isdigit():
            hosted(notebook, path.name)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "text" in output:
                    output.text = as_on_screen(output.text)
                if "image/jpeg" in output.get("data", {}):  # the same image, much smaller
                    output.data.pop("image/png", None)
            if "outputs" in cell:
                cell.outputs = [each for each in cell.outputs if each.get("text", "text").strip()]
        nbformat.write(notebook, path)
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")


# Extras that a tutorial needs.
EXTRAS = {"05_video.ipynb": "[video]", "07_at_scale.ipynb": "[bulk]"}
# Photos of nbs/images that a tutorial opens.
PHOTOS = dict.fromkeys(["00_first_photo.ipynb", "08_any_painting.ipynb"], "cat.jpg")
FETCH = """
    !wget -q -P images https://raw.githubusercontent.com/{repository}/main/nbs/images/{photo}\
"""
INSTALL = """\
# Installs the package on Colab or Kaggle. Does nothing where it is installed.
from importlib.util import find_spec

if not find_spec("faststyle_fastai"):
    %pip install -q "{what}"\
"""
BADGES = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repository}/blob/main/nbs/{name}) "
    "[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]"
    "(https://kaggle.com/kernels/welcome?src=https://github.com/{repository}/blob/main/nbs/{name})"
)


def hosted(notebook, name: str, repository: str | None = None):
    """Make a tutorial start on Colab and Kaggle: its first code cell installs the package.

    Adds badges below the title if settings.ini has the address of a repository on GitHub.
    """
    repository = settings()["repository"] if repository is None else repository
    repository = repository.removeprefix("https://github.com/").rstrip("/")
    extra = EXTRAS.get(name, "")
    what = f"faststyle_fastai{extra}"
    if repository:
        what += f" @ git+https://github.com/{repository}"
    install = INSTALL.format(what=what)
    if repository and name in PHOTOS:
        install += FETCH.format(repository=repository, photo=PHOTOS[name])
    if notebook.cells[1].source.startswith(INSTALL[:20]):
        notebook.cells[1].source = install
    else:
        notebook.cells.insert(1, nbformat.v4.new_code_cell(install))
    title, *text = [
        line for line in notebook.cells[0].source.split("\n") if not line.startswith("[![")
    ]
    while text and not text[0]:
        text.pop(0)
    badges = [BADGES.format(repository=repository, name=name), ""] if repository else []
    notebook.cells[0].source = "\n".join([title, "", *badges, *text])


def settings():
    found = ConfigParser(delimiters=["="], interpolation=None)
    found.read(ROOT / "settings.ini", encoding="utf-8")
    return found["DEFAULT"]


def as_on_screen(text: str) -> str:
    "Printed text without the progress bars that later text overwrote."
    lines = [line.rsplit("\r", 1)[-1].strip("█") for line in text.split("\n")]
    shown = [line for line in lines if line.strip() and not re.search(r"\| +[\d.]+% \[", line)]
    return "\n".join(shown) + "\n"


def readme() -> str:
    "The index notebook as Markdown. Cells with `#| echo: false` show only their output."
    notebook = nbformat.read(NBS / "index.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.source.startswith("#| echo: false"):
            cell.metadata["transient"] = {"remove_source": True}
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    if site := settings()["site"]:
        text = text.replace(f"({STUDIO})", f"({site.rstrip('/')}/studio/)")
    text = re.sub(r"\]\((?!\w+:|#)([^)]+)\)", lambda link: f"]({from_root(link[1])})", text)
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    return "\n".join(kept).strip() + "\n"


def from_root(link: str) -> str:
    "Convert a notebook's relative link for the README."
    return link.removeprefix("../") if link.startswith("../") else f"nbs/{link}"


if __name__ == "__main__":
    main(sys.argv[1:])
