import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.lang.en import English
from spacy.tokens import Doc
from spacy.training import Example

from spacy_ner_plus import SpanRecord
from spacy_ner_plus.annotation.offsets import Misaligned, raise_misaligned, set_offset_ents

NLP = English()
IOB = {0: "-", 1: "I", 2: "O", 3: "B"}


def iob(doc):
    return "".join(IOB[token.ent_iob] for token in doc)


def test_set_offset_ents_sets_aligned_entities_and_leaves_the_rest_outside():
    doc = NLP.make_doc("Anna Ek lives in Oslo.")
    assert set_offset_ents(doc, [(17, 21, "LOC"), (0, 7, "PER")]) == []
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Anna Ek", "PER"), ("Oslo", "LOC")]
    assert iob(doc) == "BIOOBO"


def test_set_offset_ents_without_annotations_annotates_outside():
    doc = NLP.make_doc("Nothing here")
    assert set_offset_ents(doc, []) == []
    assert iob(doc) == "OO"


def test_set_offset_ents_reports_misaligned_ones_and_makes_their_tokens_missing():
    doc = NLP.make_doc("Anna saw Parkinsonism in Oslo")
    records = set_offset_ents(doc, [(9, 18, "Disease"), (0, 4, "PER")])
    assert records == [Misaligned(9, 18, "Disease", "Parkinson", starts=(9,), ends=(8, 21))]
    assert iob(doc) == "BO-OO"
    assert str(records[0]) == (
        "Disease 'Parkinson' at characters 9-18 is not on token boundaries: tokens start at 9 and "
        "end at 8 or 21"
    )


def test_set_offset_ents_keeps_an_aligned_entity_that_a_misaligned_one_touches():
    doc = NLP.make_doc("Oslo University Hospital")
    records = set_offset_ents(doc, [(0, 4, "LOC"), (0, 10, "ORG")])
    assert [record.text for record in records] == ["Oslo Unive"]
    assert iob(doc) == "B-O"


@pytest.mark.parametrize(
    ("start", "end", "expected", "starts", "ends"),
    [
        (3, 6, "-O", (0, 7), (6,)),  # starts inside a token
        (0, 7, "-O", (0,), (6, 11)),  # ends with the space after a token
        (6, 7, "OO", (0, 7), (6, 11)),  # only the space: no token is touched
        (7, 9, "O-", (7,), (6, 11)),
        (9, 11, "O-", (7,), (11,)),
        (2, 9, "--", (0, 7), (6, 11)),
    ],
)
def test_set_offset_ents_gives_the_nearest_boundaries(start, end, expected, starts, ends):
    doc = Doc(NLP.vocab, words=["Malmös", "stad"])
    [record] = set_offset_ents(doc, [(start, end, "X")])
    assert iob(doc) == expected
    assert (record.starts, record.ends) == (starts, ends)
    assert record.text == doc.text[start:end]


def test_set_offset_ents_lets_no_entity_start_or_end_on_white_space_tokens():
    doc = Doc(NLP.vocab, words=["a", "\n", "b"], spaces=[False, False, False])
    assert set_offset_ents(doc, [(0, 3, "X")]) == []
    assert iob(doc) == "BII"
    [record] = set_offset_ents(doc, [(0, 2, "X")])
    assert (record.starts, record.ends) == ((0,), (1, 3))
    assert iob(doc) == "--O"
    [record] = set_offset_ents(doc, [(1, 2, "X")])
    assert (record.starts, record.ends) == ((0, 2), (1, 3))


@settings(deadline=None)
@given(
    words=st.lists(st.text("abé😀", min_size=1, max_size=5), min_size=1, max_size=6), data=st.data()
)
def test_set_offset_ents_equals_spacys_missing_annotation(words, data):
    doc = Doc(NLP.vocab, words=words)
    start = data.draw(st.integers(0, len(doc.text) - 1))
    end = data.draw(st.integers(start + 1, len(doc.text)))
    records = set_offset_ents(doc, [(start, end, "X")])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*W030")  # spaCy's word for misaligned
        example = Example.from_dict(Doc(NLP.vocab, words=words), {"entities": [(start, end, "X")]})
    assert iob(doc) == iob(example.reference)
    assert len(doc.ents) == len(example.reference.ents) == 1 - len(records)


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ([(0, 0, "X")], "X at characters 0-0 is empty or not within the text of 7 characters"),
        ([(5, 8, "X")], "characters 5-8 is empty or not within.*not bytes"),
        ([(-1, 3, "X")], "not within"),
        ([(0, 3, "")], "'abc' at characters 0-3 has no label"),
        (
            [(0, 3, "X"), (0, 7, "Y")],
            r"Y 'abc def' at .* keep one of .\"X 'abc'\", \"Y 'abc def'\"",
        ),
    ],
)
def test_set_offset_ents_refuses_bad_annotations(annotations, message):
    with pytest.raises(ValueError, match=message):
        set_offset_ents(NLP.make_doc("abc def"), annotations)


def test_set_offset_ents_in_a_doc_without_tokens_of_its_own():
    doc = Doc(NLP.vocab, words=[" "], spaces=[False])
    [record] = set_offset_ents(doc, [(0, 1, "X")])
    assert (record.starts, record.ends) == ((), ())
    assert "tokens start at none" in str(record)


def test_set_offset_ents_takes_an_annotation_that_is_given_twice_for_one():
    doc = NLP.make_doc("Anna saw Parkinsonism")
    annotations = [(0, 4, "PER"), [0, 4, "PER"], (9, 18, "X"), (9, 18, "X"), (0, 4, "PER")]
    assert len(set_offset_ents(doc, annotations)) == 1
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Anna", "PER")]


def test_set_offset_ents_takes_white_space_at_the_edges_away_if_told():
    doc = NLP.make_doc("Anna saw  Parkinsonism")
    annotations = [(0, 5, "PER"), (8, 22, "X"), (0, 4, "PER"), (8, 10, "Y")]
    assert len(set_offset_ents(doc, annotations)) == 3
    [blank] = set_offset_ents(doc, annotations, trim=True)
    assert blank.text == "  "
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Anna", "PER"), ("Parkinsonism", "X")]


@pytest.mark.parametrize("label", [" X", "X\u00a0", "\u200bX", "X\ufeff", "X\n", "a\u00a0b"])
def test_set_offset_ents_makes_no_second_label_of_white_space(label):
    doc = NLP.make_doc("Anna saw Parkinsonism")
    with pytest.raises(ValueError, match=r"label of annotation 1, characters 9-21, is .* white"):
        set_offset_ents(doc, [(0, 4, "X"), (9, 21, label)])


@pytest.mark.parametrize(
    ("text", "annotations", "counting"),
    [
        (
            "Anna saw Oslo",
            [(0, 3, "X"), (9, 12, "X"), (6, 7, "X")],
            "2 of .* if ends were inclusiv",
        ),
        ("Anna saw Oslo", [(1, 4, "X"), (10, 13, "X")], "2 of .* counted from 1, with inclusive"),
        ("Anna saw Oslo now", [(1, 5, "X"), (10, 14, "X")], "2 of .* if they counted from 1. "),
        ("é Anna Oslo", [(3, 7, "X"), (8, 12, "X")], "counted bytes of UTF-8"),
        ("😀 Anna Oslo", [(3, 7, "X"), (8, 12, "X")], "counted UTF-16 units"),
        ("Anna saw Oslo", [(0, 3, "X"), (2, 7, "X")], None),
    ],
)
def test_raise_misaligned_says_how_most_were_counted(text, annotations, counting):
    doc = Doc(NLP.vocab, words=text.split())
    records = set_offset_ents(doc, annotations)
    with pytest.raises(ValueError) as error:
        raise_misaligned(records, "here")
    assert ("would fit" in str(error.value)) == (counting is not None)
    assert counting is None or re.search(counting, str(error.value))


def test_raise_misaligned_lists_every_annotation():
    doc = NLP.make_doc("Anna saw Parkinsonism")
    records = set_offset_ents(doc, [(9, 18, "Disease"), (1, 4, "PER")])
    with pytest.raises(ValueError, match=r"(?s)data.jsonl, line 3: 2 annotations .*Parki.*'nna'"):
        raise_misaligned(records, "data.jsonl, line 3")
    raise_misaligned([], "data.jsonl, line 3")


@pytest.mark.parametrize(
    "annotation",
    [
        (0, 7, "PER"),
        [0, 7, "PER"],
        (np.int64(0), np.int32(7), "PER"),
        {"start": 0, "end": 7, "label": "PER"},
        {"start": 0, "end": 7, "label": "PER", "score": 0.5},
        SpanRecord(0, 7, "PER", status="accepted"),
    ],
)
def test_set_offset_ents_reads_what_people_have(annotation):
    doc = NLP.make_doc("Anna Ek lives in Oslo.")
    assert set_offset_ents(doc, [(17, 21, "LOC"), annotation]) == []
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Anna Ek", "PER"), ("Oslo", "LOC")]


@pytest.mark.parametrize(
    "annotation",
    [
        ("0", "7", "PER"),
        (0.0, 7.0, "PER"),
        (True, 7, "PER"),
        (0, 7, None),
        (0, 7, 1),
        (0, 7, "PER", "Q1"),
        (0, 7),
        ["PER"],
        "PER",
        ("PER", 0, 7),
        {"start": 0, "end": 7},
        {"start": "0", "end": 7, "label": "PER"},
        None,
        7,
    ],
)
def test_set_offset_ents_shows_an_annotation_of_another_form(annotation):
    doc = NLP.make_doc("Anna Ek lives in Oslo.")
    message = rf"Annotation 1, {re.escape(str(annotation))}, must be \(start, end, label\)"
    with pytest.raises(ValueError, match=message):
        set_offset_ents(doc, [(17, 21, "LOC"), annotation])
    assert not doc.has_annotation("ENT_IOB")


def test_set_offset_ents_refuses_what_is_not_accepted():
    doc = NLP.make_doc("Anna Ek lives in Oslo.")
    with pytest.raises(ValueError, match=r"Annotation 0, .* is not accepted"):
        set_offset_ents(doc, [SpanRecord(0, 7, "PER", status="rejected")])
