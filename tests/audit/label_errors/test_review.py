"""Likely errors as review tasks, in every format that annotation can be written in."""

from pathlib import Path

import pytest

from spacy_ner_plus import TextRecord, read, write
from spacy_ner_plus.audit.audited import AuditedCorpus
from spacy_ner_plus.audit.label_errors.find import label_errors
from spacy_ner_plus.audit.label_errors.likely_errors import LabelErrors
from spacy_ner_plus.audit.label_errors.review import SECTION, label_error_tasks
from spacy_ner_plus.audit.review_tasks import review_records
from spacy_ner_plus.data.formats.record_files import FORMATS
from spacy_ner_plus.pipeline.capabilities import Disagreement, SecondReading, TypeConfidence
from spacy_ner_plus.records import SpanRecord, TokenRecord
from tests.audit.corpora import make_corpus

USUAL = [
    TypeConfidence("ORG", 8.0, 10),
    TypeConfidence("LOC", 9.0, 10),
    TypeConfidence(None, 99.0, 100),
]


def with_tokens(text: str, *spans: tuple[int, int, str], id: int) -> TextRecord:
    tokens, at = [], 0
    for word in text.split():
        start = text.index(word, at)
        tokens.append(TokenRecord(start, at := start + len(word), sentence_start=start == 0))
    return TextRecord(
        text, id=id, spans=tuple(SpanRecord(*span) for span in spans), tokens=tuple(tokens)
    )


@pytest.fixture
def corpus() -> AuditedCorpus:
    right = with_tokens("London is quiet .", (0, 6, "LOC"), id=1)
    wrong = with_tokens("Leeds beat York in London .", (0, 5, "LOC"), (19, 25, "LOC"), id=2)
    return make_corpus({"train": [right, wrong]})


@pytest.fixture
def errors(corpus: AuditedCorpus) -> LabelErrors:
    found = [
        Disagreement(0, 1, [(0, 1, "LOC")], [(0, 1, "ORG")], -5.0, -0.01),
        Disagreement(2, 3, [], [(2, 3, "ORG")], -4.0, -0.02),
    ]
    readings = [SecondReading([], USUAL, 0), SecondReading(found, [], 1)]
    return label_errors(list(corpus.texts()), readings, "some models")


def test_findings_say_what_is_suggested(errors: LabelErrors) -> None:
    first, second = errors.findings
    assert (first.kind, first.occurrence.text, first.occurrence.label) == ("label", "Leeds", "LOC")
    assert [str(one) for one in first.suggested] == ["Leeds (ORG)"]
    assert (second.kind, second.annotated, second.occurrence.after) == (
        "missing",
        [],
        " in London .",
    )
    assert errors.by_kind == {"missing": 1, "label": 1}
    assert (errors.n_texts, errors.n_entities, errors.n_not_judged) == (2, 3, 1)
    assert "2 likely label errors" in errors.warnings[0]


def test_a_review_task_has_the_annotation_and_the_suggestions(
    corpus: AuditedCorpus, errors: LabelErrors
) -> None:
    [task] = review_records(corpus, {SECTION: label_error_tasks(errors)})
    own = corpus.parts["train"].texts[1].record
    places = [(one.start, one.end, one.label, one.status) for one in task.spans or ()]
    assert places == [(0, 5, "LOC", None), (19, 25, "LOC", None)]
    doubted, other = task.spans or ()
    assert doubted.probability == pytest.approx(0.0067, abs=1e-4)
    assert (other.probability, other.meta) == (None, {})
    told = task.meta["audit"][SECTION]
    assert [one["suggestion"] for one in told] == [
        "Leeds (ORG), not Leeds (LOC): 99 %, not 1 %",
        "York (ORG), not no entity: 98 %, not 2 %",
    ]
    assert told[1]["spans"] == [{"start": 11, "end": 15, "label": "ORG"}]
    assert (task.text, task.id, task.tokens) == (own.text, 2, own.tokens)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_holds_the_task(
    name: str, corpus: AuditedCorpus, errors: LabelErrors, tmp_path: Path
) -> None:
    path = tmp_path / f"review.{ {'uima': 'zip', 'table': 'csv'}.get(name, 'out') }"
    assert write(review_records(corpus, {SECTION: label_error_tasks(errors)}), path, name) == 1
    [again] = read(path, name)
    own = corpus.parts["train"].texts[1].record
    assert again.text.split() == own.text.split()
    found = [(again.text[one.start : one.end], one.label) for one in again.spans or ()]
    assert found == [("Leeds", "LOC"), ("London", "LOC")]
