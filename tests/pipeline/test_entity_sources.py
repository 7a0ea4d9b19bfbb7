"""Where the entities of a pipeline are, as its components say, or a user."""

import pytest
import spacy
from spacy.language import Language

from spacy_ner_plus.annotation.entity_source import DOC_ENTS, EntitySource, EntitySources
from spacy_ner_plus.pipeline.capabilities import WritesNestedEntities
from spacy_ner_plus.pipeline.entity_sources import (
    gives,
    source_of,
    source_of_component,
    sources_of,
)
from tests.pipeline.lookup_pipelines import add_lookup
from tests.pipeline.nested_toy import KEY, add_nested
from tests.pipeline.spans.nested_samples import spans_nlp

NESTED = EntitySource(KEY)


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


def test_component_says_that_its_entities_nest(nlp: Language) -> None:
    nested, lookup = add_nested(nlp), add_lookup(nlp)
    assert isinstance(nested, WritesNestedEntities)
    assert not isinstance(lookup, WritesNestedEntities)
    assert source_of_component(nested) == NESTED
    assert source_of_component(lookup) == DOC_ENTS
    assert gives(nested, NESTED) and not gives(nested, DOC_ENTS)
    assert gives(lookup, DOC_ENTS) and gives(lookup, EntitySource("lookup"))
    assert not gives(lookup, NESTED)


def test_entities_of_a_pipeline_are_where_its_component_says(nlp: Language) -> None:
    assert source_of(None) == source_of(nlp) == DOC_ENTS
    add_lookup(nlp)
    assert source_of(nlp) == DOC_ENTS
    add_nested(nlp)
    assert source_of(nlp) == NESTED
    with nlp.select_pipes(disable="nested_lookup"):
        assert source_of(nlp) == DOC_ENTS


def test_a_user_overrides_what_components_say(nlp: Language) -> None:
    add_nested(nlp)
    assert source_of(nlp, "doc.ents") == DOC_ENTS
    assert source_of(nlp, "other") == EntitySource("other")
    assert sources_of(nlp) == EntitySources(NESTED, NESTED)
    assert sources_of(nlp, "other") == EntitySources(*[EntitySource("other")] * 2)
    assert sources_of(nlp, None, "doc.ents") == EntitySources(NESTED, DOC_ENTS)
    assert sources_of(nlp, "other", "doc.ents") == EntitySources(EntitySource("other"), DOC_ENTS)


def test_of_several_keys_a_user_has_to_choose(nlp: Language) -> None:
    add_nested(nlp)
    add_nested(nlp, name="same")
    assert source_of(nlp) == NESTED
    add_nested(nlp, name="further", nested_key="other")
    message = r"'same' to doc.spans\['nested'\] and 'further' to doc.spans\['other'\].*--spans-key"
    with pytest.raises(ValueError, match=message):
        source_of(nlp)
    assert sources_of(nlp, "other").gold == EntitySource("other")
    with pytest.raises(ValueError, match="--spans-key"):
        sources_of(nlp, None, "other")


@pytest.mark.parametrize("learn_ents", [True, False])
def test_gold_entities_are_where_the_component_learns_them(learn_ents: bool) -> None:
    found = sources_of(spans_nlp(learn_ents=learn_ents))
    group = EntitySource("sc")
    assert found == EntitySources(EntitySource("sc", with_ents=learn_ents), group)
    assert sources_of(spans_nlp(), "sc") == EntitySources(group, group)
