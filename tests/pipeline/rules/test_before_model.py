"""Rules before a model: what hits of each kind make of what it finds."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Adam

from spacy_ner_plus.pipeline.ner_plus import rule_learning
from spacy_ner_plus.pipeline.rules.component import NerPlusRules
from tests.pipeline.samples import TEXTS, initialized_nlp, make_examples

TEXT = TEXTS[0]


def with_rules(folder: Path, *rows: dict[str, Any], **settings: Any) -> Language:
    nlp = spacy.load(folder, config={f"components.ner_plus.{k}": v for k, v in settings.items()})
    rules = nlp.add_pipe("ner_plus_rules", before="ner_plus", config={"rules": list(rows)})
    assert isinstance(rules, NerPlusRules)
    return nlp


def found(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def alone(folder: Path) -> list[tuple[str, str]]:
    ents = found(spacy.load(folder)(TEXT))
    assert ("tetrandrine", "Chemical") in ents
    return ents


@pytest.mark.parametrize("existing_ents", ["keep", "constrain", "overwrite"])
def test_hard_hit_is_an_entity_and_the_model_finds_others_around_it(
    trained_dir: Path, existing_ents: str
) -> None:
    """Also of a type that the model does not know."""
    known, new = ("tetrandrine and", "Disease"), ("in mice", "PLACE")
    rows = [{"phrase": text, "label": label, "id": "x"} for text, label in (known, new)]
    doc = with_rules(trained_dir, *rows, existing_ents=existing_ents)(TEXT)
    assert {known, new} <= set(found(doc))
    assert {ent.ent_id_ for ent in doc.ents if ent.text == "in mice"} == {"x"}
    others = {ent for ent in alone(trained_dir) if ent[0] != "tetrandrine"}
    assert len(others & set(found(doc))) == len(others)


def test_blocks_keep_entities_out(trained_dir: Path) -> None:
    span = with_rules(trained_dir, {"phrase": "tetrandrine", "label": "Chemical", "kind": "block"})
    assert ("tetrandrine", "Chemical") not in found(span(TEXT))
    words = with_rules(trained_dir, {"phrase": "aggregation", "kind": "block_words"})
    assert not any("aggregation" in text for text, _ in found(words(TEXT)))


def test_soft_hit_makes_what_it_covers_more_probable(trained_dir: Path) -> None:
    row = {"phrase": "in mice", "label": "Disease", "kind": "soft"}
    assert ("in mice", "Disease") not in alone(trained_dir)
    weak = with_rules(trained_dir, {**row, "weight": 0.01})
    strong = with_rules(trained_dir, {**row, "weight": 50.0})
    assert found(weak(TEXT)) == alone(trained_dir)
    assert ("in mice", "Disease") in found(strong(TEXT))


def test_whole_pipeline_is_saved(trained_dir: Path, tmp_path: Path) -> None:
    nlp = with_rules(trained_dir, {"regex": "in m[a-z]+", "label": "PLACE"})
    expected = found(nlp(TEXT))
    nlp.to_disk(tmp_path)
    assert found(spacy.load(tmp_path)(TEXT)) == expected
    assert ("in mice", "PLACE") in expected


def test_weight_of_a_soft_list_is_learned_where_the_rules_annotate(
    encoder_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_learning, "HELD_OUT", 1)  # so few phrases: all of them teach
    nlp = initialized_nlp(encoder_dir, n=8, learn_rule_weights=True)
    rules = nlp.add_pipe("ner_plus_rules", first=True)
    assert isinstance(rules, NerPlusRules)
    examples = make_examples(nlp, 8)
    diseases = {e.text for x in examples for e in x.reference.ents if e.label_ == "Disease"}
    rules.add_phrases(sorted(diseases), "Disease", kind="soft", rule="diseases")
    optimizer = Adam(1e-5, L2=0.0, grad_clip=1.0)
    for _ in range(8):
        nlp.update(make_examples(nlp, 8), sgd=optimizer, annotates=["ner_plus_rules"])
    ner: Any = nlp.get_pipe("ner_plus")
    assert list(ner.rule_weights) == ["diseases"]
    assert ner.rule_weights["diseases"]["Disease"] > 1.05
