"""A tiny corpus of entities within entities, and pipelines that learn it."""

from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.pipeline.spans.component import NerPlusSpans
from spacy_ner_plus.tags import Span as EntitySpan

KEY, NAME = "sc", "ner_plus_spans"
# Nested, nested in its own label, two labels on one place, crossing, over white space, none.
SENTENCES: list[tuple[str, list[EntitySpan]]] = [
    (
        "University of California , Berkeley opened .",
        [(0, 5, "ORG"), (2, 3, "LOC"), (4, 5, "LOC")],
    ),
    ("The interleukin 2 receptor binds .", [(1, 4, "PROTEIN"), (1, 3, "PROTEIN")]),
    ("Monza was great fun .", [(0, 1, "LOC"), (0, 1, "EVENT")]),
    ("They saw Sultan Osman I. leave .", [(2, 4, "SHIP"), (3, 5, "PER")]),
    ("Bank of \n England raised rates .", [(0, 4, "ORG"), (3, 4, "LOC")]),
    ("Nothing of interest here .", []),
]
LABELS = ("EVENT", "LOC", "ORG", "PER", "PROTEIN", "SHIP")
CNN = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 32,
    "depth": 1,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}
HEADS = ("biaffine", "crf_per_label", "both")
HEAD = {"max_width": 5, "hidden_width": 16, "dropout": 0.0, "device": "cpu"}


def spans_nlp(**settings: Any) -> Language:
    """A blank pipeline with the component over a CNN; settings of the model start with "model_"."""
    model = {"@architectures": "spacy_ner_plus.TokenSpans.v1", "tok2vec": CNN, **HEAD}
    return _nlp(model, settings)


def transformer_nlp(encoder: Path, **settings: Any) -> Language:
    """The same over an encoder of its own."""
    model = {"name": str(encoder), "window": 128, "overlap": 32, "precision": "fp32", **HEAD}
    return _nlp({**model, "head_lr_scale": 20.0}, settings)


def _nlp(model: dict[str, Any], settings: dict[str, Any]) -> Language:
    nlp = spacy.blank("en")
    own = {name: value for name, value in settings.items() if not name.startswith("model_")}
    of_model = {n.removeprefix("model_"): v for n, v in settings.items() if n not in own}
    nlp.add_pipe(NAME, config={**own, "model": {**model, **of_model}})
    return nlp


def spans_pipe(nlp: Language) -> NerPlusSpans:
    pipe: Any = nlp.get_pipe(NAME)
    return pipe  # type: ignore[no-any-return]


def make_doc(nlp: Language, text: str) -> Doc:
    return Doc(nlp.vocab, words=text.split(" "))


def nested_example(nlp: Language, text: str, spans: list[EntitySpan] | None) -> Example:
    """An example with annotated spans; None for one of which nothing is known."""
    reference = make_doc(nlp, text)
    if spans is not None:
        reference.spans[KEY] = [Span(reference, *span) for span in spans]
    return Example(make_doc(nlp, text), reference)


def nested_examples(nlp: Language) -> list[Example]:
    return [nested_example(nlp, text, spans) for text, spans in SENTENCES]


def initialized(nlp: Language, examples: list[Example] | None = None) -> Language:
    fix_random_seed(0)
    nlp.initialize(lambda: nested_examples(nlp) if examples is None else examples)
    return nlp


def learn(nlp: Language, examples: list[Example], n_steps: int, rate: float = 0.01) -> list[float]:
    """The losses of some steps on a batch."""
    pipe, optimizer = spans_pipe(nlp), Adam(rate, L2=0.0, grad_clip=1.0)
    return [pipe.update(examples, sgd=optimizer)[NAME] for _ in range(n_steps)]


def trained_nlp(**settings: Any) -> Language:
    """A pipeline that knows the corpus by heart."""
    nlp = initialized(spans_nlp(**settings))
    learn(nlp, nested_examples(nlp), 60)
    return nlp


def docs_of(nlp: Language) -> list[Doc]:
    return [make_doc(nlp, text) for text, _ in SENTENCES]


def found(doc: Doc) -> list[EntitySpan]:
    return sorted((span.start, span.end, span.label_) for span in doc.spans[KEY])


def gold() -> list[list[EntitySpan]]:
    return [sorted(spans) for _, spans in SENTENCES]


def assert_same_spans(docs: list[Doc], others: list[Doc], *, within: float = 0.0) -> None:
    assert [found(doc) for doc in docs] == [found(doc) for doc in others]
    for doc, other in zip(docs, others, strict=True):
        np.testing.assert_allclose(
            doc.spans[KEY].attrs["scores"], other.spans[KEY].attrs["scores"], rtol=0, atol=within
        )


def scored(rows: list[tuple[int, int, str, float]], labels: tuple[str, ...]) -> Entities:
    """Spans that were scored: start, end, label and probability of each."""
    starts, ends, names, probabilities = zip(*rows, strict=True)
    return Entities(
        np.array(starts, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array([labels.index(name) for name in names], dtype=np.int64),
        np.array(probabilities, dtype=np.float64),
    )
