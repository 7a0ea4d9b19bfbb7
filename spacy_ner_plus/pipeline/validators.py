"""Validators: what the text of an entity must satisfy to be one of its type."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import regex

from ..support.checksums import CHECKSUMS
from .thresholds import check_labels

logger = logging.getLogger("spacy_ner_plus")

# A checksum's name, or {"regex": "..."}, by type.
Validators = Mapping[str, str | Mapping[str, str]] | None
Check = Callable[[str], bool]
# The seconds that a regex may take for one entity, which is refused then.
BUDGET = 1.0
WAYS = f'{{"regex": "..."}} or one of {", ".join(CHECKSUMS)}'


def read_validators(validators: Any) -> dict[str, Check]:
    """What looks at the texts of entities, by type.

    validators (Dict[str, Union[str, Dict[str, str]]]): For each type the name of a checksum, or
        {"regex": "..."} for what the whole text must match; None for none.
    RAISES ValueError: If it is something else.
    """
    if validators is None:
        return {}
    if not isinstance(validators, Mapping):
        raise ValueError(f"validators = {validators!r} must have for each type {WAYS}.")
    return {label: _read(label, validator) for label, validator in validators.items()}


def _read(label: str, validator: Any) -> Check:
    if isinstance(validator, str) and validator in CHECKSUMS:
        return CHECKSUMS[validator]
    if isinstance(validator, Mapping) and set(validator) == {"regex"}:
        try:
            return _matches(label, regex.compile(validator["regex"]))
        except (regex.error, TypeError) as error:
            raise ValueError(
                f"validators: {validator!r} of {label!r} is no regular expression: {error}."
            ) from error
    raise ValueError(f"validators: {validator!r} of {label!r} is unknown: use {WAYS}.")


def _matches(label: str, pattern: "regex.Pattern[str]") -> Check:
    def is_match(text: str) -> bool:
        try:
            return pattern.fullmatch(text, timeout=BUDGET) is not None
        except TimeoutError:
            logger.warning(
                "The validator of %r, the regex %r, took longer than %s s for an entity that "
                "begins with %r, which is refused. Write it so that it can't backtrack so long.",
                label,
                pattern.pattern,
                BUDGET,
                text[:60],
            )
            return False

    return is_match


def checks(validators: Validators, labels: tuple[str, ...]) -> dict[int, Check]:
    """What looks at the texts of entities, by the index of their label.

    RAISES ValueError: If one is no validator, or for a type that there is not.
    """
    read = read_validators(validators)  # they may have been set since the component was made
    check_labels("validators", read, list(labels))
    return {labels.index(label): check for label, check in read.items()}
