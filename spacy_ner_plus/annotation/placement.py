"""Where an annotation goes if it does not start and end where tokens do: one policy for all."""

from dataclasses import dataclass, replace

from ..records import SpanRecord
from .offsets import Misaligned, TokenEdges
from .overlaps import check_overlaps

POLICIES = ("error", "snap", "contract", "missing", "split", "skip")
TRIMS = ("off", "space", "punctuation")
KEPT, CHANGED, REFUSED = "kept", "changed", "refused"
OUTCOMES = (KEPT, CHANGED, REFUSED)
# What was done, and why nothing could be: keys of counts.
TRIMMED, SNAPPED, CONTRACTED = "trimmed", "snapped", "contracted"
SPLIT, REPEATED = "tokens split", "repeated"
MISALIGNED, OVERLAPPING = "misaligned", "overlapping"
UNUSABLE, LEFT_OUT, UNSOUND = "text can't be used", "text left out", "no place in the text"

# Opening brackets and quotes, with what closes them.
_PAIRS = dict(zip("([{«‹“‘„「『（【《", ")]}»›”’“」』）】》", strict=True))  # noqa: RUF001
_QUOTES = "\"'`"  # which open and close
# What ends sentences and parts them. Not all that Unicode calls punctuation: % & # @ * / and the
# hyphen belong to names and numbers.
_MARKS = frozenset(".,;:!?…·–—،؛؟。，、；：！？")  # noqa: RUF001
_EDGE_CHARACTERS = _MARKS | {*_PAIRS, *_PAIRS.values(), *_QUOTES}


@dataclass(frozen=True)
class Placing:
    """What to do about annotations that can't be entities as they are.

    misaligned (str): Of those that do not start and end where tokens do. "snap": take the smallest
        run of whole tokens that covers them. "contract": the largest that lies in them. Else they
        are refused: see convert, which tells "error", "missing", "split" and "skip" apart.
    trim (str): What is taken off their edges before: "off", "space", or "punctuation", which is
        white space and whole tokens of marks, quotes and brackets that are not paired within.
    overlaps (str): Which entities remain of those that overlap: see check_overlaps.
    merges_repeated (bool): Whether one that has the characters, label and kb id of another is one
        with it.
    RAISES ValueError: An option has another value.
    """

    misaligned: str = "missing"
    trim: str = "off"
    overlaps: str = "error"
    merges_repeated: bool = False

    def __post_init__(self) -> None:
        if self.misaligned not in POLICIES:
            names = ", ".join(POLICIES)
            raise ValueError(f"--misaligned {self.misaligned} must be one of {names}.")
        if self.trim not in TRIMS:
            raise ValueError(f"--trim {self.trim} must be one of {', '.join(TRIMS)}.")
        check_overlaps(self.overlaps)


@dataclass(frozen=True)
class Placement:
    """What became of an annotation.

    span (SpanRecord): As it was given.
    outcome (str): One of OUTCOMES.
    done (Tuple[str, ...]): What was done, or why nothing could be.
    placed (SpanRecord): As it is now; None if it is refused.
    misfit (Misaligned): Where the nearest tokens start and end, if they do not where it does.
    message (str): The same in words, if it is refused.
    """

    span: SpanRecord
    outcome: str
    done: tuple[str, ...] = ()
    placed: SpanRecord | None = None
    misfit: Misaligned | None = None
    message: str = ""


def place_span(span: SpanRecord, text: str, edges: TokenEdges, placing: Placing) -> Placement:
    """Find the tokens of an annotation."""
    done: list[str] = []
    place = trimmed(text, edges, (span.start, span.end), placing.trim)
    if place != (span.start, span.end):
        done.append(TRIMMED)
    misfit = None
    if edges.tokens(*place) is None:
        misfit = edges.misaligned(*place, span.label)
        found = None
        if placing.misaligned == "snap":
            found = edges.cover(*place)
        elif placing.misaligned == "contract":
            found = edges.inner(*place)
        if found is None:
            return Placement(span, REFUSED, (MISALIGNED,), misfit=misfit, message=str(misfit))
        done.append(SNAPPED if placing.misaligned == "snap" else CONTRACTED)
        place = found
    if not done:
        return Placement(span, KEPT, placed=span)
    return Placement(span, CHANGED, tuple(done), moved(span, text, place), misfit)


def moved(span: SpanRecord, text: str, place: tuple[int, int]) -> SpanRecord:
    """An annotation on other characters."""
    start, end = place
    covered = None if span.text is None else text[start:end]
    return replace(span, start=start, end=end, text=covered)


def trimmed(text: str, edges: TokenEdges, place: tuple[int, int], trim: str) -> tuple[int, int]:
    """Characters without white space, or punctuation, at their edges; as they are if that is all.

    trim (str): One of TRIMS. Punctuation goes a token at a time: the full stop of "U.S." stays, if
        it is no token of its own.
    """
    if trim == "off":
        return place
    start, end = _without_white_space(text, *place)
    if start == end:
        return place
    if trim == "punctuation":
        shorter = start, end
        while (found := _without_mark(text, edges, *shorter)) != shorter:
            if found[0] >= found[1]:
                return start, end  # nothing but punctuation: it is what was meant
            shorter = found
        return shorter
    return start, end


def _without_white_space(text: str, start: int, end: int) -> tuple[int, int]:
    covered = text[start:end]
    start += len(covered) - len(covered.lstrip())
    return start, start + len(covered.strip())


def _without_mark(text: str, edges: TokenEdges, start: int, end: int) -> tuple[int, int]:
    """Characters without a token of punctuation at either edge, or without the pair around them."""
    first, last = edges.first_token(start, end), edges.last_token(start, end)
    partner = _partner(text, start, end)
    if first and _is_mark(text, *first) and partner is None:
        return _without_white_space(text, first[1], end)
    if last and _is_mark(text, *last) and not _closes_within(text, start, end):
        return _without_white_space(text, start, last[0])
    if partner == end - 1 and first and last and _are_single(first, last):
        return _without_white_space(text, first[1], last[0])
    return start, end


def _are_single(first: tuple[int, int], last: tuple[int, int]) -> bool:
    return first[1] - first[0] == last[1] - last[0] == 1


def _is_mark(text: str, start: int, end: int) -> bool:
    return all(char in _EDGE_CHARACTERS for char in text[start:end])


def _partner(text: str, start: int, end: int) -> int | None:
    """Where what the first character opens is closed; None if it opens nothing, or nothing does."""
    opening = text[start]
    if opening in _QUOTES:
        at = text.find(opening, start + 1, end)
        return None if at < 0 else at
    closing = _PAIRS.get(opening)
    if closing is None:
        return None
    depth = 0
    for at in range(start, end):
        depth += (text[at] == opening) - (text[at] == closing)
        if depth == 0:
            return at
    return None


def _closes_within(text: str, start: int, end: int) -> bool:
    """Whether the last character closes what is opened behind `start`, or there."""
    closing = text[end - 1]
    if closing in _QUOTES:
        return text.count(closing, start, end) % 2 == 0
    openings = [opening for opening, other in _PAIRS.items() if other == closing]
    if not openings:
        return False
    depth = 0
    for at in range(end - 1, start - 1, -1):
        depth += (text[at] == closing) - (text[at] in openings)
        if depth == 0:
            return True
    return False
