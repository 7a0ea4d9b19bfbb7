"""What is repaired in annotated files: counted, and told with its first places."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ...records import SpanRecord, TextRecord, check_tidy, tidy_label
from .written import among

# Of a repair, and of errors.
MOST_PLACES = 3
MOST_LISTED = 10


@dataclass
class Repairs:
    """Repairs by their kinds, which are words in the plural.

    prefix (str): What is told before each.
    """

    prefix: str = "repaired: "
    counts: dict[str, int] = field(default_factory=dict)
    _places: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, place: str) -> None:
        """Note a repair.

        place (str): Such as "line 3".
        """
        kind = f"{self.prefix}{kind}"
        self.counts[kind] = self.counts.get(kind, 0) + 1
        places = self._places.setdefault(kind, [])
        if len(places) < MOST_PLACES:
            places.append(place)

    def told(self) -> Iterator[str]:
        """What was repaired, with the first places."""
        for kind, n in self.counts.items():
            places = self._places[kind]
            yield f"{kind} ({n:,}): {', '.join(places)}{', ...' * (n > len(places))}"


@dataclass
class Errors:
    """What is wrong in a file: the first, and how many there are.

    what (str): What they are about, in the plural, and what they make impossible.
    """

    what: str
    n_errors: int = 0
    _first: list[str] = field(default_factory=list)

    def add(self, message: str) -> None:
        """Note an error."""
        self.n_errors += 1
        if len(self._first) < MOST_LISTED:
            self._first.append(message)

    def check(self, hint: str = "") -> None:
        """RAISES (ValueError): There are any. It lists the first.

        hint (str): What helps in many.
        """
        if self.n_errors == 1:
            raise ValueError(f"{self._first[0]} {hint}".rstrip())
        if self.n_errors:
            more = self.n_errors - len(self._first)
            start = f"{self.n_errors:,} {self.what}. {hint}".rstrip()
            listed = [f"  {error}" for error in self._first]
            raise ValueError("\n".join([start, *listed, *[f"  and {more:,} more"] * (more > 0)]))


def checked(record: TextRecord, place: str, repairs: Repairs, *, lenient: bool) -> TextRecord:
    """A record as it should be.

    White space around labels is an error. If lenient, it is taken away, and so is white space at
    the edges of spans.

    RAISES (ValueError): What is wrong, and what to do.
    """
    if not lenient:
        if not _are_tidy(record):
            _check_labels(record)
        return record
    labels = record.annotated_labels
    if labels is not None:
        labels = tuple(dict.fromkeys(_tidied(label, place, repairs) for label in labels))
    if record.spans is None:
        return replace(record, annotated_labels=labels)
    spans = [_tight(span, record.text, place, repairs) for span in record.spans]
    kept = tuple(replace(span, label=_tidied(span.label, place, repairs)) for span in spans if span)
    relations = among(record.relations, kept)
    for _ in range(len(record.relations) - len(relations)):
        repairs.note("relations of annotations that were left out", place)
    return replace(record, spans=kept, annotated_labels=labels, relations=relations)


def _are_tidy(record: TextRecord) -> bool:
    labels = [span.label for span in record.spans or ()]
    return all(map(_is_tidy, labels)) and all(map(_is_tidy, record.annotated_labels or ()))


@lru_cache(maxsize=1024)  # a file has few labels, each many times
def _is_tidy(label: str) -> bool:
    return tidy_label(label) == label


def _check_labels(record: TextRecord) -> None:
    named = [(f"annotated_labels[{i}]", one) for i, one in enumerate(record.annotated_labels or ())]
    named += [(f"the label of spans[{i}]", one.label) for i, one in enumerate(record.spans or ())]
    for name, label in named:
        try:
            check_tidy(name, label)
        except ValueError as error:
            raise ValueError(f"{error} convert --lenient does, and counts it.") from None


def _tidied(label: str, place: str, repairs: Repairs) -> str:
    if (tidy := tidy_label(label)) == label:
        return label
    if not tidy:
        raise ValueError(f"The label {label!a} is white space alone: give one.")
    repairs.note("white space in labels", place)
    return tidy


def _tight(span: SpanRecord, text: str, place: str, repairs: Repairs) -> SpanRecord | None:
    """A span without white space at its edges; None if nothing else is in it."""
    covered = text[span.start : span.end]
    if not covered.strip():
        repairs.note("annotations of white space alone left out", place)
        return None
    if covered == covered.strip():
        return span
    repairs.note("white space at the edges of annotations", place)
    start = span.start + len(covered) - len(covered.lstrip())
    end = start + len(covered.strip())
    return replace(span, start=start, end=end, text=span.text and text[start:end])
