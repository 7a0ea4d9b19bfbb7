"""Errors that are planted in a small corpus, and the tiny models that are to find them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus import SpanRecord, TextRecord, audit_data
from spacy_ner_plus.audit.audited import AuditedCorpus
from spacy_ner_plus.audit.label_errors import cross_validated
from spacy_ner_plus.audit.label_errors.find import find_label_errors
from spacy_ner_plus.audit.label_errors.judges import Folds, check_judge
from tests.annotated_texts import make_rows
from tests.audit.corpora import make_corpus, write_parts
from tests.experiments.samples import config_text

N_TEXTS = 90
STEPS: Mapping[str, int] = {"training.max_steps": 60, "training.eval_frequency": 30}


def records() -> list[TextRecord]:
    return [TextRecord.from_json(row) for row in make_rows(N_TEXTS)]


def planted(texts: list[TextRecord]) -> tuple[list[TextRecord], set[tuple[int, int]]]:
    """With wrong labels, missing and spurious entities: where they are, by text and character."""
    places = set()
    made = list(texts)
    with_spans = [i for i, text in enumerate(texts) if text.spans]
    for number, i in enumerate(with_spans[::12]):
        text, (span, *others) = texts[i], texts[i].spans or ()
        if number % 3 == 0:
            other = {"Drug": "Disease", "Disease": "Drug"}[span.label]
            spans = [replace(span, label=other), *others]
        elif number % 3 == 1:
            spans = others
        else:
            span = SpanRecord(0, len("Case"), "Drug")
            spans = [span, *(text.spans or ())]
        made[i] = replace(text, spans=tuple(spans))
        places.add((i, span.start))
    return made, places


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.cfg"
    path.write_text(config_text(log_file=tmp_path / "log.jsonl"), encoding="utf8")
    return path


@pytest.fixture
def folds(tmp_path: Path, config: Path) -> Folds:
    return Folds(tmp_path / "work", 3, config=config, overrides=STEPS)


def as_parts(texts: list[TextRecord]) -> AuditedCorpus:
    return make_corpus({"train": texts[:60], "test": texts[60:]})


def test_planted_errors_are_found_and_folds_that_are_done_are_not_done_again(
    folds: Folds, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, places = planted(records())
    corpus = as_parts(texts)
    trained = []
    train = cross_validated.carry_out

    def interrupted(run, folder, **settings):  # type: ignore[no-untyped-def]
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(run.name)
        return train(run, folder, **settings)

    monkeypatch.setattr(cross_validated, "carry_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        find_label_errors(corpus, folds)
    monkeypatch.setattr(
        cross_validated,
        "carry_out",
        lambda run, folder, **settings: trained.append(run.name) or train(run, folder, **settings),
    )
    found = find_label_errors(corpus, folds)
    assert trained == ["fold-1", "fold-2", "fold-3"]
    assert find_label_errors(corpus, folds) == found
    with pytest.raises(ValueError, match="runs with other settings"):
        find_label_errors(corpus, replace(folds, n=2))

    first = {
        (one.occurrence.number + 60 * (one.occurrence.part == "test"), one.occurrence.start)
        for one in found.findings[: len(places)]
    }
    assert len(first & places) >= len(places) - 1, (found, places)
    assert found.by_kind.keys() >= {"missing", "spurious", "label"}
    assert found.unknown_labels == []
    assert not (folds.output / "fold-1" / "model-best").exists()


def test_a_given_pipeline_judges_what_it_has_not_seen(folds: Folds, tmp_path: Path) -> None:
    texts, places = planted(records())
    right = as_parts(records())
    find_label_errors(right, replace(folds, keep_models=True))
    files = write_parts(tmp_path / "data", {"train": texts})
    model = folds.output / "fold-1" / "model-best"
    audit = audit_data(files["train"], judge=model, sections=["label_errors"])
    found = audit.findings.sections["label_errors"]
    first = {(one.occurrence.number, one.occurrence.start) for one in found.findings[: len(places)]}
    assert len(first & places) >= len(places) - 1
    assert audit.review and "Likely label errors" in audit.page


def test_what_is_wrong_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There is no pipeline"):
        check_judge(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="--folds must be 2 at least, got 1"):
        check_judge(Folds(tmp_path, 1))
    with pytest.raises(ValueError, match="there is no such file"):
        check_judge(Folds(tmp_path, 2, config=tmp_path / "no.cfg"))
    blank = spacy.blank("en")
    blank.add_pipe("sentencizer")
    blank.to_disk(tmp_path / "blank")
    with pytest.raises(ValueError, match="no component that says how probable"):
        find_label_errors(as_parts(records()), tmp_path / "blank")
