"""What the component of nested spans knows of single tokens, and what redaction makes of it."""

import spacy
from spacy.language import Language

from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.pipeline.capabilities import KnowsTokenLabels
from spacy_ner_plus.redaction.document_redactor import all_entities
from spacy_ner_plus.redaction.redactor import Redactor
from spacy_ner_plus.redaction.substitutes import Labels
from tests.pipeline.spans.nested_samples import SENTENCES, make_doc, spans_pipe


def test_token_is_as_probable_as_any_span_over_it(known: Language) -> None:
    pipe = spans_pipe(known)
    assert isinstance(pipe, KnowsTokenLabels)
    docs = [make_doc(known, text) for text, *_ in SENTENCES]
    found = pipe.label_probabilities(docs, 0.01)
    n_spans = 0
    for doc, its in zip(docs, found, strict=True):
        assert its.shape == (len(doc), len(pipe.labels))
        for span, probability in EntitySource("sc").scored(known(doc.text)):
            n_spans += 1
            label = pipe.labels.index(span.label_)
            assert (its[span.start : span.end, label] >= probability - 1e-5).all()
    assert n_spans > 2


def test_outermost_entities_go(known: Language) -> None:
    doc = known(make_doc(known, SENTENCES[0][0]))
    source = all_entities(known)
    assert source == EntitySource("sc", with_ents=True)
    assert all_entities(spacy.blank("en")) == EntitySource()
    done = Redactor(Labels()).redact(doc, source)
    assert done.restored() == doc.text
    spans = [span for span, _ in source.scored(doc)]
    outer = max(spans, key=len)
    assert any(
        (one.hidden.start, one.hidden.end, one.hidden.label)
        == (outer.start_char, outer.end_char, outer.label_)
        for one in done.replacements
    )
