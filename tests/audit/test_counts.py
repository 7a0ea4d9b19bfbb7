"""The section `counts`: against counts that are made another way."""

from pathlib import Path

import pytest

from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.audit.audited import read_corpus
from spacy_ner_plus.audit.balance import find_balance
from spacy_ner_plus.audit.counts import find_counts
from spacy_ner_plus.audit.terminal.counts import print_counts
from tests.audit.corpora import Marked, english, make_corpus

WNUT17 = Path(__file__).parents[2] / "assets" / "wnut17"


def test_counts_of_a_real_part() -> None:
    """Against the lines of the file."""
    path = WNUT17 / "dev.tsv"
    part = find_counts(read_corpus({"train": path}, english())).parts["train"]
    sentences = [
        [line.split("\t") for line in block.split("\n") if line]
        for block in path.read_text(encoding="utf8").split("\n\n")
        if block.strip()
    ]
    begins = [tag[2:] for rows in sentences for _, tag in rows if tag.startswith("B-")]
    assert part.sentences == part.texts == len(sentences)
    assert part.tokens == sum(map(len, sentences))
    assert part.labels == {label: begins.count(label) for label in dict(part.labels)}
    assert part.entities == len(begins) == sum(part.labels.values())
    free = sum(all(tag == "O" for _, tag in rows) for rows in sentences)
    assert part.without_entities == part.sentences_without_entities == free


def test_what_a_part_has(capsys: pytest.CaptureFixture[str]) -> None:
    text = "New York City and the non-profit"
    odd = TextRecord(
        text,
        spans=(
            SpanRecord(0, 13, "LOC"),
            SpanRecord(0, 8, "LOC"),  # nested
            SpanRecord(0, 13, "ORG"),  # same characters
            SpanRecord(4, 17, "ORG"),  # crosses
            SpanRecord(0, 13, "LOC"),  # repeated
            SpanRecord(26, 30, "ORG"),  # within a token
            SpanRecord(0, 3, "PER", status="rejected"),
            SpanRecord(14, 17, "PER", status="ignored"),
        ),
        unknown=((18, 21),),
    )
    unknown = TextRecord("nothing known", spans=None)
    train: list[Marked] = [odd, unknown, "[Bonn](LOC)", "[Bonn](LOC)"]
    counts = find_counts(make_corpus({"train": train}))
    part = counts.parts["train"]
    assert (part.texts, part.not_annotated, part.without_entities) == (4, 1, 0)
    assert part.sentences is None
    assert (part.entities, part.forms) == (6, 4)  # those that overlap as well
    assert part.labels == {"LOC": 4, "ORG": 2}
    assert (part.rejected, part.ignored) == (1, 1)
    expected = {"misaligned": 1, "same": 1, "nested": 1, "crossing": 1, "repeated": 1}
    assert part.misfits == expected
    assert {kind.kind: kind.count for kind in counts.misfits} == expected
    assert [one.text for kind in counts.misfits for one in kind.first] == [
        "prof", "New York City", "New York", "York City and", "New York City",
    ]  # fmt: skip
    print_counts(counts)
    assert "the non-[prof ORG]it" in capsys.readouterr().out


def test_warnings_of_parts() -> None:
    """Each where it is due, and none where it is not."""
    full = make_corpus({"train": ["[Bonn](LOC) is.", "[Ulm](LOC) is."]})
    assert "Every text of train has an entity." in " ".join(find_counts(full).warnings)
    mixed = make_corpus({"train": ["[Bonn](LOC) is."] * 60 + ["No."]})
    assert find_counts(mixed).warnings == []
    long = make_corpus({"train": ["[Bonn](LOC) is." + " So it is." * 90] * 60})
    assert find_counts(long).warnings == []
    few = {"train": ["[Bonn](LOC) is."] * 60 + ["No."], "dev": ["[Bonn](LOC) is.", "No."]}
    assert "dev has 1 entity only" in " ".join(find_counts(make_corpus(few)).warnings)
    none = make_corpus({"train": [TextRecord("No.", spans=())]})
    [warning] = find_counts(none).warnings
    assert warning.startswith("train has no entity at all: check that its format")
    off = make_corpus({"train": [TextRecord("nowhere", spans=(SpanRecord(0, 3, "LOC"),))]})
    [warning] = find_counts(off).warnings
    assert "none of its spans fits the tokens (1)" in warning


def test_empty_texts_are_told_of() -> None:
    """They are texts without entities, too."""
    counts = find_counts(make_corpus({"train": ["[Bonn](LOC) is."] * 60 + ["", " \n", "No."]}))
    assert (counts.parts["train"].empty, counts.parts["train"].without_entities) == (2, 3)
    [warning] = counts.warnings
    assert warning.startswith("2 of the 63 texts of train are empty")


@pytest.mark.parametrize(
    ("labels", "tags"),
    [
        (["O", "PER"], ["O"]),  # as Universal NER's English once had it
        (["B-PER", "PER"], ["B-PER"]),
        (["B-PER", "I-PER", "E-mail"], ["B-PER", "I-PER"]),
        (["B-cell", "T-cell", "E-mail", "BI-PER", "PER", "-PER"], []),
    ],
)
def test_labels_that_look_like_tags(labels: list[str], tags: list[str]) -> None:
    texts = [f"[Bonn]({label}) is." for label in labels for _ in range(60)] + ["No."]
    warnings = find_counts(make_corpus({"train": texts})).warnings
    said = [warning for warning in warnings if "look like tags" in warning]
    assert len(said) == bool(tags)
    counted = ", ".join(f"{tag!r} (60)" for tag in sorted(tags))
    assert not tags or f"look like tags: {counted}." in said[0]


def test_balance_of_labels() -> None:
    balance = find_balance({"train": {"A": 1000, "B": 40}, "dev": {"A": 50, "C": 50}})
    assert balance.ratio == 25
    assert balance.few["train"] == {"B": 40}
    assert balance.missing == {"train": ["C"], "dev": ["B"]}
    assert balance.gaps == []  # a label that lacks is missing
    assert find_balance({"train": {"A": 60}, "dev": {}}).missing == {}  # counts say it
    said = " ".join(balance.warnings)
    assert "No entity of train has the label C, so a model can't learn them." in said
    assert "25 times" in said


@pytest.mark.parametrize(
    ("train", "dev", "differs"),
    [
        ({"A": 500, "B": 500}, {"A": 10, "B": 2}, False),  # chance
        ({"A": 5000, "B": 5000}, {"A": 5500, "B": 4500}, False),  # hardly
        ({"A": 500, "B": 500}, {"A": 900, "B": 100}, True),
    ],
)
def test_gaps_are_large_and_no_chance(
    train: dict[str, int], dev: dict[str, int], differs: bool
) -> None:
    gaps = find_balance({"train": train, "dev": dev}).gaps
    assert ["B"] * differs == [gap.label for gap in gaps]
