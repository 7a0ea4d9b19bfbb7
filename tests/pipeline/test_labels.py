"""White space that nobody sees makes no second type, wherever a label comes from."""

import pytest
from spacy.lang.en import English
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.bounds import Bounds
from spacy_ner_plus.annotation.gold import annotated_labels
from spacy_ner_plus.pipeline.ner_plus.examples import choose_labels, survey

STRAY = [" X", "X ", "X\u00a0", "\u200bX", "\ufeffX", "a\u00a0b"]


@pytest.mark.parametrize("label", STRAY)
def test_add_label_refuses_white_space(label):
    pipe = English().add_pipe("ner_plus")
    with pytest.raises(ValueError, match=r"The label is .* another type than '(X|a b)'"):
        pipe.add_label(label)
    assert pipe.labels == ()
    assert pipe.add_label("a b") == 1


@pytest.mark.parametrize("label", STRAY)
def test_initialize_refuses_white_space(label):
    nlp = English()
    doc = nlp.make_doc("Anna saw Oslo")
    doc.ents = [Span(doc, 0, 1, label="X")]
    seen = survey([Example(nlp.make_doc(doc.text), doc)], "ner_plus", Bounds())
    assert choose_labels(seen, ["X", "Y"], (), None, "ner_plus") == ["X", "Y"]
    with pytest.raises(ValueError, match="A label given to 'ner_plus' is"):
        choose_labels(seen, ["X", label], (), None, "ner_plus")
    doc.ents = [Span(doc, 0, 1, label="X"), Span(doc, 2, 3, label=label)]
    with pytest.raises(ValueError, match="The type of 'Oslo' in the document 'Anna saw Oslo' is"):
        survey([Example(nlp.make_doc(doc.text), doc)], "ner_plus", Bounds())


def test_annotated_labels_have_no_white_space():
    doc = Doc(English().vocab, words=["a"])
    annotated_labels(doc)  # registers the attribute
    doc._.annotated_labels = ["X", "Y "]
    with pytest.raises(ValueError, match=r"annotated_labels of 'a ' is 'Y '"):
        annotated_labels(doc)
