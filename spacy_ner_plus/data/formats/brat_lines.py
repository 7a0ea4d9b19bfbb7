"""The lines of brat's .ann files: text-bound annotations, and what refers to them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from .repairs import Errors

Fragments = tuple[tuple[int, int], ...]
"""Stretches of characters, from left to right."""

NOTES = "AnnotatorNotes"
REFERENCE = "Reference"
# What each kind of line is called when it is passed over, by the first letter of its id.
KINDS = {
    "T": "text-bound annotations",
    "R": "relations",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "N": "normalisations",
    "#": "notes",
    "*": "equivalences",
}
_ID = re.compile(r"(?:[A-Za-z#][^\s:]*|\*)")
_OFFSETS = re.compile(r"\d+ \d+(?:;\d+ \d+)*")
# str.splitlines ends a line at each of these, and so do readers of .ann files.
_BREAKS = re.compile("[\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


@dataclass(frozen=True)
class BratLine:
    """A line of a .ann file.

    raw (str): As it stands there. id (str): Such as T1, or * alone. kind (str): Its first letter.
    label (str): Its type. targets (Tuple[str, ...]): The ids that it refers to.
    roles (Tuple[str, ...]): Of relations and events, what each target is.
    fragments (Fragments): Of text-bound annotations. value (str): Of attributes and normalisations.
    text (str): Its last column; None if there is none.
    """

    raw: str
    id: str
    label: str
    targets: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    fragments: Fragments = ()
    value: str = ""
    text: str | None = None

    @property
    def kind(self) -> str:
        """The first letter of the id."""
        return self.id[0]


@dataclass
class Annotations:
    """What a .ann file says.

    lines (List[BratLine]): In its order. by_id (Dict[str, BratLine]): Those that have an id.
    """

    lines: list[BratLine] = field(default_factory=list)
    by_id: dict[str, BratLine] = field(default_factory=dict)

    def of_kind(self, *kinds: str) -> Iterator[BratLine]:
        """The lines of some kinds."""
        return (line for line in self.lines if line.kind in kinds)


def read_annotations(content: str) -> Annotations:
    """RAISES (ValueError): Lines can't be read, with their numbers. All are listed."""
    found, errors = Annotations(), Errors("lines can't be read")
    for number, raw in enumerate(content.split("\n"), start=1):
        raw = raw.removesuffix("\r")
        if not raw.strip():
            continue
        try:
            line = read_line(raw)
            if line.id in found.by_id:
                raise ValueError(f"there is another {line.id} before it: give it another id.")
        except ValueError as error:
            errors.add(f"line {number}, {raw[:80]!r}: {error}")
            continue
        found.lines.append(line)
        if line.id != "*":
            found.by_id[line.id] = line
    for line in found.of_kind("R"):
        if gone := [target for target in line.targets if target not in found.by_id]:
            errors.add(f"{line.raw[:80]!r}: there is no {' and no '.join(gone)}.")
    errors.check()
    return found


def read_line(raw: str) -> BratLine:
    """RAISES (ValueError): What is wrong, and how such a line should be."""
    id, tab, rest = raw.partition("\t")
    if not tab or not _ID.fullmatch(id):
        raise ValueError("a line starts with an id, such as T1, and a tab.")
    data, tab, tail = rest.partition("\t")
    words = data.split()
    if not words:
        raise ValueError("nothing follows the id.")
    line = BratLine(raw, id, words[0], text=tail if tab else None)
    return _READERS.get(id[0], _other)(line, words)


def _text_bound(line: BratLine, words: list[str]) -> BratLine:
    offsets = " ".join(words[1:])
    if not _OFFSETS.fullmatch(offsets):
        raise ValueError("after the type, a start and an end must follow: T1, tab, Type 0 5.")
    pairs = [tuple(map(int, pair.split())) for pair in offsets.split(";")]
    fragments = tuple((start, end) for start, end in pairs)
    if any(start >= end for start, end in fragments):
        raise ValueError("its end, which is exclusive, must be greater than its start.")
    if any(one[1] > other[0] for one, other in pairwise(fragments)):
        raise ValueError("its fragments must go from left to right, and not overlap.")
    return BratLine(line.raw, line.id, line.label, fragments=fragments, text=line.text)


def _with_roles(line: BratLine, words: list[str]) -> BratLine:
    """A relation: Type Arg1:T1 Arg2:T2."""
    pairs = [word.partition(":") for word in words[1:]]
    if len(pairs) != 2 or not all(role and target for role, _, target in pairs):
        raise ValueError("a relation has two arguments: R1, tab, Type Arg1:T1 Arg2:T2.")
    roles, targets = tuple(one for one, _, _ in pairs), tuple(one for _, _, one in pairs)
    return BratLine(line.raw, line.id, line.label, targets, roles, text=line.text)


def _event(line: BratLine, words: list[str]) -> BratLine:
    """An event: Type:T1 Role:T2 Role:E2. The first target is its trigger."""
    pairs = [word.partition(":") for word in words]
    if not all(role and target for role, _, target in pairs):
        raise ValueError("an event has a trigger and arguments: E1, tab, Type:T1 Role:T2.")
    roles, targets = tuple(one for one, _, _ in pairs), tuple(one for _, _, one in pairs)
    return BratLine(line.raw, line.id, roles[0], targets, roles, text=line.text)


def _about(line: BratLine, words: list[str]) -> BratLine:
    """Of one annotation: Type T1, perhaps with a value."""
    if len(words) < 2:
        raise ValueError(f"an id must follow the type: {line.id}, tab, Type T1.")
    return BratLine(
        line.raw, line.id, words[0], (words[1],), (), (), " ".join(words[2:]), line.text
    )


def _equivalence(line: BratLine, words: list[str]) -> BratLine:
    return BratLine(line.raw, line.id, line.label, tuple(words[1:]), text=line.text)


def _other(line: BratLine, words: list[str]) -> BratLine:
    """Of a kind that brat has not: nobody knows what it refers to."""
    return line


_READERS = {
    "T": _text_bound,
    "R": _with_roles,
    "E": _event,
    "A": _about,
    "M": _about,
    "N": _about,
    "#": _about,
    "*": _equivalence,
}


def in_line(text: str) -> str:
    """A text as the last column has it: with blanks for tabs and line breaks."""
    return _BREAKS.sub(" ", text)


def text_of(text: str, fragments: Fragments) -> str:
    """What the last column says of fragments."""
    return in_line(" ".join(text[start:end] for start, end in fragments))


def is_joined(text: str, fragments: Fragments) -> bool:
    """Whether there is only white space between fragments.

    brat parts an annotation where a line ends, so they are one.
    """
    return all(not text[one[1] : other[0]].strip() for one, other in pairwise(fragments))


def fragments_of(text: str, start: int, end: int) -> Fragments:
    """Characters as brat writes them: parted at tabs and line feeds, without blanks at edges.

    If that would leave out some at the start or the end, they are one fragment.
    """
    fragments = []
    for match in re.finditer(r"[^\n\t]+", text[start:end]):
        part = match.group()
        first = start + match.start() + len(part) - len(part.lstrip())
        last = start + match.start() + len(part.rstrip())
        if first < last:
            fragments.append((first, last))
    if not fragments or (fragments[0][0], fragments[-1][1]) != (start, end):
        return ((start, end),)
    return tuple(fragments)
