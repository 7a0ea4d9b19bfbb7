"""spaCy's tests of `ner` as the yardstick.

Read in spaCy 3.8.18: tests/parser/test_ner.py, parser/test_add_label.py, doc/test_add_entities.py,
training/test_training.py, training/test_rehearse.py. "no": what is tested is not there.

| spaCy's test | applies | here, or why not |
|---|---|---|
| test_issue1967 | yes | test_hyphens_of_a_label_are_its_own |
| test_issue2179 | yes | test_labels_arrive_in_a_blank_pipeline |
| test_issue2385 | no | spaCy's iob_to_biluo; tags are read in tests/test_tags.py |
| test_issue2800 | yes | test_many_labels |
| test_issue3209 | yes | test_tags_keep_their_order_after_loading |
| test_labels_from_BILUO | yes | test_hyphens_of_a_label_are_its_own |
| test_issue4267 | yes | test_ruler_without_a_match_leaves_all_outside |
| test_issue4313, test_ner_labels_added_implicitly_on_* | differs | an unknown label on a Doc \
stays, and \
is not learned by predicting: test_unknown_label_on_a_doc_stays; in training it is an error that \
says \
so, since a model must not grow by a typing mistake: test_unknown_label_in_training_is_an_error |
| test_get_oracle_moves | yes | test_gold_tags |
| test_negative_samples_*, test_neg_annotation*, test_negative_sample_key_is_in_config | no | \
there \
is no incorrect_spans_key; unknown tokens are missing, partly unknown ones doc._.annotated_labels |
| test_oracle_moves_missing_B, test_oracle_moves_whitespace | no | spaCy skips them; white space \
in \
entities: tests/pipeline/test_documents.py |
| test_accept_blocked_token, test_block_ner | yes | test_blocked_tokens_stay_blocked |
| test_train_empty | yes | test_empty_text_in_training |
| test_train_negative_deprecated | yes | test_unknown_label_in_training_is_an_error |
| test_overwrite_token, test_ner_before_ruler | yes | test_outside_is_free_for_the_next_component |
| test_empty_ner | in part | random weights predict anything, but annotate every token: \
test_untrained_component_annotates_every_token |
| test_ruler_before_ner | yes | test_ruler_before_the_component_wins |
| test_ner_constructor | yes | test_constructor |
| test_overfitting_IO | yes | test_learned_entities_survive_disk, \
test_new_label_changes_no_prediction, \
test_batches_and_calls_agree, test_kb_id_of_an_existing_entity_stays |
| test_beam_ner_scores, test_beam_overfitting_IO | yes, without beams | \
test_entities_have_probabilities |
| test_beam_valid_parse | yes | test_long_sentence_with_many_types_is_learned |
| test_ner_warns_no_lookups | no | the NORM of tokens is not used: test_no_lookups_are_needed |
| test_add_label_get_label | yes | test_labels_are_those_added |
| test_doc_add_entities_set_ents_iob, test_ents_reset | yes | test_entities_can_be_reset |
| test_add_overlapping_entities | no | spaCy's Doc alone |
| test_issue999 | yes | test_learned_entities_survive_disk |
| test_tuple_format_* | yes | conftest trains on Example.from_dict |
| test_issue7029 | no | tests the tagger's empty batches; ours: test_empty_text_in_training |
| test_rehearse[ner] | yes | test_rehearse_after_resume |
"""

import logging
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.annotation.gold import allowed_tags
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from spacy_ner_plus.tags import TagScheme
from tests.pipeline.samples import make_nlp
from tests.spacy_behaviour.sentences import SENTENCES, TEXTS, examples, found, iobs, types

# Labels


@pytest.mark.parametrize("label", ["JOB-NAME", "U-JOB", "LARGE-ANIMAL", "B-B"])
def test_hyphens_of_a_label_are_its_own(encoder: Path, label: str) -> None:
    nlp = make_nlp(encoder)
    gold = {"entities": [f"U-{label}"]}
    example = Example.from_dict(Doc(nlp.vocab, words=["word"]), gold)
    nlp.initialize(lambda: [example])
    ner = nlp.get_pipe("ner_plus")
    assert ner.labels == (label,)
    assert ner.shim.scheme.tags == ("O", *(f"{prefix}-{label}" for prefix in "BILU"))


def test_labels_are_those_added(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    ner = nlp.get_pipe("ner_plus")
    assert [ner.add_label(label) for label in ("C", "A", "B", "A")] == [1, 1, 1, 0]
    assert sorted(ner.labels) == ["A", "B", "C"]
    nlp.initialize()
    assert sorted(ner.labels) == ["A", "B", "C"]


def test_labels_arrive_in_a_blank_pipeline(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    nlp.get_pipe("ner_plus").add_label("CITIZENSHIP")
    nlp.initialize()
    other = make_nlp(encoder)
    assert other.get_pipe("ner_plus").labels == ()
    other.from_bytes(nlp.to_bytes())
    assert other.get_pipe("ner_plus").labels == ("CITIZENSHIP",)
    assert set(other.get_pipe("ner_plus").cfg) == set(nlp.get_pipe("ner_plus").cfg)


def test_tags_keep_their_order_after_loading(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    for label in ("ZEBRA", "ANIMAL", "MOUSE"):
        nlp.get_pipe("ner_plus").add_label(label)
    nlp.initialize()
    other = make_nlp(encoder).from_bytes(nlp.to_bytes())
    tags = [each.get_pipe("ner_plus").shim.scheme.tags for each in (nlp, other)]
    assert tags[0] == tags[1] and len(tags[0]) == 1 + 3 * 4


@pytest.mark.slow
def test_many_labels(encoder: Path) -> None:
    nlp = make_nlp(encoder, tag_scheme="BIO")
    for i in range(400):
        nlp.get_pipe("ner_plus").add_label(str(i))
    optimizer = nlp.initialize()
    reference = nlp.make_doc("One sentence")
    reference.set_ents([], default="outside")
    example = Example(nlp.make_doc("One sentence"), reference)
    losses = [nlp.update([example], sgd=optimizer)["ner_plus"] for _ in range(2)]
    assert 0 < losses[1] < losses[0] < np.inf


def test_unknown_label_on_a_doc_stays(trained: Language) -> None:
    doc = Doc(trained.vocab, words=["hello", "Turin"], ents=["B-GREETING", "O"])
    trained.get_pipe("ner_plus")(doc)
    assert types(doc) == ["GREETING", "PLACE"]
    assert trained.get_pipe("ner_plus").labels == ("PERSON", "PLACE")


@pytest.mark.parametrize("label", ["!PERSON", "PRESON"])
def test_unknown_label_in_training_is_an_error(own: Language, label: str) -> None:
    gold = {"entities": [(0, 12, label)]}
    example = Example.from_dict(own.make_doc(TEXTS[0]), gold)
    with pytest.raises(ValueError, match=label):
        own.update([example])
    assert own.get_pipe("ner_plus").labels == ("PERSON", "PLACE")


def test_gold_tags(encoder: Path) -> None:
    doc = Doc(spacy.blank("en").vocab, words=["Ada", "went", "to", "New", "York", "."])
    gold = {"entities": [(0, 3, "PERSON"), (12, 20, "PLACE")]}
    scheme = TagScheme("BILOU", ["PERSON", "PLACE"])
    allowed = allowed_tags(Example.from_dict(doc, gold), np.arange(6), scheme)
    assert allowed.sum(axis=1).tolist() == [1] * 6
    tags = [scheme.tags[i] for i in allowed.argmax(axis=1)]
    assert tags == ["U-PERSON", "O", "O", "B-PLACE", "L-PLACE", "O"]


# Other components' annotation


def test_ruler_without_a_match_leaves_all_outside(own: Language) -> None:
    text = TEXTS[3]
    assert iobs(own(text)) == ["O"] * 7
    ruler = own.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "SOFTWARE", "pattern": "spaCy"}])
    doc = own(text)
    assert iobs(doc) == ["O"] * 7 and doc.has_annotation("ENT_IOB", require_complete=True)


def test_ruler_before_the_component_wins(own: Language) -> None:
    ruler = own.add_pipe("entity_ruler", before="ner_plus")
    ruler.add_patterns([{"label": "THING", "pattern": "They met in Turin"}])
    doc = own(TEXTS[1])
    assert iobs(doc) == ["B", "I", "I", "I", "O", "O", "B", "O"]
    assert types(doc) == ["THING"] * 4 + ["", "", "PLACE", ""]


def test_outside_is_free_for_the_next_component(own: Language, encoder: Path) -> None:
    ruler = own.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "THING", "pattern": "Nothing"}])
    assert types(own(TEXTS[3])) == ["THING", *[""] * 6]
    doc = own.make_doc(TEXTS[2])
    doc.set_ents([], default="outside")  # by a component that found nothing
    assert found(own.get_pipe("ner_plus")(doc)) == SENTENCES[2][1]


@Language.component("spacy_behaviour_blocker")
def block_first_tokens(doc: Doc) -> Doc:
    doc.set_ents([], blocked=[doc[:2]], default="unmodified")
    return doc


def test_blocked_tokens_stay_blocked(own: Language) -> None:
    own.add_pipe("spacy_behaviour_blocker", before="ner_plus")
    doc = own(TEXTS[0])
    assert iobs(doc) == ["B", "B", "O", "O", "B", "O"]
    assert types(doc) == ["", "", "", "", "PERSON", ""]


def test_kb_id_of_an_existing_entity_stays(trained: Language) -> None:
    doc = trained.make_doc(TEXTS[1])
    doc.ents = [Span(doc, 3, 4, label="PLACE", kb_id=1234)]
    doc = trained.get_pipe("ner_plus")(doc)
    assert found(doc) == SENTENCES[1][1]
    assert [ent.kb_id for ent in doc.ents] == [1234, 0]


def test_entities_can_be_reset(trained: Language) -> None:
    doc = trained(TEXTS[1])
    before = iobs(doc)
    doc.ents = list(doc.ents)
    assert iobs(doc) == before
    doc.ents = [("WORD", 0, 2)]
    assert iobs(doc) == ["B", "I", "O", "O", "O", "O", "O", "O"]


# Learning and predicting


def test_constructor(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    made = nlp.get_pipe("ner_plus")
    ner = NerPlus(nlp.vocab, made.model)
    assert ner.name == "ner_plus" and ner.labels == ()
    assert NerPlus(nlp.vocab, made.model, "other", tag_scheme="BIO").name == "other"


def test_empty_text_in_training(own: Language) -> None:
    empty = Example.from_dict(own.make_doc(""), {"entities": []})
    losses: dict[str, float] = {}
    own.update([*examples(own), empty], losses=losses, sgd=Adam(1e-4))
    assert 0 < losses["ner_plus"] < np.inf
    assert own.update([empty], sgd=Adam(1e-4))["ner_plus"] == 0
    assert found(own("")) == []


def test_untrained_component_annotates_every_token(encoder: Path) -> None:
    nlp = make_nlp(encoder)
    nlp.get_pipe("ner_plus").add_label("MY_LABEL")
    nlp.initialize()
    doc = nlp("Ada is reading the news about the elections")
    assert doc.has_annotation("ENT_IOB", require_complete=True)
    assert set(types(doc)) <= {"", "MY_LABEL"}


def test_learned_entities_survive_disk(trained: Language, tmp_path: Path) -> None:
    for text, entities in SENTENCES:
        assert found(trained(text)) == entities
    trained.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    for text, entities in SENTENCES:
        assert found(again(text)) == entities


def test_new_label_changes_no_prediction(own: Language) -> None:
    own.get_pipe("ner_plus").add_label("BRAND_NEW")
    assert own.get_pipe("ner_plus").labels == ("PERSON", "PLACE", "BRAND_NEW")
    for text, entities in SENTENCES:
        assert found(own(text)) == entities


def test_batches_and_calls_agree(trained: Language) -> None:
    texts = [*TEXTS, "One more about Turin.", "Babbage", ""]
    first = [found(doc) for doc in trained.pipe(texts)]
    assert first == [found(doc) for doc in trained.pipe(texts, batch_size=2)]
    assert first == [found(trained(text)) for text in texts]


def test_entities_have_probabilities(trained: Language, eager: Language) -> None:
    for text in TEXTS:
        assert all(ent._.probability > 0.5 for ent in trained(text).ents)
    guesses = [ent._.probability for doc in eager.pipe(TEXTS) for ent in doc.ents]
    assert guesses and all(0 <= guess <= 1 for guess in guesses)


def test_long_sentence_with_many_types_is_learned(encoder: Path) -> None:
    tags = [
        "B-ORG",
        "I-ORG",
        "L-ORG",
        "O",
        "U-ORG",
        "O",
        "B-DATE",
        "L-DATE",
        "O",
        "O",
        "B-PERCENT",
        "L-PERCENT",
        "O",
        "U-CARDINAL",
        "O",
        "B-DATE",
        "I-DATE",
        "L-DATE",
        "O",
        "O",
        "O",
        "B-ORG",
        "L-ORG",
        "O",
    ]
    nlp = make_nlp(encoder)
    doc = Doc(nlp.vocab, words=[f"word{i}" for i in range(len(tags))])
    example = Example.from_dict(doc, {"entities": tags})
    nlp.initialize(lambda: [example])
    assert nlp.get_pipe("ner_plus").labels == ("CARDINAL", "DATE", "ORG", "PERCENT")
    optimizer = Adam(4e-4)
    losses = [nlp.update([example], sgd=optimizer)["ner_plus"] for _ in range(8)]
    assert losses[-1] < losses[0]


def test_no_lookups_are_needed(encoder: Path, caplog: pytest.LogCaptureFixture) -> None:
    nlp = make_nlp(encoder)
    nlp.vocab.lookups = Lookups()
    nlp.get_pipe("ner_plus").add_label("A")
    with caplog.at_level(logging.DEBUG):
        nlp.initialize()
    assert "W033" not in caplog.text


def test_rehearse_after_resume(own: Language) -> None:
    optimizer = own.resume_training()
    optimizer.learn_rate = 1e-4
    text, entities = SENTENCES[0]
    for _ in range(3):
        example = Example.from_dict(own.make_doc(text), {"entities": entities})
        losses = own.rehearse([example], sgd=optimizer)
        assert 0 <= losses["ner_plus"] < np.inf
    assert [found(own(text)) for text in TEXTS] == [gold for _, gold in SENTENCES]
