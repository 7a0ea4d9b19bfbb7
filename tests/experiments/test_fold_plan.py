from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.tokens import DocBin
from thinc.api import Config

from spacy_ner_plus.data.splitting.annotated_corpus import AnnotatedCorpus
from spacy_ner_plus.experiments.fold_plan import describe_folds, plan_cross_validation
from spacy_ner_plus.experiments.runs import Plan
from tests.data.splitting.test_stratification import make_counts
from tests.experiments.samples import make_scores, read_config


def make_corpus(n_docs: int = 83, n_labels: int = 3) -> AnnotatedCorpus:
    docs = DocBin()
    docs.tokens = [np.zeros((1, 4), dtype=np.uint64)] * n_docs
    labels = tuple("ABCDEF"[:n_labels])
    return AnnotatedCorpus(
        docs, labels, make_counts(0, n_docs=n_docs, n_labels=n_labels), "abc", Path("a.spacy")
    )


def make_plan(corpus: AnnotatedCorpus, config: Config | None = None, **settings: Any) -> Plan:
    arguments: dict[str, Any] = {"folds": 5, "dev_share": 0.1, "seed": 0, "further_settings": {}}
    return plan_cross_validation(
        (config or read_config()).interpolate(), corpus, **{**arguments, **settings}
    )


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_each_document_is_scored_once_and_not_seen_before(folds: int) -> None:
    corpus = make_corpus()
    runs = make_plan(corpus, folds=folds).runs
    tested = [doc for run in runs for doc in run.test]
    assert sorted(tested) == list(range(83))
    for run in runs:
        assert sorted([*run.train, *run.dev, *run.test]) == list(range(83))
        assert abs(len(run.dev) - 0.1 * (83 - len(run.test))) <= 0.5
    sizes = [len(run.test) for run in runs]
    assert max(sizes) - min(sizes) <= 1


def test_folds_and_development_documents_are_balanced() -> None:
    corpus = make_corpus(400)
    share = corpus.counts.sum(axis=0) / len(corpus)
    for run in make_plan(corpus).runs:
        for documents in (run.test, run.dev):
            found = corpus.counts[documents].sum(axis=0) / len(documents)
            assert np.allclose(found, share, rtol=0.25)


def test_plan_is_the_same_again_and_another_with_another_seed() -> None:
    corpus = make_corpus()
    assert make_plan(corpus).record() == make_plan(corpus).record()
    assert make_plan(corpus, seed=1).runs != make_plan(corpus).runs


def test_training_has_the_seed_of_the_config_or_else_of_the_folds() -> None:
    corpus, config = make_corpus(), read_config()
    assert {run.seed for run in make_plan(corpus, config, seed=8).runs} == {3}
    config["training"]["seed"] = None
    assert {run.seed for run in make_plan(corpus, config, seed=8).runs} == {8}


def test_settings_say_what_decides_the_scores() -> None:
    settings = make_plan(make_corpus(), further_settings={"code": "123"}).settings
    expected = {"data_sha256": "abc", "folds": 5, "seed": 0, "dev_share": 0.1, "code": "123"}
    assert {key: settings[key] for key in expected} == expected
    assert settings["training.dropout"] == 0.1


def test_plan_refuses_what_can_not_be_divided() -> None:
    with pytest.raises(ValueError, match="--folds must be 2 at least, got 1"):
        make_plan(make_corpus(), folds=1)
    with pytest.raises(ValueError, match=r"5 folds need as many documents .* only 4 in a\.spacy"):
        make_plan(make_corpus(4))
    corpus = make_corpus(40)
    corpus.counts[:3] = 1
    corpus.counts[3:] = 0
    with pytest.raises(ValueError, match=r"as many documents with entities .* only 3"):
        make_plan(corpus)


def test_describe_folds_counts_documents_and_entities() -> None:
    corpus = make_corpus()
    plan = make_plan(corpus)
    scores = [make_scores(i / 10) for i in range(5)]
    folds = describe_folds(plan, corpus, scores)
    assert [fold.scores for fold in folds] == scores
    assert [fold.name for fold in folds] == [run.name for run in plan.runs]
    assert sum(fold.n_docs.test for fold in folds) == 83
    assert sum(fold.n_entities.test for fold in folds) == corpus.counts.sum()
    assert all(sum(vars(fold.n_entities).values()) == corpus.counts.sum() for fold in folds)
