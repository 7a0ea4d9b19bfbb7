"""The section `duplicates`, against comparing all pairs."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.audit import duplicate_texts
from spacy_ner_plus.audit.duplicate_texts import DuplicateLevel, find_duplicates
from spacy_ner_plus.audit.occurrences import Occurrence
from spacy_ner_plus.audit.terminal.duplicates import print_duplicates
from spacy_ner_plus.data.splitting.near_duplicates import shingles, similarity
from spacy_ner_plus.records import TokenRecord
from tests.audit.corpora import Marked, make_corpus

BASE = "Aspirin was given to all of the patients who had a fever on the second day"
# as similar to BASE as 0.8 or more, or much less
TEXTS = (BASE, f"{BASE}.", BASE.upper(), f"  {BASE.replace(' ', '  ')}", "Nothing of it", BASE[:30])


def level_of(parts: dict[str, list[Marked]], near: float = 0.8) -> DuplicateLevel:
    [level] = find_duplicates(make_corpus(parts), near).levels
    return level


def shown(one: Occurrence) -> tuple[str, str | None]:
    return one.text, one.label


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["train", "dev"]), st.sampled_from(TEXTS)), min_size=1))
def test_counts_are_those_of_all_pairs(drawn: list[tuple[str, str]]) -> None:
    parts = {part: [text for its, text in drawn if its == part] for part in ("train", "dev")}
    level = level_of({name: [*texts] for name, texts in parts.items()})

    def is_exact(one: str, other: str) -> bool:
        return one.casefold().split() == other.casefold().split()

    def is_near(one: str, other: str) -> bool:  # BASE's copies are all alike, so it is transitive
        return similarity(shingles(one), shingles(other)) >= 0.8

    for name, texts in parts.items():
        repeats = [any(is_exact(text, texts[j]) for j in range(i)) for i, text in enumerate(texts)]
        nearly = [any(is_near(text, texts[j]) for j in range(i)) for i, text in enumerate(texts)]
        assert level.exact[name] == sum(repeats)
        assert level.exact[name] + level.near[name] == sum(nearly)
    [leak] = level.leaks
    train, dev = parts["train"], parts["dev"]
    assert (leak.part, leak.source, leak.units) == ("dev", "train", len(dev))
    assert leak.exact == sum(any(is_exact(one, other) for other in train) for one in dev)
    assert leak.exact + leak.near == sum(any(is_near(one, other) for other in train) for one in dev)
    pairs = combinations([text for _, text in drawn], 2)
    assert bool(level.groups_total) == any(is_near(*pair) for pair in pairs)
    assert level.differing_total == 0


def test_copies_annotated_differently_come_first() -> None:
    """Whatever their case and white space."""
    parts: dict[str, list[Marked]] = {
        "train": ["Other text twice", "Other text twice", "[Bonn](LOC) beat [Ulm](ORG) at home"],
        "dev": ["BONN  beat\n[Ulm](LOC) at home", "[Bonn](LOC) beat [Ulm](ORG) at home"],
    }
    level = level_of(parts)
    assert (level.groups_total, level.differing_total) == (2, 1)
    [first, second] = level.groups
    assert first.is_exact
    assert first.parts == {"train": 1, "dev": 2}
    assert first.differing_total == 2
    found = [(shown(each.one), shown(each.other)) for each in first.differing]
    assert found == [(("Bonn", "LOC"), ("BONN", None)), (("Ulm", "ORG"), ("Ulm", "LOC"))]
    assert second.differing == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("[New York](LOC) City", "[New York City](LOC)", [("New York", "New York City")]),
        (
            "[Straße](LOC) in Bonn",
            "STRASSE in [Bonn](LOC)",
            [("Straße", "STRASSE"), ("Bonn", "Bonn")],
        ),
        ("[a](X) [a](X) a", "[a](X) a [a](X)", [("a", "a"), ("a", "a")]),
    ],
)
def test_exact_copies_are_compared_by_place(
    one: str, other: str, expected: list[tuple[str, str]]
) -> None:
    [group] = level_of({"train": [one, other]}).groups
    assert [(each.one.text, each.other.text) for each in group.differing] == expected


def test_near_copies_are_compared_by_words() -> None:
    """Only words that both have count; boundaries and missing entities do."""
    one = f"[Aspirin](DRUG){BASE[7:]} but [paracetamol](DRUG) was not"
    other = f"Aspirin{BASE[7:]} but [paracetamol](CHEM) was never"
    [group] = level_of({"train": [one, other]}).groups
    assert not group.is_exact
    found = [(shown(each.one), shown(each.other)) for each in group.differing]
    assert found == [
        (("Aspirin", "DRUG"), ("Aspirin", None)),
        (("paracetamol", "DRUG"), ("paracetamol", "CHEM")),
    ]
    wide = f"{BASE} in [New York City](LOC) once"
    narrow = f"{BASE} in [New York](LOC) City then"
    [group] = level_of({"train": [wide, narrow]}).groups
    found = [(shown(each.one), shown(each.other)) for each in group.differing]
    assert found == [(("New York City", "LOC"), ("New York", "LOC"))]
    only = f"{BASE} and [ibuprofen](DRUG)"
    [group] = level_of({"train": [only, BASE + " and nothing"]}, near=0.7).groups
    assert group.differing == []


def test_what_is_not_known_does_not_differ() -> None:
    text = "Bonn beat Ulm"
    known = TextRecord(text, spans=(SpanRecord(0, 4, "LOC"),))
    unknown = TextRecord(text, spans=(), unknown=((0, 4),))
    other_labels = TextRecord(text, spans=(), annotated_labels=("ORG",))
    for record in (unknown, other_labels):
        [group] = level_of({"train": [known, record]}).groups
        assert group.differing == []


def with_sentences(*sentences: str) -> TextRecord:
    text = " ".join(sentences)
    tokens, at = [], 0
    for sentence in sentences:
        for i, word in enumerate(sentence.split(" ")):
            tokens.append(TokenRecord(at, at + len(word), sentence_start=i == 0))
            at += len(word) + 1
    return TextRecord(text, tokens=tuple(tokens))


def test_sentences_of_long_texts_are_compared_too() -> None:
    """But short ones, and those that are whole texts."""
    parts = {
        "train": [with_sentences("One two three four five .", "Yes .", "Six seven .")],
        "dev": [
            with_sentences("Eight nine ten eleven twelve .", "one two three four five .", "Yes .")
        ],
    }
    [texts, sentences] = find_duplicates(make_corpus(parts), 0.8).levels
    assert (texts.unit, texts.groups_total) == ("texts", 0)
    assert (sentences.unit, sentences.units) == ("sentences", {"train": 1, "dev": 2})
    assert (sentences.leaks[0].exact, sentences.groups_total) == (1, 1)
    single = {"train": [with_sentences("One two three four five .")] * 2}
    assert [level.unit for level in find_duplicates(make_corpus(single), 0.8).levels] == ["texts"]


def test_without_rensa_exact_ones_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks(*_: object, **__: object) -> None:
        raise ValueError("Looking for near duplicates needs rensa")

    monkeypatch.setattr(duplicate_texts, "check_installed", lacks)
    found = find_duplicates(make_corpus({"train": [BASE, BASE, f"{BASE}."]}), 0.8)
    assert (found.near, found.note) == (None, "Looking for near duplicates needs rensa")
    [level] = found.levels
    assert (level.exact, level.near) == ({"train": 1}, {"train": 0})
    print_duplicates(found)
    shown = capsys.readouterr().out
    assert "needs rensa" in shown
    assert "the same (train 2): Aspirin was given" in shown


def test_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    parts: dict[str, list[Marked]] = {
        "train": [f"[Bonn](LOC) is {i} times as it was before {i}{i}{i}" for i in range(20)],
        "dev": ["[Bonn](ORG) is 1 times as it was before 111", "Quite another text."],
    }
    found = find_duplicates(make_corpus(parts), 1.0)
    said = " ".join(found.warnings)
    assert "A group of texts that are the same, or nearly, is annotated differently" in said
    assert "50.0 % of the texts of dev are in train, too (1 exactly, 0 nearly)" in said
    assert "repeat others" not in said
    print_duplicates(found)
    shown = capsys.readouterr().out
    assert "LOC: [Bonn LOC] is 1 times as it was" in shown
    assert "ORG: [Bonn ORG] is 1 times as it was" in shown
