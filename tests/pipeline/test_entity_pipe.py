"""What every component gets that finds entities: shown with toys of some lines each."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.debug_data import debug_data
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config
from spacy.vocab import Vocab

from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.pipeline.annotating import Annotator
from tests.pipeline.lookup_pipelines import TEXT, WORDS, add_lookup, found, lookup_nlp, toy_nlp
from tests.pipeline.lookups import BAD_WORD, Lookup
from tests.pipeline.samples import make_examples, probabilities


def test_entities_have_probabilities_on_the_doc_and_in_the_spans() -> None:
    doc = lookup_nlp()("no fever , some pain")
    assert found(doc) == [("fever", "Disease", 0.4), ("pain", "Disease", 0.9)]
    group = doc.spans["lookup"]
    assert list(group) == list(doc.ents)
    assert group.attrs["scores"].tolist() == [0.4, 0.9]
    assert doc.has_annotation("ENT_IOB", require_complete=True)


def test_entity_of_unknown_probability_has_none_and_the_spans_have_no_scores() -> None:
    doc = lookup_nlp(threshold=0.8)(TEXT)
    assert found(doc) == [("pain", "Disease", 0.9), ("cough", "Disease", None)]
    assert len(doc.spans["lookup"]) == 2 and "scores" not in doc.spans["lookup"].attrs


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (None, ["fever", "pain", "aspirin", "cough"]),
        (0.7, ["pain", "aspirin", "cough"]),
        ({"Disease": 0.5}, ["pain", "aspirin", "cough"]),
        ({"Chemical": 1.0, "Disease": 0.0}, ["fever", "pain", "cough"]),
    ],
)
def test_threshold(threshold: Any, expected: list[str]) -> None:
    nlp = lookup_nlp(threshold=threshold)
    assert [ent.text for ent in nlp(TEXT).ents] == expected


def test_thresholds_are_checked_and_told() -> None:
    with pytest.raises(ValueError, match="must be a probability"):
        lookup_nlp(threshold=1.5)
    lookup: Any = lookup_nlp(threshold={"Disease": 0.5, "Chemical": 0.0}).get_pipe("lookup")
    assert lookup.least_probabilities() == {"Disease": 0.5}
    lookup.threshold = {"Place": 0.5}
    with pytest.raises(ValueError, match=r"threshold names the types \['Place'\]"):
        lookup.least_probabilities()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.5, True, "half", [0.5]])
@pytest.mark.parametrize("of_label", [False, True])
def test_threshold_that_is_no_probability_is_refused_whenever_it_was_set(
    value: Any, of_label: bool
) -> None:
    threshold = {"Disease": value} if of_label else value
    message = r"threshold = .* must be a probability, from 0 to 1"
    with pytest.raises(ValueError, match=message):
        Lookup(Vocab(), "lookup", threshold=threshold)
    nlp = lookup_nlp()
    nlp.get_pipe("lookup").threshold = threshold  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=message):
        nlp(TEXT)


@pytest.mark.parametrize("value", [1.5, -0.1, float("inf"), float("-inf")])
def test_finding_with_an_impossible_probability_is_an_error(value: float) -> None:
    nlp = lookup_nlp({**WORDS, "flu": ("Disease", value)})
    assert len(nlp(TEXT).ents) == 4
    with pytest.raises(ValueError, match=rf"Entity 1 was found with the probability {value}"):
        nlp("pain flu")


def test_entities_of_unknown_probability_are_not_calibrated_on() -> None:
    nlp = toy_nlp("test_calibrated_lookup")
    toy: Any = nlp.get_pipe("toy")
    toy.words = {"right": ("A", 0.9), "wrong": ("A", None)}
    doc = Doc(nlp.vocab, words=["right", "wrong"] * 60)
    doc.set_ents([Span(doc, i, i + 1, "A") for i in range(0, 120, 2)])
    for method in (toy.calibrate, toy.agreement):
        with pytest.raises(ValueError, match=r"60 of the 120 entities .* have no probability"):
            method([Example(nlp.make_doc(doc.text), doc)])
    assert toy.calibration == Calibration()


@pytest.mark.parametrize(
    ("existing_ents", "expected"),
    [("keep", [("aspirin", "Brand", None)]), ("overwrite", [("aspirin", "Chemical", 0.7)])],
)
def test_entities_that_are_there(existing_ents: str, expected: list[Any]) -> None:
    nlp = lookup_nlp(existing_ents=existing_ents)
    doc = nlp.make_doc("aspirin for pain")
    doc.set_ents([Span(doc, 0, 1, "Brand")])
    assert found(nlp(doc)) == [*expected, ("pain", "Disease", 0.9)]


def test_component_that_cannot_constrain_says_so() -> None:
    message = r"existing_ents = 'constrain' is unknown: use one of \('keep', 'overwrite'\)"
    with pytest.raises(ValueError, match=message):
        lookup_nlp(existing_ents="constrain")


def test_existing_ents_that_a_component_cannot_do_is_refused_whenever_it_was_set() -> None:
    """It would be taken for "keep"."""
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.existing_ents = "constrain"
    doc = Doc(lookup.vocab, words=["pain"])
    for use in (lookup, lambda doc: lookup.set_annotations([doc], lookup.predict([doc]))):
        with pytest.raises(ValueError, match="existing_ents = 'constrain' is unknown"):
            use(doc)
    assert not doc.ents


# Streams


WRONG_SETTINGS = {
    "threshold": [{"Place": 0.5}, {"Disease": 2.0}, "high"],
    "existing_ents": ["constrain", "none"],
}


@pytest.mark.parametrize(
    ("setting", "value"),
    [(name, value) for name in WRONG_SETTINGS for value in WRONG_SETTINGS[name]],
)
def test_wrong_setting_is_no_documents_fault(setting: str, value: Any) -> None:
    """Nor is one that becomes wrong on the way."""
    nlp = lookup_nlp()
    failed: list[Any] = []
    nlp.set_error_handler(lambda *arguments: failed.append(arguments))
    lookup: Any = nlp.get_pipe("lookup")
    setattr(lookup, setting, value)
    taken: list[str] = []
    texts = (taken.append(text) or nlp.make_doc(text) for text in ["pain", BAD_WORD, "fever"])  # type: ignore[func-returns-value]
    with pytest.raises(ValueError, match=setting):
        list(lookup.pipe(texts))
    assert (failed, taken) == ([], [])
    setattr(lookup, setting, {"threshold": None, "existing_ents": "keep"}[setting])
    stream = lookup.pipe(texts, batch_size=1)
    assert next(stream).text == "pain"
    setattr(lookup, setting, value)
    with pytest.raises(ValueError, match=setting):
        next(stream)
    assert failed == []


def test_one_annotator_writes_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    lookup: Any = lookup_nlp().get_pipe("lookup")
    lookup.set_error_handler(lambda *arguments: None)
    made: list[Annotator] = []
    used: list[Annotator] = []
    annotator, write = Lookup.annotator, Annotator.write

    def make(self: Lookup) -> Annotator:
        made.append(annotator(self))
        return made[-1]

    def note(self: Annotator, doc: Doc, entities: Entities) -> None:
        used.append(self)
        write(self, doc, entities)

    monkeypatch.setattr(Lookup, "annotator", make)
    monkeypatch.setattr(Annotator, "write", note)
    texts = ["pain", "fever", BAD_WORD, "pain", "fever", "pain", "aspirin"]
    docs = [Doc(lookup.vocab, words=[text]) for text in texts]
    assert len(list(lookup.pipe(docs, batch_size=4))) == 6
    first, second = dict.fromkeys(used)
    assert used == [first] * 3 + [second] * 3
    assert len(made) == 3  # and one to check the settings


def test_only_documents_that_fail_by_themselves_reach_the_error_handler() -> None:
    nlp = lookup_nlp()
    failed = []
    nlp.set_error_handler(lambda name, proc, docs, error: failed.append((name, docs, error)))
    texts = ["pain", f"pain {BAD_WORD}", "fever", f"{BAD_WORD}", "aspirin"]
    docs = list(nlp.pipe(texts, batch_size=3))
    assert [doc.text for doc in docs] == ["pain", "fever", "aspirin"]
    assert all(len(doc.ents) == 1 for doc in docs)
    assert [(name, [doc.text for doc in its]) for name, its, _ in failed] == [
        ("lookup", [texts[1]]),
        ("lookup", [texts[3]]),
    ]
    assert all(isinstance(error, RuntimeError) for *_, error in failed)


def test_error_is_raised_where_nobody_handles_it() -> None:
    nlp = lookup_nlp()
    with pytest.raises(RuntimeError, match="a bad word"):
        nlp(BAD_WORD)
    with pytest.raises(RuntimeError, match="a bad word"):
        list(nlp.pipe(["pain", BAD_WORD]))


def test_two_processes(toy: Language) -> None:
    """By fork, where there is that. Those that are spawned get a pickled pipeline: see there."""
    texts = [example.text for example in make_examples(toy, 8)]
    docs = list(toy.pipe(texts, n_process=2, batch_size=2))
    expected = list(toy.pipe(texts))
    assert sum(len(doc.ents) for doc in docs) > 8
    assert [found(doc) for doc in docs] == [found(doc) for doc in expected]
    scores = [doc.spans["toy"].attrs["scores"].tolist() for doc in docs]
    assert scores == [probabilities(doc) for doc in expected]


# spaCy's own ways


def test_component_that_is_not_trained_is_in_nobodys_way(tmp_path: Path) -> None:
    nlp = lookup_nlp()
    learned: Any = nlp.add_pipe("test_learned_lookup", name="learned")
    nlp.add_pipe("sentencizer")
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    lookup: Any = nlp.get_pipe("lookup")
    assert not lookup.is_trainable and learned.is_trainable
    assert lookup.words == WORDS
    assert nlp.update(examples, sgd=optimizer) == {"learned": 1.0}
    nlp.resume_training()
    assert nlp.rehearse(examples) == {}
    with nlp.use_params({}):
        assert nlp.evaluate(make_examples(nlp))["ents_f"] > 0.4
    assert nlp.analyze_pipes()["summary"]["lookup"]["assigns"] == []
    assert nlp.pipe_labels["learned"] == ["Chemical", "Disease"]
    assert learned.label_data == ["Chemical", "Disease"]
    with nlp.select_pipes(enable="lookup"), nlp.memory_zone():
        assert len(nlp("pain").ents) == 1


@pytest.mark.slow
def test_toys_are_trained_and_their_data_debugged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("test_lookup", name="lookup")
    nlp.add_pipe("test_learned_lookup", name="learned")
    examples = make_examples(nlp, 130)
    corpora = {}
    for name, its in (("train", examples[:100]), ("dev", examples[100:])):
        path = tmp_path / f"{name}.spacy"
        DocBin(docs=[example.reference for example in its]).to_disk(path)
        corpora[name] = {"@readers": "spacy.Corpus.v1", "path": str(path)}
    settings = {"max_steps": 2, "eval_frequency": 1, "seed": 0}
    nlp.config = nlp.config.merge({"corpora": corpora, "training": settings})
    nlp.config.to_disk(tmp_path / "config.cfg")
    debug_data(tmp_path / "config.cfg", silent=False)
    assert "Training pipeline: lookup, learned" in capsys.readouterr().out
    made = init_nlp(load_config(tmp_path / "config.cfg"))
    train(made, tmp_path)
    best = spacy.load(tmp_path / "model-best")
    scores = best.evaluate([Example(eg.predicted, eg.reference) for eg in make_examples(best)])
    assert scores["ents_f"] > 0.4


def test_what_a_batch_that_fails_has_counted_is_not_counted_twice() -> None:
    nlp = spacy.blank("en")
    lookup = add_lookup(nlp)
    lookup.set_error_handler(lambda *_: None)
    predict = lookup.predict

    def counting(docs: Iterable[Doc]) -> list[Entities]:
        docs = list(docs)
        lookup.refused["seen"] += len(docs)
        return predict(docs)

    lookup.predict = counting  # type: ignore[method-assign]
    texts = ["pain", f"pain {BAD_WORD}", "fever"]
    assert len(list(lookup.pipe(nlp.make_doc(text) for text in texts))) == 2
    assert lookup.refused == {"seen": 3}
