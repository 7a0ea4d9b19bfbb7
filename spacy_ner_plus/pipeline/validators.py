"""Validators: what the text of an entity must satisfy to be one of its type."""

from collections.abc import Callable, Iterable, Mapping
from time import thread_time
from typing import Any

import regex
from spacy.tokens import Doc

from ..support.checksums import CHECKSUMS
from .regex_limits import RegexLimits
from .thresholds import check_labels

# A checksum's name, or {"regex": "..."}, by type.
Validators = Mapping[str, str | Mapping[str, str]] | None
# Says of entities of a document, by their first token and the one behind the last, which are valid.
Check = Callable[[Doc, Iterable[tuple[int, int]]], list[bool]]
# By type and regex.
ValidatorLimits = RegexLimits[tuple[str, str]]
WAYS = f'{{"regex": "..."}} or one of {", ".join(CHECKSUMS)}'


def read_validators(validators: Any, limits: ValidatorLimits) -> dict[str, Check]:
    """What looks at the texts of entities, by type.

    validators (Dict[str, Union[str, Dict[str, str]]]): For each type the name of a checksum, or
        {"regex": "..."} for what the whole text must match; None for none.
    limits (ValidatorLimits): How long a regex may take for the entities of one document, and which
        have taken longer too often.
    RAISES ValueError: If it is something else.
    """
    if validators is None:
        return {}
    if not isinstance(validators, Mapping):
        raise ValueError(f"validators = {validators!r} must have for each type {WAYS}.")
    return {label: _read(label, validator, limits) for label, validator in validators.items()}


def _read(label: str, validator: Any, limits: ValidatorLimits) -> Check:
    if isinstance(validator, str) and validator in CHECKSUMS:
        return _holds(CHECKSUMS[validator])
    if isinstance(validator, Mapping) and set(validator) == {"regex"}:
        try:
            return _matches(label, regex.compile(validator["regex"]), limits)
        except (regex.error, TypeError) as error:
            raise ValueError(
                f"validators: {validator!r} of {label!r} is no regular expression: {error}."
            ) from error
    raise ValueError(f"validators: {validator!r} of {label!r} is unknown: use {WAYS}.")


def _holds(checksum: Callable[[str], bool]) -> Check:
    return lambda doc, places: [checksum(doc[start:end].text) for start, end in places]


def _matches(label: str, pattern: "regex.Pattern[str]", limits: ValidatorLimits) -> Check:
    """What refuses all that it has no time for, and everything once it is switched off."""
    key = (label, pattern.pattern)

    def check(doc: Doc, places: Iterable[tuple[int, int]]) -> list[bool]:
        texts = [doc[start:end].text for start, end in places]
        if limits.is_off(key):
            return [False] * len(texts)
        deadline = limits.deadline()
        valid: list[bool] = []
        try:
            for text in texts:
                left = deadline - thread_time()
                if left <= 0:
                    raise TimeoutError
                valid.append(pattern.fullmatch(text, timeout=left) is not None)
        except TimeoutError:
            limits.count(
                key,
                f"The validator of {label!r}, the regex {pattern.pattern!r},",
                doc.text,
                then=f"{len(texts) - len(valid)} of its {len(texts)} entities are refused unread",
                off=f"all entities of the type {label!r} are refused from now on",
            )
        return valid + [False] * (len(texts) - len(valid))

    return check


def checks(
    validators: Validators, labels: tuple[str, ...], limits: ValidatorLimits
) -> dict[int, Check]:
    """What looks at the texts of entities, by the index of their label.

    RAISES ValueError: If one is no validator, or for a type that there is not.
    """
    read = read_validators(validators, limits)  # they may have been set since then
    check_labels("validators", read, list(labels))
    return {labels.index(label): check for label, check in read.items()}
