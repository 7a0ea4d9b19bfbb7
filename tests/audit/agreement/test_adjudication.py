"""Where annotators disagree, who says what, and the records to decide on in any tool."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_ner_plus import SpanRecord, TextRecord, agreement, convert, read, write
from spacy_ner_plus.audit.agreement.agree import AnnotatorAgreement
from spacy_ner_plus.data.formats.record_files import FORMATS, options_known
from tests.audit.agreement.annotated import (
    TEXT,
    real_texts,
    record,
    second_annotator,
    write_annotators,
)

PER, ORG, AMERICA, LOC = (0, 7, "PER"), (22, 37, "ORG"), (30, 37, "LOC"), (41, 49, "LOC")
# What the formats make of undecided entities: these have them again when they are read.
KEEP = {
    "bioc", "brat", "jsonl", "label-studio", "prodigy", "spacy", "spacy-json", "table", "uima",
}  # fmt: skip
# These say that nothing is known there.
UNKNOWN = {"doccano", "hf"}
# These are no annotation tools', and can't say it: nothing undecided may pass for annotation.
REFUSE = {"columns", "doc-json", "gliner", "nested-json", "offsets", "pubtator"}


def agreement_of(folder: Path, **texts: list[TextRecord]) -> AnnotatorAgreement:
    return agreement(write_annotators(folder, **texts), samples=10)


def said(found: AnnotatorAgreement) -> list[tuple[str, list[str], dict[str, list[str]]]]:
    """Of each disagreement, its text, kinds, and who says what."""
    return [
        (
            one.text,
            one.kinds,
            {" ".join(s.annotators): [f"{e.text}/{e.label}" for e in s.spans] for s in one.sides},
        )
        for one in found.metrics.disagreements
    ]


def test_disagreements_say_who_says_what(tmp_path: Path) -> None:
    found = agreement_of(
        tmp_path,
        anna=[record(PER, ORG)],
        ben=[record(PER, AMERICA, LOC)],
        carl=[record(PER, ORG, (41, 49, "ORG"))],
    )
    assert said(found) == [
        (
            "Bank of America",
            ["both"],
            {"anna carl": ["Bank of America/ORG"], "ben": ["America/LOC"]},
        ),
        (
            "New York",
            ["label", "missed"],
            {"anna": [], "ben": ["New York/LOC"], "carl": ["New York/ORG"]},
        ),
    ]
    first = found.metrics.disagreements[0]
    assert (first.before, first.after) == ("Anna Ek works for the ", " in New York .")
    assert TEXT[first.start : first.end] == first.text
    assert found.metrics.texts_that_differ == len(found.adjudication) == 1


def test_who_knows_nothing_of_a_place_says_nothing(tmp_path: Path) -> None:
    found = agreement_of(
        tmp_path,
        anna=[record(PER, LOC)],
        ben=[record(PER)],
        carl=[record(PER, unknown=((38, 51),))],
        dora=[record(PER, annotated_labels=("PER",))],
    )
    assert said(found) == [("New York", ["missed"], {"anna": ["New York/LOC"], "ben": []})]
    [pair] = [p for p in found.metrics.pairs if (p.first, p.second) == ("anna", "carl")]
    assert (pair.not_judged, pair.micro.f1) == (1, 1.0)


def test_record_has_what_all_agree_on_and_the_rest_undecided(tmp_path: Path) -> None:
    found = agreement_of(
        tmp_path,
        anna=[record(PER, ORG, id="t1", meta={"source": "x", "time": 1})],
        ben=[record(PER, LOC, id="t1", meta={"source": "x", "time": 2})],
        carl=[record(PER, id="t1", meta={"source": "x"}, unknown=((38, 51),))],
    )
    [made] = found.adjudication
    assert made == TextRecord(
        TEXT,
        id="t1",
        meta={"source": "x", "annotators": ["anna", "ben", "carl"]},
        spans=(
            SpanRecord(*PER, text="Anna Ek"),
            SpanRecord(
                *ORG,
                text="Bank of America",
                status="ignored",
                meta={"annotators": ["anna"], "not_annotators": ["ben", "carl"]},
            ),
            SpanRecord(
                *LOC,
                text="New York",
                status="ignored",
                meta={"annotators": ["ben"], "not_annotators": ["anna"]},
            ),
        ),
    )


def test_what_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    found = agreement_of(
        tmp_path,
        anna=[record(PER, unknown=((18, 30), (38, 51)), annotated_labels=("PER", "ORG"))],
        ben=[record(unknown=((20, 45),), annotated_labels=("PER", "LOC"))],
    )
    [made] = found.adjudication
    assert made.unknown == ((20, 30), (38, 45))
    assert made.annotated_labels == ("PER", "ORG", "LOC")


def test_annotators_who_agree_leave_nothing_to_decide(tmp_path: Path) -> None:
    found = agreement_of(tmp_path, anna=[record(PER, ORG)], ben=[record(ORG, PER)])
    assert (found.metrics.disagreements, found.adjudication) == ([], [])
    assert (found.alpha, found.f1, sum(found.metrics.kinds.values())) == (1.0, 1.0, 0)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records on which two annotators of real texts differ."""
    folder = tmp_path_factory.mktemp("real")
    records = real_texts(80)
    agreement_of(folder, anna=records, ben=second_annotator(records, 1)).write(folder / "out")
    return folder / "out" / "adjudication.jsonl"


def spans_of(one: TextRecord, *, accepted: bool) -> set[tuple[int, int, str]]:
    spans = (s for s in one.spans or () if s.is_accepted == accepted)
    return {(span.start, span.end, span.label) for span in spans}


def test_every_format_is_looked_at() -> None:
    assert {*FORMATS} == KEEP | UNKNOWN | REFUSE


@pytest.mark.parametrize("to", sorted(KEEP | UNKNOWN))
def test_records_go_to_annotation_tools(to: str, real: Path, tmp_path: Path) -> None:
    """What is agreed on is annotation there, and what is not is none."""
    if to == "uima":
        pytest.importorskip("cassis")
    path = tmp_path / {"brat": "folder", "uima": "out.zip", "spacy": "out.spacy"}.get(to, "o.json")
    how = options_known(FORMATS[to].write)
    write(read(real), path, to, **({"nlp": spacy.blank("en")} if "nlp" in how else {}))
    reading = {"offsets": "characters"} if to == "doccano" else {}
    pairs = list(zip(read(real), read(path, to, **reading), strict=True))
    assert len(pairs) > 20
    for made, again in pairs:
        assert again.text == made.text
        assert spans_of(again, accepted=True) == spans_of(made, accepted=True)
        disputed = spans_of(made, accepted=False)
        if to in KEEP:
            assert spans_of(again, accepted=False) == disputed
        else:
            assert all(
                any(start <= at < end for start, end in again.unknown) for at, _, _ in disputed
            )


@pytest.mark.parametrize("to", sorted(REFUSE))
def test_other_formats_refuse_what_is_not_decided(to: str, real: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its annotation is not complete"):
        write(read(real), tmp_path / "out.txt", to)


def test_label_studio_shows_all_as_predictions_with_who_said_it(real: Path, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    convert(real, path, to="label-studio", options={"as_predictions": True})
    tasks: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf8"))
    for task, made in zip(tasks, read(real), strict=True):
        regions = task["predictions"][0]["result"]
        assert len(regions) == len(made.spans or ())
        for region, span in zip(regions, made.spans or (), strict=True):
            assert region["value"]["labels"] == [span.label]
            assert region.get("meta", {}).get("annotators") == span.meta.get("annotators")
