"What the reference pages have in common: the public names of a module, documented from its source."

import ast
import inspect
import re
from functools import reduce
from importlib import import_module
from pathlib import Path
from pprint import pformat
from textwrap import fill

from IPython.display import Markdown
from source import RETURNS, Row, notes, rows_of

import faststyle_fastai.all
from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.optimization.pixel_recipes import Optimization
from faststyle_fastai.training.recipes import Recipe

CALLED = "__call__", "__iter__", "forward"  # documented though they are not public by name
WIDTH, OURS = 88, "faststyle_fastai."
# Papers that docstrings cite -> arXiv.
PAPERS = {
    "Chen et al. 2021": "2103.11784",
    "Dumoulin et al. 2017": "1610.07629",
    "Gatys et al. 2016": "1508.06576",
    "Geirhos et al. 2019": "1811.12231",
    "Ghiasi et al. 2017": "1705.06830",
    "Hinton et al. 2015": "1503.02531",
    "Huang & Belongie 2017": "1703.06868",
    "Johnson et al. 2016": "1603.08155",
    "Karras et al. 2020": "1912.04958",
    "Mahendran & Vedaldi 2015": "1412.0035",
    "Simonyan & Zisserman 2015": "1409.1556",
    "Ulyanov et al. 2017": "1701.02096",
    "Wang et al. 2019": "1811.10515",
}
PAPER = re.compile("|".join(PAPERS))
ROOMS = Path(faststyle_fastai.__file__).parent
MODULES = "|".join(file.stem for file in ROOMS.glob("*/[a-z]*.py"))
REFERENCE = re.compile(rf"\b(?:{MODULES})\.(\w+(?:\.\w+)*)")  # recipes.RECIPES
# Names that are documented, where a comment mentions them without quotes.
NAMES = "|".join(
    name for name in vars(faststyle_fastai.all) if re.search("[a-z](_[a-z]|[A-Z])", name)
)
LINKED = re.compile(rf"(?<![`\w.])((?:Stylizer|{NAMES})(?:\.[a-z]\w*)?)(?![`\w])")
MORE = re.compile(r'reference\(\\"([\w.]+)\\"(.*)\)"')  # in the file of a notebook
PLAIN = int, float, str, tuple, dict, type(None)
# Parameters that mean the same everywhere, where the source says nothing of them.
COMMON = {
    "backbone": "as of `perceptual_backbone`",
    "cbs": "more callbacks of fastai",
    "device": "cpu, cuda, cuda:1 or mps; None: a GPU if there is one",
    "dls": "photos, see `StyleDataLoaders`",
    "end": "seconds; None: the end",
    "folder": "where the files are",
    "force": "overwrite the output if it exists",
    "options": "how to paint",
    "out": "the file to write",
    "paint": "the style",
    "photos": "files",
    "n_styles": "number of styles",
    "precision": "auto, float32, bfloat16 or float16, see `autocast_dtype`",
    "quiet": "print no progress",
    "recipe": "a row of `RECIPES`",
    "seen": "see `Comparison`",
    "seed": "of all random numbers",
    "size": "px of the short side",
    "strength": "from 0 (the photo as the base redraws it) to 1 (the style)",
    "weight": "in the loss",
    "weights": "a file with the backbone's weights, see `perceptual_backbone`",
}


def reference(module: str, *more: str) -> Markdown:
    """What a module adds to faststyle_fastai.all, and `more` of its names.

    Signatures, docstrings and tables of parameters; classes with their public methods.
    """
    module, parts = import_module(f"faststyle_fastai.{module}"), []
    names = dict.fromkeys((*module.__all__, *more))
    for name in filter(lambda name: in_all(name) or name in more, names):
        thing = reduce(getattr, name.split("."), module)
        hidden = not in_all(name) and "." not in name
        imported = f"from {module.__name__} import {name}\n\n" * hidden
        if inspect.isclass(thing) or inspect.isroutine(thing):
            parts += [entry(thing, imported), *map(entry, methods(thing))]
        else:
            parts += [f"### {name}", *shown(thing, imported, *notes(module, name))]
    return Markdown("\n\n".join(parts))


def overview() -> Markdown:
    "The documented names by room, each with the first line of what is said of it."
    lines, rooms = [], {}
    for node in ast.parse((ROOMS / "all.py").read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            rooms.setdefault(node.module.partition(".")[0], []).append(node)
    for room, nodes in sorted(rooms.items()):
        lines += ["", f"## {room.capitalize()}", ""]
        lines += [listed(node.module, each.name) for node in nodes for each in node.names]
    lines += ["", "## With an import of their own", ""]
    for file in sorted(Path(__file__).parent.glob("api_*.ipynb")):
        for module, more in MORE.findall(file.read_text()):
            names = filter(str.isidentifier, re.findall(r"[\w.]+", more))
            lines += [listed(module, name, f", from `{OURS}{module}`") for name in names]
    return Markdown("\n".join(lines))


def listed(module, name, origin="") -> str:
    "A name and the first line of what is said of it."
    module = import_module(f"{OURS}{module}")
    thing = getattr(module, name)
    told = first_line(thing) or notes(module, name)[0].partition(". ")[0]
    told = cited(told.replace(r"\|", "|").rstrip("."))
    return f"- `{name}{'()' * inspect.isfunction(thing)}`{origin}: {told}."


def in_all(name):
    return hasattr(faststyle_fastai.all, name)


def shown(thing, imported, caption, comments) -> list[str]:
    "A constant: its comment, and its value or a table of its rows."
    parts = [cited(caption)] * bool(caption)
    if isinstance(thing, dict):
        parts += [f"```python\n{imported.strip()}\n```"] * bool(imported)
        columns = settings(next(iter(thing.values())))
        rows = [["Name", "Meaning", *columns], ["-"] * (2 + len(columns))]
        rows += [
            [f"`{key}`", meaning(row, comments.get(key)), *settings(row).values()]
            for key, row in thing.items()
        ]
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    else:
        value = imported + pformat(thing, width=WIDTH, sort_dicts=False)
        parts.append(f"```python\n{value.replace(f'{ASSETS.parent.parent}/', '')}\n```")
    return parts


def meaning(row, comment):
    "What a table says of a row: its comment or docstring, and its value or how it is called."
    value = call(row) if inspect.isclass(row) else plain(row) if isinstance(row, PLAIN) else ""
    value = "" if "<" in str(value) else code(str(value))  # a function has no value to show
    return "<br>".join(filter(None, [cited(comment or first_line(row)), value]))


def settings(row):
    "The settings of a recipe that people ask for, by the name of their column."
    if isinstance(row, Optimization):
        return {
            "Loss": losses(row), "Backbone": row.backbone, "Optimizer": row.optimizer,
            "Sizes": f"{row.min_scale} to {row.end_scale} px",
            "Iterations": f"{row.initial_iterations}, then {row.iterations} each",
        }  # fmt: skip
    if not isinstance(row, Recipe):
        return {}
    plan = row.style
    length = f"{row.minutes} minutes" if row.minutes else f"{plan.epochs}"
    return {
        "Loss": losses(plan),
        "Schedule": ", ".join(plan.schedule), "Backbone": plan.backbone, "Optimizer": plan.opt,
        "Peak lr": f"{plan.lr:g}", "Epochs": length, "Photos an epoch": str(plan.images or "all"),
        "Batch": str(plan.bs), "px": str(plan.size),
    }  # fmt: skip


def losses(plan):
    "The terms of a loss with their weights and distances."
    kinds = {term: each.get("distance", each.get("kind", "")) for term, each in plan.loss.items()}
    weights = {term: each.get("weight", 1) for term, each in plan.loss.items()}
    return ", ".join(f"{term} {weights[term]:g} {kind}".strip() for term, kind in kinds.items())


def plain(value):
    "term.setting of a pair of names; other values as they are."
    return ".".join(value) if isinstance(value, tuple) and isinstance(value[0], str) else value


def first_line(thing):
    "The first paragraph of the docstring of a class or function."
    said = inspect.getdoc(thing) if hasattr(thing, "__name__") else None
    return " ".join((said or "").split("\n\n")[0].split()).replace("|", r"\|")


def methods(thing):
    "Of a class the public methods that have a docstring of their own."
    if not inspect.isclass(thing):
        return []
    own = {key: getattr(thing, key) for key in vars(thing)}
    return [
        each
        for key, each in own.items()
        if (not key.startswith("_") or key in CALLED)
        and getattr(each, "__qualname__", "") == f"{thing.__name__}.{key}"  # no value or alias
        and callable(each)
        and each.__doc__
    ]


def entry(thing, imported="") -> str:
    "The heading, signature, docstring and table of parameters of a function or class."
    name = thing.__qualname__
    said_first = "class " if inspect.isclass(thing) else ""
    line = fill(f"{said_first}{call(thing)}", WIDTH, subsequent_indent="    ")
    doc = inspect.getdoc(thing) or ""
    doc = "" if doc.startswith(f"{name}(") else doc  # a dataclass repeats its signature
    parts = [f"### {name}", f"```python\n{imported}{line}\n```", bases(thing), cited(doc)]
    parts += [table(rows_of(thing)), table(attributes(thing), "Attribute")]
    return "\n\n".join(filter(None, parts))


def bases(thing):
    "The classes that a class is derived from, which say what else it can do."
    named = [each for each in getattr(thing, "__bases__", ()) if each is not object]
    full = (f"`{each.__module__.partition('.')[0]}.{each.__name__}`" for each in named)
    return f"Bases: {', '.join(full).replace('builtins.', '').replace(OURS, '')}" if named else ""


def attributes(thing):
    "The documented properties of a class."
    found = vars(thing).items() if inspect.isclass(thing) else ()
    return [
        Row(name, "".join(row.kind for row in rows_of(each.fget)), first_line(each.fget))
        for name, each in found
        if isinstance(each, property) and each.__doc__ and not name.startswith("_")
    ]


def cited(text):
    "Text whose papers are links."
    return PAPER.sub(lambda found: f"[{found[0]}](https://arxiv.org/abs/{PAPERS[found[0]]})", text)


def call(thing) -> str:
    "How a function or class is called."
    rows = rows_of(thing)
    given = [row.name + row.default for row in rows if row.name != RETURNS]
    result = next((f" -> {row.kind}" for row in rows if row.name == RETURNS), "")
    return f"{thing.__qualname__}({', '.join(given)}){result}"


def table(rows, head="Parameter"):
    "Parameters as a table, their types below their names; nothing if there are none."
    lines = []
    for name, kind, meaning, default in rows:
        common = COMMON.get(name, "")
        common = common if "None" in kind else common.partition("; None")[0]
        meaning = LINKED.sub(r"`\1`", REFERENCE.sub(r"`\1`", meaning or common))
        if name == RETURNS and not meaning:  # the signature has its type
            continue
        name = name if name == RETURNS else code(name)
        typed = code(f"{kind} = {default.removeprefix('=')}" if default else kind)
        lines.append(f"| {name}{'<br>' if typed else ''}{typed} | {meaning} |")
    told = any(not line.endswith("|  |") for line in lines)
    return "\n".join([f"| {head} | Meaning |", "|-|-|", *lines]) if told else ""


def code(text):
    return f"`{text}`".replace("|", r"\|") if text else ""
