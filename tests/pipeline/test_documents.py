"""Odd documents: empty, blank, tiny, enormous, in any script."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Entities, Tagger
from tests.pipeline.samples import (
    TEXTS,
    add_ner_plus,
    found_in,
    gradients,
    initialized_nlp,
    make_examples,
    probabilities,
    shake_head,
)

BLANK = ["", " ", "\n\n", " \t\n  "]
SCRIPTS = [
    "العربية: سيليجيلين يسبب انخفاض ضغط الدم الانتصابي.",
    "ירושלים selegiline תל אביב",
    "北京市的患者服用了selegiline后出现低血压。",
    "👩‍👩‍👧‍👦 took 💊selegiline💊 🇨🇭 …",
    "e\u0301le\u0301ve Zu\u0308rich naïve selegi\u00adline",
    "नमस्ते दुनिया selegiline ไทยแลนด์",
    "\U0001d56c\U0001d598\U0001d595 ﷽ \u200b\ufeff selegiline\u00a0\u2003thrombosis",
    "[SEP] selegiline [CLS] [PAD] [MASK] [UNK] </s>",
    "a" * 3000 + " selegiline",
]


def assert_exact_offsets(doc: Doc) -> None:
    text = doc.text
    for ent in doc.ents:
        assert text[ent.start_char : ent.end_char] == ent.text
        assert not doc[ent.start].is_space and not doc[ent.end - 1].is_space


@pytest.fixture(scope="module")
def eager(encoder_dir: Path) -> Language:
    """A pipeline with random scores, which finds entities everywhere."""
    nlp = initialized_nlp(encoder_dir, tag_scheme="BILOU")
    ner = nlp.get_pipe("ner_plus")
    shake_head(ner)
    with torch.no_grad():
        ner.shim.module.head.linear.bias[0] -= 20.0  # hardly ever O
    return nlp


# Without words


@pytest.mark.parametrize("text", BLANK)
def test_blank_document_has_no_entities(eager: Language, text: str) -> None:
    doc = eager(text)
    assert doc.text == text
    assert doc.ents == () and len(doc.spans["ner_plus"]) == 0


def test_blank_documents_between_others_move_nothing(
    trained: Language, trained_docs: list[Doc]
) -> None:
    mixed = [text for pair in zip(BLANK, TEXTS, strict=False) for text in pair]
    docs = list(trained.pipe(mixed))
    assert [found_in(doc) for doc in docs[1::2]] == [
        found_in(d) for d in trained_docs[: len(BLANK)]
    ]
    assert all(doc.ents == () for doc in docs[::2])


def test_document_of_one_token(trained: Language, eager: Language) -> None:
    assert len(trained("hypotension")) == 1
    doc = eager("thrombosis")
    assert len(doc) == 1 and all(0 <= value <= 1 for value in probabilities(doc))


@pytest.mark.parametrize("texts", [["", ""], [" ", "\n"], ["", " "]])
def test_update_with_blank_documents_only_is_no_step(
    own_trained: Language, texts: list[str]
) -> None:
    ner = own_trained.get_pipe("ner_plus")
    examples = [Example(own_trained.make_doc(t), own_trained.make_doc(t)) for t in texts]
    before = ner.model.to_bytes()
    assert ner.update(examples, sgd=Adam(5e-4)) == {"ner_plus": 0.0}
    assert ner.model.to_bytes() == before


def test_update_ignores_blank_documents_in_a_batch(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    examples = make_examples(nlp, 4)
    blank = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in BLANK]
    loss = ner.update(examples)["ner_plus"]
    expected = gradients(ner)
    ner.shim.module.zero_grad()
    mixed = [blank[0], examples[0], blank[1], *examples[1:], *blank[2:]]
    assert ner.update(mixed)["ner_plus"] == pytest.approx(loss)
    for name, gradient in gradients(ner).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-6)


def test_update_learns_from_batch_without_entities(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    ner = nlp.get_pipe("ner_plus")
    shake_head(ner, scale=0.1)
    reference = nlp.make_doc(TEXTS[5])
    reference.set_ents([], default="outside")
    examples = [Example(nlp.make_doc(TEXTS[5]), reference)]
    losses = [ner.update(examples, sgd=Adam(5e-4))["ner_plus"] for _ in range(10)]
    assert losses[-1] < 0.5 * losses[0]
    assert nlp(TEXTS[5]).ents == ()


# Whitespace tokens


def test_entity_runs_over_a_whitespace_token(trained: Language) -> None:
    """Learned so: see samples.spaced_example."""
    doc = trained("Severe heart  failure followed.")
    assert [(ent.text, ent.start, ent.end) for ent in doc.ents] == [("heart  failure", 1, 4)]
    assert doc[2].is_space and [token.ent_iob_ for token in doc[1:4]] == ["B", "I", "I"]


def test_whitespace_around_and_between_moves_no_entity(trained: Language) -> None:
    words = TEXTS[0].split()
    expected = [tuple(ent.text.split()) for ent in trained(TEXTS[0]).ents]
    doc = trained("\n\n  " + "   ".join(words) + " \n ")
    assert [tuple(ent.text.split()) for ent in doc.ents] == expected
    assert_exact_offsets(doc)


# Scripts


@pytest.mark.parametrize("text", SCRIPTS)
def test_offsets_are_exact_in_any_script(eager: Language, text: str) -> None:
    doc = eager(text)
    assert doc.text == text and len(doc.ents)
    assert_exact_offsets(doc)


@settings(
    deadline=None,
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_offsets_are_exact_in_any_text(eager: Language, text: str) -> None:
    doc = eager(text)
    assert doc.text == text
    assert_exact_offsets(doc)
    assert all(0 <= value <= 1 for value in probabilities(doc))


# Length


@pytest.mark.slow
def test_document_of_a_million_characters_loses_nothing(
    eager: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    emissions: list[Emissions] = []

    def recording(tagger: Tagger, scores: Emissions) -> list[Entities]:
        emissions.append(scores)
        return decode(tagger, scores)

    decode = Tagger.decode
    monkeypatch.setattr(Tagger, "decode", recording)
    block = " ".join([*TEXTS[:2], TEXTS[3], "😀 北京", *TEXTS[5:]]) + "\n"
    text = (block * (1_000_000 // len(block) + 1))[:1_000_000]
    doc = eager(text)
    assert len(doc.text) == 1_000_000
    words = np.flatnonzero(doc.to_array("IS_SPACE") == 0)
    np.testing.assert_array_equal(emissions[0].row_tokens[0], words)
    assert emissions[0].scores.shape == (
        len(words),
        eager.get_pipe("ner_plus").shim.scheme.n_tags,
    )
    assert bool((emissions[0].scores != 0).any(1).all())
    assert_exact_offsets(doc)
    starts = [ent.start_char for ent in doc.ents]
    assert np.diff([0, *starts, 1_000_000]).max() < len(block)  # entities from end to end
    assert not doc.tensor.size
    scores = doc.spans["ner_plus"].attrs["scores"]
    assert scores.shape == (len(doc.ents),) and 0 <= scores.min() <= scores.max() <= 1


def test_components_with_small_and_large_windows_see_every_token(
    own_trained: Language, encoder_dir: Path
) -> None:
    small = add_ner_plus(
        own_trained, encoder_dir, pipe_name="small", model_window=16, model_overlap=4
    )
    ner = own_trained.get_pipe("ner_plus")
    small.shim.from_bytes(ner.shim.to_bytes())
    docs = [own_trained.make_doc(text) for text in TEXTS]
    wide, narrow = ner.model.predict(docs), small.model.predict(docs)
    for ours, theirs in zip(wide.row_tokens, narrow.row_tokens, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert wide.scores.shape == narrow.scores.shape
    assert not torch.allclose(wide.scores, narrow.scores)
