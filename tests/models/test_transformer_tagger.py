import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Adam, Model
from torch import Tensor

from spacy_ner_plus.models.architectures.transformer_tagger import build_transformer_tagger_v1
from spacy_ner_plus.models.runtime import wordpiece_shim
from tests.text.hard_texts import HARD_TEXTS

MakeTagger = Callable[..., Model]
POOLINGS = ["first", "last", "mean", "max"]
LONG = "The patients were given 30 mg/kg of naloxone and (3H)-clonidine every day for 3 weeks. "
TEXTS = [
    "Bob Smith flew to Paris.",
    "",
    LONG * 3,
    " \n ",
    "IL-2",
    LONG[:60],
    "McDonald's iPhone in the U.S.",
    LONG + "Methylene-dioxy." * 9 + " and more " + LONG,
    *HARD_TEXTS[4:12:2],
]


def rows_of(model: Model, docs: list[Doc]) -> list[Tensor]:
    """The emissions of each Doc."""
    emissions = model.predict(docs)
    assert len(emissions.row_tokens) == len(docs)
    assert emissions.scores.dtype == torch.float32
    return list(emissions.scores.split(emissions.lengths.tolist()))


def assert_close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


# Settings


def test_architecture_is_registered() -> None:
    name = "spacy_ner_plus.TransformerTagger.v1"
    assert registry.architectures.get(name) is build_transformer_tagger_v1


def test_building_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("loaded too early")

    monkeypatch.setattr(wordpiece_shim, "load_encoder", fail)
    monkeypatch.setattr(wordpiece_shim, "load_tokenizer", fail)
    model = build_transformer_tagger_v1("no-such/encoder")
    assert not model.shims[0].is_built
    with pytest.raises(AssertionError, match="loaded too early"):
        model.initialize()


OUT_OF_RANGE = [
    ({"word_forms": "shape"}, "word_forms = 'shape' is unknown"),
    ({"word_forms": ""}, "word_forms = ''"),
    ({"pooling": "sum"}, "pooling = 'sum' is unknown: use one of .*'first', 'last', 'mean', 'max'"),
    ({"precision": "fp8"}, "precision = 'fp8' is unknown: use one of .*'bf16'"),
    ({"window": 64, "overlap": 64}, "overlap = 64 must be at least 0 and less than window = 64"),
    ({"window": 64, "overlap": 99}, "overlap = 99"),
    ({"overlap": -1}, "overlap = -1"),
    ({"window": 0, "overlap": 0}, "window = 0"),
    ({"window": -5, "overlap": 0}, "window = -5"),
    ({"context": -1}, "context = -1 must be at least 0"),
    ({"window": 64, "overlap": 44, "context": 10}, "context = 10 must .*- overlap = 20"),
    ({"dropout": 1.0}, "dropout = 1.0 must be at least 0 and less than 1"),
    ({"dropout": -0.1}, "dropout = -0.1"),
    ({"dropout": float("nan")}, "dropout = nan"),
    ({"head_lr_scale": 0.0}, "head_lr_scale = 0.0 must be more than 0"),
    ({"head_lr_scale": -1.0}, "head_lr_scale = -1.0"),
    ({"lr_decay": 0.0}, "lr_decay = 0.0 must be more than 0"),
    ({"lr_decay": 1.1}, "lr_decay = 1.1 must be at most 1"),
    ({"max_batch_pieces": 0}, "max_batch_pieces = 0 must be more than 0"),
]


@pytest.mark.parametrize(("wrong", "message"), OUT_OF_RANGE)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_transformer_tagger_v1("no-such/encoder", **wrong)


def test_settings_at_their_limits_are_taken() -> None:
    build_transformer_tagger_v1(
        "no-such/encoder",
        word_forms=None,
        window=2,
        overlap=0,
        dropout=0.0,
        lr_decay=1.0,
        max_batch_pieces=1,
    )


def test_initialize_refuses_a_window_larger_than_the_encoders(make_tagger: MakeTagger) -> None:
    assert make_tagger(window=130).shims[0].is_built
    with pytest.raises(ValueError, match=r"window of 131 wordpieces is larger than the 130"):
        make_tagger(window=131)


def test_initialize_refuses_an_overlap_that_leaves_no_room(make_tagger: MakeTagger) -> None:
    assert make_tagger(window=20, overlap=17).shims[0].is_built
    with pytest.raises(ValueError, match=r"overlap = 18 must be less than 18.*2 special tokens"):
        make_tagger(window=20, overlap=18)


def test_initialize_refuses_a_context_that_leaves_no_room(make_tagger: MakeTagger) -> None:
    assert make_tagger(window=20, overlap=3, context=7).shims[0].is_built
    with pytest.raises(ValueError, match=r"context = 8 must be less than 8: a window of 20 .* 2 s"):
        make_tagger(window=20, overlap=3, context=8)


def test_initialize_refuses_an_unknown_device(make_tagger: MakeTagger) -> None:
    with pytest.raises(ValueError, match="device 'gpu' is no torch device"):
        make_tagger(device="gpu")


@pytest.mark.slow
def test_word_forms_auto_are_for_encoders_that_lowercase(
    make_tagger: MakeTagger, byte_encoder_dir: Path, nlp: Language
) -> None:
    def has_forms(model: Model) -> bool:
        return model.shims[0].module.encoder.word_forms is not None

    assert has_forms(make_tagger())
    assert not has_forms(make_tagger(byte_encoder_dir))
    assert has_forms(make_tagger(byte_encoder_dir, word_forms="casing"))
    assert not has_forms(make_tagger(word_forms=None))


def test_word_forms_show_capitals_to_an_uncased_encoder(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    docs = [nlp("bob lives in PARIS"), nlp("Bob lives in paris")]
    with_forms, without = make_tagger(), make_tagger(word_forms=None)
    lower, title = rows_of(without, docs)
    assert_close(lower, title)
    lower, title = rows_of(with_forms, docs)
    assert (lower - title).abs().max() > 1e-2


# Emissions


def test_emissions_have_a_row_for_each_token_that_can_be_tagged(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    docs = [nlp("Bob \n Smith\u200b!"), nlp(""), nlp("\n")]
    emissions = make_tagger().predict(docs)
    tokens = [[docs[d][int(i)].text for i in row] for d, row in enumerate(emissions.row_tokens)]
    assert tokens == [["Bob", "Smith\u200b", "!"], [], []] or tokens == [
        ["Bob", "Smith", "!"],
        [],
        [],
    ]
    assert emissions.scores.shape == (3, 5)


@pytest.mark.parametrize("docs", [[], [""], ["", " \n"]])
def test_emissions_of_nothing_are_none(
    docs: list[str], make_tagger: MakeTagger, nlp: Language
) -> None:
    emissions = make_tagger().predict([nlp(text) for text in docs])
    assert emissions.scores.shape == (0, 5)
    assert [len(row) for row in emissions.row_tokens] == [0] * len(docs)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_emissions_do_not_depend_on_the_batch(
    pooling: str, make_tagger: MakeTagger, nlp: Language
) -> None:
    """Batch invariance: alone, with others, in any order, for any budget of pieces."""
    model = make_tagger(pooling=pooling)
    docs = [nlp(text) for text in TEXTS]
    alone = [rows_of(model, [doc])[0] for doc in docs]
    assert max(float(rows.abs().max()) for rows in alone if len(rows)) > 1

    @settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
    @given(
        order=st.lists(st.sampled_from(range(len(docs))), min_size=1, max_size=10),
        max_batch_pieces=st.sampled_from([1, 50, 200, 1000, 8192]),
    )
    def check(order: list[int], max_batch_pieces: int) -> None:
        model.attrs["max_batch_pieces"] = max_batch_pieces
        for i, rows in zip(order, rows_of(model, [docs[i] for i in order]), strict=True):
            assert_close(rows, alone[i])

    check()


def test_emissions_of_a_word_do_not_depend_on_its_doc_if_its_window_is_the_same(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    """The other way round: a window that is not the same is seen."""
    model = make_tagger()
    short, long = rows_of(model, [nlp("Bob flew."), nlp("Bob flew. He did.")])
    assert (short - long[:3]).abs().max() > 1e-3


def test_context_is_read_and_changes_no_document_of_one_window(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    plain, model = make_tagger(overlap=0), make_tagger(overlap=0, context=6)
    docs = [nlp(text) for text in TEXTS]
    together = rows_of(model, docs)
    for doc, rows, before in zip(docs, together, rows_of(plain, docs), strict=True):
        assert_close(rows_of(model, [doc])[0], rows)
        if len(doc.text) < 25:
            assert torch.equal(rows, before)
    assert (rows_of(plain, [docs[2]])[0] - together[2]).abs().max() > 1e-3


ABSURD = {"base64": "QmFzZTY0" * 500, "spaces": " \n" * 700}


@pytest.mark.parametrize("absurd", ABSURD)
@pytest.mark.parametrize(
    ("pooling", "context"), [*((pooling, 0) for pooling in POOLINGS), ("first", 7)]
)
def test_emissions_around_an_absurd_token_are_those_without_it(
    pooling: str,
    context: int,
    absurd: str,
    make_tagger: MakeTagger,
    byte_encoder_dir: Path,
    nlp: Language,
) -> None:
    """Locality: windows start anew behind it."""
    model = make_tagger(byte_encoder_dir, pooling=pooling, context=context)
    before, behind = LONG * 2, " the patient Bob Smith went to Paris. " + LONG
    if absurd == "spaces":
        before = before.rstrip()
    texts = [before, behind, before + ABSURD[absurd] + behind]
    first, last, whole = rows_of(model, [nlp(text) for text in texts])
    assert len(whole) == len(first) + len(last) + (absurd == "base64")
    assert_close(whole[: len(first)], first)
    assert_close(whole[-len(last) :], last)
    assert whole.isfinite().all()


def test_emissions_of_a_split_token_are_the_mean_over_its_windows(
    make_tagger: MakeTagger, byte_encoder_dir: Path, nlp: Language
) -> None:
    model = make_tagger(byte_encoder_dir, pooling="mean", window=12, overlap=0)
    tokenizer, module = model.shims[0].tokenizer, model.shims[0].module
    text = "QmFzZTY0" * 9
    (rows,) = rows_of(model, [nlp(text)])
    (pieces,) = tokenizer([text])
    assert len(pieces) > 30
    vectors = []
    with torch.inference_mode():
        for start in range(0, len(pieces), 10):
            inner = pieces.ids[start : start + 10].tolist()
            ids = torch.tensor([[*tokenizer.prefix, *inner, *tokenizer.suffix]])
            hidden = module.encoder(ids, torch.ones_like(ids, dtype=torch.bool), 0 * ids)
            vectors.append(hidden[0, 1:-1])
        assert_close(rows[0], module.head(torch.cat(vectors).mean(0)))


def test_split_tokens_are_logged(
    make_tagger: MakeTagger,
    byte_encoder_dir: Path,
    nlp: Language,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = make_tagger(byte_encoder_dir)
    with caplog.at_level(logging.WARNING, logger="spacy_ner_plus"):
        model.predict([nlp("nothing long here"), nlp(LONG * 3)])
        assert not caplog.records
        model.predict([nlp("x1" * 300 + " and " + "y2" * 300), nlp("a")])
    (record,) = caplog.records
    assert "2 token(s) are longer than a window of 32 wordpieces" in record.getMessage()


def test_begin_update_gives_the_emissions_of_predict(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    model = make_tagger(dropout=0.0)
    docs = [nlp(text) for text in TEXTS]
    trained, _ = model.begin_update(docs)
    predicted = model.predict(docs)
    assert_close(trained.scores, predicted.scores)
    for one, other in zip(trained.row_tokens, predicted.row_tokens, strict=True):
        assert one.tolist() == other.tolist()


def test_predictions_after_a_step_are_those_of_the_new_weights(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    model = make_tagger()
    docs = [nlp("Ann Lee saw Rome")]
    scores, backprop = model.begin_update(docs)
    backprop(torch.ones_like(scores.scores))
    before = model.predict(docs).scores  # as annotating components do in the middle of a step
    model.finish_update(Adam(5e-4))
    after = model.predict(docs).scores
    assert not torch.equal(before, after)
    copy = make_tagger().from_bytes(model.to_bytes())
    assert_close(copy.predict(docs).scores, after)
