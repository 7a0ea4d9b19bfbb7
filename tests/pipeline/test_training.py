"""Learning: the TrainablePipe contract, spaCy's training loop, and that it learns at all."""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import fix_random_seed
from thinc.api import Adam, Config

from spacy_ner_plus.models.runtime.optimizer import SAFE_ENCODER_RATE
from tests.pipeline.samples import (
    add_ner_plus,
    assert_same_weights,
    gradients,
    initialized_nlp,
    make_examples,
    make_nlp,
    overfit,
    weights,
)

# Each scheme with and without a CRF, and with and without casing; each pooling.
WAYS = [
    ("BIO", True, "first", "casing"),
    ("BIO", False, "last", "casing"),
    ("BILOU", True, "mean", "casing"),
    ("BILOU", False, "max", "casing"),
    ("BIO", True, "mean", None),
    ("BILOU", False, "first", None),
]


@pytest.mark.slow
@pytest.mark.parametrize(("tag_scheme", "use_crf", "pooling", "word_forms"), WAYS)
def test_training_learns_real_sentences_by_heart(
    encoder_dir: Path, tag_scheme: str, use_crf: bool, pooling: str, word_forms: str | None
) -> None:
    nlp = initialized_nlp(
        encoder_dir,
        n=20,
        tag_scheme=tag_scheme,
        model_use_crf=use_crf,
        model_pooling=pooling,
        model_word_forms=word_forms,
    )
    assert overfit(nlp, make_examples(nlp)) == 1.0


def test_training_with_the_same_seed_gives_the_same_weights(encoder_dir: Path) -> None:
    results = []
    for _ in range(2):
        nlp = initialized_nlp(encoder_dir, model_dropout=0.3)
        optimizer = Adam(5e-4)
        for _ in range(3):
            nlp.update(make_examples(nlp, 4), sgd=optimizer)
        results.append(weights(nlp.get_pipe("ner_plus")))
    assert_same_weights(*results)


def test_another_seed_gives_other_weights(encoder_dir: Path) -> None:
    first, second = (
        weights(initialized_nlp(encoder_dir, seed=seed).get_pipe("ner_plus")) for seed in (0, 1)
    )
    assert not torch.equal(first["head.linear.weight"], second["head.linear.weight"])


# update, get_loss, finish_update


def test_update_returns_and_accumulates_losses(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    examples = make_examples(nlp, 4)
    once = ner.update(examples)
    assert list(once) == ["ner_plus"] and once["ner_plus"] > 0
    given = {"ner_plus": 1.0, "other": 2.0}
    assert ner.update(examples, losses=given) is given
    assert given == {"ner_plus": pytest.approx(1.0 + once["ner_plus"]), "other": 2.0}


def test_update_counts_words_and_loss_for_the_logger(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    examples = make_examples(nlp, 4)
    loss = ner.update(examples)["ner_plus"] + ner.update(examples[:1])["ner_plus"]
    n_words = sum(len(eg.predicted) for eg in [*examples, examples[0]])
    assert ner.progress.words == n_words
    assert ner.progress.loss == pytest.approx(loss)


def test_update_does_not_change_the_predicted_docs(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    examples = make_examples(nlp, 4)
    before = [eg.predicted.to_bytes() for eg in examples]
    nlp.get_pipe("ner_plus").update(examples, sgd=Adam(5e-4))
    assert [eg.predicted.to_bytes() for eg in examples] == before


def test_finish_update_after_update_equals_update_with_optimizer(encoder_dir: Path) -> None:
    results = []
    for apart in (False, True):
        nlp = initialized_nlp(encoder_dir)
        ner = nlp.get_pipe("ner_plus")
        optimizer = Adam(5e-4)
        start = weights(ner)
        for _ in range(2):
            ner.update(make_examples(nlp, 4), sgd=None if apart else optimizer)
            if apart:
                ner.finish_update(optimizer)
        results.append(weights(ner))
        assert not torch.equal(start["head.linear.weight"], results[-1]["head.linear.weight"])
    assert_same_weights(*results)


def test_update_without_optimizer_changes_no_weight(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    before = weights(ner)
    ner.update(make_examples(nlp, 4), sgd=None)
    nlp.update(make_examples(nlp, 4), sgd=False)
    assert_same_weights(before, weights(ner))


def test_gradients_of_several_updates_add_up(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    examples = make_examples(nlp, 4)
    ner.update(examples[:1])
    first = gradients(ner)
    ner.shim.module.zero_grad()
    ner.update(examples[1:])
    second = gradients(ner)
    ner.shim.module.zero_grad()
    ner.update(examples[:1])
    ner.update(examples[1:])
    both = gradients(ner)
    assert {"head.linear.weight", "head.decoder.transition", "encoder.word_forms.weight"} < set(
        both
    )
    for name, gradient in both.items():
        torch.testing.assert_close(gradient, first[name] + second[name])


def test_get_loss_takes_what_predict_gives(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    examples = make_examples(nlp, 4)
    docs = [eg.predicted for eg in examples]
    trained, _ = ner.model.begin_update(docs)
    expected_loss, expected_gradient = ner.get_loss(examples, trained)
    loss, gradient = ner.get_loss(examples, ner.model.predict(docs))
    assert loss == pytest.approx(expected_loss)
    assert gradient.shape == (sum(map(len, docs)), 9)  # O, and 4 tags for each of 2 labels
    torch.testing.assert_close(gradient, expected_gradient)


def test_get_loss_gives_the_gradient_of_the_loss(encoder_dir: Path) -> None:
    """Against finite differences along a random direction."""
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    examples = make_examples(nlp, 4)
    emissions, _ = ner.model.begin_update([eg.predicted for eg in examples])
    scores = emissions.scores.detach().double()
    direction = torch.randn(scores.shape, generator=torch.Generator().manual_seed(0)).double()
    step = 1e-4
    losses = [
        ner.get_loss(
            examples, type(emissions)(scores + sign * step * direction, emissions.row_tokens)
        )
        for sign in (1, 0, -1)
    ]
    slope = (losses[0][0] - losses[2][0]) / (2 * step)
    assert slope == pytest.approx(float((losses[1][1] * direction).sum()), rel=1e-5)


def test_nlp_update_and_evaluate_learn_with_a_schedule(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 3e-4
    losses = [nlp.update(make_examples(nlp, 4), sgd=optimizer)["ner_plus"] for _ in range(30)]
    assert losses[-1] < 0.2 * losses[0]
    scores = nlp.evaluate(make_examples(nlp, 4))
    assert scores["ents_f"] == scores["ents_micro_f"] > 0.8
    assert set(scores["ents_per_type"]) == {"Chemical", "Disease"}


def test_default_optimizer_is_replaced_by_a_safe_rate_with_a_warning(encoder_dir: Path) -> None:
    fix_random_seed(0)
    nlp = make_nlp(encoder_dir, model_head_lr_scale=1.0)
    nlp.initialize(lambda: make_examples(nlp, 4))
    ner = nlp.get_pipe("ner_plus")
    before = weights(ner)
    with pytest.warns(UserWarning, match=r"rate above 0\.0005 would wreck .* 5e-05 is used"):
        nlp.update(make_examples(nlp, 4))
    moved = max(float((t - before[name]).abs().max()) for name, t in weights(ner).items())
    assert 0 < moved < 2 * SAFE_ENCODER_RATE  # Adam's first step is about the rate itself


def test_own_optimizer_has_a_rate_without_warning(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ner.update(make_examples(nlp, 4), sgd=ner.create_optimizer())


# Labels


def test_initialize_takes_labels_from_the_examples(encoder_dir: Path) -> None:
    ner = initialized_nlp(encoder_dir).get_pipe("ner_plus")
    assert ner.labels == ("Chemical", "Disease")
    assert ner.label_data == ["Chemical", "Disease"]
    assert ner.shim.module.head.linear.out_features == 1 + 4 * 2


def test_initialize_takes_given_labels_in_their_order(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    labels = ["Gene", "Disease", "Chemical"]
    ner.initialize(lambda: make_examples(nlp, 4), nlp=nlp, labels=labels)
    assert ner.label_data == labels
    assert ner.shim.module.head.linear.out_features == 1 + 4 * 3


def test_initialize_takes_labels_from_the_config(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    nlp.config["initialize"]["components"]["ner_plus"] = {"labels": ["Drug"]}
    nlp.initialize()
    assert nlp.get_pipe("ner_plus").labels == ("Drug",)


def test_initialize_keeps_labels_that_were_added_before(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    assert [ner.add_label("Gene"), ner.add_label("Gene")] == [1, 0]
    nlp.initialize(lambda: make_examples(nlp, 4))
    assert ner.labels == ("Chemical", "Disease", "Gene")
    assert ner.add_label("Gene") == 0


def test_initialize_with_added_and_given_labels_takes_those_given(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    ner.add_label("Gene")
    ner.initialize(lambda: make_examples(nlp, 4), nlp=nlp, labels=["Chemical", "Disease"])
    assert ner.labels == ("Chemical", "Disease")


def test_initialize_ignores_blocked_and_missing_tokens(encoder_dir: Path) -> None:
    nlp = make_nlp(encoder_dir)
    examples = make_examples(nlp, 4)
    reference = examples[0].reference
    reference.set_ents(list(reference.ents), blocked=[reference[1:2]], missing=[reference[2:3]])
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("ner_plus").labels == ("Chemical", "Disease")
    assert nlp.update(examples, sgd=False)["ner_plus"] > 0


def test_init_labels_command_writes_labels_that_initialize_reads(
    encoder_dir: Path, tmp_path: Path
) -> None:
    from spacy.cli.init_pipeline import init_labels_cli

    config_path = _write_project(encoder_dir, tmp_path)

    class Context:
        args: tuple[str, ...] = ()

    init_labels_cli(
        Context(), config_path, tmp_path / "labels", code_path=None, verbose=False, use_gpu=-1
    )
    written = tmp_path / "labels" / "ner_plus.json"
    nlp = make_nlp(encoder_dir)
    nlp.config["initialize"]["components"]["ner_plus"] = {
        "labels": {"@readers": "spacy.read_labels.v1", "path": str(written), "require": True}
    }
    nlp.initialize()
    assert nlp.get_pipe("ner_plus").label_data == ["Chemical", "Disease"]


# In a pipeline


def test_update_of_excluded_and_disabled_component_changes_nothing(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    before = weights(ner)
    nlp.update(make_examples(nlp, 4), sgd=Adam(5e-4), exclude=["ner_plus"])
    with nlp.select_pipes(disable=["ner_plus"]):
        nlp.update(make_examples(nlp, 4), sgd=Adam(5e-4))
        assert not nlp("Naloxone").has_annotation("ENT_IOB")
    assert_same_weights(before, weights(ner))
    nlp.update(make_examples(nlp, 4), sgd=Adam(5e-4))
    assert not torch.equal(before["head.linear.weight"], weights(ner)["head.linear.weight"])


@pytest.mark.slow
def test_spacy_train_leaves_frozen_component_alone_and_trains_the_other(
    encoder_dir: Path, tmp_path: Path
) -> None:
    trained_config = spacy.util.load_config(_write_project(encoder_dir, tmp_path))
    nlp = initialized_nlp(encoder_dir)
    frozen = nlp.get_pipe("ner_plus")
    saved = tmp_path / "frozen"
    nlp.to_disk(saved)
    trained_config["components"]["frozen"] = {"source": str(saved), "component": "ner_plus"}
    trained_config["nlp"]["pipeline"] = ["frozen", "ner_plus"]
    trained_config["training"]["frozen_components"] = ["frozen"]
    trained_config["training"]["annotating_components"] = ["frozen"]
    nlp = init_nlp(trained_config)
    start = weights(nlp.get_pipe("ner_plus"))
    (tmp_path / "out").mkdir()
    _, output = train(nlp, tmp_path / "out", stdout=io.StringIO(), stderr=io.StringIO())
    loaded = spacy.load(output)
    assert_same_weights(weights(frozen), weights(loaded.get_pipe("frozen")))
    assert loaded.get_pipe("frozen").labels == ("Chemical", "Disease")
    end = weights(loaded.get_pipe("ner_plus"))
    assert not torch.equal(start["head.linear.weight"], end["head.linear.weight"])


def test_two_components_learn_from_the_same_update(encoder_dir: Path) -> None:
    fix_random_seed(0)
    nlp = make_nlp(encoder_dir)
    second = add_ner_plus(nlp, encoder_dir, pipe_name="second", spans_key="second")
    nlp.initialize(lambda: make_examples(nlp, 4))
    losses = nlp.update(make_examples(nlp, 4), sgd=Adam(5e-4))
    assert set(losses) == {"ner_plus", "second"}
    assert all(loss > 0 for loss in losses.values())
    first = nlp.get_pipe("ner_plus")
    assert second.progress.words == first.progress.words > 0


def _write_project(encoder_dir: Path, folder: Path) -> Path:
    """A config with a corpus of a few sentences, as `spacy train` reads it."""
    nlp: Language = make_nlp(encoder_dir)
    corpus = folder / "corpus.spacy"
    DocBin(docs=[eg.reference for eg in make_examples(nlp, 8)]).to_disk(corpus)
    config = Config(nlp.config).copy()
    config["corpora"]["train"]["path"] = config["corpora"]["dev"]["path"] = str(corpus)
    config["training"] |= {"max_steps": 2, "eval_frequency": 2, "accumulate_gradient": 2}
    config["training"]["optimizer"]["learn_rate"] = 3e-4
    path = folder / "config.cfg"
    config.to_disk(path)
    return path


def test_mean_loss_is_nats_per_annotated_token(encoder_dir: Path) -> None:
    """An untrained softmax over 9 tags is uniform: log 9 nats a token."""
    nlp = initialized_nlp(encoder_dir, model_use_crf=False)
    ner = nlp.get_pipe("ner_plus")
    with torch.no_grad():
        ner.shim.module.head.linear.weight.zero_()
    loss = ner.update(make_examples(nlp, 4))["ner_plus"]
    assert loss == pytest.approx(np.log(9), rel=1e-6)
