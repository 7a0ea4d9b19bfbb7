"""Pipelines with a head of spans, and what must hold of every document that they read or learn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import spacy
import torch
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.models.decoding.span_choice import ALLOW
from spacy_ner_plus.models.decoding.span_settings import CHAINS, HEADS
from spacy_ner_plus.nesting.nesting_counts import count_nesting
from spacy_ner_plus.nn.heads.span_band import SpanBandHead
from spacy_ner_plus.pipeline.spans import NerPlusSpans
from tests.fuzz.pipelines import HASH_EMBED, Setup, cook, cook_example, model_config
from tests.fuzz.properties import (
    FOREIGN,
    check_doc_copies,
    check_kept,
    processed,
    spans_of,
    state_of,
)
from tests.fuzz.strategies import Recipe

KEY = "sc"
NAME = "ner_plus_spans"


@dataclass(frozen=True)
class SpanSetup:
    """A head of spans in place of the tagger of a setup, and what it may find together."""

    base: Setup
    head: str = "biaffine"
    allow: str = "all"
    set_ents: bool = False
    chains: str = "labels"
    convolutions: int = 0

    @property
    def existing_ents(self) -> str:
        known = ("keep", "overwrite")
        return self.base.existing_ents if self.base.existing_ents in known else "keep"


def span_setups(setups: Sequence[Setup]) -> st.SearchStrategy[SpanSetup]:
    """Any head over the encoders of some setups."""
    return st.builds(
        SpanSetup,
        base=st.sampled_from(list(setups)),
        head=st.sampled_from(HEADS),
        allow=st.sampled_from(ALLOW),
        set_ents=st.booleans(),
        chains=st.sampled_from(CHAINS),
        convolutions=st.sampled_from([0, 1]),
    )


@lru_cache(maxsize=40)
def span_pipeline(setup: SpanSetup) -> Language:
    """The pipeline of a setup, with random weights that find many spans."""
    fix_random_seed(setup.base.seed)
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(
        NAME,
        config={
            "allow": setup.allow,
            "set_ents": setup.set_ents,
            "existing_ents": setup.existing_ents,
            "label_weights": setup.base.label_weights,
            "model": _span_model(setup),
        },
    )
    example = Example(*(Doc(nlp.vocab, words=["0", "1", "2", "3"]) for _ in range(2)))
    label = setup.base.labels[0]
    nested = [Span(example.reference, *place, label) for place in ((0, 4), (0, 2))]
    example.reference.spans[KEY] = nested  # so that there are two levels
    pipe.initialize(lambda: [example], labels=list(setup.base.labels))
    with torch.no_grad():
        for parameter in pipe.span_shim.module.head.parameters():
            parameter.copy_(0.5 * torch.randn_like(parameter))
        for part in pipe.span_shim.module.head.modules():
            if isinstance(part, SpanBandHead):
                part.bias.fill_(-20.0)
    return nlp


def _span_model(setup: SpanSetup) -> dict[str, Any]:
    model = model_config(setup.base)
    del model["use_crf"]
    if setup.base.family == HASH_EMBED:
        model["@architectures"] = "spacy_ner_plus.TokenSpans.v1"
    return {
        **model,
        "head": setup.head,
        "max_width": 5,
        "hidden_width": 8,
        "convolutions": setup.convolutions,
        "channels": 8,
        "chains": setup.chains,
        "tag_scheme": setup.base.tag_scheme,
    }


# Predicting


def check_span_prediction(setup: SpanSetup, recipes: Sequence[Recipe], batch_size: int = 4) -> None:
    """Documents come back in order and whole, with spans that fit them and `allow`."""
    nlp = span_pipeline(setup)
    for doc, before in processed(nlp, recipes, batch_size):
        _check_spans(doc, setup, spans_pipe_of(nlp).labels)
        if setup.set_ents:
            assert doc.has_annotation("ENT_IOB", require_complete=True)
            check_kept(doc, before, setup.existing_ents)
        else:
            assert state_of(doc) == before
        check_doc_copies(doc)
        assert _places(Doc(doc.vocab).from_bytes(doc.to_bytes())) == _places(doc)


def _check_spans(doc: Doc, setup: SpanSetup, labels: tuple[str, ...]) -> None:
    group, places = doc.spans[KEY], _places(doc)
    scores = group.attrs["scores"]  # (n_spans,)
    assert len(scores) == len(places) == len(set(places))
    for span, score in zip(group, scores, strict=True):
        assert doc.text[span.start_char : span.end_char] == span.text != ""
        assert span.label_ in labels
        assert not doc[span.start].is_space and not doc[span.end - 1].is_space
        assert (0.0 if setup.allow == "flat" else 0.5) <= score <= 1.0
    if setup.allow == "nested":
        assert count_nesting(places).crossing == 0
    elif setup.allow == "flat":
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(places)))


def check_span_batches(setup: SpanSetup, recipes: Sequence[Recipe]) -> None:
    """How probable spans are does not depend on what else is in the batch, or on the order."""
    nlp = span_pipeline(setup)
    pipe = spans_pipe_of(nlp)
    docs = [cook(recipe, nlp.vocab, FOREIGN, annotated=False) for recipe in recipes]
    together, backwards = pipe.predict(docs), pipe.predict(docs[::-1])[::-1]
    for doc, one, other in zip(docs, together, backwards, strict=True):
        alone = _probabilities(pipe.predict([doc])[0], pipe.labels)
        for batch in (_probabilities(found, pipe.labels) for found in (one, other)):
            for place in {*alone, *batch}:  # those below the floor of 0.05 are not given
                assert abs(alone.get(place, 0.05) - batch.get(place, 0.05)) < 0.1


def _probabilities(found: Entities, labels: tuple[str, ...]) -> dict[tuple[int, int, str], float]:
    return dict(zip(spans_of(found, labels), found.probabilities.tolist(), strict=True))


# Learning


def check_span_training(setup: SpanSetup, pairs: Sequence[tuple[Recipe, str]]) -> None:
    """Learning from any spans gives finite losses and weights, and so does scoring them.

    pairs: Gold annotation, and how the predicted document is tokenised.
    """
    nlp = span_pipeline(setup)
    pipe = spans_pipe_of(nlp)
    module = pipe.span_shim.module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    examples = [_span_example(recipe, nlp, pipe.labels, split) for recipe, split in pairs]
    optimizer = Adam(1e-4, L2=0.01, grad_clip=1.0)
    try:
        for _ in range(2):
            losses = nlp.update(examples, sgd=optimizer)
            assert math.isfinite(losses[NAME]) and losses[NAME] >= 0
        assert all(bool(torch.isfinite(parameter).all()) for parameter in module.parameters())
        fresh = [Example(example.predicted.copy(), example.reference) for example in examples]
        scores = nlp.evaluate(fresh, batch_size=2)
        for key in ("p", "r", "f", "macro_f", "outer_f", "inner_f"):
            score = scores[f"spans_{KEY}_{key}"]
            assert score is None or 0 <= score <= 1
    finally:
        module.load_state_dict(before)
        module.zero_grad()


def _span_example(recipe: Recipe, nlp: Language, labels: tuple[str, ...], split: str) -> Example:
    """With a group of all entities of a recipe, those that overlap too; or with doc.ents alone."""
    example = cook_example(recipe, nlp.vocab, labels, split)
    doc = example.reference
    if recipe.outside:
        doc.spans[KEY] = [
            Span(doc, start, min(len(doc), start + mark.length), labels[mark.label % len(labels)])
            for mark in (recipe.marks if len(doc) else ())
            if mark.kind == "entity" and (start := mark.start % len(doc)) < len(doc)
        ]
    return example


def spans_pipe_of(nlp: Language) -> NerPlusSpans:
    pipe = nlp.get_pipe(NAME)
    assert isinstance(pipe, NerPlusSpans)
    return pipe


def _places(doc: Doc) -> list[tuple[int, int, str]]:
    return [(span.start, span.end, span.label_) for span in doc.spans[KEY]]
