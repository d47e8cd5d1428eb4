"""Build the documentation site from the notebooks with Sphinx, for machines without Quarto.

python tools/make_site.py OUT

Pages, sections and their order are those of nbs/_quarto.yml. Notebooks are not executed. A dead
link or image is an error. OUT/studio is the studio, as a live demo that a static host can serve.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from nbformat.v4 import new_markdown_cell
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from faststyle_fastai.all import Stylizer, export_studio

ROOT = Path(__file__).parent.parent
NBS, PACKAGE = ROOT / "nbs", ROOT / "faststyle_fastai"
PROJECT = [  # pages and files that notebooks link to
    "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff",
    "faststyle_fastai/assets/README.md", "benchmarks/RECIPE.md",
]  # fmt: skip
CONF = """\
project = {title!r}
author = copyright = "The faststyle authors"
version = release = {version!r}
extensions = ["myst_nb", "sphinx_copybutton"]
copybutton_prompt_text = "$ "
nb_execution_mode = "off"
nb_render_markdown_format = "gfm"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_html_meta = {meta!r}
html_theme = "furo"
html_title = "{title} {version}"
html_logo, html_favicon = "logo.png", "favicon.png"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {theme!r}
suppress_warnings = ["misc.highlighting_failure"]
smartquotes = False  # they turn the two hyphens of an option into a dash
html_use_index = False
html_math_renderer = "mathml"


def setup(app):
    "Formulas as MathML, which browsers draw without a script from another site."
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert

    def formula(page, node):
        page.body.append(convert(node.astext()))
        raise SkipNode

    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("env-updated", inventory)


def inventory(app, env):
    "Names of the reference, for links from other projects (intersphinx)."
    from sphinx.domains.python import ObjectEntry

    for name, kind, page, anchor in {objects!r}:
        env.get_domain("py").objects[name] = ObjectEntry(page, anchor, kind, False)
"""
TOCTREE = "```{{toctree}}\n:hidden:\n:maxdepth: 1\n:caption: {}\n\n{}\n```\n"
SOURCE = "---\norphan: true\nnosearch: true\n---\n\n# {}\n\n```{{raw}} html\n{}\n```\n"
LINES = HtmlFormatter(lineanchors="L", linenos="inline", wrapcode=True)
CSS = """\
.sidebar-logo { width: 5rem; border-radius: .6rem; }
.source { float: right; margin-top: -2.2rem; font-size: .8rem; }
.highlight a:target + .linenos { background: #ffd54a; color: #000; }
article td { font-size: .9em; }
.studio { width: 100%; height: 36rem; border: 0; border-radius: .6rem; }
.table-wrapper {  /* a shadow where a table goes on */
  background:
    linear-gradient(to left, var(--color-background-primary) 2rem, transparent 4rem) local,
    linear-gradient(to left, #0005, transparent 1rem) scroll;
}
code { white-space: nowrap; overflow-wrap: normal; }
pre code { white-space: inherit; }
td + td code { white-space: normal; overflow-wrap: anywhere; }
@media (max-width: 46rem) {
  code { white-space: normal; }
  article td:first-child { position: sticky; left: 0; }
  article td:first-child { background: var(--color-background-primary); }
}
body[data-theme="dark"] article img[src$=".png"] { filter: invert(.9) hue-rotate(180deg); }
"""
LOGO = "woman_with_hat", "cat.jpg"  # a style and a photo
STUDIO = re.compile(r"\[([^\]]*)\]\(howto_export\.ipynb#the-studio[^)]*\)")  # in the index
DEMO = '<iframe class="studio" src="studio/" title="The studio"></iframe>'
HIDDEN = "#| echo: false"
INSTALL = "# Installs the package"  # how the first cell of a tutorial begins
MODULE = re.compile(r'reference\("([\w.]+)"')  # in the source of a cell that documents it
SHOWN = re.compile(r"(?:^---\n\n)?^### ([\w.]+)$", re.M)  # the heading of a documented name
CODE = re.compile(
    r"(^```.*?^```$|^#[^\n]*$|^\| `[^|]*\||\[[^\]]*\]\([^)]*\))", re.M | re.S
)  # or a link


def main(out: str | Path, demo: bool = True):
    out, website = Path(out), yaml.safe_load((NBS / "_quarto.yml").read_text())["website"]
    with TemporaryDirectory() as folder:
        source, html = Path(folder) / "source", Path(folder) / "built" / "html"
        shutil.copytree(NBS / "images", source / "images")
        for name in PROJECT:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
        for stem, notebook in notebooks(website).items():
            (source / f"{stem}.ipynb").write_text(json.dumps(notebook))
        (source / "source").mkdir()
        for file in PACKAGE.rglob("*.py"):
            name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
            code = highlight(file.read_text(), PythonLexer(), LINES)
            (source / "source" / f"{name}.md").write_text(SOURCE.format(name, code))
        (source / "conf.py").write_text(conf(website, list(objects())))
        (source / "static").mkdir()
        (source / "static" / "site.css").write_text(CSS)
        logo(source)
        strict = ["-q", "-W", "--keep-going"]
        subprocess.run([sys.executable, "-m", "sphinx", *strict, source, html], check=True)
        shutil.copytree(html, out, ignore=shutil.ignore_patterns(".doctrees"), dirs_exist_ok=True)
    if demo:
        export_studio(out / "studio")


def notebooks(website):
    "The notebooks as they are shown, by name."
    found = {file.stem: json.loads(file.read_text()) for file in NBS.glob("*.ipynb")}
    names = {name for page in found.values() for cell in page["cells"] for name in documented(cell)}
    for stem, page in found.items():
        links = () if stem == "cli" else names  # commands are called as functions are
        page["cells"] = [readable(cell, links) for cell in page["cells"]]
    first, *_ = cells = found["index"]["cells"]
    text = STUDIO.sub(r'<a href="studio/">\1</a>', first["source"])
    first["source"] = text.replace("![", f"{DEMO}\n\n![", 1)
    cells.append(new_markdown_cell(contents(website["sidebar"]["contents"])))
    return found


def documented(cell):
    "The public names that a cell documents."
    return SHOWN.findall(output(cell)) if MODULE.search("".join(cell["source"])) else []


def objects():
    "(full name, kind, page, anchor) of each documented name."
    for file in NBS.glob("api_*.ipynb"):
        for cell in json.loads(file.read_text())["cells"]:
            for name in documented(cell):
                module = MODULE.search("".join(cell["source"]))[1]
                kind = "data" if name.isupper() else "class" if name[0].isupper() else "function"
                kind, anchor = "method" if "." in name else kind, f"faststyle-{anchored(name)}"
                yield f"{PACKAGE.name}.{module}.{name}", kind, file.stem, anchor


def anchored(name):
    "A name as Sphinx makes it part of an address."
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def readable(cell, names):
    "A cell for readers: text in place of the code that made it, and links to documented names."
    code = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return new_markdown_cell(linked(code.replace("](../", "]("), names))
    if code.startswith(INSTALL):  # for Colab; the link to it is above
        return new_markdown_cell("")
    if not code.startswith(HIDDEN):
        return cell
    if not (text := output(cell)):
        return cell | {"metadata": {"tags": ["remove-input"]}}
    if module := MODULE.search(code):
        text = SHOWN.sub(partial(heading, module[1]), text)
    return new_markdown_cell(linked(text, names))


def heading(module, found):
    "The heading of a documented name, with a target for links and a link to its source."
    where = f"source/{module}.html#L-{line(module, found[1])}"
    link = f'<a class="source" href="{where}">source</a>'
    return f"(faststyle.{found[1]})=\n\n### `{found[1]}`\n\n{link}"


def line(module, name):
    "The line of a module's source where a name, or the method of a class, begins."
    body = ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text()).body
    at = {name: each for each in body for name in bound(each)}
    *owner, last = name.split(".")
    if owner and owner[0] in at:  # otherwise fastcore's `patch` adds it to another class
        at = {name: each for each in at[owner[0]].body for name in bound(each)}
    return at[last].lineno


def bound(statement):
    "The names that a statement binds."
    targets = getattr(statement, "targets", [getattr(statement, "target", statement)])
    return [getattr(each, "name", getattr(each, "id", None)) for each in targets]


def linked(text, names):
    """Text whose `names` in prose are links.

    A word such as `train` is linked only if it is called, because parameters have such names too.
    """

    def link(found):
        name = found[1] if found[1] in names else found[1].rpartition(".")[2]  # module.name
        plain = name.isalpha() and name.islower() and not found[2]
        known = name in names and not plain
        return f"[{found[0]}](#faststyle.{name.lower()})" if known else found[0]

    parts = CODE.split(text)
    parts[::2] = (re.sub(r"`([\w.]+)(\([^`\n]*\))?`", link, part) for part in parts[::2])
    return "".join(parts)


def output(cell):
    "What a cell printed as markdown."
    made = (one.get("data", {}).get("text/markdown", "") for one in cell.get("outputs", ()))
    return "".join(map("".join, made))


def contents(parts):
    "The sidebar of _quarto.yml as tables of contents for Sphinx."
    sections = [(part["section"], part["contents"]) for part in parts if isinstance(part, dict)]
    sections.append(("Project", [name for name in PROJECT if name.endswith(".md")]))
    return "\n".join(TOCTREE.format(title, "\n".join(pages)) for title, pages in sections)


def conf(website, objects):
    "Sphinx's settings."
    settings = ConfigParser(interpolation=None)
    settings.read(ROOT / "settings.ini", encoding="utf-8")
    version, address = (settings["DEFAULT"][key] for key in ("version", "repository"))
    meta = {
        "description": website["description"],
        "property=og:title": website["title"],
        "property=og:description": website["description"],
    }
    theme = {"source_repository": address, "source_branch": "main", "source_directory": "nbs/"}
    theme = theme if address else {}
    return CONF.format(**website, version=version, meta=meta, theme=theme, objects=objects)


def logo(folder):
    "A photo that the project painted, in the two sizes that a site needs."
    style, photo = LOGO
    image = Stylizer(style, "cpu")(NBS / "images" / photo)
    side = min(image.size)
    for name, pixels in (("logo.png", 320), ("favicon.png", 48)):
        image.resize((pixels, pixels), Image.Resampling.LANCZOS, (0, 0, side, side)).save(
            folder / name
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python tools/make_site.py OUT")
    main(sys.argv[1])
