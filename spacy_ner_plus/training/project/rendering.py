"""Files of a project from their templates, which lie beside this module."""

import json
from functools import cache
from textwrap import fill
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from spacy.language import Language

from ...about import __version__
from .planning import TrainingPlan

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


def render_config(
    plan: TrainingPlan,
    nlp: Language,
    *,
    train: str,
    dev: str | None,
    encoder: str,
    device: str,
    exceptions: str | None = None,
) -> str:
    """The text of a config.

    nlp (Language): Its language and tokenizer.
    train, dev, encoder (str): Its paths.
    exceptions (str): The path of its tokenizer's exceptions, if it has such.
    device (str): As the user asked for it. A GPU is found by "auto", which lets the pipeline run
        without one too.
    """
    return render(
        "config.cfg",
        plan=plan,
        about=f"{plan.about}, by spacy_ner_plus {__version__}",
        paths={"train": train, "dev": dev, "encoder": encoder, "exceptions": exceptions},
        lang=nlp.lang,
        tokenizer=nlp.config["nlp"]["tokenizer"],
        device="cpu" if device == "cpu" else "auto",
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    """A sentence as comment lines."""
    return fill(f"{text}.", WIDTH, initial_indent="# ", subsequent_indent="# ")
