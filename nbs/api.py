"What the reference pages have in common: the public names of a module, documented from its source."

from importlib import import_module
from inspect import isclass, isroutine

from fastai.learner import Learner
from IPython.display import Markdown
from nbdev.showdoc import show_doc

from faststyle_fastai.core.assets import ASSETS

CALLED = "__call__", "forward"  # documented though they are not public by name


def reference(module: str, *names: str) -> Markdown:
    "Signatures and docstrings of `names`, or of all public names; classes with their public methods."
    module, parts = import_module(f"faststyle_fastai.{module}"), []
    vars(module).setdefault("Learner", Learner)  # in annotations, where fastai is not imported
    for name in names or module.__all__:
        thing = getattr(module, name)
        if isclass(thing) or isroutine(thing):
            parts += [show_doc(each)._repr_markdown_() for each in (thing, *methods(thing))]
        else:
            shown = ", ".join(map(str, thing)) if isinstance(thing, dict) else repr(thing)
            parts.append(f"### {name}\n\n`{shown.replace(str(ASSETS.parent.parent) + '/', '')}`")
    return Markdown("\n\n".join(parts).replace(":NoneType=None", "=None"))


def methods(thing):
    "Of a class the public methods that have a docstring of their own."
    if not isclass(thing):
        return []
    return [
        getattr(thing, key)
        for key, value in vars(thing).items()
        if (not key.startswith("_") or key in CALLED)
        and callable(getattr(thing, key))
        and getattr(value, "__doc__", None)
    ]
