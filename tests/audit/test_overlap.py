"""The section `overlap`, against sets made by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.audit.overlap import KINDS, OTHER, SAME, UNSEEN, SeenCounts, find_overlap
from spacy_ner_plus.audit.terminal.overlap import print_overlap
from tests.audit.corpora import make_corpus

ENTITIES = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("XYZ")), max_size=8)


@settings(deadline=None, max_examples=50)
@given(train=ENTITIES, dev=ENTITIES)
def test_each_entity_is_of_one_kind(
    train: list[tuple[str, str]], dev: list[tuple[str, str]]
) -> None:
    parts = {
        name: ["Nothing ."] + [f"[{text}]({label}) ." for text, label in entities]
        for name, entities in (("train", train), ("dev", dev))
    }
    overlap = find_overlap(make_corpus(parts)).parts["dev"]

    def counts(pairs: list[tuple[str, str]]) -> SeenCounts:
        texts = {text for text, _ in train}
        same = sum(pair in train for pair in pairs)
        known = sum(text in texts for text, _ in pairs)
        return SeenCounts(same, known - same, len(pairs) - known)

    assert overlap.all == counts(dev)
    assert overlap.different == counts(list(set(dev)))
    assert overlap.labels == {
        label: counts([pair for pair in dev if pair[1] == label]) for label in {b for _, b in dev}
    }
    forms = [(form.text, form.label) for kind in KINDS for form in overlap.forms[kind]]
    assert sorted(forms) == sorted(set(dev))


def test_most_frequent_forms_and_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """White space is none of the difference."""
    parts = {
        "train": ["[New York](LOC) and [Bonn](LOC).", "[Bonn](ORG), [Bonn](ORG)."],
        "dev": ["[New\nYork](LOC)."] * 50 + ["[Bonn](PER)."] * 4 + ["[Ulm](LOC)."] * 2,
    }
    overlap = find_overlap(make_corpus(parts))
    part = overlap.parts["dev"]
    assert (part.all.same, part.all.other, part.all.unseen) == (50, 4, 2)
    [bonn] = part.forms[OTHER]
    assert (bonn.text, bonn.label, bonn.count, bonn.train) == (
        "Bonn",
        "PER",
        4,
        {"ORG": 2, "LOC": 1},
    )
    assert [form.text for form in part.forms[SAME]] == ["New York"]
    assert [form.text for form in part.forms[UNSEEN]] == ["Ulm"]
    [seen, other] = overlap.warnings
    assert seen.startswith("89 % of the entities of dev are in train, too")
    assert other.startswith("7 % of the entities of dev are in train with another label only")
    print_overlap(overlap)
    assert "another label only: Bonn PER 4 (train: ORG 2, LOC 1)." in capsys.readouterr().out
