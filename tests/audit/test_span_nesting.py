"""The section `nesting`: what is counted, by label and part, and shown."""

from dataclasses import replace

import pytest

from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.audit.section import Absent
from spacy_ner_plus.audit.span_nesting import find_nesting
from spacy_ner_plus.audit.terminal.nesting import print_nesting
from tests.audit.corpora import make_corpus

TEXT = "The University of Bonn Medical School opened"
SPANS = [(4, 37, "ORG"), (4, 22, "ORG"), (18, 22, "LOC"), (18, 22, "NAME"), (15, 30, "X")]


def corpus():
    spans = tuple(SpanRecord(*span) for span in SPANS)
    odd = (SpanRecord(0, 2, "ORG"), SpanRecord(0, 3, "ORG", status="rejected"))
    text = TextRecord(TEXT, spans=(*spans, spans[0], *odd))
    return make_corpus({"train": [text, "[Bonn](LOC) is old."], "dev": ["[Ann](PER) left."]})


def test_spans_are_counted_by_how_they_lie():
    found = find_nesting(corpus(), 2)
    assert not isinstance(found, Absent)
    train, dev = found.parts["train"], found.parts["dev"]
    its = train.total
    assert (its.spans, its.nested, its.nested_in_own_label, its.crossing) == (6, 4, 1, 2)
    assert (its.several_labels, its.deepest, its.wider) == (2, 3, 3)
    assert list(train.labels) == ["LOC", "ORG", "NAME", "X"]
    assert (train.labels["ORG"].spans, train.labels["ORG"].nested_in_own_label) == (2, 1)
    assert train.labels["X"].crossing == 1
    # of 1, 1, 1, 3, 3 and 5 tokens
    assert (found.ends, train.bins, dev.bins) == ([1, 2, 3, 4, 8], [3, 0, 2, 0, 1], [1, 0, 0, 0, 0])
    assert found.warnings == [
        "3 of the 6 spans of train have more than 2 tokens: a biaffine head of that max_width "
        'can\'t learn or find them. Give it more, take the head "both", or see whether so long '
        "ones are meant.",
        "2 of the 6 spans of train cross others, which is often by mistake: look at some. If it is "
        'meant, they are found together with allow = "all" alone.',
    ]
    assert find_nesting(corpus(), 12) == replace(
        found,
        max_width=12,
        parts={name: with_none_wider(part) for name, part in found.parts.items()},
    )


def with_none_wider(part):
    labels = {label: replace(its, wider=0) for label, its in part.labels.items()}
    return replace(part, total=replace(part.total, wider=0), labels=labels)


def test_chains_of_tags_that_labels_need_are_counted():
    text = "a b c d e f"
    inside = [(0, 11, "A"), (0, 7, "A"), (2, 5, "A"), (2, 7, "B")]
    crossing = [(0, 5, "B"), (2, 7, "B")]
    texts = [TextRecord(text, spans=tuple(SpanRecord(*span) for span in spans))
             for spans in (inside, crossing)]  # fmt: skip
    found = find_nesting(make_corpus({"train": texts}), 12)
    assert not isinstance(found, Absent)
    its = found.parts["train"]
    assert (its.total.levels, its.total.in_no_chain) == (3, 1)
    assert {label: (one.levels, one.in_no_chain) for label, one in its.labels.items()} == {
        "A": (3, 0),
        "B": (1, 1),
    }


def test_flat_data_have_nothing_to_show():
    found = find_nesting(make_corpus({"train": ["[Bonn](LOC) and [Ann](PER)"]}), 12)
    assert str(found) == "no spans overlap, so a flat model can learn all of them"


def test_counts_are_printed(capsys: pytest.CaptureFixture[str]):
    found = find_nesting(corpus(), 2)
    assert not isinstance(found, Absent)
    print_nesting(found)
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "train 6 4 1 2 2 3 3 2 0" in shown
    assert "ORG 2 1 1 1 0 2 2 2 0" in shown
    assert "Widths in train, in tokens: 1: 3, 3: 2, 5-8: 1." in shown
