"""Which kind of model is chosen, and that the reason is the one that decided."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.training.project.model_choice import (
    ModelWishes,
    choose_model,
    expected_f1,
    words_per_second,
)
from spacy_ner_plus.training.project.model_table import (
    AUTO,
    FEWEST_SENTENCES,
    KINDS,
    MEASURED,
    MEASURED_WEIGHTS,
    TIE,
)
from spacy_ner_plus.training.project.planning import DeviceFacts, EncoderFacts

MINILM = EncoderFacts(max_pieces=512, width=384, n_layers=6, lowercases=True)
BASE = EncoderFacts(max_pieces=512, width=768, n_layers=12, lowercases=False)
CPU = DeviceFacts("cpu", has_bf16=False, cores=2)

sentences = st.integers(min_value=0, max_value=100_000)
speeds = st.none() | st.floats(min_value=1, max_value=1e7)
devices = st.builds(
    DeviceFacts,
    kind=st.sampled_from(["cpu", "cuda"]),
    has_bf16=st.booleans(),
    cores=st.integers(min_value=1, max_value=64),
)
wishes = st.builds(
    ModelWishes,
    kind=st.just(AUTO),
    words_per_second=speeds,
    has_vectors=st.booleans(),
    lang=st.sampled_from(["en", "de"]),
)


def usable(wanted: ModelWishes) -> list[str]:
    return [
        kind
        for kind in KINDS
        if (kind != "transformer" or wanted.lang == "en")
        and (kind != "bilstm" or wanted.has_vectors)
    ]


def speed_of(kind: str, encoder: EncoderFacts, device: DeviceFacts) -> float:
    share = MEASURED_WEIGHTS / encoder.layer_weights if kind == "transformer" else 1.0
    return share * words_per_second(MEASURED[kind], device)


def test_table_has_each_kind_with_the_same_figures() -> None:
    assert tuple(MEASURED) == KINDS
    sizes = {tuple(measured.f1) for measured in MEASURED.values()}
    devices = {tuple(measured.words_per_second) for measured in MEASURED.values()}
    assert len(sizes) == 1
    assert devices == {("cpu", "bf16", "cuda")}
    for measured in MEASURED.values():
        assert all(less < more for less, more in pairwise(measured.f1.values()))
        assert measured.source
    assert MINILM.layer_weights == MEASURED_WEIGHTS


@given(wishes, sentences, st.sampled_from([MINILM, BASE]), devices)
def test_the_best_of_those_that_are_fast_enough_is_chosen(
    wanted: ModelWishes, n: int, encoder: EncoderFacts, device: DeviceFacts
) -> None:
    choice = choose_model(wanted, n, encoder, device)
    assert choice.why
    if n < FEWEST_SENTENCES:
        assert choice.kind == "rules"
        return
    speeds = {kind: speed_of(kind, encoder, device) for kind in usable(wanted)}
    f1 = {kind: expected_f1(MEASURED[kind].f1, n) for kind in speeds}
    fast = [kind for kind in speeds if speeds[kind] >= (wanted.words_per_second or 0)]
    if not fast:
        assert speeds[choice.kind] == max(speeds.values())
        return
    assert choice.kind in fast
    best = max(f1[kind] for kind in fast)
    assert f1[choice.kind] >= best - TIE
    for other in fast:  # no faster one is as good
        assert speeds[other] <= speeds[choice.kind] or f1[other] < best - TIE


@given(sentences, speeds, speeds)
def test_who_wants_more_speed_gets_no_slower_model(
    n: int, one: float | None, other: float | None
) -> None:
    less, more = sorted([one or 0.1, other or 0.1])
    kinds = [
        choose_model(ModelWishes(AUTO, wanted), n, MINILM, CPU).kind for wanted in (less, more)
    ]
    slow, fast = (speed_of(kind, MINILM, CPU) for kind in kinds)
    assert fast >= slow


@given(st.sampled_from(KINDS), st.integers(min_value=1, max_value=1_000_000))
def test_f1_is_expected_between_what_was_measured(kind: str, n: int) -> None:
    f1 = MEASURED[kind].f1
    expected = expected_f1(f1, n)
    below = [f1[size] for size in f1 if size <= n] or [min(f1.values())]
    above = [f1[size] for size in f1 if size >= n] or [max(f1.values())]
    assert max(below) - 1e-9 <= expected <= min(above) + 1e-9
    assert n not in f1 or expected == pytest.approx(f1[n])


def test_f1_is_straight_over_the_logarithm() -> None:
    assert expected_f1({10: 20.0, 1000: 40.0}, 100) == pytest.approx(30.0)


def test_reasons_are_those_that_decided() -> None:
    few = choose_model(ModelWishes(AUTO), FEWEST_SENTENCES - 1, MINILM, CPU)
    assert few.why.startswith("19 annotated sentences teach no model")
    slow = choose_model(ModelWishes(AUTO, 50_000), 1000, MINILM, CPU)
    assert slow.kind == "features"
    assert "too slow for 50,000 words/s: transformer (about 81 F1, 5,000 words/s)" in slow.why
    assert "bilstm (there are no word vectors: --vectors)" in slow.why
    german = choose_model(ModelWishes(AUTO, lang="de"), 1000, MINILM, CPU)
    assert "transformer (the default encoder reads English only: --encoder)" in german.why
    none = choose_model(ModelWishes(AUTO, 1e7), 1000, MINILM, CPU)
    assert none.why.startswith("None reads 10,000,000 words/s here")
    named = choose_model(ModelWishes(AUTO, has_encoder=True, lang="de"), 5, BASE, CPU)
    assert (named.kind, "encoder was named" in named.why) == ("transformer", True)


def test_entities_within_others_are_found_by_networks_alone() -> None:
    few = choose_model(ModelWishes(AUTO, spans_key="sc"), 5, MINILM, CPU)
    assert few.kind == "transformer"
    assert "rules (it finds no entities within others)" in few.why
    assert "benchmarks of flat entities" in few.why
    fast = choose_model(ModelWishes(AUTO, 1e7, has_vectors=True, spans_key="sc"), 500, MINILM, CPU)
    assert fast.kind == "bilstm"


def test_larger_encoders_are_slower() -> None:
    wanted = ModelWishes(AUTO, 2000)
    assert choose_model(wanted, 1000, MINILM, CPU).kind == "transformer"
    assert choose_model(wanted, 1000, BASE, CPU).kind == "features"


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_is_asked_for_is_taken(kind: str) -> None:
    choice = choose_model(ModelWishes(kind), 1, MINILM, CPU)
    assert (choice.kind, choice.why) == (kind, "")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (ModelWishes("bert"), "--model bert is unknown: use one of auto, rules, features"),
        (ModelWishes(AUTO, 0), "--words-per-second 0 must be above 0"),
        (ModelWishes(AUTO, float("nan")), "must be above 0"),
        (ModelWishes("features", 100), "leave out one of them"),
        (ModelWishes("features", has_encoder=True), "no use for --encoder"),
        (ModelWishes("transformer", has_vectors=True), "no use for --vectors.*--model bilstm"),
        (ModelWishes("features", spans_key="sc"), "no entities within others.*--flat"),
        (ModelWishes(AUTO, lang="de", spans_key="sc"), "No kind of model can be chosen: not rules"),
    ],
)
def test_wishes_that_contradict_each_other_are_refused(wanted: ModelWishes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_model(wanted, 100, MINILM, CPU)
