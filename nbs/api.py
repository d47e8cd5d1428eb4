"What the reference pages have in common: the public names of a module, documented from its source."

import ast
import dataclasses
import inspect
import io
import re
import tokenize
from functools import reduce
from importlib import import_module
from pathlib import Path
from pprint import pformat
from textwrap import dedent, fill
from typing import NamedTuple

from IPython.display import Markdown

import faststyle_fastai.all
from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.optimization.pixel_recipes import Optimization
from faststyle_fastai.training.recipes import Recipe

CALLED = "__call__", "__iter__", "forward"  # documented though they are not public by name
PRAGMA = re.compile(r"#\s*(fmt|type|noqa)\b.*")  # for tools, not for readers
FLAG = re.compile(r"--[\w-]+")
FLAGS = {"--paint": "`area`"}  # options whose name in Python is another one
WIDTH, RETURNS, OURS = 88, "returns", "faststyle_fastai."
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
    "strength": "from 0 (the photo) to 1 (the style)",
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
    "The names of faststyle_fastai.all by room, each with the first line of what is said of it."
    lines, rooms = [], {}
    for node in ast.parse((ROOMS / "all.py").read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            rooms.setdefault(node.module.partition(".")[0], []).append(node)
    for room, nodes in sorted(rooms.items()):
        lines += ["", f"## {room.capitalize()}", ""]
        for module, name in [(node.module, each.name) for node in nodes for each in node.names]:
            module = import_module(f"faststyle_fastai.{module}")
            thing = getattr(module, name)
            told = first_line(thing) or notes(module, name)[0].partition(". ")[0]
            told = cited(told.replace(r"\|", "|").rstrip("."))
            lines.append(f"- `{name}{'()' * inspect.isfunction(thing)}`: {told}.")
    return Markdown("\n".join(lines))


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
            "Backbone": row.backbone, "Optimizer": row.optimizer,
            "Sizes": f"{row.min_scale} to {row.end_scale} px",
            "Iterations": f"{row.initial_iterations}, then {row.iterations} each",
        }  # fmt: skip
    if not isinstance(row, Recipe):
        return {}
    plan = row.style
    length = f"{row.minutes} minutes" if row.minutes else f"{plan.epochs}"
    return {
        "Loss": ", ".join(f"{term} {each.get('weight', 1):g}" for term, each in plan.loss.items()),
        "Schedule": ", ".join(plan.schedule), "Backbone": plan.backbone, "Optimizer": plan.opt, "Peak lr": f"{plan.lr:g}",
        "Epochs": length, "Photos an epoch": str(plan.images or "all"),
        "Batch": str(plan.bs), "px": str(plan.size),
    }  # fmt: skip


def notes(module, name):
    "The comment of a constant, and those of the rows of a table."
    source = inspect.getsource(module)
    targets = {
        getattr(target, "id", None): node
        for node in ast.parse(source).body
        for target in getattr(node, "targets", [getattr(node, "target", None)])
    }
    if not (node := targets.get(name)):
        return "", {}
    comments, value = comments_of(source), node.value
    lines, first = source.splitlines(), node.lineno
    while lines[first - 2].startswith("#"):  # above it
        first -= 1
    caption = said(comments, first, node.lineno + 1)
    if not isinstance(value, ast.Dict):
        return caption, {}
    found, before = {}, node.lineno
    for key, each in zip(value.keys, value.values):
        if isinstance(key, ast.Constant):  # comments above a row, and behind its first line
            found[key.value] = said(comments, before + 1, key.lineno + 1)
        before = each.end_lineno
    return caption, {key: text for key, text in found.items() if text}


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
        and getattr(each, "__qualname__", "").startswith(f"{thing.__name__}.")  # no default value
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
        Row(name, str(signature_of(each.fget)), first_line(each.fget))
        for name, each in found
        if isinstance(each, property) and each.__doc__ and not name.startswith("_")
    ]


def signature_of(function):
    "The annotation of what a function returns."
    node = ast.parse(dedent(inspect.getsource(function))).body[0]
    return ast.unparse(node.returns) if node.returns else ""


def cited(text):
    "Text whose papers are links."
    return PAPER.sub(lambda found: f"[{found[0]}](https://arxiv.org/abs/{PAPERS[found[0]]})", text)


def call(thing) -> str:
    "How a function or class is called."
    rows = rows_of(thing)
    given = [row.name + row.default for row in rows if row.name != RETURNS]
    result = next((f" -> {row.kind}" for row in rows if row.name == RETURNS), "")
    return f"{thing.__qualname__}({', '.join(given)}){result}"


def rows_of(thing):
    "The parameters of a function or class, and a function's result."
    if fields := list(fields_of(thing)):
        return [field_row(thing, *each) for each in fields]
    made = thing.__init__ if inspect.isclass(thing) else thing
    made = inspect.unwrap(getattr(made, "__func__", made))  # of decorators and class methods
    ours = inspect.isfunction(made) and made.__module__.startswith("faststyle_fastai")
    return parameters(made) if ours else []


class Row(NamedTuple):
    "A parameter of a function, a field of a class, or a result."

    name: str
    kind: str  # its annotation
    meaning: str
    default: str = ""  # as in a signature: =1.0


def table(rows, head="Parameter"):
    "Parameters as a table, their types below their names; nothing if there are none."
    lines = []
    for name, kind, meaning, _ in rows:
        common = COMMON.get(name, "")
        common = common if "None" in kind else common.partition("; None")[0]
        meaning = LINKED.sub(r"`\1`", REFERENCE.sub(r"`\1`", meaning or common))
        if name == RETURNS and not meaning:  # the signature has its type
            continue
        name = name if name == RETURNS else code(name)
        lines.append(f"| {name}{'<br>' if kind else ''}{code(kind)} | {meaning} |")
    told = any(not line.endswith("|  |") for line in lines)
    return "\n".join([f"| {head} | Meaning |", "|-|-|", *lines]) if told else ""


def code(text):
    return f"`{text}`".replace("|", r"\|") if text else ""


def parameters(function) -> list[Row]:
    "The parameters of a function and its result. Comments are those of their lines and the next."
    source = dedent(inspect.getsource(inspect.unwrap(function)))
    node, comments = ast.parse(source).body[0], comments_of(source)
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    values = [None] * (len(positional) - len(given.defaults)) + given.defaults
    found = [*zip([""] * len(positional), positional, values)]
    found += [("*", given.vararg, None)] if given.vararg else []
    found += [("", *pair) for pair in zip(given.kwonlyargs, given.kw_defaults)]
    found += [("**", given.kwarg, None)] if given.kwarg else []
    found = [each for each in found if each[1].arg not in ("self", "cls")]
    body = node.body[0].lineno
    result = node.returns.lineno if node.returns else body
    ends, rows = [each.lineno for _, each, _ in found[1:]] + [result], []
    for (stars, each, value), end in zip(found, ends):
        kind = ast.unparse(each.annotation).strip("'") if each.annotation else ""
        default = f"={ast.unparse(value)}" if value else ""
        rows.append(Row(stars + each.arg, kind, said(comments, each.lineno, end), default))
    if node.returns and (kind := ast.unparse(node.returns).strip("'")) != "None":
        if "contextmanager" in map(ast.unparse, node.decorator_list):
            kind = kind.replace("Iterator", "AbstractContextManager")
        rows.append(Row(RETURNS, kind, said(comments, result, body)))
    return rows


def fields_of(thing):
    "(name, default, metadata) of each field of a dataclass or NamedTuple."
    if dataclasses.is_dataclass(thing):
        for each in dataclasses.fields(thing):
            made = each.default_factory is not dataclasses.MISSING
            default = {} if made else each.default
            yield each.name, default, each.metadata
    for name in getattr(thing, "_fields", ()):
        yield name, thing._field_defaults.get(name, dataclasses.MISSING), {}


def field_row(thing, name, default, limits):
    "A field of a class, with its help or its comment."
    owner = next(each for each in thing.__mro__ if name in vars(each).get("__annotations__", {}))
    source = dedent(inspect.getsource(owner))
    body = [each for each in ast.parse(source).body[0].body if isinstance(each, ast.AnnAssign)]
    node = next(each for each in body if each.target.id == name)
    meaning = said(comments_of(source), node.lineno, node.end_lineno + 1)
    if told := limits.get("help"):
        more = f" ({meaning})" if meaning else ""
        told = told.replace("or none.", "or None.")  # as it is in Python
        meaning = FLAG.sub(lambda flag: FLAGS.get(flag[0], f"`{flag[0][2:]}`"), told) + more
        if (least := limits.get("min")) is not None and "max" not in limits:
            meaning += f" At least {least}."
    value = (
        "" if default is dataclasses.MISSING else f"={getattr(default, '__name__', repr(default))}"
    )
    value = value if len(value) < WIDTH / 2 else "=…"
    return Row(name, ast.unparse(node.annotation), meaning, value)


def comments_of(source):
    "Line -> comment, without those for tools."
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = {each.start[0]: each.string for each in tokens if each.type == tokenize.COMMENT}
    found = {line: PRAGMA.sub("", text).lstrip("# ").strip() for line, text in found.items()}
    return {line: text for line, text in found.items() if text}


def said(comments, start, end):
    "The comments of some lines as one text for a table."
    text = " ".join(comments[line] for line in range(start, end) if line in comments)
    return text.replace("|", r"\|")
