"""Pipelines of all kinds with tiny random encoders, and Docs from recipes."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import spacy
import torch
from hypothesis import reject
from spacy.lang.en import English
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from spacy.vocab import Vocab
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import BertProcessing

from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from tests import tiny
from tests.fuzz.strategies import Mark, Recipe

DIGITS = "digits"  # makes pieces of digits only, and none of most texts
HASH_EMBED = "hash-embed-cnn"  # an encoder of thinc's, which sees spaCy's tokens alone
PICKY = "picky"  # raises an error on words that it doesn't know
HARD_LABELS = ("O", "B-X", "I-O", "a b", "-", "😀", "\x00", "Disease")


@dataclass(frozen=True)
class Setup:
    """What a pipeline is made of. With HASH_EMBED as the family, settings of pieces and windows
    mean nothing.
    """

    family: str = "bert"
    tokenizer: str = "wordpiece"
    tag_scheme: str = "BILOU"
    use_crf: bool = True
    pooling: str = "first"
    window: int = 32
    overlap: int = 8
    max_batch_pieces: int = 256
    word_forms: str | None = "auto"
    existing_ents: str = "keep"
    labels: tuple[str, ...] = HARD_LABELS
    label_weights: str | None = None
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    mix_layers: int | str = 0
    context: int = 0
    characters: str | None = None
    seed: int = 0


# One of each kind of tokenizer and encoder, with all values of every setting.
SETUPS = (
    Setup(),
    Setup("roberta", "byte-bpe", "BIO", pooling="mean", window=16, overlap=0, context=6),
    Setup("distilbert", "wordpiece-cased", "BILOU", False, "last", 128, 64, 8192),
    Setup("deberta-v2", "unigram", "BIO", pooling="max", window=24, overlap=23 - 2),
    Setup("xlm-roberta", "byte-bpe-untrimmed", "BILOU", pooling="first", max_batch_pieces=1),
    Setup("electra", DIGITS, "BIO", pooling="mean", word_forms="casing", characters="cnn"),
    Setup("mpnet", "unigram", "BILOU", False, "mean", 8, 2, word_forms="casing"),
    Setup(
        "modernbert", "byte-bpe", "BIO", False, "first", 64, 16, word_forms=None, mix_layers="all"
    ),
    Setup(HASH_EMBED, label_weights="balanced", label_smoothing=0.1, focal_gamma=2.0),
)


def random_setup(rng: Random) -> Setup:
    """Any combination of settings."""
    window = rng.choice([8, 16, 33, 128])
    return Setup(
        family=rng.choice([*sorted(tiny.FAMILIES), HASH_EMBED]),
        tokenizer=rng.choice([*sorted(tiny.TOKENIZERS), DIGITS]),
        tag_scheme=rng.choice(["BIO", "BILOU"]),
        use_crf=rng.random() < 0.6,
        pooling=rng.choice(["first", "last", "mean", "max"]),
        window=window,
        overlap=rng.choice([0, 1, 5]),
        max_batch_pieces=rng.choice([1, 64, 8192]),
        word_forms=rng.choice(["auto", "casing", None]),
        existing_ents=rng.choice(existing_settings()),
        label_weights=rng.choice([None, "balanced"]),
        label_smoothing=rng.choice([0.0, 0.2]),
        focal_gamma=rng.choice([0.0, 2.0]),
        mix_layers=rng.choice([0, 1, "all"]),
        context=rng.choice([0, 3]) if window > 8 else 0,
        characters=rng.choice([None, "cnn"]),
        seed=rng.randrange(10),
    )


@cache
def existing_settings() -> tuple[str, ...]:
    """The values of existing_ents that this version knows."""
    known = []
    for value in ("keep", "overwrite", "constrain"):
        try:
            spacy.blank("en").add_pipe("ner_plus", config={"existing_ents": value})
        except ValueError:
            continue
        known.append(value)
    return tuple(known)


def digits_only() -> Tokenizer:
    """Byte-pair encoding without an unknown piece: what isn't in its vocabulary vanishes."""
    tokenizer = Tokenizer(models.BPE(vocab=_vocabulary("0123456789"), merges=[]))
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def picky() -> Tokenizer:
    """The words "0" to "9", "a" and special tokens; on others the tokenizers library raises."""
    names = [token.strip("[]") for token in tiny.SPECIAL]
    vocabulary = _vocabulary([*"0123456789a[]", *names])
    tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="<none>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def _vocabulary(pieces: Iterable[str]) -> dict[str, int]:
    return {piece: i for i, piece in enumerate([*tiny.SPECIAL, *pieces])}


@cache
def encoder_dir(family: str, tokenizer: str) -> Path:
    """The folder of a random encoder with any kind of tokenizer, made once in a process."""
    folder = Path(_scratch().name) / f"{family}-{tokenizer}"
    with mock.patch.dict(tiny.TOKENIZERS, {DIGITS: digits_only, PICKY: picky}):
        return tiny.save_encoder(
            folder, family, tokenizer=tokenizer, num_hidden_layers=1, n_layers=1
        )


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fuzz-")


def make_pipeline(setup: Setup) -> Language:
    """A pipeline with random weights, large enough that entities are found everywhere."""
    fix_random_seed(setup.seed)
    nlp = spacy.blank("en")
    ner = nlp.add_pipe(
        "ner_plus",
        config={
            "tag_scheme": setup.tag_scheme,
            "existing_ents": setup.existing_ents,
            "label_weights": setup.label_weights,
            "label_smoothing": setup.label_smoothing,
            "focal_gamma": setup.focal_gamma,
            "model": model_config(setup),
        },
    )
    example = Example(nlp.make_doc("0"), nlp.make_doc("0"))
    ner.initialize(lambda: [example], labels=list(setup.labels))
    shake(ner)
    return nlp


def model_config(setup: Setup) -> dict[str, Any]:
    """The model block of a setup."""
    common = {"use_crf": setup.use_crf, "dropout": 0.0, "device": "cpu"}
    if setup.family == HASH_EMBED:
        tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 32, "depth": 2}
        tok2vec |= {"embed_size": 200, "window_size": 1, "maxout_pieces": 2}
        tok2vec |= {"subword_features": True, "pretrained_vectors": None}
        return {"@architectures": "spacy_ner_plus.TokenTagger.v1", "tok2vec": tok2vec, **common}
    return {
        **common,
        "name": str(encoder_dir(setup.family, setup.tokenizer)),
        "word_forms": setup.word_forms,
        "pooling": setup.pooling,
        "window": setup.window,
        "overlap": setup.overlap,
        "precision": "fp32",
        "max_batch_pieces": setup.max_batch_pieces,
        "mix_layers": setup.mix_layers,
        "context": setup.context,
        "characters": setup.characters,
    }


def shake(ner: NerPlus) -> None:
    """Random weights for head and CRF, with O made rare."""
    with torch.no_grad():
        for parameter in ner.shim.module.head.parameters():
            parameter.copy_(torch.randn_like(parameter))
        ner.shim.module.head.linear.bias[0] -= 2.0


@lru_cache(maxsize=40)
def pipeline(setup: Setup) -> Language:
    """The pipeline of a setup, shared: whoever changes it puts it back."""
    return make_pipeline(setup)


def cook(recipe: Recipe, vocab: Vocab, labels: tuple[str, ...], *, annotated: bool = True) -> Doc:
    """The Doc of a recipe.

    labels: What its entities may be called.
    annotated (bool): Leave the marks out if False.
    """
    doc = _tokenize(recipe, vocab)
    if annotated and recipe.marks_first:
        _annotate(doc, recipe, labels)
    _retokenize(doc, recipe)
    if annotated and not recipe.marks_first:
        _annotate(doc, recipe, labels)
    if not has_readable_ents(doc):
        reject()
    return doc


def has_readable_ents(doc: Doc) -> bool:
    """spaCy's retokenizer makes two tokens of a blocked one that doc.ents can't read any more."""
    try:
        return doc.ents is not None
    except ValueError:
        return False


def _tokenize(recipe: Recipe, vocab: Vocab) -> Doc:
    words = [word for word in recipe.words if word]
    text = "".join(words)
    if recipe.split == "spacy":
        return _rules(vocab).make_doc(text)
    if recipe.split == "words":
        return Doc(vocab, words=words, spaces=[i % 2 == 0 for i in range(len(words))])
    if recipe.split == "spaces":
        parts = text.split(" ")
        words = [part for part in parts if part]
        return Doc(vocab, words=words, spaces=[True] * len(words))
    step = {"chars": 1, "halves": 2, "whole": len(text)}[recipe.split]
    parts = [text[i : i + step] for i in range(0, len(text), step)] if text else []
    return Doc(vocab, words=parts, spaces=[False] * len(parts))


_BLANKS: dict[int, Language] = {}


def _rules(vocab: Vocab) -> Language:
    if id(vocab) not in _BLANKS:
        _BLANKS.clear()
        _BLANKS[id(vocab)] = English(vocab=vocab)
    return _BLANKS[id(vocab)]


def _retokenize(doc: Doc, recipe: Recipe) -> None:
    for start, length in recipe.merges:
        if len(doc):
            start %= len(doc)
            with doc.retokenize() as retokenizer:
                retokenizer.merge(doc[start : start + length])
    for index, at in recipe.splits:
        token = doc[index % len(doc)] if len(doc) else None
        if token is not None and len(token) > 1:
            at = 1 + at % (len(token) - 1)
            orths = [token.text[:at], token.text[at:]]
            with doc.retokenize() as retokenizer:
                retokenizer.split(token, orths, heads=[(token, 0), (token, 1)])


def _annotate(doc: Doc, recipe: Recipe, labels: tuple[str, ...]) -> None:
    taken: set[int] = set()
    kinds: dict[str, list[Span]] = {"entity": [], "blocked": [], "missing": []}
    for mark in recipe.marks if len(doc) else ():
        start = mark.start % len(doc)
        span = _span(doc, start, min(len(doc), start + mark.length), mark, labels)
        tokens = set(range(span.start, span.end))
        if not tokens & taken:
            taken |= tokens
            kinds[mark.kind].append(span)
    default = "outside" if recipe.outside else "missing"
    doc.set_ents(
        kinds["entity"], blocked=kinds["blocked"], missing=kinds["missing"], default=default
    )


def _span(doc: Doc, start: int, end: int, mark: Mark, labels: tuple[str, ...]) -> Span:
    return Span(doc, start, end, label=labels[mark.label % len(labels)])


def cook_example(recipe: Recipe, vocab: Vocab, labels: tuple[str, ...], split: str) -> Example:
    """Gold annotation by a recipe; the predicted Doc is the same text, tokenised in another way."""
    reference = cook(recipe, vocab, labels)
    text = reference.text
    predicted = _tokenize(Recipe((text,), "spacy" if split == "words" else split), vocab)
    if predicted.text != text:  # spaces that a tokenizer can't keep
        predicted = _tokenize(Recipe((text,), "chars"), vocab)
    if predicted.text != text:
        reject()
    return Example(predicted, reference)
