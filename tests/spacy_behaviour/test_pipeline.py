"""spaCy's tests of what any trainable component does in a pipeline, as the yardstick.

Read in spaCy 3.8.18: tests/pipeline/test_pipe_methods.py, test_pipe_factories.py,
test_initialize.py, test_annotates_on_update.py, test_entity_ruler.py, test_analysis.py,
test_tok2vec.py, tests/test_language.py, tests/serialize/test_serialize_pipeline.py (predicting).
Tests of Language alone, with components of no importance, are left out.

| spaCy's test | applies | here, or why not |
|---|---|---|
| test_issue3456, test_issue3880 | yes | test_empty_text_anywhere_in_a_batch |
| test_issue5082 | yes | test_entities_can_be_merged |
| test_add_pipe_no_name, _duplicate_name, test_replace_last_pipe, test_rename_pipe, \
test_remove_pipe, test_disable_pipes_* | yes | test_component_is_replaced_renamed_and_removed, \
test_disabled_component_does_nothing |
| test_pipe_base_class_add_label, test_pipe_labels | yes | test_labels_of_the_pipeline |
| test_pipe_label_data_exports_labels | yes | test_label_data_goes_into_initialize |
| test_pipe_methods_initialize | yes | test_initialize_block_follows_the_component |
| test_pipe_methods_frozen, test_enable_disable_*, test_load_disable_enable | no | Language alone |
| test_multiple_predictions, test_raise_for_invalid_components | no | the base class alone |
| test_initialize_arguments | yes | test_initialize_checks_its_arguments |
| test_update_with_annotates, test_annotates_on_update, test_annotating_components_from_config | \
yes | test_annotating_component_shows_its_entities_to_the_next |
| test_component_factories_class_func, test_analysis_* | yes | tests/pipeline/test_lazy.py |
| test_language_factories_combine_score_weights, test_language_factories_scores | yes | \
test_score_weights_are_shared_with_other_components |
| test_pipe_factory_meta_config_cleanup | yes | test_component_leaves_no_trace_when_removed |
| test_pipe_factories_from_source | yes | test_component_from_another_pipeline |
| test_pipe_factories_from_source_config | yes | test_component_sourced_in_a_config |
| test_pipe_factories_language_specific, _empty_dict_default, _wrong_formats, ... | no | the \
registry of factories alone |
| test_issue3345, test_entity_ruler_existing* | yes | \
test_ner.test_ruler_before_the_component_wins; \
test_ruler_that_overwrites |
| test_issue4849, test_entity_ruler_multiprocessing, other test_entity_ruler_* | no | the ruler \
alone |
| test_language_update | yes | test_update_refuses_what_is_no_example |
| test_language_evaluate, test_evaluate_no_pipe | yes | test_evaluate_scores_entities |
| test_language_pipe, test_language_pipe_stream | yes | test_pipe_takes_a_stream; in processes: \
tests/pipeline/test_processes.py |
| test_language_pipe_error_handler* | yes | test_error_handler_gets_the_failing_doc_alone, \
test_error_handler_with_tuples |
| test_language_custom_tokenizer, test_language_whitespace_tokenizer | yes | test_custom_tokenizer |
| test_pass_doc_to_pipeline, test_component_return | yes | test_doc_goes_through_as_itself |
| test_invalid_arg_to_pipeline | no | Language alone |
| test_multiprocessing_gpu_warning | yes | tests/pipeline/test_processes.py |
| test_dot_in_factory_names | no | the name has none |
| test_tok2vec_listener*, test_replace_listeners*, test_tok2vec_frozen_* | yes | tests of \
TokenTagger.v1 |
"""

import itertools
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.lang.en import English
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import get_arg_names
from spacy.vocab import Vocab
from thinc.api import ConfigValidationError

from tests.pipeline.samples import add_ner_plus, make_nlp
from tests.spacy_behaviour.sentences import SENTENCES, TEXTS, examples, found

# In a pipeline


@pytest.mark.parametrize("texts", [["", "Babbage"], ["Babbage", ""], ["Babbage", "", ""], [""]])
def test_empty_text_anywhere_in_a_batch(trained: Language, texts: list[str]) -> None:
    assert [len(doc.ents) for doc in trained.pipe(texts)] == [len(text) > 0 for text in texts]


def test_entities_can_be_merged(own: Language) -> None:
    own.add_pipe("merge_entities")
    doc = own(TEXTS[0])
    assert [token.text for token in doc][:2] == ["Ada Lovelace", "wrote"]
    assert found(doc) == SENTENCES[0][1]


def test_component_is_replaced_renamed_and_removed(own: Language, encoder: Path) -> None:
    with pytest.raises(ValueError, match="ner_plus"):
        own.add_pipe("ner_plus")
    own.rename_pipe("ner_plus", "names")
    assert found(own(TEXTS[0])) == SENTENCES[0][1]
    assert own.update(examples(own), sgd=False).keys() == {"names"}
    own.replace_pipe("names", "ner_plus", config={"model": {"name": str(encoder)}})
    assert own.pipe_names == ["names"] and own.get_pipe("names").labels == ()
    assert own.remove_pipe("names")[0] == "names"
    assert own.pipe_names == [] and found(own(TEXTS[0])) == []


def test_component_leaves_no_trace_when_removed(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    meta = nlp.get_pipe_meta("ner_plus")
    assert meta.factory == "ner_plus" and nlp.get_factory_meta("ner_plus").assigns == meta.assigns
    nlp.remove_pipe("ner_plus")
    assert nlp.config["components"] == {} and "ner_plus" not in nlp.pipe_factories
    with pytest.raises(ValueError):
        nlp.get_pipe_meta("ner_plus")


def test_disabled_component_does_nothing(own: Language) -> None:
    with own.select_pipes(disable=["ner_plus"]):
        assert found(own(TEXTS[0])) == []
    assert found(own(TEXTS[0])) == SENTENCES[0][1]
    own.disable_pipe("ner_plus")
    assert own.pipe_names == [] and own.component_names == ["ner_plus"]
    own.enable_pipe("ner_plus")
    assert found(own(TEXTS[0])) == SENTENCES[0][1]


def test_labels_of_the_pipeline(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    add_ner_plus(nlp, encoder, pipe_name="second")
    nlp.get_pipe("ner_plus").add_label("A")
    nlp.get_pipe("second").add_label("B")
    assert nlp.pipe_labels == {"ner_plus": ["A"], "second": ["B"]}


def test_label_data_goes_into_initialize(trained: Language, encoder: Path) -> None:
    data = trained.get_pipe("ner_plus").label_data
    ner = make_nlp(encoder).get_pipe("ner_plus")
    assert "labels" in get_arg_names(ner.initialize)
    ner.initialize(lambda: examples(trained), labels=data)
    assert ner.label_data == data == ["PERSON", "PLACE"]


def test_initialize_block_follows_the_component(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    nlp.config["initialize"]["components"]["ner_plus"] = {"labels": ["A"]}
    nlp.rename_pipe("ner_plus", "names")
    assert nlp.config["initialize"]["components"] == {"names": {"labels": ["A"]}}
    nlp.initialize()
    assert nlp.get_pipe("names").labels == ("A",)
    nlp.remove_pipe("names")
    assert nlp.config["initialize"]["components"] == {}


@pytest.mark.parametrize(
    ("block", "where", "kind"),
    [({"labels": 3}, "labels", "list_type"), ({"lables": ["A"]}, "lables", "extra_forbidden")],
)
def test_initialize_checks_its_arguments(
    encoder: Path, block: dict[str, Any], where: str, kind: str
) -> None:
    nlp = make_nlp(encoder)
    nlp.config["initialize"]["components"]["ner_plus"] = block
    with pytest.raises(ConfigValidationError) as raised:
        nlp.initialize(lambda: examples(nlp))
    assert [(error["loc"], error["type"]) for error in raised.value.errors] == [((where,), kind)]


class Witness:
    """A trainable component that keeps the entities it is shown in training."""

    def __init__(self) -> None:
        self.seen: list[list[tuple[int, int, str]]] = []

    def __call__(self, doc: Doc) -> Doc:
        return doc

    def update(self, batch: list[Example], **kwargs: Any) -> dict[str, float]:
        self.seen += [found(example.predicted) for example in batch]
        return {}


@Language.factory("spacy_behaviour_witness")
def make_witness(nlp: Language, name: str) -> Witness:
    return Witness()


@pytest.mark.parametrize("annotates", [[], ["ner_plus"]])
def test_annotating_component_shows_its_entities_to_the_next(
    own: Language, annotates: list[str]
) -> None:
    witness = own.add_pipe("spacy_behaviour_witness")
    own.update(examples(own), sgd=None, annotates=annotates, exclude=["ner_plus"])
    expected = [entities if annotates else [] for _, entities in SENTENCES]
    assert witness.seen == expected


def test_score_weights_are_shared_with_other_components(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    nlp.add_pipe("tagger")
    weights = nlp.config["training"]["score_weights"]
    assert {key: value for key, value in weights.items() if value} == {
        "ents_f": 0.5,
        "tag_acc": 0.5,
    }


# From other pipelines


def test_component_from_another_pipeline(trained: Language) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner_plus", source=trained)
    assert found(nlp(TEXTS[0])) == SENTENCES[0][1]
    with pytest.raises(KeyError):
        nlp.add_pipe("nothing", source=trained)


def test_component_sourced_in_a_config(trained_dir: Path) -> None:
    config = {
        "nlp": {"lang": "en", "pipeline": ["names"]},
        "components": {"names": {"source": str(trained_dir), "component": "ner_plus"}},
    }
    nlp = English.from_config(config)
    assert nlp.pipe_factories == {"names": "ner_plus"}
    assert found(nlp(TEXTS[0])) == SENTENCES[0][1]


def test_ruler_that_overwrites(own: Language) -> None:
    ruler = own.add_pipe("entity_ruler", config={"overwrite_ents": True})
    ruler.add_patterns([{"label": "THING", "pattern": "Lovelace wrote"}])
    doc = own(TEXTS[0])
    assert found(doc) == [(4, 18, "THING"), (22, 29, "PERSON")]


# Documents and errors


def test_update_refuses_what_is_no_example(own: Language) -> None:
    for wrong in ([own.make_doc("a")], ["a"], [(own.make_doc("a"), {"entities": []})]):
        with pytest.raises(TypeError):
            own.get_pipe("ner_plus").update(wrong)
    with pytest.raises(TypeError):
        own.get_pipe("ner_plus").initialize(lambda: [own.make_doc("a")])


def test_evaluate_scores_entities(trained: Language, encoder: Path) -> None:
    scores = trained.evaluate(examples(trained))
    assert scores["ents_f"] == 1.0 and scores["speed"] > 0
    assert set(scores["ents_per_type"]) == {"PERSON", "PLACE"}


def test_pipe_takes_a_stream(trained: Language) -> None:
    endless = itertools.cycle(TEXTS)
    docs = trained.pipe(endless, batch_size=3)
    assert [found(next(docs)) for _ in range(8)] == [gold for _, gold in SENTENCES] * 2


class SplitAtSpaces:
    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self.vocab, words=text.split(" "), spaces=[True] * text.count(" ") + [False])


def test_custom_tokenizer(own: Language) -> None:
    own.tokenizer = SplitAtSpaces(own.vocab)
    doc = own(TEXTS[1])
    assert [token.text for token in doc][-1] == "Geneva."
    assert [ent.text for ent in doc.ents] == ["Turin", "Geneva."]
    assert all(doc.text[ent.start_char : ent.end_char] == ent.text for ent in doc.ents)


def _fail_on(own: Language, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """Let predicting fail where a word occurs."""
    ner = own.get_pipe("ner_plus")
    predict = ner.predict

    def fail(docs: list[Doc]) -> Any:
        if any(word in doc.text for doc in docs):
            raise RuntimeError(word)
        return predict(docs)

    monkeypatch.setattr(ner, "predict", fail)


def test_error_handler_gets_the_failing_doc_alone(
    own: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_on(own, monkeypatch, "Geneva")
    with pytest.raises(RuntimeError, match="Geneva"):
        list(own.pipe(TEXTS))
    with pytest.raises(RuntimeError, match="Geneva"):
        own(TEXTS[1])
    failed: list[str] = []
    own.set_error_handler(lambda name, proc, docs, error: failed.extend(d.text for d in docs))
    docs = list(own.pipe(TEXTS))
    assert [doc.text for doc in docs] == [TEXTS[0], *TEXTS[2:]]
    assert found(docs[1]) == SENTENCES[2][1]
    assert failed == [TEXTS[1]]


def test_error_handler_with_tuples(own: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_on(own, monkeypatch, "Geneva")
    own.set_error_handler(lambda *report: None)
    pairs = own.pipe([(text, i) for i, text in enumerate(TEXTS)], as_tuples=True)
    assert [(doc.text, i) for doc, i in pairs] == [(TEXTS[i], i) for i in (0, 2, 3)]


def test_doc_goes_through_as_itself(trained: Language) -> None:
    doc = trained.make_doc(TEXTS[0])
    assert trained(doc) is doc and found(doc) == SENTENCES[0][1]
    docs = [trained.make_doc(text) for text in TEXTS]
    assert all(a is b for a, b in zip(docs, trained.pipe(docs), strict=True))
