"""The whole of an agreement: figures that fit each other, files, and what is printed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus import TextRecord, agreement, read
from spacy_ner_plus.audit.agreement.agree import AnnotatorAgreement
from spacy_ner_plus.audit.agreement.agreement_schema import AgreementMetrics
from spacy_ner_plus.audit.agreement.agreement_terminal import print_agreement
from spacy_ner_plus.metrics.spans import count_spans, scores_of
from spacy_ner_plus.support.typed_json import to_json
from tests.audit.agreement.annotated import (
    real_texts,
    record,
    second_annotator,
    write_annotators,
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    records = real_texts()
    return write_annotators(
        tmp_path_factory.mktemp("three"),
        anna=records,
        ben=second_annotator(records, 1),
        carl=second_annotator(records[:50], 2),
    )


@pytest.fixture(scope="module")
def found(paths: list[Path]) -> AnnotatorAgreement:
    return agreement(paths, samples=200)


def spans(path: Path) -> list[list[tuple[int, int, str]]]:
    return [[(s.start, s.end, s.label) for s in one.spans or ()] for one in read(path)]


def test_f1_of_a_pair_is_that_of_an_evaluation(
    paths: list[Path], found: AnnotatorAgreement
) -> None:
    pair = found.metrics.pairs[0]
    labels, counts = count_spans(spans(paths[0]), spans(paths[1]))
    scores = scores_of(counts.sum(axis=0))
    assert pair.micro.f1 == pytest.approx(scores.micro[2])
    f1 = {label: row[2] for label, row in zip(labels, scores.types, strict=True)}
    assert {name: its.f1 for name, its in pair.labels.items()} == pytest.approx(f1)


def test_figures_fit_each_other(found: AnnotatorAgreement) -> None:
    its = found.metrics
    assert [one.name for one in its.annotators] == ["anna", "ben", "carl"]
    assert [one.compared for one in its.annotators] == [150, 150, 50]
    assert [pair.texts for pair in its.pairs] == [150, 50, 50]
    for name in ("agreed", "only_first", "only_second", "overlapping_first"):
        whole = getattr(its.micro, name)
        assert whole == sum(getattr(one, name) for one in its.labels.values())
        assert whole == sum(getattr(pair.micro, name) for pair in its.pairs)
    for pair in its.pairs:
        diagonal = pair.confusion.counts
        assert sum(map(sum, diagonal)) > 0
        first = pair.micro.agreed + pair.micro.only_first
        assert sum(map(sum, pair.confusion.counts[:-1])) == first
        assert sum(sum(row[:-1]) for row in pair.confusion.counts) == (
            pair.micro.agreed + pair.micro.only_second
        )
    off = sum(
        n
        for pair in its.pairs
        for i, row in enumerate(pair.confusion.counts)
        for j, n in enumerate(row)
        if i != j
    )
    assert sum(one.count for one in its.confused) == off
    assert its.texts_that_differ == len({one.number for one in its.disagreements})
    assert len(found.adjudication) == its.texts_that_differ
    assert {kind for one in its.disagreements for kind in one.kinds} <= {*its.kinds}
    assert all(one.kinds for one in its.disagreements)
    assert all(len(one.sides) > 1 for one in its.disagreements)


def test_order_of_annotators_does_not_matter(paths: list[Path], found: AnnotatorAgreement) -> None:
    turned = agreement(paths[::-1], samples=2)
    assert turned.alpha == pytest.approx(found.alpha)
    assert turned.f1 == pytest.approx(found.f1)
    assert turned.metrics.confused == found.metrics.confused


def test_files_hold_the_figures_and_records(found: AnnotatorAgreement, tmp_path: Path) -> None:
    found.write(tmp_path / "new" / "out")
    names = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert names == {"agreement.json", "agreement.html", "adjudication.jsonl"}
    written = json.loads((tmp_path / "new" / "out" / "agreement.json").read_text(encoding="utf8"))
    assert written == json.loads(json.dumps(to_json(found.metrics)))
    assert list(written) == list(AgreementMetrics.__dataclass_fields__)
    assert list(read(tmp_path / "new" / "out" / "adjudication.jsonl")) == found.adjudication


def test_one_text_has_no_intervals_and_no_entities_no_f1(tmp_path: Path) -> None:
    found = agreement(write_annotators(tmp_path, anna=[record()], ben=[record()]))
    assert (found.alpha, found.f1) == (None, None)
    assert found.metrics.micro.f1_interval is found.metrics.alphas.all.interval is None
    assert "None of" not in found.report
    print_agreement(found.metrics)


def test_nothing_of_a_text_is_known_where_no_entities_are_marked(tmp_path: Path) -> None:
    """Its annotator is not compared there."""
    open_text = replace(record(), spans=None)
    two = [record((0, 7, "PER")), record((0, 4, "PER"), text="Anna .")]
    found = agreement(write_annotators(tmp_path, anna=two, ben=[open_text, two[1]]))
    assert found.metrics.texts == 1
    assert found.f1 == 1.0
    assert "1 of 2 texts of anna are nobody else's" in found.metrics.warnings[0]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"options": {"annotator": "first"}}, "leave 'annotator' out"),
        ({"samples": 0}, "must be 1 or more"),
        ({"lang": "xx-none"}, "no such language"),
        ({"options": {"layout": "tsv"}}, "says nothing to the format 'jsonl'"),
        ({"match": "number"}, "--match number"),
    ],
)
def test_wrong_options_are_errors(how: dict[str, Any], message: str, paths: list[Path]) -> None:
    with pytest.raises(ValueError, match=message):
        agreement(paths, **how)
    with pytest.raises(ValueError, match="There is no file"):
        agreement([])


def test_terminal_shows_what_json_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    per, org = (0, 7, "PER"), (22, 37, "ORG")
    texts: dict[str, list[TextRecord]] = {
        "anna": [record(per, org), record((0, 4, "PER"), text="Anna .")],
        "ben": [record((0, 4, "PER"), (22, 37, "LOC")), record((0, 4, "PER"), text="Anna .")],
    }
    its = agreement(write_annotators(tmp_path, **texts)).metrics
    print_agreement(its)
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    assert ["anna", "2", "2", "3"] in rows
    [row] = [row for row in rows if row[:1] == ["PER"]]
    alpha = its.alphas.labels["PER"]
    assert row[:2] + row[5:9] == ["PER", "50.00", "100.00", "1", "2", f"{alpha.alpha:.3f}"]
    assert alpha.interval is not None
    assert [row[9], row[11]] == [f"{end:.3f}" for end in alpha.interval]
    assert ["boundary", "1", "50", "%"] in rows
    assert ["label", "1", "50", "%"] in rows
    assert "Labels taken for each other: LOC and ORG 1." in out
    assert ["anna", "Anna", "Ek", "(PER)"] in rows
    assert "They differ in 1." in out
