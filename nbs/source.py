"What the reference pages read from the source: parameters, fields, and the comments on them."

import ast
import dataclasses
import inspect
import io
import re
import tokenize
from textwrap import dedent
from typing import NamedTuple

PRAGMA = re.compile(r"#\s*(fmt|type|noqa)\b.*")  # for tools, not for readers
FLAG = re.compile(r"--[\w-]+")
FLAGS = {"--paint": "`area`"}  # options whose name in Python is another one
RETURNS = "returns"
LONGEST = 44  # characters of a default in a signature


class Row(NamedTuple):
    "A parameter of a function, a field of a class, or a result."

    name: str
    kind: str  # its annotation
    meaning: str
    default: str = ""  # as in a signature: =1.0


def rows_of(thing):
    "The parameters of a function or class, and a function's result."
    if fields := list(fields_of(thing)):
        return [field_row(thing, *each) for each in fields]
    made = thing.__init__ if inspect.isclass(thing) else thing
    made = inspect.unwrap(getattr(made, "__func__", made))  # of decorators and class methods
    ours = inspect.isfunction(made) and made.__module__.startswith("faststyle_fastai")
    return parameters(made) if ours else []


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
    value = value if len(value) < LONGEST else "=…"
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
