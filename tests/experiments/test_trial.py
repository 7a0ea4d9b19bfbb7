from pathlib import Path

import pytest
import spacy
from spacy import util
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Config

from spacy_ner_plus.annotation.entity_source import EntitySource, EntitySources
from spacy_ner_plus.data.splitting.annotated_corpus import read_corpus
from spacy_ner_plus.experiments.results import SupportedMeasures
from spacy_ner_plus.experiments.runs import Run
from spacy_ner_plus.experiments.trial import (
    carry_out,
    config_of_run,
    config_settings,
    corpus_names,
    read_examples,
    remove_models,
    score_model,
)
from spacy_ner_plus.pipeline.scorer import count_entities
from tests.experiments.samples import config_text, read_config, write_corpus
from tests.metrics import naive
from tests.pipeline.nested_toy import KEY, TEXT, add_nested, nested_doc

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
    labels, table = count_entities(examples)
    counts = dict(zip(labels, table.tolist(), strict=True))
    assert scores.micro.f1 > 0.1  # it has learned something, so that the scores are of this model
    for its, ratios in [
        (scores.micro, [expected[f"ents_{key}"] for key in "prf"]),
        (scores.macro, naive.macro(counts)),
        *((scores.per_type[x], expected["ents_per_type"][x].values()) for x in scores.per_type),
    ]:
        assert (its.precision, its.recall, its.f1) == pytest.approx(tuple(ratios))
    assert scores.micro.support == sum(len(eg.reference.ents) for eg in examples)
    for label, its in scores.per_type.items():
        gold = [e for eg in examples for e in eg.reference.ents if e.label_ == label]
        assert its.support == len(gold)
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
    changed["training"]["logger"] = None
    assert config_settings(changed) == settings
    changed["training"]["logger_two"] = None
    assert config_settings(changed) != settings


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
    message = r"No component .* scores entities in doc\.ents\. It has: sentencizer"
    with pytest.raises(ValueError, match=message):
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
    assert scores.per_type["Place"] == SupportedMeasures(0.0, 0.0, 0.0, support=1)


def test_score_model_names_documents_without_entities(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["in", "Basel"], ents=["O", "O"])
    examples = [Example(nlp.make_doc("in Basel"), doc)] * 3
    message = rf"The 3 documents to score, those of {tmp_path}, have no .*: annotate more"
    with pytest.raises(ValueError, match=message):
        score_model(nlp, examples, tmp_path)


def test_score_model_tells_outermost_and_inner_entities_apart(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    add_nested(nlp)
    examples = [Example(nlp.make_doc(TEXT), nested_doc(nlp.vocab)) for _ in range(2)]
    source = EntitySource(KEY)
    scores = score_model(nlp, examples, tmp_path, EntitySources(source, source))
    assert (scores.micro.f1, scores.micro.support) == (pytest.approx(0.8), 10)
    assert scores.outer == SupportedMeasures(1.0, 1.0, 1.0, 4)
    assert scores.inner == SupportedMeasures(*[pytest.approx(2 / 3)] * 3, 6)
    assert score_model(nlp, examples, tmp_path).inner is None  # of doc.ents
