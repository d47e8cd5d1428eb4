"How commands show options: in groups, and nothing about Python's types and arguments."

import re
import sys
from itertools import chain, islice

from typer import BadParameter
from typer.core import TyperCommand, TyperGroup

__all__ = ["Command", "Group", "in_options"]

# Title of a group -> its options, by their names in Python. All others come first.
GROUPS = {
    "Look": "strength mix stroke size strokes keep_colors painterly seamless likeness",
    "Part of the photo": "area faces mask black save_mask",
    "Refining": "refine painting",
    "Output": "paper dpi bleed force skip_existing watch depth strip codec crf fps dtype",
    "Speed and memory": "arch device precision tile exact batch batch_size workers smooth",
    "Web page": "web host port browser allow_host",
    "Safety": "megapixels trust_pickle",
}
PAIR = "--keyframe"  # can be repeated and takes two values, which typer cannot express
TYPER = "Input should be"  # how it begins what it says of numbers
ARGUMENT = re.compile(r"(?<![\w.])(\w+)=([^\s,:;)]*[^\s.,:;)])?")  # and its value
OPTIONS: dict[str, str] = {}  # arguments of the command that runs -> their options
GROUP = {name: title for title, names in GROUPS.items() for name in names.split()}


class _Plain:
    def get_params(self, ctx):
        params = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if param.param_type_name == "argument" or param.is_flag:
                param.display_type_rich = lambda ctx: None
            if not param.rich_help_panel and param.param_type_name == "option":
                param.rich_help_panel = GROUP.get(param.name)
        titles = [None, *GROUPS]
        return sorted(params, key=lambda param: titles.index(GROUP.get(param.name)))

    def collect_usage_pieces(self, ctx):
        pieces = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        return [piece.strip("{}").replace("…}...", "…") for piece in pieces]


class Command(_Plain, TyperCommand):
    "A command whose help groups its options."

    def parse_args(self, ctx, args):
        OPTIONS.clear()
        OPTIONS.update({p.name: max(p.opts, key=len) for p in self.params if p.opts[0][0] == "-"})
        styles = sum(arg.partition("=")[0] == "--style" for arg in args)
        named = [p for p in self.params if "--style" in p.opts]
        if styles > 1 and named and not all(p.multiple for p in named):
            hint = "; --mix adds others" * any(p.name == "mix" for p in self.params)
            raise BadParameter(f"--style is given twice. Give one{hint}.")
        joined = iter(args)
        args = [(arg, "\n".join(islice(joined, 2))) if arg == PAIR else (arg,) for arg in joined]
        try:
            return super().parse_args(ctx, list(chain.from_iterable(args)))
        except BadParameter as error:
            if error.message.startswith(TYPER):
                error.message = f"Use {numbers(error.param)}."
            raise


def numbers(param):
    "The numbers that an option takes, in words."
    low, high = getattr(param, "min", None), getattr(param, "max", None)
    kind = "a whole number" if param.type_descriptor.annotation is int else "a number"
    if low is None:
        return kind
    return f"{kind} of at least {low:g}" if high is None else f"{kind} from {low:g} to {high:g}"


def in_options(text: str) -> str:
    "A message of Python's, with the running command's options in place of arguments."
    files = [word for word in sys.argv[1:] if not word.startswith("-")]

    def option(found):
        name, value = found.groups()
        if any(found[0] in word for word in files):  # in the name of a file
            return found[0]
        if name not in OPTIONS or value in (None, "True"):
            return OPTIONS.get(name, found[0])
        return f"{OPTIONS[name]} {'none' if value == 'None' else value.removesuffix('.0')}"

    return ARGUMENT.sub(option, text)


class Group(_Plain, TyperGroup):
    "A group of such commands."
