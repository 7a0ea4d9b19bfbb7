"""How the component of spans learns, and from what."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.annotation.unknown_group import set_unknown
from tests.pipeline.spans.nested_samples import (
    CNN,
    HEAD,
    HEADS,
    KEY,
    LABELS,
    NAME,
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
    transformer_nlp,
)


def gradients(nlp: Language) -> dict[str, torch.Tensor]:
    module = spans_pipe(nlp).span_shim.module
    named = {n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}
    module.zero_grad()
    return named


def test_nested_corpus_is_learned_by_heart(known: Language) -> None:
    docs = list(known.pipe(docs_of(known)))
    assert [found(doc) for doc in docs] == gold()
    scores = known.evaluate(nested_examples(known))
    assert scores["spans_sc_f"] == scores["spans_sc_inner_f"] == 1.0
    assert "ents_f" not in scores
    assert not any(doc.ents for doc in docs)


@pytest.mark.parametrize("head", ["biaffine", "crf_per_label"])
def test_transformer_learns_them_too(encoder_dir: Path, head: str) -> None:
    settings: dict[str, Any] = {"model_head": head, "model_convolutions": 1, "model_channels": 8}
    nlp = initialized(transformer_nlp(encoder_dir, **settings))
    losses = learn(nlp, nested_examples(nlp), 60, rate=5e-4)
    assert losses[-1] < 0.1 * losses[0]
    assert [found(nlp(doc)) for doc in docs_of(nlp)] == gold()


def test_labels_are_those_of_the_data_and_their_priors_the_start() -> None:
    nlp = initialized(spans_nlp())
    pipe = spans_pipe(nlp)
    assert pipe.labels == LABELS
    n_words = [sum(not word.isspace() for word in text.split(" ")) for text, _ in SENTENCES]
    n_spans = sum(max(0, n - width) for n in n_words for width in range(HEAD["max_width"]))
    counts = Counter(label for _, spans in SENTENCES for *_, label in spans)
    for label, bias in zip(LABELS, pipe.span_shim.module.head.bias.tolist(), strict=True):
        # half an entity besides, at a rate of 1 in 100
        expected = np.log((counts[label] + 0.5) / (n_spans - counts[label] + 0.5 * 99))
        assert bias == pytest.approx(expected, abs=1e-5)


def test_wide_spans_are_counted_and_told() -> None:
    with pytest.warns(
        UserWarning, match=r"1 of 11 gold spans have more than max_width = 4 .*ORG: 1 of 2"
    ):
        initialized(spans_nlp(model_max_width=4))


@pytest.mark.parametrize("head", HEADS)
def test_loss_of_predicted_rows_is_that_of_an_update(head: str) -> None:
    nlp = initialized(spans_nlp(model_head=head))
    pipe, examples = spans_pipe(nlp), nested_examples(nlp)
    rows = pipe.model.predict([example.predicted for example in examples])
    loss, gradient = pipe.get_loss(examples, rows)
    assert gradient.shape == rows.features.shape
    assert pipe.update(examples)[NAME] == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_documents_without_annotation_teach_nothing(head: str) -> None:
    nlp = initialized(spans_nlp(model_head=head))
    pipe = spans_pipe(nlp)
    missing = [nested_example(nlp, text, None) for text, _ in SENTENCES]
    with pytest.warns(UserWarning, match=r"No token of a whole batch is annotated.*doc\.spans"):
        assert pipe.update(missing)[NAME] == 0.0
    assert all(not gradient.any() for gradient in gradients(nlp).values())
    annotated = nested_examples(nlp)
    alone = pipe.update(annotated)[NAME]
    expected = gradients(nlp)
    assert pipe.update([*missing, *annotated])[NAME] == pytest.approx(alone, abs=1e-6)
    for name, gradient in gradients(nlp).items():
        torch.testing.assert_close(gradient, expected[name], rtol=0, atol=1e-5, msg=name)


@pytest.mark.parametrize("head", HEADS)
def test_empty_group_says_that_there_are_none(head: str) -> None:
    nlp = initialized(spans_nlp(model_head=head))
    assert spans_pipe(nlp).update([nested_example(nlp, "Nothing here .", [])])[NAME] > 0.0


def test_unknown_stretch_teaches_nothing_but_the_spans_on_it() -> None:
    """The loss is that of the known spans alone, each of them annotated."""
    nlp = initialized(spans_nlp())
    pipe = spans_pipe(nlp)
    text, spans = SENTENCES[0]
    whole, partly = nested_example(nlp, text, spans), nested_example(nlp, text, spans[:1])
    set_unknown(partly.reference, KEY, np.array([False, True, True, True, True, False, False]))
    assert pipe.update([partly])[NAME] > 0.0
    gradients(nlp)
    rows = pipe.model.predict([whole.predicted])
    head = pipe.span_shim.module.head
    with torch.no_grad():
        layout = head.layout(rows.lengths, rows.features.device)
        logits = head(rows.features, layout).double()
    org = pipe.labels.index("ORG")
    # of (0, 5), which runs over unknown tokens, only the label that it has is known
    of_org = -torch.nn.functional.logsigmoid(logits[0, 4, org])
    others = [
        -torch.nn.functional.logsigmoid(-logits[start, width - 1]).sum()
        for start, width in ((0, 1), (5, 1), (5, 2), (6, 1))
    ]
    expected = (of_org + sum(others)) / 3  # tokens at which something known starts
    assert pipe.update([partly])[NAME] == pytest.approx(float(expected), abs=1e-5)


def test_labels_that_were_not_looked_for_are_not_learned() -> None:
    nlp = initialized(spans_nlp())
    pipe = spans_pipe(nlp)
    example = nested_example(nlp, *SENTENCES[1])
    example.reference._.annotated_labels = ["PROTEIN"]
    pipe.update([example])
    bias = gradients(nlp)["head.bias"]
    assert bias.nonzero().flatten().tolist() == [LABELS.index("PROTEIN")]


def test_span_of_another_label_than_those_looked_for_is_refused() -> None:
    nlp = initialized(spans_nlp())
    example = nested_example(nlp, *SENTENCES[1])
    example.reference._.annotated_labels = ["LOC"]
    with pytest.raises(ValueError, match=r"has entities of type \['PROTEIN'\]"):
        spans_pipe(nlp).update([example])


def test_unknown_label_is_refused_with_the_document() -> None:
    nlp = initialized(spans_nlp())
    example = nested_example(nlp, "A dog barks .", [(1, 2, "ANIMAL")])
    with pytest.raises(ValueError, match=r"'A dog barks .*ANIMAL.*knows only"):
        spans_pipe(nlp).update([example])


@pytest.mark.parametrize("learn_ents", [True, False])
def test_entities_of_doc_ents_are_learned_if_wanted(learn_ents: bool) -> None:
    nlp = initialized(spans_nlp(learn_ents=learn_ents))
    text = "Ann lives in Monza ."
    reference = make_doc(nlp, text)
    reference.set_ents([Span(reference, 3, 4, "LOC")])
    example = Example(make_doc(nlp, text), reference)
    assert (spans_pipe(nlp).update([example])[NAME] > 0.0) == learn_ents


@pytest.mark.parametrize("learn_ents", [True, False])
def test_entities_of_doc_ents_are_gold_if_they_are_learned(learn_ents: bool) -> None:
    nlp = spans_nlp(learn_ents=learn_ents)
    [example] = [nested_example(nlp, "Ann lives in Monza .", None)]
    example.reference.set_ents([Span(example.reference, 3, 4, "LOC")], default="outside")
    found = make_doc(nlp, "Ann lives in Monza .")
    found.spans[KEY] = [Span(found, 3, 4, "LOC"), Span(found, 0, 1, "PER")]
    scores = spans_pipe(nlp).score([Example(found, example.reference)])
    assert scores[f"spans_{KEY}_p"] == (0.5 if learn_ents else None)
    assert scores[f"spans_{KEY}_r"] == (1.0 if learn_ents else None)


@pytest.mark.parametrize(("label", "learn_ents"), [("LOC", True), ("X", True), ("X", False)])
def test_types_of_doc_ents_alone_are_told(
    label: str, learn_ents: bool, recwarn: pytest.WarningsRecorder
) -> None:
    nlp = spans_nlp(learn_ents=learn_ents)
    [example] = [nested_example(nlp, "Ann lives in Monza .", [(3, 4, "LOC")])]
    example.reference.set_ents([Span(example.reference, 0, 1, label)], default="outside")
    initialized(nlp, [example])
    messages = [str(one.message) for one in recwarn if "in doc.ents alone" in str(one.message)]
    assert len(messages) == (label == "X" and learn_ents)
    assert all("(X: 1). Set learn_ents to false" in message for message in messages)


@pytest.mark.parametrize(
    ("allow", "told"),
    [
        ("all", None),
        ("nested", 'Of 11 gold spans 2 cross others: .*allow = "nested"'),
        ("flat", "Of 11 gold spans 4 lie within longer ones, 2 have the place .*, 2 cross others"),
    ],
)
def test_annotated_spans_that_exclude_each_other_are_told(
    allow: str, told: str | None, recwarn: pytest.WarningsRecorder
) -> None:
    initialized(spans_nlp(allow=allow))
    messages = [str(one.message) for one in recwarn if "gold spans" in str(one.message)]
    assert len(messages) == (told is not None)
    assert told is None or re.match(told, messages[0])


def test_span_that_does_not_fit_the_tokens_is_told_and_unknown() -> None:
    nlp = spans_nlp()
    text = "New York-based firms"
    reference = make_doc(nlp, text)
    reference.spans[KEY] = [Span(reference, 0, 1, "LOC"), Span(reference, 2, 3, "ORG")]
    predicted = make_doc(nlp, text)
    with predicted.retokenize() as retokenizer:
        retokenizer.merge(predicted[0:2])
    with pytest.warns(UserWarning, match=r"1 of 2 gold spans can't be learned.*\n.*'New'"):
        initialized(nlp, [Example(predicted, reference)])
    pipe = spans_pipe(nlp)
    pipe.update([Example(predicted, reference)])
    rows = pipe.model.predict([predicted])
    assert rows.lengths.tolist() == [2]
    widths = gradients(nlp)["head.terms.widths"]  # (max_width, n_labels)
    # of LOC, the second token alone is known: no span of two is
    assert widths[1, 0] == 0.0 and widths[0, 0] != 0.0 and widths[1, 1] != 0.0


def test_weight_of_negatives_is_taken_off_again() -> None:
    """At the start, which is that of the priors."""
    plain, weighted = (all_scored(threshold=0.001, negative_weight=weight) for weight in (1.0, 0.5))
    assert len(plain) > 100
    np.testing.assert_allclose(plain, weighted, rtol=0, atol=1e-5)


def test_label_weights_raise_what_is_rare() -> None:
    plain, raised = (
        all_scored(threshold=0.001, label_weights=weights)
        for weights in (None, dict.fromkeys(LABELS, 5.0))
    )
    assert raised.mean() > 2 * plain.mean()


def all_scored(**settings: Any) -> np.ndarray:
    """The probabilities that a new pipeline gives."""
    nlp = initialized(spans_nlp(**settings))
    scored = spans_pipe(nlp).predict(docs_of(nlp))
    return np.concatenate([spans.probabilities for spans in scored])


def test_boundary_smoothing_leaves_the_annotated_spans_the_most_probable() -> None:
    nlp = trained_nlp(boundary_smoothing=0.1)
    assert [found(nlp(doc)) for doc in docs_of(nlp)] == gold()


def test_new_label_is_improbable_and_can_be_learned(own_known: Language) -> None:
    pipe = spans_pipe(own_known)
    before = {n: p.clone() for n, p in pipe.span_shim.module.head.named_parameters()}
    assert pipe.add_label("ANIMAL") == 1 and pipe.add_label("ANIMAL") == 0
    assert pipe.labels == (*LABELS, "ANIMAL") and "ANIMAL" in own_known.vocab.strings
    for name, parameter in pipe.span_shim.module.head.named_parameters():
        corner = tuple(slice(0, size) for size in before[name].shape)
        assert torch.equal(parameter[corner], before[name]), name
    assert [found(own_known(doc)) for doc in docs_of(own_known)] == gold()
    optimizer: Any = own_known.resume_training()
    assert optimizer is not None
    new = nested_example(own_known, "A dog barks .", [(0, 2, "ANIMAL"), (1, 2, "ANIMAL")])
    learn(own_known, [*nested_examples(own_known), new], 30)
    assert found(own_known(make_doc(own_known, "A dog barks ."))) == [
        (0, 2, "ANIMAL"),
        (1, 2, "ANIMAL"),
    ]


def test_labels_may_be_added_before_there_are_weights() -> None:
    nlp = spans_nlp()
    spans_pipe(nlp).add_label("ANIMAL")
    initialized(nlp)
    assert spans_pipe(nlp).labels == tuple(sorted((*LABELS, "ANIMAL")))


def test_rehearsal_is_refused(own_known: Language) -> None:
    own_known.resume_training()
    examples = nested_examples(own_known)
    with pytest.raises(ValueError, match=r"nothing that rehearses.*exclude=\['ner_plus_spans'\]"):
        own_known.rehearse(examples)
    assert own_known.rehearse(examples, exclude=[NAME]) == {}


@pytest.mark.parametrize("head", HEADS)
def test_frozen_encoder_stays_as_it_is(encoder_dir: Path, head: str) -> None:
    nlp = initialized(transformer_nlp(encoder_dir, model_freeze="encoder", model_head=head))
    module = spans_pipe(nlp).span_shim.module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    learn(nlp, nested_examples(nlp), 2, rate=5e-4)
    changed = {n for n, value in module.state_dict().items() if not torch.equal(value, before[n])}
    assert changed and all(name.startswith("head.") for name in changed)


def test_widths_are_not_drawn_to_zero() -> None:
    nlp = initialized(spans_nlp())
    pipe = spans_pipe(nlp)
    pipe.update(nested_examples(nlp), sgd=Adam(0.01, L2=0.5))
    names = {id(p): name for name, p in pipe.span_shim.module.named_parameters()}
    groups = pipe.span_shim._optimizer.adamw.param_groups
    decays = {names[id(p)] for group in groups if group["weight_decay"] for p in group["params"]}
    assert "head.biaffine.weight" in decays and "head.terms.widths" not in decays


def test_encoder_is_shared_with_a_flat_component() -> None:
    nlp = spans_nlp()
    nlp.remove_pipe(NAME)
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": CNN["width"]}
    nlp.add_pipe("tok2vec", config={"model": CNN})
    spans = {"@architectures": "spacy_ner_plus.TokenSpans.v1", "tok2vec": listener, **HEAD}
    flat = {"@architectures": "spacy_ner_plus.TokenTagger.v1", "tok2vec": listener, "device": "cpu"}
    nlp.add_pipe("ner_plus", config={"model": flat})
    nlp.add_pipe(NAME, config={"model": spans})
    examples = nested_examples(nlp)
    for example in examples:
        outer = [s for s in example.reference.spans[KEY] if s.label_ in ("ORG", "PROTEIN")]
        example.reference.set_ents(outer[:1], default="outside")
    optimizer = initialized(nlp, examples).create_optimizer()
    optimizer.learn_rate = 0.01
    first = nlp.update(examples, sgd=optimizer)
    for _ in range(10):
        last = nlp.update(examples, sgd=optimizer)
    assert last[NAME] < first[NAME] and last["ner_plus"] < first["ner_plus"]
    doc = nlp(make_doc(nlp, SENTENCES[0][0]))
    assert KEY in doc.spans and "ner_plus" in doc.spans


def test_span_without_a_label_is_refused_with_the_document() -> None:
    nlp = spans_nlp()
    example = nested_example(nlp, "A dog barks .", [(1, 2, "")])
    with pytest.raises(ValueError, match=r"type of 'dog' in the document 'A dog.*is ''.*non-empty"):
        initialized(nlp, [example])
    for label in ("", " LOC"):
        with pytest.raises(ValueError, match=r"The label is "):
            spans_pipe(nlp).add_label(label)
