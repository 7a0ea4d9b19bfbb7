"""Names of hand-written features, as configs have them, and what each looks at.

A feature is an attribute of a token: "lower". In brackets is the token that it is of, counted from
the one that is tagged: "lower[-1]" is the word before, "shape[-2..2]" is five features. Joined with
"+" they are one feature, of several attributes at once: "lower[-1]+lower".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What a word's spelling gives, and what depends on its place or on other components. N is a number.
WORD_ATTRIBUTES = (
    "word", "lower", "prefixN", "suffixN", "shape", "short_shape", "casing", "digits", "clusterN",
)  # fmt: skip
TOKEN_ATTRIBUTES = ("capitals", "rules", "pos", "tag", "lemma", "sentence")
# How far from the token a feature may look, how many attributes it may join, how long an affix or
# the path to a cluster may be.
MAX_OFFSET = 10
MAX_TERMS = 3
MAX_LENGTH = 64
_TERM = re.compile(r"([a-z_]+?)(\d*)(?:\[(-?\d+)(?:\.\.(-?\d+))?\])?")


@dataclass(frozen=True)
class Term:
    """An attribute of a token near the one that is tagged.

    attribute (str): Such as "lower" or "suffix3".
    offset (int): Tokens to the right of the one that is tagged.
    """

    attribute: str
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.attribute}[{self.offset}]" if self.offset else self.attribute

    @property
    def is_of_word(self) -> bool:
        """Whether a word's spelling alone decides it."""
        return self.attribute not in TOKEN_ATTRIBUTES


@dataclass(frozen=True)
class FeatureTemplate:
    """What a feature looks at: one attribute, or several at once."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return "+".join(map(str, self.terms))

    @property
    def is_of_word(self) -> bool:
        """Whether it is of one word, whose spelling alone decides it."""
        return len(self.terms) == 1 and self.terms[0].is_of_word


def read_templates(names: Sequence[str]) -> tuple[FeatureTemplate, ...]:
    """Features from their names, in this order.

    RAISES ValueError: If one is unknown, looks too far, or is there twice.
    """
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise ValueError(f'features = {names!r} must be a list of names, such as ["lower"].')
    templates = [template for name in names for template in _read(name)]
    repeated = sorted({str(t) for t in templates if templates.count(t) > 1})
    if repeated:
        raise ValueError(f"features has some twice: {', '.join(repeated)}. Leave one of each out.")
    return tuple(templates)


def attributes_of(templates: Iterable[FeatureTemplate]) -> tuple[str, ...]:
    """The attributes that some features look at, in the order of their first use."""
    return tuple(dict.fromkeys(term.attribute for t in templates for term in t.terms))


def number_of(attribute: str) -> tuple[str, int]:
    """A numbered attribute's kind and number: "prefix3" is ("prefix", 3); 0 for none."""
    kind = attribute.rstrip("0123456789")
    return kind, int(attribute[len(kind) :] or 0)


def _read(name: object) -> list[FeatureTemplate]:
    if not isinstance(name, str):
        raise ValueError(f"features has {name!r}, which is no name.")
    parts = [_read_terms(part.strip(), name) for part in name.split("+")]
    if len(parts) == 1:
        return [FeatureTemplate((term,)) for term in parts[0]]
    if len(parts) > MAX_TERMS or any(len(terms) > 1 for terms in parts):
        raise ValueError(
            f"features has {name!r}: with + it may join up to {MAX_TERMS} attributes, each of one "
            "token and not of a range of them."
        )
    return [FeatureTemplate(tuple(term for terms in parts for term in terms))]


def _read_terms(part: str, name: str) -> list[Term]:
    """An attribute at one place, or at each of a range."""
    match = _TERM.fullmatch(part)
    kind, number, first, last = match.groups() if match else ("", "", None, None)
    if not _is_known(kind, number):
        known = ", ".join((*WORD_ATTRIBUTES, *TOKEN_ATTRIBUTES))
        raise ValueError(
            f"features has {name!r}, in which {part!r} is unknown: use {known} (N is a number from "
            f'1 to {MAX_LENGTH}), with a place such as "lower[-1]" or a range such as '
            '"lower[-2..2]", and join several with +.'
        )
    start = int(first or 0)
    stop = start if last is None else int(last)
    if not -MAX_OFFSET <= start <= stop <= MAX_OFFSET:
        raise ValueError(
            f"features has {name!r}: places are from -{MAX_OFFSET} to {MAX_OFFSET}, and a range "
            "begins with its lower end."
        )
    return [Term(f"{kind}{number}", offset) for offset in range(start, stop + 1)]


def _is_known(kind: str, number: str) -> bool:
    if number:
        return f"{kind}N" in WORD_ATTRIBUTES and 1 <= int(number) <= MAX_LENGTH
    return kind in (*WORD_ATTRIBUTES, *TOKEN_ATTRIBUTES)
