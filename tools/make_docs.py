"""The notebooks executed and cleaned, and README.md made from nbs/index.ipynb.

python tools/make_docs.py [NOTEBOOK …]      # those to execute; none: all
"""

import os
import re
import subprocess
import sys
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
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "text" in output:
                    output.text = as_on_screen(output.text)
                if "image/jpeg" in output.get("data", {}):  # the same picture, many times smaller
                    output.data.pop("image/png", None)
        nbformat.write(notebook, path)
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")


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
