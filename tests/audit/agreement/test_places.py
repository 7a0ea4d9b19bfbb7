"""Places of disagreement of any annotators: each disputed entity is in one of them."""

from itertools import pairwise

import hypothesis.strategies as st
import spacy
from hypothesis import given, settings
from spacy.tokens import Doc

from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.audit.agreement.adjudication import adjudication_record
from spacy_ner_plus.audit.agreement.disagreements import find_differences
from spacy_ner_plus.audit.agreement.pair_spans import judged
from spacy_ner_plus.audit.agreement.places import count_votes, find_places
from spacy_ner_plus.audit.agreement.shared_texts import SharedText, Voice
from spacy_ner_plus.audit.audited import AuditedText

TEXT = "ab cd ef gh ij"
VOCAB = spacy.blank("en").vocab
STRETCHES = st.tuples(st.integers(0, 12), st.integers(1, 6)).map(
    lambda one: (one[0], min(one[0] + one[1], len(TEXT)))
)
SPANS = st.builds(
    lambda place, label, status: SpanRecord(*place, label, status=status),
    STRETCHES,
    st.sampled_from("AB"),
    st.sampled_from([None, None, None, "accepted", "ignored", "rejected"]),
)
RECORDS = st.builds(
    lambda spans, unknown, labels: TextRecord(
        TEXT, spans=tuple(spans), unknown=tuple(unknown), annotated_labels=labels
    ),
    st.lists(SPANS, max_size=4),
    st.lists(STRETCHES, max_size=1),
    st.sampled_from([None, None, ("A",)]),
)
NAMES = ["anna", "ben", "carl"]


def shared(records: list[TextRecord]) -> SharedText:
    doc = Doc(VOCAB, TEXT.split(), [True] * 4 + [False])
    audited = AuditedText("anna", 0, "file", records[0], doc)
    return SharedText(audited, {i: Voice(one) for i, one in enumerate(records)}, False)


@settings(max_examples=100)
@given(st.lists(RECORDS, min_size=2, max_size=3))
def test_each_disputed_entity_is_in_one_place(records: list[TextRecord]) -> None:
    text = shared(records)
    votes = count_votes(text)
    voices = list(text.voices.values())
    for span in {span for voice in voices for span in voice.spans}:
        lacking = [v for v in voices if span not in v.spans and v.can_judge(span)]
        assert (span in votes.disputed) == bool(lacking)
    differences = [
        one
        for i, first in enumerate(voices)
        for second in voices[i + 1 :]
        for one in find_differences(*judged(first, second)).differences
    ]
    places = list(find_places(text, votes, NAMES, differences))
    said = [
        {(span.start, span.end, span.label) for side in one.sides for span in side.spans}
        for one in places
    ]
    assert sum(map(len, said)) == len(votes.disputed)
    assert set().union(*said) == {*votes.disputed}
    for before, after in pairwise(places):
        assert before.end <= after.start
    for place in places:
        assert place.kinds
        assert len(place.sides) > 1
        names = [name for side in place.sides for name in side.annotators]
        assert len({*names}) == len(names)
        assert place.text == TEXT[place.start : place.end]


@given(st.lists(RECORDS, min_size=2, max_size=3))
def test_record_to_decide_on_has_every_entity_once(records: list[TextRecord]) -> None:
    text = shared(records)
    votes = count_votes(text)
    made = adjudication_record(text, votes, NAMES)
    accepted = {(s.start, s.end, s.label) for s in made.spans or () if s.is_accepted}
    undecided = {(s.start, s.end, s.label) for s in made.spans or () if not s.is_accepted}
    assert accepted == {*votes.agreed}
    assert undecided == {*votes.disputed}
    for at in range(len(TEXT)):
        is_unknown = any(start <= at < end for start, end in made.unknown)
        unknown_to = [any(a <= at < b for a, b in v.unknown) for v in text.voices.values()]
        assert is_unknown == all(unknown_to)
    assert TextRecord.from_json(made.to_json()) == made
