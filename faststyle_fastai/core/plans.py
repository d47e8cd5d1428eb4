"A row of a recipe table with some of its settings replaced."

from dataclasses import fields, replace

from .errors import check_numbers

__all__ = ["plan_with"]


def plan_with(plan, overrides):
    settings = [f.name for f in fields(plan)]
    if unknown := sorted(set(overrides) - set(settings)):
        raise ValueError(
            f"Unknown setting {', '.join(unknown)}. Available settings: {', '.join(settings)}."
        )
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in {"content_layers", "style_layers"} & set(given):
        given[name] = _parts(given[name], getattr(plan, name))
    check_numbers(**given)
    return replace(plan, **given)


def _parts(layers, own):
    "Layer weights; None becomes the recipe's own weight for the layer, or its mean weight."
    mean = sum(own.values()) / len(own) if own else 1.0
    return {k: own.get(k, mean) if part is None else part for k, part in layers.items()}
