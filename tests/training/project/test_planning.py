"""The numbers of a training: known cases, and what must hold for any data, encoder and device."""

from math import ceil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Config

from spacy_ner_plus.training.project.plan_steps import round_up_digits
from spacy_ner_plus.training.project.planned import Choice
from spacy_ner_plus.training.project.planning import (
    PASSES,
    DataFacts,
    DeviceFacts,
    EncoderFacts,
    TrainingPlan,
    make_plan,
)

CONFIGS = Path(__file__).parents[3] / "configs"
CPU, CUDA = DeviceFacts("cpu", has_bf16=True), DeviceFacts("cuda", has_bf16=True)
MINILM = EncoderFacts(max_pieces=512, width=384, n_layers=6, lowercases=True)
BASE = EncoderFacts(max_pieces=512, width=768, n_layers=12, lowercases=False)
LARGE = EncoderFacts(max_pieces=512, width=1024, n_layers=24, lowercases=False)
# documents of 8 sentences, as `make run` has them
BC5CDR = DataFacts(words=118_170, dev_words=117_453, long_document=460, is_counted=True)


def data_of(words: int, dev_words: int = 100, long_document: int = 60) -> DataFacts:
    return DataFacts(words, dev_words, long_document, is_counted=True)


def values_of(plan: TrainingPlan) -> dict[str, int | float | str]:
    parts = [plan, *([plan.spans] if plan.spans else [])]
    return {name: its.value for part in parts for name, its in choices_of(part).items()}


def choices_of(part: object) -> dict[str, Choice]:
    return {name: its for name, its in vars(part).items() if isinstance(its, Choice)}


def settings_of(name: str) -> dict[str, int | float | str]:
    config = Config().from_disk(CONFIGS / f"{name}.cfg", interpolate=True)
    model, training = config["components"]["ner_plus"]["model"], config["training"]
    rate = training["optimizer"]["learn_rate"]
    assert rate["total_steps"] == training["max_steps"]
    return {
        **{key: model[key] for key in ("word_forms", "window", "overlap", "precision")},
        "max_batch_pieces": model["max_batch_pieces"],
        "batch_words": training["batcher"]["size"],
        **{key: training[key] for key in ("max_steps", "eval_frequency")},
        **{key: rate[key] for key in ("warmup_steps", "initial_rate")},
    }


def test_plan_for_bc5cdr_on_a_cpu_is_the_config_for_it() -> None:
    assert values_of(make_plan(BC5CDR, MINILM, CPU)) == settings_of("cpu")


def test_plan_for_bc5cdr_on_a_gpu_has_the_shape_of_the_config_for_it() -> None:
    plan, config = values_of(make_plan(BC5CDR, BASE, CUDA)), settings_of("gpu")
    for name in ("overlap", "max_batch_pieces", "batch_words", "initial_rate"):
        assert plan[name] == config[name]
    assert plan["window"] == 480  # as long as documents need, of the 512 that there are
    assert abs(plan["max_steps"] / config["max_steps"] - 1) < 0.2


@pytest.mark.parametrize(
    ("words", "dev_words", "batch_words", "max_steps", "eval_frequency"),
    [
        (500, 60, 250, 60, 6),  # some sentences: no more than 30 passes
        (3_000, 400, 250, 360, 36),
        (10_000, 1_200, 300, 400, 40),  # enough steps, 12 passes
        (38_000, 5_000, 1000, 400, 40),  # 200 abstracts
        (118_170, 117_453, 1000, 480, 120),  # BC5CDR: 4 passes
        (203_621, 51_362, 1000, 840, 210),  # CoNLL-2003
        (3_000_000, 300_000, 1000, 12_000, 3_000),
        (3_800, 11_000, 250, 400, 80),  # CrossNER: much more to evaluate than to learn from
        (3_800, 1_000_000, 250, 400, 100),
    ],
)
def test_steps_grow_with_the_data_and_small_data_get_more_passes(
    words: int, dev_words: int, batch_words: int, max_steps: int, eval_frequency: int
) -> None:
    plan = make_plan(data_of(words, dev_words), MINILM, CPU)
    assert plan.batch_words.value == batch_words
    assert plan.max_steps.value == max_steps
    assert plan.eval_frequency.value == eval_frequency


@pytest.mark.parametrize(
    ("long_document", "max_pieces", "device", "window"),
    [
        (30, 512, CPU, 128),  # texts to come may be longer
        (150, 512, CPU, 160),
        (250, 512, CPU, 256),
        (5000, 512, CPU, 256),
        (5000, 512, CUDA, 512),
        (5000, None, CUDA, 512),  # an encoder without a limit
        (5000, 8192, CUDA, 512),
        (5000, 130, CPU, 130),
        (30, 64, CPU, 64),
    ],
)
def test_window_is_as_long_as_documents_encoder_and_device_permit(
    long_document: int, max_pieces: int | None, device: DeviceFacts, window: int
) -> None:
    encoder = EncoderFacts(max_pieces, width=384, n_layers=6, lowercases=True)
    plan = make_plan(data_of(10_000, long_document=long_document), encoder, device)
    assert plan.window.value == window


@pytest.mark.parametrize(
    ("encoder", "rate"),
    [
        (MINILM, 2e-4),
        (EncoderFacts(512, 384, 12, lowercases=True), 2e-4),  # MiniLM-L12
        (EncoderFacts(512, 768, 6, lowercases=True), 5e-5),  # DistilBERT, DeBERTa-v3-small
        (BASE, 5e-5),
        (EncoderFacts(None, 768, 22, lowercases=False), 2e-5),  # ModernBERT-base
        (LARGE, 2e-5),
    ],
)
def test_larger_encoders_learn_more_slowly(encoder: EncoderFacts, rate: float) -> None:
    assert make_plan(BC5CDR, encoder, CPU).initial_rate.value == rate


words = st.integers(min_value=1, max_value=5_000_000)
encoders = st.builds(
    EncoderFacts,
    max_pieces=st.none() | st.integers(min_value=32, max_value=8192),
    width=st.integers(min_value=16, max_value=4096),
    n_layers=st.integers(min_value=1, max_value=48),
    lowercases=st.booleans(),
)
data = st.builds(
    DataFacts,
    words=words,
    dev_words=st.integers(min_value=0, max_value=5_000_000),
    long_document=st.integers(min_value=1, max_value=100_000),
    is_counted=st.booleans(),
)
devices = st.builds(DeviceFacts, kind=st.sampled_from(["cpu", "cuda"]), has_bf16=st.booleans())


@given(data, encoders, devices)
def test_any_plan_can_be_trained(
    data: DataFacts, encoder: EncoderFacts, device: DeviceFacts
) -> None:
    plan = values_of(make_plan(data, encoder, device))
    assert plan["max_steps"] % plan["eval_frequency"] == 0
    assert 4 <= plan["max_steps"] / plan["eval_frequency"] <= 10
    assert 1 <= plan["warmup_steps"] < plan["max_steps"]
    assert plan["window"] <= (encoder.max_pieces or plan["window"])
    assert 0 < plan["overlap"] < plan["window"] / 2
    assert plan["window"] <= plan["max_batch_pieces"]
    pass_steps = ceil(data.words / plan["batch_words"])
    assert PASSES.usual * pass_steps <= plan["max_steps"]
    most = max(PASSES.usual * pass_steps, min(PASSES.least_steps, PASSES.most * pass_steps))
    assert plan["max_steps"] <= 1.11 * most + 10  # rounded up


@given(words, words, st.integers(min_value=0, max_value=100_000), encoders, devices)
def test_more_data_never_get_fewer_steps(
    one: int, other: int, dev_words: int, encoder: EncoderFacts, device: DeviceFacts
) -> None:
    less, more = sorted([one, other])
    small = make_plan(data_of(less, dev_words), encoder, device)
    large = make_plan(data_of(more, dev_words), encoder, device)
    assert small.max_steps.value <= large.max_steps.value
    assert small.batch_words.value <= large.batch_words.value


def test_reasons_are_those_that_decided() -> None:
    small = make_plan(data_of(3_000), MINILM, CPU)
    assert small.max_steps.why == (
        "30 passes over 3,000 words: more would only learn these few by heart"
    )
    middle = make_plan(data_of(38_000), MINILM, CPU)
    assert str(PASSES.least_steps) in middle.max_steps.why
    large = make_plan(BC5CDR, MINILM, CPU)
    assert large.max_steps.why == "4 passes over 118,170 words"
    assert large.eval_frequency.why == "Once a pass"
    estimated = DataFacts(3_000, 300, 90, is_counted=False)
    assert "an estimated 90" in make_plan(estimated, MINILM, CPU).window.why


def test_reason_for_casing_embeddings_is_the_encoder() -> None:
    assert (
        "as the encoder's tokenizer loses capitals" in make_plan(BC5CDR, MINILM, CPU).word_forms.why
    )
    assert "No casing embeddings" in make_plan(BC5CDR, BASE, CPU).word_forms.why


def test_small_rates_are_written_out() -> None:
    plan = make_plan(BC5CDR, LARGE, CPU)
    assert {name: value for name, value, _ in plan.rows()}["initial_rate"] == "0.00002"


@pytest.mark.parametrize(("number", "rounded"), [(7, 7), (99, 99), (119, 120), (1201, 1300)])
def test_numbers_are_rounded_up_to_two_digits(number: int, rounded: int) -> None:
    assert round_up_digits(number) == rounded
