"""The notebooks executed and cleaned, and README.md made from nbs/index.ipynb.

python tools/make_docs.py [NOTEBOOK …]      # those to execute; none: all
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


def main(notebooks):
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}  # no library's notes in the documentation
    for path in notebooks or [NBS]:
        command = ["nbdev-test", str(path), "--n-workers", "1", "--save"]
        subprocess.run(command, check=True, env=quiet, cwd=ROOT)
    subprocess.run(["nbdev-clean"], check=True, cwd=ROOT)
    for path in NBS.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        if path.name[:2].isdigit():
            hosted(notebook, path.name)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "text" in output:
                    output.text = as_on_screen(output.text)
                if "image/jpeg" in output.get("data", {}):  # the same picture, many times smaller
                    output.data.pop("image/png", None)
        nbformat.write(notebook, path)
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")


# Extras that a tutorial takes, where it takes any.
EXTRAS = {"05_video.ipynb": "[video]", "07_at_scale.ipynb": "[bulk]"}
INSTALL = """\
# On Colab or Kaggle this installs the package; where it is installed, it does nothing.
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
    """A tutorial that starts on Colab and Kaggle: its first cell of code installs the package.

    Badges stand below the title once settings.ini names the repository, as OWNER/NAME.
    """
    settings = ConfigParser(delimiters=["="], interpolation=None)
    settings.read(ROOT / "settings.ini", encoding="utf-8")
    repository = settings["DEFAULT"]["repository"] if repository is None else repository
    extra = EXTRAS.get(name, "")
    what = f"faststyle_fastai{extra}"
    if repository:
        what += f" @ git+https://github.com/{repository}"
    install = INSTALL.format(what=what)
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


def as_on_screen(text: str) -> str:
    "Printed text without the progress bars that later text was written over."
    lines = [line.rsplit("\r", 1)[-1].strip("█") for line in text.split("\n")]
    shown = [line for line in lines if line.strip() and not re.search(r"\| +[\d.]+% \[", line)]
    return "\n".join(shown) + "\n"


def readme() -> str:
    "The index notebook as Markdown, of cells that say `#| echo: false` the output only."
    notebook = nbformat.read(NBS / "index.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.source.startswith("#| echo: false"):
            cell.metadata["transient"] = {"remove_source": True}
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    text = text.replace("](images/", "](nbs/images/")
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    return "\n".join(kept).strip() + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
