"""Tag schemes that a model predicts in: spans <-> tag ids, and which transitions are valid.

BIO (also IOB2) is described in Tjong Kim Sang & Veenstra (1999), "Representing Text Chunks"; BILOU
in Ratinov & Roth (2009), "Design Challenges and Misconceptions in Named Entity Recognition".
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

Span = tuple[int, int, str]
"""Start token, end token (exclusive), label."""

_PREFIXES = {"BIO": ("B", "I"), "BILOU": ("B", "I", "L", "U")}
# Transitions are kept from each tag to each: those of 5,000 labels in BILOU take 0.4 GB.
MAX_TAGS = 20_001
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, init=False)
class TagScheme:
    """The tags of a scheme over a list of labels; tag 0 is "O".

    All arrays are read-only and derived from `name` and `labels`.

    name (str): "BIO" or "BILOU".
    labels (Sequence[str]): Non-empty, unique strings; may be an empty list.
    RAISES (ValueError): Unknown scheme; label that is empty, repeated or no valid Unicode; more
        tags than MAX_TAGS.

    tags: "O", then label by label in the order of `prefixes`.
    first, inside, last, unit: Tag ids, int64 (n_labels,): the opening, middle and closing tag of
        a span of two or more tokens, and the tag of a span of one token.
    starts, ends: bool (n_tags,), whether a sequence may start or end with the tag.
    transitions: bool (n_tags, n_tags), whether the tag of the row may precede that of the column.
    """

    name: str
    labels: tuple[str, ...]
    prefixes: tuple[str, ...] = field(repr=False, compare=False)
    tags: tuple[str, ...] = field(repr=False, compare=False)
    first: np.ndarray = field(repr=False, compare=False)
    inside: np.ndarray = field(repr=False, compare=False)
    last: np.ndarray = field(repr=False, compare=False)
    unit: np.ndarray = field(repr=False, compare=False)
    starts: np.ndarray = field(repr=False, compare=False)
    transitions: np.ndarray = field(repr=False, compare=False)
    ends: np.ndarray = field(repr=False, compare=False)

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        if name not in _PREFIXES:
            raise ValueError(f"Unknown tag scheme {name!r}: use one of {list(_PREFIXES)}.")
        _check_labels(labels)
        prefixes = _PREFIXES[name]
        n_labels = len(labels)
        if 1 + n_labels * len(prefixes) > MAX_TAGS:
            raise ValueError(
                f"{n_labels:,} labels are more than the {(MAX_TAGS - 1) // len(prefixes):,} that "
                f"{name} takes here (the first: {list(labels[:5])}). Are they ids or texts of "
                "entities, and not types?"
            )
        tag_prefixes = np.array(["O", *prefixes * n_labels])
        tag_labels = np.concatenate([[-1], np.repeat(np.arange(n_labels), len(prefixes))])

        opens = np.isin(tag_prefixes, ["B", "U"])
        continues = np.isin(tag_prefixes, ["I", "L"])
        # In BIO any tag may be the last of its span, in BILOU only L and U.
        needs_more = np.isin(tag_prefixes, ["B", "I"]) if name == "BILOU" else opens & False
        can_continue = np.isin(tag_prefixes, ["B", "I"])
        same_label = tag_labels[:, None] == tag_labels[None, :]  # (from, to)
        transitions = np.where(
            continues[None, :], can_continue[:, None] & same_label, ~needs_more[:, None]
        )

        ids = 1 + np.arange(n_labels * len(prefixes), dtype=np.int64)
        column = dict(zip(prefixes, ids.reshape(n_labels, len(prefixes)).T, strict=True))
        self._set("name", name)
        self._set("labels", tuple(labels))
        self._set("prefixes", prefixes)
        self._set("tags", ("O", *(f"{p}-{label}" for label in labels for p in prefixes)))
        self._set("first", column["B"])
        self._set("inside", column["I"])
        self._set("last", column.get("L", column["I"]))
        self._set("unit", column.get("U", column["B"]))
        self._set("starts", ~continues)
        self._set("transitions", transitions)
        self._set("ends", ~needs_more)

    def _set(self, name: str, value: np.ndarray | str | tuple[str, ...]) -> None:
        if isinstance(value, np.ndarray):
            value = value.copy()
            value.setflags(write=False)
        object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...]]]:
        return TagScheme, (self.name, self.labels)

    @property
    def n_tags(self) -> int:
        """How many tags there are."""
        return len(self.tags)

    def encode(self, spans: Iterable[Span], n_tokens: int) -> np.ndarray:
        """The tag ids of a sequence that holds the spans, in any order.

        spans (Iterable[Span]): Start, end (exclusive) and label.
        n_tokens (int): Length of the sequence.
        RETURNS (np.ndarray): int64 (n_tokens,).
        RAISES (ValueError): A span is empty, out of range or overlaps another; unknown label.
        """
        label_ids = {label: i for i, label in enumerate(self.labels)}
        tag_ids = np.zeros(n_tokens, dtype=np.int64)
        for start, end, label in spans:
            if label not in label_ids:
                raise ValueError(
                    f"Span {(start, end, label)} has a label that is not among "
                    f"{list(self.labels)}: add it to the labels or drop the span."
                )
            if not 0 <= start < end <= n_tokens:
                raise ValueError(
                    f"Span {(start, end, label)} is empty or not within the {n_tokens} tokens."
                )
            if tag_ids[start:end].any():
                token = start + int(np.flatnonzero(tag_ids[start:end])[0])
                raise ValueError(
                    f"Span {(start, end, label)} overlaps another one at token {token}: "
                    f"the {self.name} scheme holds flat spans only."
                )
            i = label_ids[label]
            if end - start == 1:
                tag_ids[start] = self.unit[i]
            else:
                tag_ids[start] = self.first[i]
                tag_ids[start + 1 : end - 1] = self.inside[i]
                tag_ids[end - 1] = self.last[i]
        return tag_ids

    def decode(self, tag_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The spans of a valid tag sequence, from left to right.

        tag_ids (np.ndarray): Integers (n_tokens,).
        RETURNS (Tuple[np.ndarray, np.ndarray, np.ndarray]): Starts, ends (exclusive) and label
            ids, each int64 (n_spans,).
        RAISES (ValueError): The sequence is not valid under the scheme.
        """
        tag_ids = self._check_sequence(np.asarray(tag_ids))
        if tag_ids.size and not self.starts[tag_ids[0]]:
            raise ValueError(f"A sequence can't start with {self.tags[tag_ids[0]]} (token 0).")
        if tag_ids.size and not self.ends[tag_ids[-1]]:
            raise ValueError(
                f"A sequence can't end with {self.tags[tag_ids[-1]]} (token {len(tag_ids) - 1})."
            )
        return self._spans(tag_ids)

    def decode_part(self, tag_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As decode, for a part of a sequence: spans that go on beyond its edges are cut there.

        RAISES (ValueError): The part can't be in any valid sequence.
        """
        return self._spans(self._check_sequence(np.asarray(tag_ids)))

    def _spans(self, tag_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Neither B nor U goes on from the tag before; I and L always do.
        goes_on = ~self.starts[tag_ids]
        goes_on[:1] = False
        opens = (tag_ids > 0) & ~goes_on
        closes = (tag_ids > 0) & ~np.append(goes_on[1:], False)
        starts = np.flatnonzero(opens).astype(np.int64, copy=False)
        ends = np.flatnonzero(closes).astype(np.int64, copy=False) + 1
        label_ids = (tag_ids[starts] - 1) // len(self.prefixes)
        return starts, ends, label_ids

    def _check_sequence(self, tag_ids: np.ndarray) -> np.ndarray:
        """The ids as int64, if they are there and may follow each other."""
        if tag_ids.ndim != 1 or (tag_ids.size and tag_ids.dtype.kind not in "iu"):
            raise ValueError(
                f"Tag ids must be one row of integers, got {tag_ids.dtype} {tag_ids.shape}."
            )
        tag_ids = tag_ids.astype(np.int64)
        if not tag_ids.size:
            return tag_ids
        if tag_ids.min() < 0 or tag_ids.max() >= self.n_tags:
            raise ValueError(
                f"Tag ids must be in 0..{self.n_tags - 1}, got {tag_ids.min()} to {tag_ids.max()}."
            )
        broken = np.flatnonzero(~self.transitions[tag_ids[:-1], tag_ids[1:]])
        if broken.size:
            i = int(broken[0])
            before, after = self.tags[tag_ids[i]], self.tags[tag_ids[i + 1]]
            raise ValueError(f"{after} (token {i + 1}) can't follow {before} in {self.name}.")
        return tag_ids


def _check_labels(labels: Sequence[str]) -> None:
    if isinstance(labels, str):
        raise ValueError(f"Labels must be a list of strings, got the string {labels!r}.")
    for i, label in enumerate(labels):
        if not isinstance(label, str) or not label:
            raise ValueError(f"Label {i} is {label!r}: labels are non-empty strings.")
        if _SURROGATE.search(label):
            raise ValueError(
                f"Label {i} is {label!r}: it has a lone surrogate, which no file can hold. Correct "
                "the encoding of the labels."
            )
    if len(set(labels)) != len(labels):
        repeated = sorted(label for label, count in Counter(labels).items() if count > 1)
        raise ValueError(f"Labels must be unique, repeated: {repeated}.")
