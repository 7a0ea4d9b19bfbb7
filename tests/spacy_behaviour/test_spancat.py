"""spaCy's tests of `spancat` as the yardstick, for doc.spans and its scores.

Read in spaCy 3.8.18: tests/pipeline/test_spancat.py, and of test_cli.py those of find-threshold.

| spaCy's test | applies | here, or why not |
|---|---|---|
| test_no_label | yes | test_no_label_is_an_error |
| test_no_resize | differs | labels may be added later: \
test_ner.test_new_label_changes_no_prediction |
| test_implicit_labels | yes, sorted | test_labels_come_from_examples_sorted |
| test_explicit_labels | yes, sorted | test_labels_added_are_sorted_at_initialize |
| test_doc_gc | no | spaCy skips it: a group without its Doc is an error of spaCy's |
| test_make_spangroup_multilabel, _singlelabel | in part | entities do not overlap, so there is no \
max_positive; scores and threshold: test_scores_go_with_their_spans, \
test_threshold_leaves_out_improbable_spans |
| test_make_spangroup_negative_label | no | O is a tag, not a label |
| test_ngram_suggester, test_ngram_sizes, test_preset_spans_suggester, test_set_candidates | no | \
nothing is suggested: the CRF sums over all spans |
| test_overfitting_IO | yes | test_spans_survive_disk, test_spans_can_be_scored, \
test_span_that_is_the_whole_doc |
| test_overfitting_IO_overlapping | no | entities do not overlap |
| test_zero_suggestions | yes | test_docs_without_entities_have_an_empty_group |
| test_spancat_multiprocessing | yes | tests/pipeline/test_processes.py |
| test_cli_find_threshold | yes | test_find_threshold |
"""

from pathlib import Path

import pytest
import spacy
from spacy.cli.find_threshold import find_threshold
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import DocBin, SpanGroup
from spacy.training import Example

from tests.pipeline.samples import make_nlp
from tests.spacy_behaviour.sentences import SENTENCES, TEXTS, examples, found

KEY = "ner_plus"


def test_no_label_is_an_error(encoder: Path) -> None:
    with pytest.raises(ValueError, match="no labels"):
        make_nlp(encoder).initialize()


def test_labels_come_from_examples_sorted(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    nlp.initialize(lambda: examples(nlp)[::-1])
    assert nlp.get_pipe("ner_plus").labels == ("PERSON", "PLACE")


def test_labels_added_are_sorted_at_initialize(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    for label in ("PLACE", "PERSON"):
        nlp.get_pipe("ner_plus").add_label(label)
    nlp.initialize()
    assert nlp.get_pipe("ner_plus").labels == ("PERSON", "PLACE")


def test_scores_go_with_their_spans(eager: Language) -> None:
    docs = list(eager.pipe(TEXTS))
    assert any(doc.ents for doc in docs)
    for doc in docs:
        group = doc.spans[KEY]
        assert isinstance(group, SpanGroup) and group.name == KEY
        assert [(s.start, s.end, s.label_) for s in group] == [
            (ent.start, ent.end, ent.label_) for ent in doc.ents
        ]
        assert list(group.attrs["scores"]) == [ent._.probability for ent in doc.ents]


@pytest.mark.slow
def test_threshold_leaves_out_improbable_spans(own: Language) -> None:
    ner = own.get_pipe("ner_plus")
    doc = own(TEXTS[1])
    low, high = sorted(doc.spans[KEY].attrs["scores"])
    assert low < high
    ner.threshold = (low + high) / 2
    assert list(own(TEXTS[1]).spans[KEY].attrs["scores"]) == [high]
    ner.threshold = {"PERSON": 1.0}
    assert found(own(TEXTS[1])) == SENTENCES[1][1]
    assert found(own(TEXTS[2])) == [SENTENCES[2][1][1]]


def test_spans_survive_disk(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path)
    first, second = trained(TEXTS[0]), spacy.load(tmp_path)(TEXTS[0])
    assert [span.text for span in second.spans[KEY]] == ["Ada Lovelace", "Babbage"]
    assert min(second.spans[KEY].attrs["scores"]) > 0.8
    assert list(first.spans[KEY].attrs["scores"]) == list(second.spans[KEY].attrs["scores"])


def test_spans_can_be_scored(trained: Language) -> None:
    gold = examples(trained)
    for example in gold:
        example.reference.spans[KEY] = example.reference.ents
    for example in gold:
        example.predicted = trained(example.reference.text)
    scores = Scorer.score_spans(
        gold, attr=f"spans_{KEY}", getter=lambda doc, _: doc.spans.get(KEY, [])
    )
    assert scores[f"spans_{KEY}_f"] == 1.0


def test_span_that_is_the_whole_doc(trained: Language) -> None:
    doc = trained("Babbage")
    assert [(span.start, span.end) for span in doc.spans[KEY]] == [(0, 1)]


def test_docs_without_entities_have_an_empty_group(trained: Language) -> None:
    texts = ["", TEXTS[3], TEXTS[0], "", TEXTS[3]]
    for text, doc in zip(texts, trained.pipe(texts), strict=True):
        assert len(doc.spans[KEY]) == len(doc.spans[KEY].attrs["scores"])
        assert len(doc.spans[KEY]) == (2 if text == TEXTS[0] else 0)
    assert all(len(doc.spans[KEY]) == 0 for doc in trained.pipe(["", TEXTS[3]]))


@pytest.mark.slow
def test_find_threshold(trained: Language, trained_dir: Path, tmp_path: Path) -> None:
    """The command sets components.ner_plus.threshold to each of some values and scores."""
    path = tmp_path / "dev.spacy"
    DocBin(docs=[eg.reference for eg in examples(trained)]).to_disk(path)
    best, score, results = find_threshold(
        trained_dir,
        path,
        pipe_name="ner_plus",
        threshold_key="threshold",
        scores_key="ents_f",
        n_trials=3,
        use_gpu=-1,
        gold_preproc=False,
        silent=True,
    )
    assert score == 1.0 == results[best]
    assert sorted(results) == [0.0, 0.5, 1.0]
    assert results[1.0] < 1.0  # no probability is quite 1


def test_example_of_spans_only_teaches_nothing(own: Language) -> None:
    """spancat learns from doc.spans, ner_plus from doc.ents: without those, nothing is known."""
    gold = {"spans": {KEY: [(0, 12, "PERSON")]}}
    example = Example.from_dict(own.make_doc(TEXTS[0]), gold)
    assert own.update([example], sgd=False)["ner_plus"] == 0.0
