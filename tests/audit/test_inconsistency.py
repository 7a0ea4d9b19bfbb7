"""Forms that are annotated in several ways: planted ones come first, others are none."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus import TextRecord, read, write
from spacy_ner_plus.audit.inconsistency import find_inconsistency
from spacy_ner_plus.audit.inconsistency_review import SECTION, inconsistency_tasks
from spacy_ner_plus.audit.judged_forms import judge_forms
from spacy_ner_plus.audit.review_tasks import review_records
from spacy_ner_plus.audit.terminal.inconsistency import print_inconsistency
from spacy_ner_plus.records import TokenRecord
from spacy_ner_plus.support.typed_json import to_json
from tests.audit.corpora import NASTY, make_corpus, record
from tests.audit.planted import plant, real_records

# Entities that are always annotated, in contexts that differ.
SOUND = [
    f"{before} [Ulm](LOC) {after} and [Ann Lee](PER) {after}."
    for before in ("in", "near", "to", "from", "at")
    for after in ("today", "again", "too")
] + [
    f"in [{place}](LOC) today and [{name}](PER) too."
    for place, name in zip(("Rom", "Bonn", "Kiel"), ("Bo Wu", "Cy Fox", "Di Poe"), strict=True)
]


def test_a_missing_entity_and_a_wrong_label_are_found() -> None:
    texts = [*SOUND, "in Ulm today and [Ann Lee](ORG) again."]
    found = find_inconsistency(make_corpus({"train": texts}))
    assert (found.forms, found.varying, found.places) == (8, 2, 2)
    assert {its.text for its in found.found} == {"Ulm", "Ann Lee"}
    for its in found.found:
        [one] = its.suspects
        is_ulm = its.text == "Ulm"
        assert one.place.where.endswith(f"line {len(texts)}")
        assert one.place.text == its.text
        assert one.place.label == (None if is_ulm else "ORG")
        assert one.suggested == ("LOC" if is_ulm else "PER")
        assert one.has_twin
        assert its.labels == ({"LOC": 15} if is_ulm else {"PER": 15, "ORG": 1})
        assert (its.unlabelled, its.inside, its.overlapping) == (int(is_ulm), 0, 0)
        assert its.usual is not None
        assert its.usual.label == one.suggested
        assert its.surprise == one.surprise > 3
    assert found.twins == 2


def test_without_variation_nothing_is_found() -> None:
    found = find_inconsistency(make_corpus({"train": SOUND, "dev": SOUND}))
    assert (found.forms, found.varying, found.found, found.warnings) == (8, 0, [], [])


@settings(max_examples=30)
@given(
    labels=st.dictionaries(st.sampled_from(["Ann", "Bo", "Ulm", "Rom"]), st.sampled_from("XYZ")),
    words=st.lists(
        st.sampled_from(["Ann", "Bo", "Ulm", "Rom", "in", ",", "Mr", "ran"]),
        min_size=1,
        max_size=40,
    ),
)
def test_words_that_always_have_the_same_label_are_consistent(
    labels: dict[str, str], words: list[str]
) -> None:
    marked = " ".join(f"[{word}]({labels[word]})" if word in labels else word for word in words)
    found = find_inconsistency(make_corpus({"train": [marked]}))
    assert (found.varying, found.found) == (0, [])


def test_places_within_longer_entities_are_no_variation() -> None:
    texts = ["[Ulm](LOC) plays.", "[Ulm Times](ORG) writes.", "[Bank of Ulm](ORG) pays."] * 3
    found = find_inconsistency(make_corpus({"train": texts}))
    assert found.found == []
    [*_, more] = [*texts, "Ulm plays."]
    found = find_inconsistency(make_corpus({"train": [*texts, more]}))
    [its] = found.found
    assert (its.labels, its.unlabelled, its.inside) == ({"LOC": 3}, 1, 6)


def test_tokens_of_which_nothing_is_known_are_no_variation() -> None:
    partly = TextRecord("in Ulm today.", unknown=((0, 13),))
    assert find_inconsistency(make_corpus({"train": [*SOUND, partly]})).varying == 0


def test_texts_that_are_annotated_for_other_labels_are_no_variation() -> None:
    both = [*SOUND, "[Ann](PER) is in [Bonn](LOC) ."]
    for labels, varying in ((("PER",), 0), (("LOC", "PER"), 1)):
        partly = record("[Ann](PER) was in Bonn .", annotated_labels=labels)
        corpus = make_corpus({"train": [*both, partly]})
        assert find_inconsistency(corpus).varying == varying


@pytest.mark.parametrize(
    ("name", "n_texts", "least", "precision"),
    [("bc5cdr-columns/dev.tsv", 1500, 5, 0.7), ("wnut17/train.tsv", 1700, 4, 0.3)],
)
def test_planted_errors_come_first(name: str, n_texts: int, least: int, precision: float) -> None:
    """Among the first as many as are planted. The others are mostly real errors."""
    records, planted = plant(real_records(name, n_texts), 20, least=least, seed=0)
    corpus = make_corpus({"train": records})
    judged = judge_forms(corpus)
    n_places = sum(len(its.places) for its in judged.varying)
    found = [one.place for its in find_inconsistency(corpus).found for one in its.suspects]
    every = {(one.number, one.start, one.end) for one in found}
    assert len(every & planted) >= 0.8 * len(planted)
    suspects = sorted(
        (one for its in judged.varying for one in its.suspects), key=lambda one: -one.surprise
    )
    first = {(one.place.text.number, one.place.start, one.place.end) for one in suspects[:20]}
    at_random = len(planted) / n_places
    assert len(first & planted) / 20 >= max(precision, 2 * at_random)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_one_slip_is_the_more_surprising_the_more_often_it_is_right(n: int) -> None:
    def surprise(times: int) -> float:
        texts = [*["see [Ulm](LOC) now"] * times, "see Ulm now", "see [Ann](PER) now"]
        return find_inconsistency(make_corpus({"train": texts})).found[0].surprise

    assert surprise(n + 1) > surprise(n)


def test_review_tasks_have_the_annotation_and_what_is_suggested(tmp_path: Path) -> None:
    last = record("in Ulm today and [Ann Lee](ORG) again.", id="last", meta={"a": 1})
    corpus = make_corpus({"train": SOUND, "dev": [last, "[Ulm](LOC) ."]})
    found = find_inconsistency(corpus)
    [task] = review_records(corpus, {SECTION: inconsistency_tasks(found)})
    assert (task.text, task.id, task.meta["a"]) == (last.text, "last", 1)
    by_label = {span.label: span for span in task.spans or ()}
    assert by_label.keys() == {"ORG", "LOC"}
    assert by_label["ORG"].is_accepted
    assert by_label["ORG"].meta["audit"][SECTION]["suggested"] == "PER"
    assert (by_label["LOC"].status, by_label["LOC"].text) == ("ignored", "Ulm")
    assert by_label["LOC"].meta["audit"][SECTION]["annotated"] is None
    said = task.meta["audit"]
    assert (said["part"], said["where"]) == ("dev", "dev.jsonl, line 1")
    assert {one["text"] for one in said[SECTION]} == {"Ulm", "Ann Lee"}
    write([task], tmp_path / "review.jsonl")
    assert list(read(tmp_path / "review.jsonl")) == [task]


def test_an_entity_that_a_sentence_boundary_cuts_says_so() -> None:
    """A part of it is an entity of its own, of the label of the other."""
    text = "see [CDU No .](ORG) [3](ORG) now"
    starts = [(0, 3), (4, 7), (8, 10), (11, 12), (13, 14), (15, 18)]
    tokens = tuple(TokenRecord(start, end, start in (0, 13)) for start, end in starts)
    cut = replace(record(text), tokens=tokens)
    others = ["see 3 now", "buy 3 here", "at 3 sharp", "in [Ulm](LOC) now"]
    found = find_inconsistency(make_corpus({"train": [*others, cut]}))
    [its] = found.found
    assert its.text == "3"
    assert [(one.place.label, one.is_split) for one in its.suspects] == [("ORG", True)]
    [its] = find_inconsistency(make_corpus({"train": [*others, text]})).found
    assert [one.is_split for one in its.suspects] == [False]


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [*SOUND, "in Ulm today.", f"[{NASTY}](LOC)", NASTY]
    found = find_inconsistency(make_corpus({"train": texts}))
    print_inconsistency(found)
    output = capsys.readouterr().out
    assert "Ulm: LOC 15, no entity 1" in output
    assert "suggested: LOC" in output
    assert "[Ulm]" in output
    assert to_json(found)["found"]
