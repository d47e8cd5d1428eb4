"""README.md from nbs/index.ipynb.

nbdev-test nbs/index.ipynb --save && nbdev-clean && python tools/make_readme.py
"""

from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parent.parent


def readme() -> str:
    "The index notebook as Markdown, of cells that say `#| echo: false` the output only."
    notebook = nbformat.read(ROOT / "nbs" / "index.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.source.startswith("#| echo: false"):
            cell.metadata["transient"] = {"remove_source": True}
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    text = text.replace("](images/", "](nbs/images/")
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    return "\n".join(kept).strip() + "\n"


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
