"""Learning from spans that are known to be wrong: incorrect_spans_key."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.nn.crf import SpanFactors
from spacy_ner_plus.pipeline.ner_plus.rule_learning import rejected_elsewhere, without_held_out
from spacy_ner_plus.tags import TagScheme
from tests.nn.crf.test_span_factors import span_log_probs
from tests.pipeline.samples import initialized_nlp, make_examples, make_nlp, shake_head
from tests.pipeline.spans.nested_samples import (
    HEADS,
    NAME,
    SENTENCES,
    initialized,
    nested_example,
    spans_nlp,
    spans_pipe,
)

KEY = "incorrect_spans"
WORDS = ["Selegiline", "-", "induced", "postural", "hypotension", "occurred", "."]


def example(nlp: Language, wrong: list[tuple[int, int, str]], key: str = KEY) -> Example:
    """Of which nothing else is known."""
    reference = Doc(nlp.vocab, WORDS)
    reference.spans[key] = [Span(reference, *span) for span in wrong]
    return Example(Doc(nlp.vocab, WORDS), reference)


@pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
def test_they_are_unlearned_and_nothing_else_is_learned(encoder_dir: Path, use_crf: bool) -> None:
    nlp = initialized_nlp(encoder_dir, model_use_crf=use_crf)
    ner = nlp.get_pipe("ner_plus")
    shake_head(ner, scale=0.3)
    wrong = (3, 5, "Disease")
    docs = [example(nlp, [wrong])]
    emissions = ner.model.predict([docs[0].predicted])
    loss, _ = ner.get_loss(docs, emissions)
    scheme = ner.shim.scheme
    lattice = ner.shim.decoder.lattice(emissions.scores, next(emissions.groups()).layout)
    label = scheme.labels.index("Disease")
    log_prob = span_log_probs(lattice, scheme, 0, [(3, 5, label)])[0].item()
    # the mean over the two tokens of which something is known
    assert loss == pytest.approx(-math.log1p(-math.exp(log_prob)) / 2, rel=1e-6)
    optimizer = Adam(5e-4, L2=0.0, grad_clip=1.0)
    losses = [ner.update(docs, sgd=optimizer)["ner_plus"] for _ in range(5)]
    assert losses[-1] < losses[0]


def test_without_the_setting_and_with_another_key_they_say_nothing(encoder_dir: Path) -> None:
    for key in (None, "others"):
        nlp = initialized_nlp(encoder_dir, incorrect_spans_key=key)
        with pytest.warns(UserWarning, match="No token of a whole batch is annotated"):
            assert nlp.get_pipe("ner_plus").update([example(nlp, [(3, 5, "Disease")])]) == {
                "ner_plus": 0.0
            }


def test_documents_with_wrong_spans_alone_count_as_annotated(encoder_dir: Path) -> None:
    """And others keep the weight that they have without them."""
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    annotated = make_examples(nlp, 2)
    loss = ner.update(annotated)["ner_plus"]
    n_known = sum(len(one.reference) for one in annotated)
    mixed = ner.update([*annotated, example(nlp, [(0, 1, "Chemical")])])["ner_plus"]
    alone = ner.update([example(nlp, [(0, 1, "Chemical")])])["ner_plus"]
    assert mixed == pytest.approx((loss * n_known + alone) / (n_known + 1), rel=1e-5)


def test_a_span_that_is_gold_as_well_is_an_error_before_anything_is_learned(
    encoder_dir: Path,
) -> None:
    nlp = make_nlp(encoder_dir)
    examples = make_examples(nlp, 3)
    reference = examples[1].reference
    entity = reference.ents[0]
    reference.spans[KEY] = [Span(reference, entity.start, entity.end, entity.label_)]
    message = f"{entity.text!r} of type {entity.label_!r} at .* says in doc.spans"
    with pytest.raises(ValueError, match=message):
        nlp.initialize(lambda: examples)
    nlp = initialized_nlp(encoder_dir)
    with pytest.raises(ValueError, match=message):
        nlp.get_pipe("ner_plus").update(examples)


def test_what_teaches_nothing_is_counted(encoder_dir: Path) -> None:
    """Spans of types that there are no entities of, and those on white space."""
    nlp = make_nlp(encoder_dir)
    reference = Doc(nlp.vocab, ["a", "\n", "b"])
    reference.spans[KEY] = [Span(reference, 0, 2, "Disease"), Span(reference, 0, 3, "Disease")]
    white = Example(Doc(nlp.vocab, ["a", "\n", "b"]), reference)
    examples = [*make_examples(nlp, 3), example(nlp, [(0, 1, "Species"), (0, 2, "Gene")]), white]
    with pytest.warns(UserWarning) as told:
        nlp.initialize(lambda: examples)
    messages = " ".join(str(one.message) for one in told)
    assert "2 spans in doc.spans['incorrect_spans'], which are known to be wrong, are" in messages
    assert "(Gene: 1, Species: 1)" in messages
    assert "1 spans in doc.spans['incorrect_spans'], which are known to be wrong, teach" in messages
    assert nlp.get_pipe("ner_plus").labels == ("Chemical", "Disease")


@pytest.mark.parametrize("head", HEADS)
def test_heads_of_spans_unlearn_them_where_nothing_else_is_known(head: str) -> None:
    nlp = initialized(spans_nlp(model_head=head))
    pipe: Any = spans_pipe(nlp)
    text, place = SENTENCES[1][0], (1, 4, "PROTEIN")
    wrong = nested_example(nlp, text, None)
    wrong.reference.spans[KEY] = [Span(wrong.reference, *place)]
    optimizer = Adam(0.01, L2=0.0, grad_clip=1.0)
    losses = [pipe.update([wrong], sgd=optimizer)[NAME] for _ in range(8)]
    assert losses[0] > 0
    assert losses[-1] < 0.8 * losses[0]
    gold = nested_example(nlp, text, [place])
    gold.reference.spans[KEY] = [Span(gold.reference, *place)]
    with pytest.raises(ValueError, match=r"'interleukin 2 receptor' of type 'PROTEIN' at .*wrong"):
        pipe.update([gold])
    with pytest.raises(ValueError, match=r"'interleukin 2 receptor' of type 'PROTEIN' at .*wrong"):
        initialized(spans_nlp(model_head=head), [gold])


@pytest.mark.parametrize("factory", ["ner_plus", "ner_plus_spans", "ner_plus_features"])
def test_settings(factory: str) -> None:
    nlp = spacy.blank("en")
    assert nlp.get_factory_meta(factory).default_config["incorrect_spans_key"] == KEY
    for key, message in (("", "must be a name for doc.spans"), ("mine", "are both 'mine'")):
        with pytest.raises(ValueError, match=message):
            nlp.add_pipe(factory, config={"incorrect_spans_key": key, "spans_key": "mine"})


def test_hand_written_features_learn_from_them() -> None:
    """By the trainer over paths, which "auto" takes then."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("ner_plus_features", config={"max_iterations": 30})
    words = ["he", "saw", "Anna", "in", "Oslo", "."]
    reference = Doc(nlp.vocab, words)
    reference.set_ents([Span(reference, 2, 3, "PER")], missing=[reference[4:5]], default="outside")
    other = Doc(nlp.vocab, words)
    other.spans[KEY] = [Span(other, 4, 5, "PER")]
    plain = Example(Doc(nlp.vocab, words), reference)
    wrong = Example(Doc(nlp.vocab, words), other)

    def oslo(examples: list[Example]) -> float:
        pipe.initialize(lambda: examples, nlp=nlp)
        probabilities = pipe.tag_probabilities(Doc(nlp.vocab, words)).probabilities  # (6, tags)
        return float(probabilities[4, pipe.shim.scheme.unit[0]])

    assert oslo([plain, wrong]) < 0.5 * oslo([plain])


def test_the_model_does_not_learn_wrong_spans_on_phrases_that_teach_weights_of_rules() -> None:
    scheme = TagScheme("BIO", ["X"])
    spans = SpanFactors.of_rejected(scheme, np.array([(0, 0, 2, 0), (0, 3, 4, 0), (1, 0, 1, 0)]))
    held_out = [np.array([False, True, False, False]), np.array([False])]
    kept = rejected_elsewhere(spans, held_out)
    assert kept is not None
    assert (kept.sequences.tolist(), kept.starts.tolist()) == ([0, 1], [3, 0])
    assert rejected_elsewhere(spans, [np.ones(4, dtype=bool), np.ones(1, dtype=bool)]) is None
    assert rejected_elsewhere(None, held_out) is None
    allowed = [np.zeros((4, 3), dtype=bool), np.ones((1, 3), dtype=bool)]
    opened = without_held_out(allowed, held_out)
    assert [own.all(axis=1).tolist() for own in opened] == [[False, True, False, False], [True]]
    assert not allowed[0].any()
