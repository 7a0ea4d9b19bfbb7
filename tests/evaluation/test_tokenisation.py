"""Gold entities that a pipeline's tokens don't hold, against what learning loses."""

import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.entity_source import EntitySource, EntitySources
from spacy_ner_plus.annotation.gold import lost_entities
from spacy_ner_plus.evaluation.documents import from_example
from spacy_ner_plus.evaluation.schema import Tokenisation
from spacy_ner_plus.evaluation.tokenisation import tokenisation

NLP = spacy.blank("en")
SOURCES = EntitySources(EntitySource("all"), EntitySource("all"))
WORDS = ("aspirin-induced", "can't", "(", "5mg/kg", "U.S.", "  ", "-", "pain", "don", "'t", "?")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.booleans()), min_size=1, max_size=12))
def test_lost_entities_are_those_that_learning_loses(tokens: list[tuple[str, bool]]) -> None:
    words, spaces = [word for word, _ in tokens], [space for _, space in tokens]
    reference = Doc(NLP.vocab, words=words, spaces=spaces)
    reference.ents = [Span(reference, i, i + 1, "X") for i in range(0, len(words), 2)]
    example = Example(NLP.make_doc(reference.text), reference)
    expected = lost_entities(example)
    found = tokenisation(NLP, [from_example(0, example)])
    assert (found.gold, found.lost) == (len(reference.ents), len(expected))


def test_examples_say_what_is_lost_and_why() -> None:
    reference = Doc(NLP.vocab, words=["don", "'t", "aspirin"], spaces=[False, True, False])
    reference.spans["all"] = [Span(reference, 0, 1, "X"), Span(reference, 0, 3, "Y")]
    example = Example(NLP.make_doc(reference.text), reference)
    documents = [from_example(i, example, SOURCES) for i in range(20)]
    found = tokenisation(NLP, documents)
    assert (found.gold, found.lost, len(found.examples)) == (40, 20, 10)
    assert found.examples[3] == (
        "'don' (X) in document 3, characters 0-3: the tokens around it are ['do', \"n't\"]"
    )


def test_texts_over_the_limit_of_the_pipeline_are_read() -> None:
    nlp = spacy.blank("en")
    nlp.max_length = 5
    reference = Doc(nlp.vocab, words=["aspirin"])
    reference.ents = [Span(reference, 0, 1, "X")]
    found = tokenisation(nlp, [from_example(0, Example(reference, reference))])
    assert found == Tokenisation(gold=1, lost=0, examples=[])
