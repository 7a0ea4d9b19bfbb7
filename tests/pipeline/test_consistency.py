"""Two passes with different dropout, which are to agree. The formula: nn/crf/test_consistency."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.nn.crf import Layout
from tests.pipeline.samples import gradients, initialized_nlp, make_examples, make_nlp, shake_head


def start(encoder: Path, **settings: Any) -> tuple[Language, list[Example]]:
    nlp = initialized_nlp(encoder, **{"model_dropout": 0.3, **settings})
    shake_head(nlp.get_pipe("ner_plus"), scale=0.1)
    return nlp, make_examples(nlp, 5)


def loss_and_gradients(
    nlp: Language, examples: list[Example], weight: float
) -> tuple[float, dict[str, torch.Tensor]]:
    """With the same dropout each time, whatever the weight over 0."""
    ner = nlp.get_pipe("ner_plus")
    ner.shim.module.zero_grad()
    ner.consistency = weight
    torch.manual_seed(3)
    return ner.update(examples)["ner_plus"], gradients(ner)


def divergence(nlp: Language, emissions: Emissions) -> float:
    """The mean over rows, by the divergences that rehearsal and distillation have."""
    decoder = nlp.get_pipe("ner_plus").shim.decoder
    n_docs, n_rows = len(emissions.row_tokens) // 2, len(emissions.scores) // 2
    layout = Layout(emissions.lengths[:n_docs])
    passes = [part.double() for part in emissions.scores.chunk(2)]
    tags = torch.arange(decoder.n_tags)
    total = 0.0
    for teacher, student in (passes, passes[::-1]):
        targets = decoder.soft_targets(teacher, layout)
        divergences = decoder.distillation_loss(student, layout, targets, tags)  # (n_docs,)
        total += float(divergences.sum().detach()) / 2
    return total / n_rows


@pytest.mark.parametrize("use_crf", [True, False])
def test_loss_is_the_mean_of_both_and_their_divergence(encoder_dir: Path, use_crf: bool) -> None:
    nlp, examples = start(encoder_dir, model_use_crf=use_crf)
    ner = nlp.get_pipe("ner_plus")
    torch.manual_seed(3)
    docs = [example.predicted for example in examples]
    emissions, _ = ner.model.begin_update([*docs, *docs])
    parts = [
        Emissions(scores, rows)
        for scores, rows in zip(
            emissions.scores.chunk(2),
            (emissions.row_tokens[:5], emissions.row_tokens[5:]),
            strict=True,
        )
    ]
    annotated = np.mean([ner.get_loss(examples, part)[0] for part in parts])
    apart = divergence(nlp, emissions)
    assert apart > 1e-3
    for weight in (0.5, 4.0):
        loss, _ = loss_and_gradients(nlp, examples, weight)
        assert loss == pytest.approx(annotated + weight * apart, rel=1e-6)


@pytest.mark.parametrize("use_crf", [True, False])
def test_gradient_is_that_of_the_loss(encoder_dir: Path, use_crf: bool) -> None:
    """Of all parameters, the transitions among them: along a line, and by the weight."""
    nlp, examples = start(encoder_dir, model_use_crf=use_crf)
    parameters = dict(nlp.get_pipe("ner_plus").shim.module.head.named_parameters())
    _, without = loss_and_gradients(nlp, examples, 1e-30)
    _, once = loss_and_gradients(nlp, examples, 2.0)
    _, twice = loss_and_gradients(nlp, examples, 4.0)
    for name, gradient in once.items():
        gap = gradient - without[name]
        torch.testing.assert_close(twice[name] - without[name], 2 * gap, rtol=1e-3, atol=1e-5)
    step = 1e-3
    direction = {name: torch.randn_like(p) for name, p in parameters.items()}
    losses = []
    for sign in (1, -1):
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter += sign * step * direction[name]
        losses.append(loss_and_gradients(nlp, examples, 4.0)[0])
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter -= sign * step * direction[name]
    slope = sum(float((twice[f"head.{name}"] * d).sum()) for name, d in direction.items())
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(slope, rel=0.02)


def test_without_annotation_passes_are_brought_together_all_the_same(encoder_dir: Path) -> None:
    nlp, _ = start(encoder_dir)
    doc = nlp.make_doc("Severe heart failure followed.")
    with pytest.warns(UserWarning, match="No token of a whole batch is annotated"):
        loss, found = loss_and_gradients(nlp, [Example(doc, doc.copy())], 1.0)
    assert loss > 1e-4
    assert any(gradient.abs().max() > 1e-6 for gradient in found.values())


def test_zero_is_one_pass_and_counts_words_once(encoder_dir: Path) -> None:
    nlp, examples = start(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    calls = []
    inner = ner.model._func

    def counted(model: Any, docs: list[Any], is_train: bool) -> Any:
        calls.append(len(docs))
        return inner(model, docs, is_train)

    ner.model._func = counted
    n_words = sum(len(example.predicted) for example in examples)
    for weight, n_docs in ((0.0, 5), (1.0, 10)):
        ner.progress.words = 0
        loss_and_gradients(nlp, examples, weight)
        assert calls.pop() == n_docs and not calls
        assert ner.progress.words == n_words


def test_passes_without_dropout_are_told(encoder_dir: Path) -> None:
    nlp, examples = start(encoder_dir, model_dropout=0.0)
    module = nlp.get_pipe("ner_plus").shim.module
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain, before = loss_and_gradients(nlp, examples, 0.0)
    with pytest.warns(UserWarning, match="give the same scores, so consistency teaches nothing"):
        loss, found = loss_and_gradients(nlp, examples, 1.0)
    assert loss == pytest.approx(plain)
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, before[name], rtol=1e-3, atol=1e-6)


def test_what_runs_once_is_refused(encoder_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"consistency = 1\.0 can't be used with learn_rule_weig"):
        make_nlp(encoder_dir, consistency=1.0, learn_rule_weights=True)
    nlp, examples = start(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    ner.consistency, ner.learn_rule_weights = 1.0, True  # set since
    with pytest.raises(ValueError, match=r"can't be used with learn_rule_weights"):
        ner.update(examples)


@pytest.mark.slow
@pytest.mark.parametrize("use_crf", [True, False])
def test_passes_come_together_by_it_alone(encoder_dir: Path, use_crf: bool) -> None:
    nlp, annotated = start(encoder_dir, model_use_crf=use_crf, consistency=1.0)
    ner = nlp.get_pipe("ner_plus")
    docs = [example.predicted for example in annotated]
    examples = [Example(doc, nlp.make_doc(doc.text)) for doc in docs]

    def apart() -> float:
        torch.manual_seed(5)
        return divergence(nlp, ner.model.begin_update([*docs, *docs])[0])

    before = apart()
    with pytest.warns(UserWarning, match="No token of a whole batch is annotated"):
        for _ in range(10):
            ner.update(examples, sgd=Adam(1e-4))
    assert apart() < 0.7 * before
