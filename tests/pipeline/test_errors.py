"""Mistakes of a user, and what they are told."""

import logging
import warnings
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.pipeline.ner_plus import learning
from tests.pipeline.samples import (
    add_ner_plus,
    assert_same_weights,
    initialized_nlp,
    make_examples,
    make_nlp,
    weights,
)

NO_ENCODER = Path("/there/is/no/encoder")


# Settings


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("tag_scheme", "IOB1", r"Unknown tag scheme 'IOB1': use one of \['BIO', 'BILOU'\]"),
        ("existing_ents", "replace", r"existing_ents = 'replace' is unknown: use one of"),
        ("model_pooling", "sum", r"pooling = 'sum' is unknown: use one of .*'first'"),
        ("model_word_forms", "shape", r"word_forms = 'shape' is unknown"),
        ("model_precision", "fp8", r"precision = 'fp8' is unknown"),
        ("model_overlap", 128, r"overlap = 128 must be at least 0 and less than window = 128"),
        ("model_overlap", -1, r"overlap = -1 must be at least 0"),
        ("model_dropout", 1.0, r"dropout = 1\.0 must be at least 0 and less than 1"),
        ("model_head_lr_scale", 0.0, r"head_lr_scale = 0\.0 must be more than 0"),
        ("model_lr_decay", 1.5, r"lr_decay = 1\.5 must be at most 1"),
        ("model_max_batch_pieces", 0, r"max_batch_pieces = 0 must be more than 0"),
    ],
)
def test_setting_out_of_range_is_an_error_before_anything_is_loaded(
    setting: str, value: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_nlp(NO_ENCODER, **{setting: value})


def test_window_beyond_the_encoder_is_an_error_at_initialize(encoder_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"window of 131 .* set window to at most 130"):
        initialized_nlp(encoder_dir, model_window=131)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_device_that_is_not_there_is_an_error_at_initialize(encoder_dir: Path) -> None:
    with pytest.raises(
        ValueError, match=r"device 'cuda' was asked for.*device = .auto. to run on the CPU"
    ):
        initialized_nlp(encoder_dir, model_device="cuda")


# Encoders


def _initialize(name: str) -> None:
    nlp = make_nlp(Path(name))
    nlp.initialize(lambda: make_examples(nlp, 2))


def test_missing_encoder_folder_is_named() -> None:
    with pytest.raises(ValueError, match="encoder folder '/there/is/no/encoder' does not exist"):
        _initialize(str(NO_ENCODER))


def test_folder_without_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no encoder: there is no config\.json"):
        _initialize(str(tmp_path))


def test_encoder_that_cannot_be_fetched_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # without a network, but without the hub library's minute of trying again
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"could be loaded for 'nobody/nowhere'.*needs a network"):
        _initialize("nobody/nowhere")


def test_component_goes_by_its_own_name_in_errors(encoder_dir: Path) -> None:
    nlp = spacy.blank("en")
    ner: Any = add_ner_plus(nlp, encoder_dir, pipe_name="drugs")
    with pytest.raises(TypeError, match=r"drugs\.initialize"):
        ner.initialize([])
    ner.initialize(lambda: make_examples(nlp, 2))
    nlp.resume_training()
    for method in (ner.update, ner.rehearse):
        with pytest.raises(TypeError, match=rf"drugs\.{method.__name__}"):
            method([nlp.make_doc("no example")])


# Labels and annotation


def test_initialize_without_labels_says_where_to_give_them(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    examples = [Example(nlp.make_doc("No entity."), nlp.make_doc("No entity."))]
    with pytest.raises(ValueError, match=r"no labels.*\[initialize\.components\.ner_plus\]"):
        nlp.initialize(lambda: examples)


def test_initialize_with_label_that_was_not_given_names_it(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    nlp.config["initialize"]["components"]["ner_plus"] = {"labels": ["Chemical"]}
    with pytest.raises(ValueError, match=r"type \['Disease'\], but .* are \['Chemical'\]"):
        nlp.initialize(lambda: make_examples(nlp, 2))


def test_update_with_unknown_label_names_it(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    reference = nlp.make_doc("Insulin helps")
    reference.set_ents([Span(reference, 0, 1, "Protein")])
    with pytest.raises(ValueError, match=r"'Protein'.*knows only \['Chemical', 'Disease'\]"):
        nlp.update([Example(nlp.make_doc("Insulin helps"), reference)], sgd=False)


def test_use_before_initialize_says_what_to_do(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    message = r"no weights yet: call nlp\.initialize\(\)"
    with pytest.raises(ValueError, match=message):
        nlp("Aspirin")
    with pytest.raises(ValueError, match=message):
        list(nlp.pipe(["Aspirin", "", "Insulin"]))
    with pytest.raises(ValueError, match=message):
        ner.predict([nlp.make_doc("")])
    with pytest.raises(ValueError, match=message):
        ner.update(make_examples(nlp, 2))


def _misaligned(nlp: Language) -> list[Example]:
    """The gold entity is a part of a predicted token."""
    spaces = [True, True, False]
    predicted = Doc(nlp.vocab, words=["Aspirin-induced", "rash", "today"], spaces=spaces)
    reference = Doc(
        nlp.vocab,
        words=["Aspirin", "-", "induced", "rash", "today"],
        spaces=[False, False, True, True, False],
    )
    reference.set_ents([Span(reference, 0, 1, "Chemical"), Span(reference, 3, 4, "Disease")])
    return [Example(predicted, reference)]


def test_initialize_reports_entities_off_the_token_boundaries(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    with pytest.warns(UserWarning) as caught:
        nlp.initialize(lambda: _misaligned(nlp))
    messages = [str(w.message) for w in caught if "can't be learned" in str(w.message)]
    assert len(messages) == 1
    assert "1 of 2 gold entities" in messages[0]
    assert "'Aspirin' (Chemical) at characters 0-7" in messages[0]
    assert "nearest around it are 0-15 ('Aspirin-induced')" in messages[0]
    assert nlp.get_pipe("ner_plus").labels == ("Chemical", "Disease")


def test_update_with_entity_off_the_token_boundaries_takes_it_as_missing(
    encoder_dir: Path,
) -> None:
    nlp = make_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    ner.initialize(lambda: make_examples(nlp, 2))
    ner.update(_misaligned(nlp))
    emissions, _ = ner.model.begin_update([_misaligned(nlp)[0].predicted])
    with torch.no_grad():
        ner.shim.module.head.decoder.transition.zero_()
    _, gradient = ner.get_loss(_misaligned(nlp), emissions)
    assert gradient[0].abs().max() < gradient[1].abs().max()


def test_initialize_on_aligned_entities_warns_of_nothing(encoder_dir: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        initialized_nlp(encoder_dir)


@pytest.mark.slow
def test_contradictory_annotation_names_the_document(
    own_trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No Doc can say so today, as its entities do not overlap: so the gold tags are forced."""
    real = learning.allowed_tags

    def contradict(example: Example, *args: Any) -> np.ndarray:
        allowed = real(example, *args)
        if example.predicted.text.startswith("OBJECTIVES"):
            allowed[0] = False
            allowed[0, 2] = True  # a sentence that starts with I-Chemical
        return allowed

    monkeypatch.setattr(learning, "allowed_tags", contradict)
    with pytest.raises(
        ValueError, match=r"document .OBJECTIVES : .*\.\.\.. permits no valid sequence"
    ):
        own_trained.update(make_examples(own_trained, 3), sgd=False)


# Weights that are no numbers


def _spoil(ner: Any, parameter: str, value: float) -> None:
    with torch.no_grad():
        dict(ner.shim.module.named_parameters())[parameter].fill_(value)


@pytest.mark.slow
@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
@pytest.mark.parametrize(
    "parameter",
    [
        "head.linear.bias",
        "head.decoder.transition",
        "head.decoder.start",
        "encoder.word_forms.weight",
    ],
)
def test_loss_that_is_no_number_names_document_and_remedy(
    own_trained: Language, parameter: str, value: float
) -> None:
    ner = own_trained.get_pipe("ner_plus")
    _spoil(ner, parameter, value)
    before = {n: t for n, t in weights(ner).items() if n != parameter}
    with pytest.raises(ValueError, match=r"document .Selegiline - .*Lower the learning rate"):
        ner.update(make_examples(own_trained, 2), sgd=Adam(5e-4))
    assert_same_weights(before, {n: t for n, t in weights(ner).items() if n != parameter})


def test_only_the_document_at_fault_is_named(
    own_trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    ner = own_trained.get_pipe("ner_plus")
    examples = make_examples(own_trained, 3)
    emissions, _ = ner.model.begin_update([eg.predicted for eg in examples])
    with torch.no_grad():
        emissions.scores[len(examples[0].predicted) + 1, 0] = float("nan")
    with pytest.raises(ValueError, match=r"document .OBJECTIVES"):
        ner.get_loss(examples, emissions)


def test_prediction_with_weights_that_are_no_numbers_is_an_error(own_trained: Language) -> None:
    _spoil(own_trained.get_pipe("ner_plus"), "head.linear.bias", float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        own_trained("Aspirin")


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
@pytest.mark.parametrize("parameter", ["start", "transition", "end"])
def test_prediction_with_a_crf_that_is_no_numbers_is_an_error(
    own_trained: Language, parameter: str, value: float
) -> None:
    """It would give any tags, and probabilities that are not known or 1."""
    ner = own_trained.get_pipe("ner_plus")
    _spoil(ner, f"head.decoder.{parameter}", value)
    doc = own_trained.make_doc("Aspirin")
    for use in (ner, ner.alternatives, ner.tag_probabilities, ner.sequence_entropy):
        with pytest.raises(ValueError, match="scores contain nan"):
            use(doc)


# Texts


def test_token_longer_than_a_window_is_logged_and_read(
    trained: Language, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="spacy_ner_plus"):
        doc = trained("a_" * 500 + " took selegiline")
    assert "1 token(s) are longer than a window of 128 wordpieces" in caplog.text
    assert doc.has_annotation("ENT_IOB", require_complete=True)


def test_blank_pipeline_needs_no_setting() -> None:
    nlp = spacy.blank("xx")
    assert nlp.add_pipe("ner_plus").labels == ()
