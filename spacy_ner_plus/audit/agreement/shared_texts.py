"""Texts that several annotators have: which records are of the same one."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from spacy.language import Language

from ...annotation.doc_records import place_record
from ...records import Stretch, TextRecord
from ..audited import AuditedText
from .annotator_files import AnnotatorFiles, AnnotatorTexts, Placed

AUTO, BY_ID, BY_TEXT = "auto", "id", "text"
MATCHES = (AUTO, BY_ID, BY_TEXT)
Span = tuple[int, int, str]
"""Start and end character, and label."""
# In messages.
_MOST, _MOST_CHARACTERS = 5, 60


@dataclass(frozen=True)
class Voice:
    """What one annotator says of a text.

    record (TextRecord): As it was read.
    """

    record: TextRecord

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Its entities from left to right, each once."""
        accepted = (span for span in self.record.spans or () if span.is_accepted)
        return tuple(sorted({(span.start, span.end, span.label) for span in accepted}))

    @cached_property
    def unknown(self) -> tuple[Stretch, ...]:
        """Where nothing is known outside of entities."""
        ignored = (s for s in self.record.spans or () if s.status == "ignored")
        return (*self.record.unknown, *((span.start, span.end) for span in ignored))

    def is_for(self, label: str) -> bool:
        """Whether a type was to be annotated."""
        labels = self.record.annotated_labels
        return labels is None or label in labels

    def can_judge(self, span: Span) -> bool:
        """Whether it says something about an entity of somebody else.

        It does if its annotation is complete there, or it has an entity there itself.
        """
        start, end, label = span
        if not self.is_for(label):
            return False
        if not any(first < end and start < last for first, last in self.unknown):
            return True
        return any(first < end and start < last for first, last, _ in self.spans)


@dataclass(frozen=True)
class SharedText:
    """A text that two annotators or more have.

    text (AuditedText): As the first of them has it; its doc has the tokens.
    voices (Mapping[int, Voice]): What each says, by the annotator's place among all.
    is_tokenized (bool): Whether its tokens are the tokenizer's, and not the annotators'.
    """

    text: AuditedText
    voices: Mapping[int, Voice]
    is_tokenized: bool


@dataclass(frozen=True)
class SharedTexts:
    """All that can be compared.

    annotators (List[AnnotatorTexts]): As they were read.
    texts (List[SharedText]): In the order of the first annotator.
    matched_by (str): "id" or "text".
    alone (List[List[Placed]]): Of each annotator, the texts that nobody else has.
    repeated (List[int]): Of each annotator, earlier annotations of the same text.
    """

    annotators: list[AnnotatorTexts]
    texts: list[SharedText]
    matched_by: str
    alone: list[list[Placed]]
    repeated: list[int]

    def warnings(self) -> Iterator[str]:
        """What somebody should look at."""
        for one, alone, repeated in zip(self.annotators, self.alone, self.repeated, strict=True):
            if alone:
                where, record = alone[0]
                yield (
                    f"{len(alone):,} of {len(one.texts):,} texts of {one.name} are nobody else's, "
                    f"and not compared. The first: {where}, {_short(record.text)}."
                )
            if repeated:
                yield (
                    f"{one.name} annotated texts more than once: the last time counts, and "
                    f"{repeated:,} earlier ones do not."
                )


def find_shared(files: AnnotatorFiles, match: str, nlp: Language) -> SharedTexts:
    """Put together what annotators say of the same texts.

    match (str): "id": texts with the same id; "text": the same text, of which several in a file
        are told apart by their order; "auto": by id, if all records have one that is theirs alone,
        and annotators share some.
    nlp (Language): Its tokenizer cuts texts whose tokens annotators don't have, or have otherwise.
    RAISES ValueError: Annotators share no text, or have other texts under the same id.
    """
    if match not in MATCHES:
        raise ValueError(f"--match {match} must be one of {', '.join(MATCHES)}.")
    annotators = files.annotators
    by_id = match == BY_ID or (match == AUTO and _have_common_ids(files))
    keyed = [_keyed(one, files, by_id=by_id) for one in annotators]
    if by_id:
        _check_texts(annotators, keyed)
    holders: dict[Any, list[int]] = {}
    for i, found in enumerate(keyed):
        for key in found:
            holders.setdefault(key, []).append(i)
    shared = {key: places for key, places in holders.items() if len(places) > 1}
    if not shared:
        raise ValueError(_nothing_shared(annotators, by_id=by_id))
    texts = [
        _shared_text(number, annotators[places[0]].name, {i: keyed[i][key] for i in places}, nlp)
        for number, (key, places) in enumerate(shared.items())
    ]
    return SharedTexts(
        annotators,
        texts,
        BY_ID if by_id else BY_TEXT,
        [[one for key, one in found.items() if key not in shared] for found in keyed],
        [len(one.texts) - len(found) for one, found in zip(annotators, keyed, strict=True)],
    )


def _have_common_ids(files: AnnotatorFiles) -> bool:
    if files.are_named and files.n_files > 1:  # each numbers its own texts
        return False
    n_annotators = Counter[str]()
    for one in files.annotators:
        ids = [json.dumps(record.id, sort_keys=True) for _, record in one.texts]
        is_unique = len({*ids}) == len(ids) or files.are_named
        if not is_unique or any(record.id is None for _, record in one.texts):
            return False
        n_annotators.update({*ids})
    return max(n_annotators.values(), default=0) > 1


def _keyed(one: AnnotatorTexts, files: AnnotatorFiles, *, by_id: bool) -> dict[Any, Placed]:
    """The records of an annotator, by what tells that they are of the same text."""
    found: dict[Any, Placed] = {}
    seen = Counter[str]()
    for where, record in one.texts:
        if by_id:
            if record.id is None:
                raise ValueError(f"{where}: the text has no id, and --match id needs one.")
            key: Any = json.dumps(record.id, sort_keys=True)
            if key in found and not files.are_named:
                raise ValueError(
                    f"{where}: {found[key][0]} has the same id, {key}: give each text an id of its "
                    "own, or compare by texts alone: --match text."
                )
        else:
            # in a file of one annotator, equal texts are several
            key = (record.text, 0 if files.are_named else seen[record.text])
            seen[record.text] += 1
        found[key] = (where, record)
    return found


def _check_texts(
    annotators: Sequence[AnnotatorTexts], keyed: Sequence[Mapping[Any, Placed]]
) -> None:
    """RAISES ValueError: A text is another one than that of the same id before it."""
    firsts: dict[Any, Placed] = {}
    differing = []
    for found in keyed:
        for key, (where, record) in found.items():
            first_where, first = firsts.setdefault(key, (where, record))
            if record.text != first.text:
                at = _first_difference(first.text, record.text)
                differing.append(
                    f"  id {key}: {first_where} has {_short(first.text[at:])} from character {at} "
                    f"on, but {where} has {_short(record.text[at:])}"
                )
    if differing:
        more = [f"  and {len(differing) - _MOST:,} more"] if len(differing) > _MOST else []
        raise ValueError(
            f"Under the same id, annotators have texts that are not the same ({len(differing):,} "
            f"of {len(firsts):,}):\n"
            + "\n".join([*differing[:_MOST], *more])
            + "\nGive annotators the same texts; or, if the ids have nothing to do with each "
            "other, compare by texts alone: --match text."
        )


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _nothing_shared(annotators: Sequence[AnnotatorTexts], *, by_id: bool) -> str:
    lines = [
        f"  {one.name}: {len(one.texts):,} texts; the first, {one.texts[0][0]}, "
        + (
            f"has the id {json.dumps(one.texts[0][1].id)}"
            if by_id
            else _short(one.texts[0][1].text)
        )
        for one in annotators
    ]
    what = "ids that are the same" if by_id else "texts that are the same to the last character"
    advice = (
        "Compare by texts: --match text."
        if by_id
        else "Texts that were cut into other tokens or sentences, or of which white space differs, "
        "are others: export them from the same source. If annotators have ids in common, "
        "--match id shows where texts differ."
    )
    return "\n".join([f"Annotators have no {what}:", *lines, advice])


def _shared_text(number: int, part: str, placed: Mapping[int, Placed], nlp: Language) -> SharedText:
    records = [record for _, record in placed.values()]
    cuts = {_cut(record) for record in records}
    has_tokens = len(cuts) == 1 and records[0].tokens is not None
    where, first = next(iter(placed.values()))
    bare = replace(
        first, spans=None, relations=(), blocked=(), tokens=first.tokens if has_tokens else None
    )
    doc = place_record(bare, nlp).doc
    return SharedText(
        AuditedText(part, number, where, first, doc),
        {i: Voice(record) for i, (_, record) in placed.items()},
        is_tokenized=not has_tokens,
    )


def _cut(record: TextRecord) -> tuple[Stretch, ...] | None:
    tokens = record.tokens
    return None if tokens is None else tuple((token.start, token.end) for token in tokens)


def _short(text: str) -> str:
    return repr(text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}...")
