"""within_lines and within_sentences: no entity goes across a line's end or a sentence's start."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.bounds import Bounds
from tests.pipeline.samples import TEXTS, found_in, initialized_nlp, make_nlp, shake_head
from tests.pipeline.test_existing import Span3, annotated, ents, enumerate_sequences

BREAK = "\n"
BOTH = {"within_lines": "always", "within_sentences": True}
# words, where sentences start (None if nobody has said), and a known entity
CASES: dict[str, tuple[list[str], list[int] | None, list[Span3]]] = {
    "no bound": (["the", "heart", "failure", "of"], None, []),
    "a line's end": (["the", "heart", BREAK, "failure", "of"], None, []),
    "two": (["heart", BREAK, "failure", BREAK, "heart"], None, []),
    "a sentence's start": (["the", "heart", "failure", "of"], [0, 2], []),
    "at the edges": ([BREAK, "heart", "failure", "of", BREAK], [0, 1], []),
    "an entity known to go across": (["the", "heart", BREAK, "failure"], None, [(1, 4, "Disease")]),
    "one beside the bound": (["heart", BREAK, "failure", "of"], None, [(2, 3, "Disease")]),
}


@pytest.fixture(scope="module", params=["BIO-crf", "BILOU-crf", "BILOU-softmax"])
def random_nlp(encoder_dir: Path, request: pytest.FixtureRequest) -> Language:
    """Random scores, some for each tag."""
    scheme, kind = request.param.split("-")
    settings = {"tag_scheme": scheme, "model_use_crf": kind == "crf", "existing_ents": "constrain"}
    nlp = initialized_nlp(encoder_dir, **settings, **BOTH)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.2, seed=3)
    return nlp


def make_doc(nlp: Language, case: str) -> Doc:
    words, starts, fixed = CASES[case]
    doc = annotated(nlp, words, fixed)
    if starts is not None:
        for token in doc:
            token.is_sent_start = token.i in starts
    return doc


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_best_entities_within_bounds_and_their_probabilities(
    random_nlp: Language, case: str
) -> None:
    ner = random_nlp.get_pipe("ner_plus")
    doc = make_doc(random_nlp, case)
    fixed = set(CASES[case][2])
    taken = {i for start, end, _ in fixed for i in range(start, end)}

    def is_ruled_out(span: Span3) -> bool:
        if span in fixed:
            return False
        probe = doc.copy()
        probe.ents = [Span(probe, *span)]
        is_over = bool(Bounds(lines="always", sentences=True).crossing(probe))
        return is_over or not taken.isdisjoint(range(span[0], span[1]))

    sequences = [
        (spans, score)
        for spans, score in enumerate_sequences(ner, doc)
        if fixed <= spans and not any(map(is_ruled_out, spans))
    ]
    best = max(sequences, key=lambda sequence: sequence[1])[0]
    shares = torch.softmax(torch.tensor([score for _, score in sequences]).double(), 0)
    new = sorted(best - fixed)
    expected = [
        float(sum(p for (spans, _), p in zip(sequences, shares, strict=True) if one in spans))
        for one in new
    ]
    doc = ner(doc)
    assert ents(doc) == sorted(best)
    scores = np.asarray(doc.spans["ner_plus"].attrs["scores"])
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)


def test_entities_across_are_found_unless_told(trained_dir: Path) -> None:
    text = "Severe heart\nfailure followed."
    assert "\n" in spacy.load(trained_dir)(text).ents[0].text
    nlp = spacy.load(trained_dir, config={"components.ner_plus.within_lines": "always"})
    assert not any("\n" in ent.text for ent in nlp(text).ents)
    nlp = spacy.load(trained_dir, config={"components.ner_plus.within_sentences": True})
    nlp.add_pipe("sentencizer", config={"punct_chars": ["\n"]}, first=True)
    assert not any("\n" in ent.text for ent in nlp(text).ents)


def test_texts_without_bounds_are_read_as_before(trained: Language, trained_dir: Path) -> None:
    overrides = {f"components.ner_plus.{name}": value for name, value in BOTH.items()}
    bound = spacy.load(trained_dir, config=overrides)
    texts = [text for text in TEXTS if "\n" not in text]
    for plain, doc in zip(trained.pipe(texts), bound.pipe(texts), strict=True):
        assert found_in(doc) == found_in(plain)
    ner = bound.get_pipe("ner_plus")
    assert torch.isfinite(ner.emissions([bound.make_doc(texts[0])]).scores).all()
    assert not torch.isfinite(ner.emissions([bound.make_doc("heart\nfailure")]).scores).all()


def test_gold_that_is_never_found_is_counted(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir, within_lines="always")
    doc = nlp.make_doc("Severe heart\nfailure followed heart failure")
    doc.ents = [Span(doc, 1, 4, "Disease"), Span(doc, 5, 7, "Disease")]
    examples = [Example(nlp.make_doc(doc.text), doc)]
    with pytest.warns(UserWarning, match="1 of 2 gold entities go across .* 'heart.nfailure'"):
        nlp.initialize(lambda: examples)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        make_nlp(encoder_dir).initialize(lambda: examples)
