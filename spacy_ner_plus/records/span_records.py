"""Spans, tokens and relations of a text, to and from plain JSON data."""

from dataclasses import dataclass, field
from typing import Any

from .checks import check, check_id, check_label, check_probability, check_stretch, check_string
from .json_object import JsonObject

STATUSES = ("accepted", "rejected", "ignored")
LAYER = "layer"  # of a span's meta: see SpanRecord.layer

Stretch = tuple[int, int]
"""Start character, end character (exclusive)."""


@dataclass(frozen=True, slots=True)
class SpanRecord(JsonObject):
    """An entity.

    start, end (int): Its characters.
    label (str): Its type.
    text (str): What it covers, if given.
    probability (float): From 0 to 1, if known.
    id (str | int): Names it within its text, if given: an annotation tool's id, or what relations
        refer to.
    kb_id (str): What it is linked to in a knowledge base.
    status (str): "rejected": known to be wrong; "ignored": left undecided. None or "accepted"
        else.
    grounding (str): How it was found in the text, if its offsets were not given.
    meta (dict): Anything about it, as plain JSON data.
    other (dict): Keys of its object that the schema does not know.
    RAISES ValueError: What is wrong, and what to do.
    """

    start: int
    end: int
    label: str
    text: str | None = None
    probability: float | None = None
    id: str | int | None = None
    kb_id: str | None = None
    status: str | None = None
    grounding: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_stretch(self.start, self.end)
        check_label("label", self.label)
        check_string("text", self.text)
        check_string("kb_id", self.kb_id)
        check_string("grounding", self.grounding)
        check_probability(self.probability)
        if self.id is not None:
            check_id("id", self.id)
        if self.status is not None:
            check("status", self.status in STATUSES, f"one of {', '.join(STATUSES)}", self.status)
        self.own_objects("meta", "other")

    @property
    def is_accepted(self) -> bool:
        """Whether it is an entity, as far as anybody has said."""
        return self.status in (None, "accepted")

    @property
    def layer(self) -> int | None:
        """The column of tags that it was in, from 1, in a file with several: `layer` of its meta.

        None if that does not say.
        """
        value = self.meta.get(LAYER)
        return value if type(value) is int and value > 0 else None


@dataclass(frozen=True, slots=True)
class TokenRecord(JsonObject):
    """A token.

    start, end (int): Its characters.
    sentence_start (bool): Whether a sentence starts with it; None if that is not known.
    other (dict): Keys of its object that the schema does not know.
    RAISES ValueError: What is wrong, and what to do.
    """

    start: int
    end: int
    sentence_start: bool | None = None
    other: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_stretch(self.start, self.end)
        is_known = self.sentence_start is None or isinstance(self.sentence_start, bool)
        check("sentence_start", is_known, "true or false", self.sentence_start)
        self.own_objects("other")


@dataclass(frozen=True, slots=True)
class RelationRecord(JsonObject):
    """A relation between two entities of a text.

    head, tail (str | int): The ids of the entities.
    label (str): Its type.
    probability (float), id (str | int), meta (dict), other (dict): As those of a SpanRecord.
    RAISES ValueError: What is wrong, and what to do.
    """

    head: str | int
    tail: str | int
    label: str
    probability: float | None = None
    id: str | int | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("head", "tail"):
            check_id(name, getattr(self, name))
        check_label("label", self.label)
        check_probability(self.probability)
        if self.id is not None:
            check_id("id", self.id)
        self.own_objects("meta", "other")
