"""Missing annotation is not O: it teaches nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.training import Example

from spacy_ner_plus.annotation.gold import allowed_tags
from spacy_ner_plus.models.decoding.losses import loss_and_gradient
from tests.pipeline.samples import gradients, initialized_nlp, make_examples, shake_head

WORDS = "Selegiline - induced postural hypotension occurred ."
TAGS = ["U-Chemical", "O", "O", "B-Disease", "L-Disease", "O", "O"]


def make_example(nlp: Language, tags: list[str]) -> Example:
    return Example.from_dict(nlp.make_doc(WORDS), {"entities": tags})


def nll(nlp: Language, tags: list[str]) -> float:
    """Negative log-likelihood of a whole example."""
    ner = nlp.get_pipe("ner_plus")
    example = make_example(nlp, tags)
    emissions = ner.model.predict([example.predicted])
    allowed = [allowed_tags(example, emissions.row_tokens[0], ner.shim.scheme)]
    losses, _ = loss_and_gradient(ner.shim.module.head.decoder, emissions, allowed)
    return float(losses[0])


@pytest.fixture(params=[True, False], ids=["crf", "softmax"])
def nlp(encoder_dir: Path, request: pytest.FixtureRequest) -> Language:
    """Random scores, with the CRF and without."""
    nlp = initialized_nlp(encoder_dir, model_use_crf=request.param)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.3)
    return nlp


def test_documents_without_annotation_have_no_loss_and_no_gradient(nlp: Language) -> None:
    ner = nlp.get_pipe("ner_plus")
    explicit = make_example(nlp, ["-"] * len(TAGS))
    implicit = Example(nlp.make_doc(WORDS), nlp.make_doc(WORDS))
    assert ner.update([explicit, implicit])["ner_plus"] == pytest.approx(0.0, abs=1e-9)
    found = gradients(ner)
    assert "head.linear.weight" in found
    for name, gradient in found.items():
        torch.testing.assert_close(
            gradient, torch.zeros_like(gradient), rtol=0, atol=1e-7, msg=name
        )


def test_documents_without_annotation_do_not_thin_out_the_others(nlp: Language) -> None:
    ner = nlp.get_pipe("ner_plus")
    annotated = make_examples(nlp, 2)
    missing = [make_example(nlp, ["-"] * len(TAGS))] * 3
    loss = ner.update(annotated)["ner_plus"]
    expected = gradients(ner)
    ner.shim.module.zero_grad()
    mixed = [missing[0], annotated[0], missing[1], annotated[1], missing[2]]
    assert ner.update(mixed)["ner_plus"] == pytest.approx(loss)
    for name, gradient in gradients(ner).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-6, msg=name)


def test_loss_with_a_missing_token_sums_over_its_completions(encoder_dir: Path) -> None:
    """-log P(known) = -log of the sum of P(completion): exact with the CRF."""
    nlp = initialized_nlp(encoder_dir)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.3)
    # between two O tokens nothing else fits
    completions = [nll(nlp, ["O", tag, *TAGS[2:]]) for tag in ("O", "U-Chemical", "U-Disease")]
    expected = -np.logaddexp.reduce([-loss for loss in completions])
    assert nll(nlp, ["O", "-", *TAGS[2:]]) == pytest.approx(expected, rel=1e-9)


def test_missing_token_after_an_entity_does_not_extend_it(encoder_dir: Path) -> None:
    """The last token may be anything but I-Disease: the entity before it is known to end."""
    nlp = initialized_nlp(encoder_dir)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.3)
    known = ["O", "O", "O", "O", "O", "U-Disease"]
    completions = [nll(nlp, [*known, tag]) for tag in ("O", "U-Chemical", "U-Disease")]
    expected = -np.logaddexp.reduce([-loss for loss in completions])
    assert nll(nlp, [*known, "-"]) == pytest.approx(expected, rel=1e-9)


def test_softmax_takes_no_gradient_from_missing_tokens(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir, model_use_crf=False)
    ner = nlp.get_pipe("ner_plus")
    example = make_example(nlp, ["-", *TAGS[1:3], "-", "-", "O", "-"])
    emissions, _ = ner.model.begin_update([example.predicted])
    _, gradient = ner.get_loss([example], emissions)
    touched = gradient.abs().sum(1) > 0
    assert touched.tolist() == [False, True, True, False, False, True, False]


def test_training_with_missing_tokens_does_not_teach_outside(encoder_dir: Path) -> None:
    """One sentence, its entity annotated in one copy and missing in five others: still found."""
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    missing = [*TAGS[:3], "-", "-", "O", "O"]
    examples = [make_example(nlp, TAGS), *[make_example(nlp, missing)] * 5]
    optimizer = ner.create_optimizer()
    optimizer.learn_rate = 5e-4
    for _ in range(25):
        ner.update(examples, sgd=optimizer)
    assert [(ent.text, ent.label_) for ent in nlp(WORDS).ents] == [
        ("Selegiline", "Chemical"),
        ("postural hypotension", "Disease"),
    ]


def test_entity_off_the_tokens_counts_as_missing(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    with pytest.warns(UserWarning, match="could not be aligned"):  # spaCy's own warning
        example = Example.from_dict(nlp.make_doc(WORDS), {"entities": [(21, 25, "Disease")]})
    tags = example.get_aligned_ner()
    assert tags[3] is None and tags[4] == "O"
    emissions, _ = ner.model.begin_update([example.predicted])
    loss, _ = ner.get_loss([example], emissions)
    expected = [make_example(nlp, ["O", "O", "O", "-", "O", "O", "O"])]
    assert loss == pytest.approx(ner.get_loss(expected, emissions)[0])
