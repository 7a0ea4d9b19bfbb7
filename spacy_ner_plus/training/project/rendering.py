"""Files of a project from their templates, which lie beside this module."""

import json
from dataclasses import dataclass
from functools import cache
from textwrap import fill
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from spacy.language import Language

from ...about import __version__
from ...models.architectures.feature_tagger import FEATURES
from ...pipeline.scorer import SCORE_WEIGHTS
from .planned import ModelPlan

WIDTH = 100


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader(__package__, "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # it is no HTML
    )
    made.filters.update(json=_json, comment=_comment)
    return made


def render(template: str, **values: Any) -> str:
    """Fill in a template.

    template (str): Its file name.
    """
    return _environment().get_template(template).render(**values)


@dataclass(frozen=True)
class ConfigPaths:
    """The paths that a config names: those that its kind of model has use for.

    train (str): Training data.
    dev (Optional[str]): Development data; None to be named when training starts.
    encoder (str): Of a transformer.
    exceptions (Optional[str]): The tokenizer's exceptions, if it has such.
    vectors (Optional[str]): Word vectors of a BiLSTM, if it gets some.
    phrases (Optional[str]): The phrases of rules.
    """

    train: str
    dev: str | None
    encoder: str
    exceptions: str | None = None
    vectors: str | None = None
    phrases: str | None = None


def render_config(plan: ModelPlan, nlp: Language, paths: ConfigPaths, *, device: str) -> str:
    """The text of a config.

    nlp (Language): Its language and tokenizer.
    device (str): As the user asked for it. A GPU is found by "auto", which lets the pipeline run
        without one too.
    """
    return render(
        "config.cfg",
        plan=plan,
        about=f"{plan.about}, by spacy_ner_plus {__version__}",
        paths=paths,
        lang=nlp.lang,
        features=FEATURES,
        score_weights=plan.spans.score_weights if plan.spans else SCORE_WEIGHTS,
        tokenizer=nlp.config["nlp"]["tokenizer"],
        device="cpu" if device == "cpu" else "auto",
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    """A sentence as comment lines."""
    return fill(f"{text}.", WIDTH, initial_indent="# ", subsequent_indent="# ")
