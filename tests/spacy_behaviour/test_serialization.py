"""spaCy's tests of serialisation as the yardstick.

Read in spaCy 3.8.18: tests/serialize/test_serialize_pipeline.py, _language.py, _config.py, _doc.py,
_docbin.py, _span_groups.py, _extension_attrs.py, _resource_warning.py, tests/test_pickles.py.
Tests of Language, Doc or Vocab without a trainable component are left out, as are those of other
components alone (test_serialize_kb.py, _tokenizer.py, _vocab_strings.py).

| spaCy's test | applies | here, or why not |
|---|---|---|
| test_issue3456 | yes | test_pipeline.test_empty_text_anywhere_in_a_batch |
| test_issue_3526_* | no | patterns of the ruler |
| test_issue4042 | yes | test_ruler_before_the_component_is_saved_with_it |
| test_issue4042_bug2 | yes | test_label_added_after_training_is_saved |
| test_issue4725_1 | yes | test_component_pickles_with_its_settings |
| test_serialize_parser_roundtrip_bytes, _disk, test_to_from_bytes | yes | \
test_component_gives_the_same_bytes_again |
| test_serialize_parser_strings, test_serialize_tagger_strings | yes | \
test_labels_reach_the_strings |
| test_serialize_tagger_roundtrip_bytes | yes | test_component_reads_its_own_bytes |
| test_serialize_tagger_roundtrip_disk | yes | test_component_gives_the_same_bytes_again |
| test_serialize_textcat_empty | yes | test_component_without_labels_is_saved |
| test_serialize_pipe_exclude | yes | test_parts_can_be_excluded |
| test_serialize_pipeline_disable_enable | yes | test_disabled_and_excluded_components |
| test_serialize_custom_trainable_pipe | no | the base class alone |
| test_load_without_strings | yes | test_pipeline_loads_without_strings |
| test_issue2482 | yes | test_component_without_labels_is_saved |
| test_issue6950 | yes | test_pipeline_pickles_before_and_after_use |
| test_serialize_with_custom_tokenizer, test_serialize_language_exclude, _meta_disk | no | \
Language alone |
| test_create_nlp_from_config*, test_serialize_nlp, test_config_nlp_roundtrip* | yes | \
test_config_makes_the_same_pipeline |
| test_serialize_parser (config) | yes | test_settings_that_are_no_defaults_are_kept |
| test_config_overrides* | yes | test_override_when_loading |
| test_config_interpolation, test_config_optional_sections, test_config_auto_fill_extra_fields, \
test_config_validate_literal, ... | no | the config system alone |
| test_config_only_resolve_relevant_blocks | yes | tests/pipeline/test_lazy.py |
| test_serialize_doc_*, test_issue1834, ... with entities | yes | test_processed_doc_round_trips |
| test_serialize_doc_span_groups, test_span_groups_serialization* | yes | \
test_processed_doc_round_trips |
| test_serialize_doc_exclude | yes | test_doc_without_user_data_has_its_entities |
| test_issue4367, test_serialize_doc_bin, test_serialize_custom_extension | yes | \
test_doc_bin_keeps_entities_and_scores |
| test_deserialize_span_groups_compat | no | formats of older versions of spaCy |
| test_to_disk_resource_warning | yes | test_saving_leaves_no_file_open |
| test_pickle_* | yes | test_component_pickles_with_its_settings |
"""

import gc
import pickle
import warnings
from pathlib import Path

import pytest
import spacy
from spacy.lang.en import English
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import load_model_from_config
from spacy.vocab import Vocab

from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from tests.pipeline.samples import add_ner_plus, make_nlp
from tests.spacy_behaviour.sentences import SENTENCES, TEXTS, found

# The component alone


def test_component_gives_the_same_bytes_again(
    trained: Language, encoder: Path, tmp_path: Path
) -> None:
    ner = trained.get_pipe("ner_plus")
    data = ner.to_bytes(exclude=["vocab"])
    from_bytes = make_nlp(encoder).get_pipe("ner_plus").from_bytes(data)
    assert from_bytes.to_bytes(exclude=["vocab"]) == data
    ner.to_disk(tmp_path / "ner")
    from_disk = make_nlp(encoder).get_pipe("ner_plus").from_disk(tmp_path / "ner")
    assert from_disk.to_bytes(exclude=["vocab"]) == data
    assert from_disk.to_bytes(exclude=["model", "vocab"]) == ner.to_bytes(
        exclude=["model", "vocab"]
    )


def test_component_reads_its_own_bytes(own: Language) -> None:
    ner = own.get_pipe("ner_plus")
    data = ner.to_bytes()
    assert ner.from_bytes(data) is ner
    assert ner.to_bytes() == data and found(own(TEXTS[0])) == SENTENCES[0][1]


def test_labels_reach_the_strings(trained: Language, encoder: Path, tmp_path: Path) -> None:
    nlp = make_nlp(encoder)
    nlp.get_pipe("ner_plus").add_label("FunnyLabel")
    nlp.get_pipe("ner_plus").to_disk(tmp_path, exclude=["vocab"])
    data = nlp.get_pipe("ner_plus").to_bytes(exclude=["vocab"])
    for source in (tmp_path, data):
        ner = NerPlus(Vocab(), make_nlp(encoder).get_pipe("ner_plus").model)
        assert "FunnyLabel" not in ner.vocab.strings
        read = ner.from_disk if source is tmp_path else ner.from_bytes
        read(source, exclude=["vocab"])
        assert "FunnyLabel" in ner.vocab.strings and ner.labels == ("FunnyLabel",)


def test_component_without_labels_is_saved(encoder: Path, tmp_path: Path) -> None:
    nlp = make_nlp(encoder)
    nlp.get_pipe("ner_plus").to_bytes(exclude=["vocab"])
    make_nlp(encoder).from_bytes(nlp.to_bytes())
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe("ner_plus").labels == ()


def test_parts_can_be_excluded(own: Language, encoder: Path) -> None:
    ner = own.get_pipe("ner_plus")
    data = ner.to_bytes(exclude=["vocab"])
    blank = make_nlp(encoder).get_pipe("ner_plus")
    without_cfg = ner.to_bytes(exclude=["vocab", "cfg"])
    without_model = ner.to_bytes(exclude=["vocab", "model"])
    assert len(without_model) < len(without_cfg) < len(data)
    blank.from_bytes(data, exclude=["model"])
    assert blank.labels == () and not blank.shim.is_built  # the model has the labels
    blank = make_nlp(encoder).get_pipe("ner_plus").from_bytes(without_cfg)
    assert blank.labels == ("PERSON", "PLACE") and blank.shim.is_built


def test_component_pickles_with_its_settings(own: Language) -> None:
    ner = own.get_pipe("ner_plus")
    ner.threshold = 0.25
    again = pickle.loads(pickle.dumps(ner))
    assert again.cfg == ner.cfg and again.threshold == 0.25
    assert found(again(own.make_doc(TEXTS[0]))) == SENTENCES[0][1]


def test_label_added_after_training_is_saved(own: Language, tmp_path: Path) -> None:
    own.get_pipe("ner_plus").add_label("BRAND_NEW")
    own.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert again.get_pipe("ner_plus").labels == ("PERSON", "PLACE", "BRAND_NEW")
    assert [found(again(text)) for text in TEXTS] == [gold for _, gold in SENTENCES]


# The pipeline


def test_ruler_before_the_component_is_saved_with_it(own: Language, tmp_path: Path) -> None:
    ruler = own.add_pipe("entity_ruler", before="ner_plus")
    ruler.add_patterns([{"label": "THING", "pattern": [{"lower": "wrote"}, {"lower": "to"}]}])
    expected = [(0, 12, "PERSON"), (13, 21, "THING"), (22, 29, "PERSON")]
    assert found(own(TEXTS[0])) == expected
    own.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert again.pipe_names == ["entity_ruler", "ner_plus"]
    assert found(again(TEXTS[0])) == expected


@pytest.mark.slow
def test_disabled_and_excluded_components(own: Language, encoder: Path, tmp_path: Path) -> None:
    own.add_pipe("sentencizer")
    own.disable_pipe("ner_plus")
    own.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert again.disabled == ["ner_plus"] and found(again(TEXTS[0])) == []
    again.enable_pipe("ner_plus")
    assert found(again(TEXTS[0])) == SENTENCES[0][1]
    assert spacy.load(tmp_path, exclude=["ner_plus"]).component_names == ["sentencizer"]
    assert spacy.load(tmp_path, disable=["sentencizer"]).pipe_names == []


def test_pipeline_loads_without_strings(own: Language, tmp_path: Path) -> None:
    word = "unlikely_word_" * 20
    own.vocab.strings.add(word)
    own.to_disk(tmp_path)
    assert word in spacy.load(tmp_path).vocab.strings
    bare = spacy.load(tmp_path, exclude=["strings"])
    assert word not in bare.vocab.strings
    assert found(bare(TEXTS[0])) == SENTENCES[0][1]  # the labels come with the component


def test_pipeline_pickles_before_and_after_use(own: Language) -> None:
    for _ in range(2):
        again = pickle.loads(pickle.dumps(own))
        assert found(again(TEXTS[0])) == SENTENCES[0][1]
        own(TEXTS[0])


def test_config_makes_the_same_pipeline(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    nlp.add_pipe("entity_ruler")
    add_ner_plus(nlp, encoder, pipe_name="second", spans_key="other")
    again = load_model_from_config(nlp.config, auto_fill=False)
    assert again.config == nlp.config and again.config.to_str() == nlp.config.to_str()
    assert again.pipe_names == ["ner_plus", "entity_ruler", "second"]
    assert English.from_config(nlp.config).from_bytes(nlp.to_bytes()).config == nlp.config


def test_settings_that_are_no_defaults_are_kept(encoder: Path, tmp_path: Path) -> None:
    settings = {"tag_scheme": "BIO", "spans_key": None, "existing_ents": "overwrite"}
    nlp = make_nlp(encoder, threshold={"A": 0.5}, model_pooling="mean", **settings)
    nlp.get_pipe("ner_plus").add_label("A")
    nlp.initialize()
    nlp.to_disk(tmp_path)
    ner = spacy.load(tmp_path).get_pipe("ner_plus")
    assert (ner.shim.scheme.name, ner.spans_key, ner.existing_ents) == ("BIO", None, "overwrite")
    assert ner.threshold == {"A": 0.5}
    assert ner.to_bytes() == nlp.get_pipe("ner_plus").to_bytes()


def test_override_when_loading(trained_dir: Path) -> None:
    overrides = {"components.ner_plus.threshold": 1.0, "components.ner_plus.spans_key": "other"}
    nlp = spacy.load(trained_dir, config=overrides)
    doc = nlp(TEXTS[0])
    assert found(doc) == [] and list(doc.spans) == ["other"]


# Documents


@pytest.mark.parametrize("with_vocab", [True, False])
def test_processed_doc_round_trips(trained: Language, with_vocab: bool, tmp_path: Path) -> None:
    vocab = trained.vocab if with_vocab else Vocab()
    for doc in trained.pipe([*TEXTS, ""]):
        doc.to_disk(tmp_path / "doc")
        from_disk = Doc(vocab).from_disk(tmp_path / "doc")
        from_bytes = Doc(vocab).from_bytes(doc.to_bytes())
        from_json = Doc(vocab).from_json(doc.to_json())
        for other in (from_disk, from_bytes):
            assert found(other) == found(doc)
            assert [e._.probability for e in other.ents] == [e._.probability for e in doc.ents]
            assert list(other.spans) == list(doc.spans)
            group = other.spans["ner_plus"]
            assert list(group.attrs["scores"]) == list(doc.spans["ner_plus"].attrs["scores"])
            assert [s.label_ for s in group] == [e.label_ for e in doc.ents]
        assert found(from_json) == found(doc)
        assert from_bytes.to_bytes() == doc.to_bytes()


def test_doc_without_user_data_has_its_entities(trained: Language) -> None:
    doc = trained(TEXTS[0])
    bare = Doc(trained.vocab).from_bytes(doc.to_bytes(exclude=["user_data"]))
    assert found(bare) == SENTENCES[0][1]
    assert [ent._.probability for ent in bare.ents] == [None, None]
    assert len(bare.spans["ner_plus"].attrs["scores"]) == 2


@pytest.mark.parametrize("user_data", [True, False])
def test_doc_bin_keeps_entities_and_scores(trained: Language, user_data: bool) -> None:
    docs = list(trained.pipe([*TEXTS, ""]))
    data = DocBin(store_user_data=user_data, docs=docs).to_bytes()
    again = list(DocBin(store_user_data=user_data).from_bytes(data).get_docs(Vocab()))
    for doc, other in zip(docs, again, strict=True):
        assert found(other) == found(doc) and other.text == doc.text
        group = other.spans["ner_plus"]
        assert list(group.attrs["scores"]) == list(doc.spans["ner_plus"].attrs["scores"])
        probabilities = [ent._.probability if user_data else None for ent in doc.ents]
        assert [ent._.probability for ent in other.ents] == probabilities


@pytest.mark.slow
def test_saving_leaves_no_file_open(trained: Language, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        trained.to_disk(tmp_path)
        spacy.load(tmp_path)
        gc.collect()
    assert [w for w in caught if issubclass(w.category, ResourceWarning)] == []
