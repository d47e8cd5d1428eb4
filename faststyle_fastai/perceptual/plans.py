"A row of a recipe table with some of its settings replaced."

from dataclasses import fields, replace
from inspect import Parameter, signature
from typing import Any

from ..core.errors import UsageError
from ..core.values import check_numbers, known, typed

__all__ = ["FAST_LOSS", "SHORTHAND", "Plan", "merged", "plan_with"]

# The loss of refined networks, and of the training recipe `fast`, which adds `droplets` and shows a
# larger painting. With these weights, W2 contributes about equally at each layer for good images;
# benchmarks/RECIPE.md has the experiments. The painting is larger than the photo, for bold strokes.
FAST_LOSS: dict[str, dict] = {
    "content": {
        "layers": {"relu2_2": 0.3, "relu3_4": 0.5, "relu4_2": 2.0},
        "weight": 1.0,
        "distance": "normalized",
    },
    "style": {
        "layers": {"relu1_1": 1.5, "relu2_1": 9.0, "relu3_1": 9.0, "relu4_1": 12.0, "relu5_1": 9.0},
        "weight": 1.0,
        "distance": "w2_relative",
        "size": 400,
        "margin": 1 / 16,
    },
    "tone": {"weight": 0.4},
    "tv": {"weight": 1.0, "unit": 0.1},
    "chroma": {"weight": 6.0},
}
# Settings of terms that have a name of their own: `style_weight=2` sets the weight of the style
# loss. The choice of a total variation is `tv`, its weight `tv_weight`.
SHORTHAND = {
    "content_layers": ("content", "layers"),
    "content_weight": ("content", "weight"),
    "content_loss": ("content", "distance"),
    "style_layers": ("style", "layers"),
    "style_weight": ("style", "weight"),
    "style_loss": ("style", "distance"),
    "style_size": ("style", "size"),
    "style_margin": ("style", "margin"),
    "scales": ("style", "scales"),
    "hypercolumn_layers": ("hypercolumns", "layers"),
    "neighbor_layers": ("neighbors", "layers"),
    "tone_weight": ("tone", "weight"),
    "tv_weight": ("tv", "weight"),
    "tv_unit": ("tv", "unit"),
    "tv": ("tv", "kind"),
    "chroma_weight": ("chroma", "weight"),
    "droplets": ("droplets", "weight"),  # in trainings only, as the next one
    "stable": ("temporal", "weight"),
}


class Plan:
    "A recipe, a frozen dataclass, whose field `loss` holds the settings of each term."

    loss: dict[str, dict]

    def __getattr__(self, name):  # plan.style_weight is plan.loss["style"]["weight"], or None
        if name not in SHORTHAND:
            raise AttributeError(f"{type(self).__name__} has no setting {name}.")
        term, setting = SHORTHAND[name]
        return self.loss.get(term, {}).get(setting)


def plan_with(
    plan: Any,  # a Plan
    overrides: dict,  # fields, names of SHORTHAND, or loss={term: settings}; None keeps the plan's
    terms: dict | None = None,  # name -> class, to check the settings of terms; None: unchecked
):
    "A plan with some of its settings replaced."
    own = [f.name for f in fields(plan)]
    choices = dict.fromkeys((*own, *_short(terms)))
    if unknown := sorted(overrides.keys() - choices.keys()):
        raise UsageError(
            f"Unknown setting {', '.join(unknown)}. Available settings: {', '.join(choices)}."
        )
    given = {name: value for name, value in overrides.items() if value is not None}
    short = shorthand({name: given.pop(name) for name in [*given] if name not in own})
    loss = merged(merged(plan.loss, given.pop("loss", {}), terms), short, terms)
    if terms:
        for term, settings in loss.items():
            terms[term](**settings)  # an unknown distance or scale fails here
    check_numbers(**given)
    return replace(plan, **given, loss=loss)


def check_term(term: str, settings: dict, terms: dict | None) -> None:
    "Raise `ValueError` for settings that a term has not; `terms` as in `plan_with`."
    if not isinstance(settings, dict):
        raise UsageError(f"Invalid {term}={typed(settings)}. Use a table of settings.")
    if terms is not None:
        choices = signature(terms[known("term", term, terms)]).parameters
        for name, value in settings.items():
            kind = choices[known(f"setting of {term}", name, choices)].annotation
            several = isinstance(value, (list, tuple)) and "tuple" not in str(kind)
            if several or (isinstance(value, str) and kind not in (str, Parameter.empty)):
                raise UsageError(f"Invalid {term}.{name}={typed(value)}. Use a number.")
    for name, value in settings.items():
        if isinstance(value, dict):
            value = {key: part for key, part in value.items() if part is not None}
        check_numbers(**{f"{term}.{name}": value})


def _short(terms):
    "The rows of `SHORTHAND` that set these terms."
    return {key: row for key, row in SHORTHAND.items() if terms is None or row[0] in terms}


def shorthand(
    settings: dict,
    terms: dict | None = None,  # as in `plan_with`
) -> dict[str, dict]:
    "Settings of terms given by the names of `SHORTHAND`, by term."
    loss: dict[str, dict] = {}
    for name, value in settings.items():
        term, setting = SHORTHAND[known("setting", name, _short(terms))]
        loss.setdefault(term, {})[setting] = value
    return loss


def merged(
    loss: dict[str, dict],
    changes: dict[str, dict],
    terms: dict | None = None,  # as in `plan_with`
) -> dict[str, dict]:
    "The settings of terms with some of them replaced; None keeps a setting."
    loss = {term: dict(settings) for term, settings in loss.items()}
    for term, settings in changes.items():
        check_term(term, settings, terms)
        own = loss.setdefault(term, {})
        for name, value in settings.items():
            if name == "layers" and value is not None:
                value = _parts(value, own.get(name) or {})
            if value is not None:
                own[name] = value
    return {term: settings for term, settings in loss.items() if settings}


def _parts(layers, own):
    "Layer weights; None becomes the recipe's own weight for the layer, or its mean weight."
    mean = sum(own.values()) / len(own) if own else 1.0
    return {k: own.get(k, mean) if part is None else part for k, part in layers.items()}
