"""Rows of token classification, as Hugging Face has them: tokens and their tags."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from ...records import TextRecord, TokenRecord
from ...tags import Span
from .column_records import make_record
from .column_tags import TagError, read_tags
from .columns import Sentence
from .repairs import Repairs
from .tag_forms import PLAIN, TagForm

TOKENS = ("tokens", "words", "token")
TAGS = ("ner_tags", "ner", "tags", "labels", "ner_labels", "bio_tags")
NESTED = "nested_ner_tags"
TEXT, SENTENCES = "text", "sentence_starts"
# What a loss passes over: nobody has annotated the token.
IGNORED = -100


@dataclass(frozen=True)
class TaggedRowForm:
    """Where a row has what, and how its tags are written.

    tokens (str), tags (Tuple[str, ...]), text (str): The columns. Entities of several of tags nest.
    names (Mapping): Of the tags of each column that has numbers.
    scheme (str), tag_form (TagForm): Of all tags.
    """

    tokens: str
    tags: tuple[str, ...]
    text: str = TEXT
    names: Mapping[str, Mapping[int, str]] | None = None
    scheme: str = "BIO"
    tag_form: TagForm = PLAIN

    def tag_names(self, row: Mapping[str, Any], field: str) -> list[str | None]:
        """The names of a column's tags; None for tokens that nobody has annotated.

        RAISES (ValueError): They are no tags, or a number has no name.
        """
        values = row[field]
        if not isinstance(values, list):
            raise ValueError(f"{field} must be a list, got {str(values)[:80]}.")
        names = (self.names or {}).get(field, {})
        return [self._name(f"{field}[{i}]", value, names) for i, value in enumerate(values)]

    def _name(self, where: str, value: Any, names: Mapping[int, str]) -> str | None:
        if value is None or (value == IGNORED and not isinstance(value, str)):
            return None
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{where} must be a string or an integer, got {value!r}.")
        if value not in names:
            raise ValueError(
                f"{where} is {value}, which has no name: there are {len(names)}. Correct the tag, "
                "or the names."
            )
        return names[value]

    def record(
        self, row: Mapping[str, Any], counts: Counter[str], repairs: Repairs, *, lenient: bool
    ) -> TextRecord:
        """The text, tokens and entities of a row.

        RAISES (ValueError): What is wrong, and what to do.
        """
        tokens = row.get(self.tokens)
        if not isinstance(tokens, list) or not all(isinstance(one, str) for one in tokens):
            raise ValueError(f"{self.tokens} must be a list of strings, got {str(tokens)[:80]}.")
        given = [field for field in self.tags if row.get(field) is not None]
        tags = [self.tag_names(row, field) for field in given]
        for field, column in zip(given, tags, strict=True):
            if len(column) != len(tokens):
                raise ValueError(f"{field} has {len(column)} tags for {len(tokens)} tokens.")
        solid = _Solid.of(tokens, counts, repairs, lenient=lenient)
        spans = [
            (span, self.tags.index(field) + 1)
            for field, column in zip(given, tags, strict=True)
            for span in self._spans(column, solid)
        ]
        spans.sort(key=lambda one: (one[0][0], -one[0][1]))
        text = row.get(self.text)
        sentence = Sentence(
            solid.tokens,
            tuple(span for span, _ in spans),
            tuple(layer for _, layer in spans if len(self.tags) > 1),
            text if isinstance(text, str) else None,
            where=f"'{self.tokens}'",
        )
        record = _made(sentence)
        places = list(_places(record, solid.tokens))
        record = replace(record, tokens=_with_starts(record, places, row.get(SENTENCES)))
        missing = [any(column[i] is None for column in tags) for i in solid.indices]
        if not tags or (missing and all(missing)):
            return replace(record, spans=None)
        return replace(record, unknown=tuple(_stretches(record, places, missing)))

    def _spans(self, column: Sequence[str | None], solid: "_Solid") -> Iterator[Span]:
        tags = ["O" if tag is None else self.tag_form.plain(tag) for tag in column]
        tags = ["O" if tag == "_" else tag for tag in tags]
        try:
            found = read_tags(tags, self.scheme)
        except TagError as error:
            raise ValueError(
                f"{error} (The tags are taken for {self.scheme}: name the scheme if it is another.)"
            ) from None
        yield from solid.moved(found)


@dataclass(frozen=True)
class _Solid:
    """The tokens of a row but empty ones.

    indices (Tuple[int, ...]): Where they were. before (Tuple[int, ...]): How many there are before
    each token of the row, and in all.
    """

    tokens: tuple[str, ...]
    indices: tuple[int, ...]
    before: tuple[int, ...]
    counts: Counter[str]
    repairs: Repairs
    lenient: bool

    @classmethod
    def of(
        cls, tokens: Sequence[str], counts: Counter[str], repairs: Repairs, *, lenient: bool
    ) -> "_Solid":
        kept = list(tokens)
        for i, token in enumerate(tokens):
            if token != token.strip() and not token.isspace():
                if not lenient:
                    raise ValueError(
                        f"Token {i}, {token!r}, begins or ends with white space: remove it, as "
                        "convert --lenient does."
                    )
                repairs.note("white space around a token", f"token {i}")
                kept[i] = token.strip()
        if n_empty := kept.count(""):
            counts["empty tokens passed over"] += n_empty
        indices = tuple(i for i, token in enumerate(kept) if token)
        before = tuple(accumulate((token != "" for token in kept), initial=0))
        solid = tuple(token for token in kept if token)
        return cls(solid, indices, before, counts, repairs, lenient)

    def moved(self, spans: Sequence[Span]) -> Iterator[Span]:
        """Spans on these tokens, without white space at their edges."""
        for start, end, label in spans:
            first, last = self.before[start], self.before[end]
            if first == last:
                self.counts["entities on empty tokens passed over"] += 1
                continue
            loose = (first, last)
            while first < last and self.tokens[first].isspace():
                first += 1
            while first < last and self.tokens[last - 1].isspace():
                last -= 1
            if (first, last) != loose:
                what = "white space tokens at the edge of an entity"
                if not self.lenient:
                    raise ValueError(
                        f"{label} on tokens {start}-{end} has {what}: move its tags inwards, as "
                        "convert --lenient does."
                    )
                self.repairs.note(what, f"tokens {start}-{end}")
            if first < last:
                yield first, last, label


def _made(sentence: Sentence) -> TextRecord:
    if not sentence.tokens and not (sentence.text or "").strip():
        text = sentence.text or ""
        return TextRecord(text, tokens=(TokenRecord(0, len(text)),) if text else ())
    return make_record([sentence])


def _places(record: TextRecord, tokens: Sequence[str]) -> Iterator[int]:
    """The index of each token in the record, which has white space between them, too."""
    i = 0
    for n, one in enumerate(record.tokens or ()):
        if i < len(tokens) and record.text[one.start : one.end] == tokens[i]:
            i += 1
            yield n


def _with_starts(record: TextRecord, places: Sequence[int], starts: Any) -> tuple[TokenRecord, ...]:
    tokens = record.tokens or ()
    if starts is None:
        return tuple(replace(token, sentence_start=None) for token in tokens)
    if not isinstance(starts, list) or any(
        type(one) is not int or not 0 <= one < len(places) for one in starts
    ):
        raise ValueError(
            f"{SENTENCES} must be a list of numbers of tokens, from 0, got {str(starts)[:80]}."
        )
    # white space on top belongs to the first sentence
    firsts = {0 if places[one] == 1 and one == 0 else places[one] for one in starts}
    return tuple(replace(token, sentence_start=i in firsts) for i, token in enumerate(tokens))


def _stretches(
    record: TextRecord, places: Sequence[int], missing: Sequence[bool]
) -> Iterator[tuple[int, int]]:
    """From the first to the last of tokens next to each other that nobody has annotated."""
    tokens = record.tokens or ()
    start = None
    for i, is_missing in enumerate([*missing, False]):
        if is_missing and start is None:
            start = i
        elif not is_missing and start is not None:
            yield tokens[places[start]].start, tokens[places[i - 1]].end
            start = None
