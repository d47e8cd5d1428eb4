"""Build the documentation site from the notebooks with Sphinx, for machines without Quarto.

python tools/make_site.py OUT

Pages, sections and their order are those of nbs/_quarto.yml. Notebooks are not executed. A dead
link or image is an error. OUT/studio is the studio, as a live demo that a static host can serve.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from faststyle_fastai.all import export_studio

ROOT = Path(__file__).parent.parent
NBS = ROOT / "nbs"
PROJECT = [  # pages and files that notebooks link to
    "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff",
    "faststyle_fastai/assets/README.md", "benchmarks/RECIPE.md",
]  # fmt: skip
CONF = """\
project = {title!r}
author = "The faststyle authors"
extensions = ["myst_nb"]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = {title!r}
suppress_warnings = ["misc.highlighting_failure", "docutils"]
"""


def main(out):
    website = yaml.safe_load((NBS / "_quarto.yml").read_text())["website"]
    with TemporaryDirectory() as folder:
        source = Path(folder)
        shutil.copytree(NBS, source / "nbs", ignore=shutil.ignore_patterns("models"))
        for name in PROJECT:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
        (source / "conf.py").write_text(CONF.format(**website))
        (source / "contents.md").write_text(contents(website["sidebar"]["contents"]))
        strict = ["-q", "-W", "--keep-going", "-D", "root_doc=contents"]
        subprocess.run([sys.executable, "-m", "sphinx", *strict, source, out], check=True)
    export_studio(Path(out) / "studio")


def contents(parts):
    "Convert the sidebar of _quarto.yml to tables of contents for Sphinx."
    lines = ["# Contents", "", '<a href="studio/">Try it in your browser</a>', ""]
    for part in parts:
        pages = part["contents"] if isinstance(part, dict) else [part]
        caption = [f":caption: {part['section']}"] if isinstance(part, dict) else []
        stems = [f"nbs/{Path(page).stem}" for page in pages]
        lines += ["```{toctree}", ":maxdepth: 1", *caption, "", *stems, "```", ""]
    pages = [name.removesuffix(".md") for name in PROJECT if name.endswith(".md")]
    lines += ["```{toctree}", ":maxdepth: 1", ":caption: Project", "", *pages, "```"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
