"""README.md from nbs/index.ipynb.

nbdev-test --path nbs/index.ipynb --save && nbdev-clean && python tools/make_readme.py
"""

from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import TagRemovePreprocessor

ROOT = Path(__file__).parent.parent


def readme() -> str:
    "The index notebook as Markdown; inputs of cells tagged hide-input are left out."
    notebook = nbformat.read(ROOT / "nbs" / "index.ipynb", as_version=4)
    hide = TagRemovePreprocessor(enabled=True, remove_input_tags={"hide-input"})
    notebook, _ = hide.preprocess(notebook, {})
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    text = text.replace("](images/", "](nbs/images/")
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    return "\n".join(kept).strip() + "\n"


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
