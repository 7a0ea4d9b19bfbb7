from pathlib import Path

import pytest
from spacy import util
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from thinc.api import Config

from spacy_ner_plus.experiments.corpus import read_corpus
from spacy_ner_plus.experiments.runs import Run
from spacy_ner_plus.experiments.trial import (
    carry_out,
    config_of_run,
    config_settings,
    corpus_names,
    read_examples,
    remove_models,
)
from spacy_ner_plus.scoring import count_spans, summarise
from tests.experiments.samples import config_text, read_config, write_corpus

pytestmark = pytest.mark.slow

RUN = Run("run", "Run", 5, list(range(30)), list(range(30, 40)), list(range(40, 60)))


@pytest.mark.parametrize("name", ["ner", "ner_plus"])
def test_carry_out_scores_the_best_model_on_documents_held_out(tmp_path: Path, name: str) -> None:
    corpus = read_corpus(write_corpus(tmp_path / "all.spacy", 0, 60))
    config = read_config(name)
    scores = carry_out(RUN, tmp_path, config=config, corpus=corpus)
    assert (tmp_path / "log.jsonl").is_file()
    nlp = util.load_model(tmp_path / "model-best")
    examples = read_examples(nlp, tmp_path / "test.spacy")
    assert [eg.reference.user_data["number"] for eg in examples] == RUN.test
    for example in examples:
        example.predicted = nlp(example.predicted)
    expected = get_ner_prf(examples)
    own = summarise(
        count_spans(
            [(e.start, e.end, e.label_) for e in eg.reference.ents],
            [(e.start, e.end, e.label_) for e in eg.predicted.ents],
        )
        for eg in examples
    )
    micro = scores["micro"]
    assert micro["f1"] > 0.1  # it has learned something, so that the scores are of this model
    assert (micro["precision"], micro["recall"]) == (expected["ents_p"], expected["ents_r"])
    assert micro["f1"] == pytest.approx(own.micro.f1)
    assert micro["support"] == own.micro.support
    assert scores["macro"]["f1"] == pytest.approx(own.macro_f1)
    assert scores["macro"]["recall"] == pytest.approx(own.macro_recall)
    assert scores["per_type"].keys() == own.per_type.keys()
    for label, counts in own.per_type.items():
        assert scores["per_type"][label]["f1"] == pytest.approx(counts.f1)
        assert scores["per_type"][label]["support"] == counts.support
    remove_models(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.spacy", "log.jsonl"]


def test_config_of_run_sets_data_seed_and_log_file(tmp_path: Path) -> None:
    config = read_config()
    own = config_of_run(config, tmp_path, 17).interpolate()
    assert own["corpora"]["train"]["path"] == str(tmp_path / "train.spacy")
    assert own["corpora"]["dev"]["path"] == str(tmp_path / "dev.spacy")
    assert own["training"]["seed"] == 17
    assert own["training"]["logger"]["output_file"] == str(tmp_path / "log.jsonl")
    assert config["corpora"]["train"]["path"] is None


def test_config_settings_leaves_out_what_changes_no_score() -> None:
    config = Config().from_str('[paths]\ntrain = "x"\n' + config_text()).interpolate()
    settings = config_settings(config)
    assert settings["training.max_steps"] == 30
    assert settings["corpora.train.@readers"] == "spacy_ner_plus.Corpus.v1"
    changed = Config(config).copy()
    changed["paths"]["train"] = "y"
    changed["corpora"]["dev"]["path"] = "z"
    changed["training"]["logger"]["output_file"] = "other.jsonl"
    assert config_settings(changed) == settings


def test_corpus_names_refuses_corpora_that_can_not_be_set() -> None:
    config = read_config()
    del config["corpora"]["dev"]["path"]
    with pytest.raises(ValueError, match=r"no setting corpora\.dev\.path"):
        corpus_names(config)
    config["training"]["dev_corpus"] = "corpora.train"
    with pytest.raises(ValueError, match="must be two corpora"):
        corpus_names(config)


def test_carry_out_refuses_pipelines_without_entities_before_training(tmp_path: Path) -> None:
    corpus = read_corpus(write_corpus(tmp_path / "all.spacy", 0, 60))
    config = read_config()
    config["nlp"]["pipeline"] = ["sentencizer"]
    config["components"] = {"sentencizer": {"factory": "sentencizer"}}
    with pytest.raises(ValueError, match=r"No component .* scores entities. It has: sentencizer"):
        carry_out(RUN, tmp_path, config=config, corpus=corpus)
    assert not (tmp_path / "model-last").exists()


@pytest.mark.parametrize("name", ["ner", "ner_plus"])
def test_carry_out_misses_entities_of_types_that_it_was_not_taught(
    tmp_path: Path, name: str
) -> None:
    docs = list(read_corpus(write_corpus(tmp_path / "all.spacy", 0, 20)).docs.get_docs(Vocab()))
    docs += [Doc(docs[0].vocab, words=["in", "Basel"], ents=["O", "B-Place"])] * 2
    DocBin(docs=docs).to_disk(tmp_path / "all.spacy")
    corpus = read_corpus(tmp_path / "all.spacy")
    run = Run("run", "Run", 5, list(range(10)), [10, 20], [11, 21])
    scores = carry_out(run, tmp_path, config=read_config(name), corpus=corpus)
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert scores["per_type"]["Place"] == nothing
