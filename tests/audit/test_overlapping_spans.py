"""What sections make of spans within and across others: they look at all, or say how many not."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus import SpanRecord, TextRecord, audit_data
from spacy_ner_plus.audit.ambiguous import find_ambiguous
from spacy_ner_plus.audit.boundaries import find_boundaries
from spacy_ner_plus.audit.counts import find_counts
from spacy_ner_plus.audit.cues import find_cues
from spacy_ner_plus.audit.duplicate_texts import find_duplicates
from spacy_ner_plus.audit.inconsistency import find_inconsistency
from spacy_ner_plus.audit.label_errors.find import label_errors
from spacy_ner_plus.audit.lengths import find_lengths
from spacy_ner_plus.audit.overlap import find_overlap
from spacy_ner_plus.audit.terminal.ambiguous import print_ambiguous
from spacy_ner_plus.audit.terminal.cues import print_cues
from spacy_ner_plus.audit.terminal.inconsistency import print_inconsistency
from spacy_ner_plus.audit.terminal.label_errors import print_label_errors
from spacy_ner_plus.audit.text_words import words_of
from spacy_ner_plus.audit.token_checks import ACROSS_LINES, find_token_checks
from spacy_ner_plus.pipeline.capabilities import SecondReading
from tests.audit.corpora import make_corpus, write_parts

Place = tuple[int, int, str]
TEXT = "the University of Bonn am Rhein opened"
UNIVERSITY, BONN, CITY = (4, 22, "ORG"), (18, 22, "LOC"), (18, 31, "LOC")


def nested(*places: Place, text: str = TEXT) -> TextRecord:
    return TextRecord(text, spans=tuple(SpanRecord(*place) for place in places))


@settings(deadline=None)
@given(
    st.sets(
        st.tuples(st.integers(0, 5), st.integers(1, 4), st.sampled_from(["A", "B"])), max_size=6
    )
)
def test_spans_of_a_text_are_all_that_fit_its_tokens(drawn: set[tuple[int, int, str]]) -> None:
    """Words of two characters with a blank between; one span more is within a word."""
    words = ["ab"] * 6
    tokens = {(start, min(6, start + n), label) for start, n, label in drawn}
    places = [(3 * start, 3 * end - 1, label) for start, end, label in tokens]
    record = nested(*places, (0, 1, "A"), text=" ".join(words))
    [text] = make_corpus({"train": [record]}).texts()
    found = [(span.start, span.end, span.label_) for span in text.spans]
    assert found == sorted(tokens, key=lambda one: (one[0], -one[1], one[2]))
    assert text.n_hidden == len(tokens) - len(text.flat_entities)
    its = words_of(text)
    assert its.entities == found
    assert its.flat_entities == [(ent.start, ent.end, ent.label_) for ent in text.doc.ents]


def test_counts_lengths_and_known_entities_are_of_all_spans() -> None:
    corpus = make_corpus(
        {"train": [nested(UNIVERSITY, BONN, CITY)], "dev": ["[Bonn](LOC) is", nested(CITY)]}
    )
    part = find_counts(corpus).parts["train"]
    assert (part.entities, part.labels) == (3, {"LOC": 2, "ORG": 1})
    assert part.misfits == {"nested": 2}
    [of_entities] = [its for its in find_lengths(corpus, None).tables if its.unit == "entities"]
    assert (of_entities.parts["train"].count, of_entities.parts["train"].longest) == (3, 3)
    assert find_overlap(corpus).parts["dev"].all.same == 2
    across = nested((0, 6, "A"), (3, 6, "B"), (0, 10, "C"), text="ab\nabc def")
    [finding] = [
        its
        for its in find_token_checks(make_corpus({"train": [across]}), None).findings
        if its.kind == ACROSS_LINES
    ]
    assert finding.count == 2


def test_copies_that_differ_within_or_across_an_entity_are_told() -> None:
    texts = [nested(UNIVERSITY, BONN), nested(UNIVERSITY), nested(UNIVERSITY, CITY)]
    [level] = find_duplicates(make_corpus({"train": texts}), 0.8).levels
    [group] = level.groups
    shown = {
        (one.one.text, one.one.label, one.other.text, one.other.label) for one in group.differing
    }
    assert ("Bonn", "LOC", "Bonn", None) in shown
    assert ("Bonn", "LOC", "Bonn am Rhein", "LOC") in shown
    same = [nested(UNIVERSITY, BONN, CITY), nested(CITY, BONN, UNIVERSITY)]
    [level] = find_duplicates(make_corpus({"train": same}), 0.8).levels
    assert not level.differing_total


def test_an_entity_within_another_is_a_place_of_its_form() -> None:
    texts = [nested(UNIVERSITY, BONN)] * 3 + ["in [Bonn](LOC) now"] * 3 + ["to [Bonn](PER) now"]
    [form] = find_inconsistency(make_corpus({"train": texts})).found
    assert (form.labels, form.inside) == ({"LOC": 6, "PER": 1}, 0)
    assert [(one.place.label, one.suggested) for one in form.suspects] == [("PER", "LOC")]
    edges = find_boundaries(make_corpus({"train": [nested(UNIVERSITY, CITY), nested(BONN)] * 3}))
    assert {(its.whole, its.part) for its in edges.pairs} == {
        ("Bonn am Rhein", "Bonn"),
        ("University of Bonn", "Bonn"),
    }


def test_labels_on_the_same_words_are_left_out_and_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A model of one label a place would take each for an error, because of the other."""
    both = nested((3, 8, "LOC"), (3, 8, "EVENT"), text="at Monza so")
    corpus = make_corpus({"train": [both] * 4})
    found, ambiguous = find_inconsistency(corpus), find_ambiguous(corpus)
    assert (found.forms, found.found, found.left_out) == (1, [], 8)
    assert (ambiguous.found, ambiguous.left_out) == ([], 8)
    print_inconsistency(found)
    print_ambiguous(ambiguous)
    told = "Left out, as another label is on the same characters: 8 spans."
    assert capsys.readouterr().out.count(told) == 2


def test_sections_of_flat_entities_say_what_they_leave_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    corpus = make_corpus({"train": [nested(UNIVERSITY, BONN, CITY), nested(BONN)]})
    texts = list(corpus.texts())
    errors = label_errors(texts, [SecondReading([], [], 0)] * 2, "some models")
    assert (errors.n_entities, errors.left_out) == (2, 2)
    cues = find_cues(corpus)
    assert cues.left_out == 2
    print_cues(cues)
    print_label_errors(errors)
    told = "Left out, as they overlap longer ones: 2 spans."
    assert capsys.readouterr().out.count(told) == 2


def test_the_page_says_what_sections_leave_out(tmp_path: Path) -> None:
    both = nested((3, 8, "LOC"), (3, 8, "EVENT"), text="at Monza so")
    paths = write_parts(tmp_path, {"train": [nested(UNIVERSITY, BONN), both]})
    audit = audit_data(paths["train"], sections=["cues", "inconsistency", "ambiguous"])
    assert audit.page.count("Left out, as they overlap longer ones: 2 spans.") == 1
    assert audit.page.count("Left out, as another label is on the same characters: 2 spans.") == 2
