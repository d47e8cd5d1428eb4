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
from faststyle_fastai.training.recipes import Recipe

CALLED = "__call__", "forward"  # documented though they are not public by name
PRAGMA = re.compile(r"#\s*(fmt|type|noqa)\b.*")  # for tools, not for readers
FLAG = re.compile(r"--[\w-]+")
FLAGS = {"--paint": "`area`"}  # options whose name in Python is another one
WIDTH, RETURNS = 88, "returns"
ROOMS = Path(faststyle_fastai.__file__).parent
MODULES = "|".join(file.stem for file in ROOMS.glob("*/[a-z]*.py"))
REFERENCE = re.compile(rf"\b(?:{MODULES})\.(\w+)")  # recipes.RECIPES
# Names that are documented, where a comment mentions them without quotes.
NAMES = "|".join(
    name for name in vars(faststyle_fastai.all) if re.search("[a-z](_[a-z]|[A-Z])", name)
)
LINKED = re.compile(rf"(?<![`\w.])((?:Stylizer|{NAMES})(?:\.[a-z]\w*)?)(?![`\w])")
PLAIN = int, float, str, tuple, type(None)
# Parameters that mean the same everywhere, where the source says nothing of them.
COMMON = {
    "cbs": "more callbacks of fastai",
    "device": "cpu, cuda, cuda:1 or mps; None: a GPU if there is one",
    "dls": "photos, see `StyleDataLoaders`",
    "force": "overwrite the output if it exists",
    "out": "the file to write",
    "paint": "the style",
    "precision": "float32, bfloat16, float16 or auto, see `autocast_dtype`",
    "quiet": "print no progress",
    "recipe": "a row of `RECIPES`",
    "seed": "of all random numbers",
    "size": "px of the short side",
    "strength": "from 0 (the photo) to 1 (the style)",
    "weights": "a file with the backbone's weights, see `perceptual_backbone`",
}


def reference(module: str, *names: str) -> Markdown:
    "Signatures and docstrings of `names`, or of all public names; classes with their public methods."
    module, parts = import_module(f"faststyle_fastai.{module}"), []
    for name in names or module.__all__:
        thing = reduce(getattr, name.split("."), module)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            parts += map(entry, (thing, *methods(thing)))
        else:
            parts.append(f"### {name}\n\n{shown(thing, *notes(module, name))}")
    return Markdown("\n\n".join(parts))


def shown(thing, caption, comments) -> str:
    "A constant: its comment, and a table of its rows with theirs, or its value."
    caption = caption and f"{caption}\n\n"
    if isinstance(thing, dict) and all(isinstance(each, Recipe) for each in thing.values()):
        comments = {key: f"{comments.get(key, '')}{made_of(each)}" for key, each in thing.items()}
    if isinstance(thing, dict) and comments:
        values = [plain(each) if isinstance(each, PLAIN) else "" for each in thing.values()]
        lines = [
            f"| `{key}` | {f'{value}: ' if value != '' else ''}{comments.get(key, '')} |"
            for key, value in zip(thing, values)
        ]
        return caption + "\n".join(["| Name | Meaning |", "|-|-|", *lines])
    if isinstance(thing, dict) and all(map(first_line, thing.values())):
        lines = [f"| `{key}` | {first_line(each)}{f'<br>`{call(each)}`' * inspect.isclass(each)} |" for key, each in thing.items()]
        return caption + "\n".join(["| Name | Meaning |", "|-|-|", *lines])
    if isinstance(thing, dict) and all(isinstance(each, PLAIN) for each in thing.values()):
        pairs = {key: plain(each) for key, each in thing.items()}
        return caption + ", ".join(f"`{key}`: {each}" for key, each in pairs.items())
    if isinstance(thing, dict) and not all(isinstance(each, dict) for each in thing.values()):
        return caption + ", ".join(f"`{key}`" for key in thing)
    text = pformat(thing, width=WIDTH, sort_dicts=False)
    return f"{caption}```python\n{text.replace(str(ASSETS.parent.parent) + '/', '')}\n```"


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
    caption = comments.get(node.lineno, "")
    if not isinstance(value, ast.Dict):
        return caption, {}
    found, before = {}, node.lineno
    for key, each in zip(value.keys, value.values):
        if isinstance(key, ast.Constant):  # comments above a row, and behind its first line
            found[key.value] = said(comments, before + 1, key.lineno + 1)
        before = each.end_lineno
    return caption, {key: text for key, text in found.items() if text}


def made_of(recipe):
    "The settings of a recipe that people ask for."
    plan = recipe.style
    length = f"{recipe.minutes} minutes" if recipe.minutes else f"{plan.epochs} epochs"
    return (
        f": {plan.backbone}, {plan.opt}, lr {plan.lr:g}, {length}, bs {plan.bs}, "
        f"{plan.size} px, {plan.images or 'all'} photos an epoch"
    )


def plain(value):
    "term.setting of a pair of names; other values as they are."
    return ".".join(value) if isinstance(value, tuple) and isinstance(value[0], str) else value


def first_line(thing):
    "The first paragraph of the docstring of a class or function."
    said = inspect.getdoc(thing) if hasattr(thing, "__name__") else None
    return " ".join((said or "").split("\n\n")[0].split())


def methods(thing):
    "Of a class the public methods that have a docstring of their own."
    if not inspect.isclass(thing):
        return []
    return [
        getattr(thing, key)
        for key, value in vars(thing).items()
        if (not key.startswith("_") or key in CALLED)
        and callable(getattr(thing, key))
        and getattr(value, "__doc__", None)
    ]


def entry(thing) -> str:
    "The heading, signature, docstring and table of parameters of a function or class."
    name = thing.__qualname__
    said_first = "class " if inspect.isclass(thing) else ""
    line = fill(f"{said_first}{call(thing)}", WIDTH, subsequent_indent="    ")
    doc = inspect.getdoc(thing) or ""
    doc = "" if doc.startswith(f"{name}(") else doc  # a dataclass repeats its signature
    parts = [f"### {name}", f"```python\n{line}\n```", doc, table(rows_of(thing))]
    return "\n\n".join(filter(None, parts))


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


def table(rows):
    "Parameters as a table, their types below their names; nothing if there are none."
    lines = []
    for name, kind, meaning, _ in rows:
        meaning = LINKED.sub(r"`\1`", REFERENCE.sub(r"`\1`", meaning or COMMON.get(name, "")))
        if name == RETURNS and not meaning:  # the signature has its type
            continue
        name = name if name == RETURNS else code(name)
        lines.append(f"| {name}{'<br>' if kind else ''}{code(kind)} | {meaning} |")
    told = any(not line.endswith("|  |") for line in lines)
    return "\n".join(["| Parameter | Meaning |", "|-|-|", *lines]) if told else ""


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
        kind = ast.unparse(each.annotation) if each.annotation else ""
        default = f"={ast.unparse(value)}" if value else ""
        rows.append(Row(stars + each.arg, kind, said(comments, each.lineno, end), default))
    if node.returns and (kind := ast.unparse(node.returns)) != "None":
        rows.append(Row(RETURNS, kind, said(comments, result, body)))
    return rows


def fields_of(thing):
    "(name, default, help) of each field of a dataclass or NamedTuple."
    if dataclasses.is_dataclass(thing):
        for each in dataclasses.fields(thing):
            made = each.default_factory is not dataclasses.MISSING
            default = {} if made else each.default
            yield each.name, default, each.metadata.get("help")
    for name in getattr(thing, "_fields", ()):
        yield name, thing._field_defaults.get(name, dataclasses.MISSING), None


def field_row(thing, name, default, told):
    "A field of a class, with its help or its comment."
    owner = next(each for each in thing.__mro__ if name in vars(each).get("__annotations__", {}))
    source = dedent(inspect.getsource(owner))
    body = [each for each in ast.parse(source).body[0].body if isinstance(each, ast.AnnAssign)]
    node = next(each for each in body if each.target.id == name)
    meaning = said(comments_of(source), node.lineno, node.end_lineno + 1)
    if told:
        more = f" ({meaning})" if meaning else ""
        told = told.replace("or none.", "or None.")  # as it is in Python
        meaning = FLAG.sub(lambda flag: FLAGS.get(flag[0], f"`{flag[0][2:]}`"), told) + more
    value = "" if default is dataclasses.MISSING else f"={default!r}"
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
