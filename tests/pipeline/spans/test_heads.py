"""What one head of the component of spans has and the others have not."""

import copy

import numpy as np
import pytest
import torch
from spacy.language import Language

from spacy_ner_plus.annotation.unknown_group import set_unknown
from spacy_ner_plus.models.decoding.chain_decoder import ChainDecoder
from spacy_ner_plus.models.decoding.span_heads import DECODERS
from spacy_ner_plus.models.decoding.span_settings import HEADS as NAMES
from spacy_ner_plus.nesting.chain_plan import ChainPlan
from spacy_ner_plus.nn.crf import Layout
from spacy_ner_plus.nn.heads.chain_head import ChainHead
from tests.pipeline.spans.nested_samples import (
    HEADS,
    KEY,
    LABELS,
    SENTENCES,
    docs_of,
    found,
    gold,
    initialized,
    learn,
    make_doc,
    nested_example,
    nested_examples,
    spans_nlp,
    spans_pipe,
    trained_nlp,
)

DEEP = ("a b c d e .", [(0, 5, "X"), (0, 4, "X"), (0, 3, "X"), (0, 2, "X"), (0, 2, "Y")])
CROSSING = ("a b c d e .", [(0, 3, "X"), (2, 5, "X"), (0, 1, "Y")])


def chain_head(nlp: Language) -> ChainHead:
    head: ChainHead = spans_pipe(nlp).span_shim.module.head
    return head


def test_every_head_has_a_decoder() -> None:
    assert tuple(DECODERS) == NAMES == HEADS


def test_chains_are_those_that_the_data_need() -> None:
    nlp = initialized(spans_nlp(model_head="crf_per_label"))
    levels = [([label], 2 if label == "PROTEIN" else 1) for label in LABELS]
    assert spans_pipe(nlp).span_shim.chains == ChainPlan.of_levels(levels)
    assert chain_head(nlp).n_features == 7 * 5
    nlp = initialized(spans_nlp(model_head="crf_per_label", model_tag_scheme="BIO"))
    assert chain_head(nlp).n_features == 7 * 3


def test_what_lies_too_deep_or_crosses_is_told_by_label() -> None:
    nlp = spans_nlp(model_head="crf_per_label", model_max_levels=2)
    deep, crossing = (nested_example(nlp, *one) for one in (DEEP, CROSSING))
    with pytest.warns(UserWarning) as warned:
        initialized(nlp, [deep, crossing])
    messages = sorted(str(one.message) for one in warned)
    assert len(messages) == 2
    assert messages[0].startswith("1 of 8 gold spans cross others of their label at the same level")
    assert "(X: 1 of 6)" in messages[0] and "biaffine" in messages[0]
    assert messages[1].startswith("2 of 8 gold spans lie within more others of their label than")
    assert "(X: 2 of 6). A larger max_levels" in messages[1]
    assert spans_pipe(nlp).span_shim.chains == ChainPlan.of_levels([(["X"], 2), (["Y"], 1)])


def test_both_heads_say_of_what_neither_learns_that_it_is_too_wide() -> None:
    nlp = spans_nlp(model_head="both", model_max_width=1, model_max_levels=2)
    with pytest.warns(UserWarning) as warned:
        initialized(nlp, [nested_example(nlp, *one) for one in (DEEP, CROSSING)])
    messages = [str(one.message) for one in warned]
    assert len(messages) == 2
    for message in messages:
        assert "have more than max_width = 1 tokens and" in message
        assert "With a larger max_width they can be learned" in message


@pytest.mark.parametrize("head", HEADS)
def test_updates_with_other_data_count_what_can_not_be_learned(head: str) -> None:
    nlp = initialized(spans_nlp(model_head=head))
    pipe = spans_pipe(nlp)
    pipe.update(nested_examples(nlp))
    assert pipe.left_out == 0
    spans = [(0, 7, "ORG"), (0, 6, "ORG"), (1, 2, "LOC")]  # wider than 5, and one deeper
    other = [nested_example(nlp, "a b c d e f g", spans)]
    pipe.update(other)  # initialize would have told
    n_lost = {"biaffine": 2, "crf_per_label": 1, "both": 1}[head]
    assert pipe.left_out == n_lost
    loaded = spans_pipe(copy.deepcopy(nlp))
    loaded._has_told = False  # as in another process
    with pytest.warns(UserWarning, match="that its head can't learn.*`left_out` counts them"):
        loaded.update(other)
    assert loaded.left_out == 2 * n_lost


def test_crossing_spans_of_other_levels_are_learned_all_the_same() -> None:
    """What a chain leaves out is not known of it: it costs nothing to find it."""
    nlp = spans_nlp(model_head="crf_per_label")
    example = nested_example(nlp, *CROSSING)
    with pytest.warns(UserWarning, match="cross others"):
        initialized(nlp, [example])
    learn(nlp, [example], 40)
    assert set(found(nlp(make_doc(nlp, CROSSING[0])))) >= {(0, 3, "X"), (0, 1, "Y")}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"negative_weight": 0.5}, "negative_weight = 0.5 means nothing to this head"),
        ({"boundary_smoothing": 0.1}, "boundary_smoothing = 0.1 means nothing to this head"),
    ],
)
def test_setting_that_means_nothing_is_refused_before_anything_is_made(
    settings: dict[str, float], message: str
) -> None:
    nlp = spans_nlp(model_head="crf_per_label", **settings)
    with pytest.raises(ValueError, match=message):
        initialized(nlp)
    assert not spans_pipe(nlp).span_shim.is_built
    initialized(spans_nlp(model_head="both", **settings))


def test_labels_that_were_not_looked_for_leave_their_chains_alone() -> None:
    nlp = initialized(spans_nlp(model_head="crf_per_label"))
    example = nested_example(nlp, *SENTENCES[1])
    example.reference._.annotated_labels = ["PROTEIN"]
    spans_pipe(nlp).update([example])
    head = chain_head(nlp)
    bias = head.tags.linear.bias.grad
    assert bias is not None
    learned = bias.view(head.crfs.n_chains, -1).abs().sum(dim=1).nonzero().flatten().tolist()
    assert [head.plan.chains[i].labels for i in learned] == [("PROTEIN",), ("PROTEIN",)]


def test_unknown_stretch_teaches_chains_nothing_but_the_spans_on_it() -> None:
    """The loss is that of the paths that agree with what is known."""
    nlp = initialized(spans_nlp(model_head="crf_per_label"))
    pipe, (text, spans) = spans_pipe(nlp), SENTENCES[0]
    partly = nested_example(nlp, text, spans[1:2])
    set_unknown(partly.reference, KEY, np.array([False, True, True, True, True, False, False]))
    rows = pipe.model.predict([partly.predicted])
    crfs = chain_head(nlp).crfs
    expected = 0.0
    for i, chain in enumerate(crfs.plan.chains):
        lattice = crfs.lattices(rows.features, Layout(rows.lengths))[i]
        allowed = torch.ones(7, 5, dtype=torch.bool)
        allowed[[0, 5, 6], 1:] = False
        if chain.labels == ("LOC",):
            allowed[2, :4] = False  # a span of one token
        expected -= lattice.log_probs(allowed).item()
    n_known = 5  # with the token behind the span, which can't go on with it
    assert pipe.update([partly])["ner_plus_spans"] == pytest.approx(expected / n_known, abs=1e-5)


def test_both_heads_find_what_is_wider_than_the_band() -> None:
    nlp = trained_nlp(model_head="both", model_max_width=3)
    assert [found(nlp(doc)) for doc in docs_of(nlp)] == gold()


def test_layers_hold_spans_of_all_labels_and_grow() -> None:
    with pytest.warns(UserWarning, match=r"1 of 11 gold spans cross others of any label"):
        nlp = trained_nlp(model_head="crf_per_label", model_chains="layers")
    head = chain_head(nlp)
    assert [chain.labels for chain in head.plan.chains] == [LABELS, LABELS]
    crossing = [(2, 4, "SHIP"), (3, 5, "PER")]  # of two labels, but of one layer
    expected = gold()
    assert [found(nlp(doc)) for i, doc in enumerate(docs_of(nlp)) if i != 3] == [
        spans for i, spans in enumerate(expected) if i != 3
    ]
    assert found(nlp(docs_of(nlp)[3]))[0] in crossing
    pipe = spans_pipe(nlp)
    pipe.add_label("ANIMAL")
    assert chain_head(nlp).plan.chains[1].labels == (*LABELS, "ANIMAL")
    assert found(nlp(docs_of(nlp)[0])) == expected[0]
    new = nested_example(nlp, "A dog barks .", [(0, 2, "ANIMAL"), (1, 2, "ANIMAL")])
    learn(nlp, [*nested_examples(nlp), new], 30)
    assert found(nlp(make_doc(nlp, "A dog barks ."))) == [(0, 2, "ANIMAL"), (1, 2, "ANIMAL")]


def test_spans_whose_layer_nobody_knows_are_told() -> None:
    nlp = spans_nlp(model_head="crf_per_label", model_chains="layers")
    partly = nested_example(nlp, *SENTENCES[1])
    partly.reference._.annotated_labels = ["PROTEIN"]
    with pytest.warns(UserWarning, match=r"2 of 4 gold spans lie where only some.*PROTEIN: 2 of 2"):
        initialized(nlp, [partly, nested_example(nlp, *SENTENCES[2])])


def test_chains_are_calibrated_by_the_log_odds_of_their_spans() -> None:
    nlp = initialized(spans_nlp(model_head="crf_per_label"))
    pipe, text = spans_pipe(nlp), "a b c d e f g h"
    examples = [nested_example(nlp, text, [(i, i + 1, "LOC")]) for i in range(8)] * 5
    done = pipe.calibrate(examples)
    before, after = done.before.candidates.total, done.after.candidates.total
    assert after.log_loss < before.log_loss
    assert after.mean_probability == pytest.approx(after.precision, abs=0.03)
    assert isinstance(pipe.span_shim.decoder, ChainDecoder)
