"""`spacy_ner_plus.BiLSTM.v1`: a BiLSTM over word vectors and characters as a tok2vec."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import ArgsKwargs, Floats2d

from ...text.vector_folder import read_vectors
from ...text.word_counts import WordCounts
from ...text.word_vectors import WordVectors
from ..runtime.bilstm_settings import VOCABULARY, BiLstmSettings
from ..runtime.bilstm_shim import BiLstmShim
from .token_vectors import Tok2Vec, token_vectors

# So many documents spaCy's own components show to a tok2vec.
SPACY_SAMPLE = 10


@registry.architectures("spacy_ner_plus.BiLSTM.v1")
def build_bilstm_v1(
    hidden_size: int = 256,
    rnn_layers: int = 1,
    word_dropout: float = 0.05,
    locked_dropout: float = 0.5,
    reproject_embeddings: bool = True,
    vectors: str | None = None,
    train_vectors: bool = True,
    saved_vectors: str = "all",
    learned_width: int = 100,
    min_freq: int = 2,
    case_width: int = 16,
    characters: str | None = "cnn",
    character_width: int = 32,
    character_hidden: int = 64,
    max_characters: int = 32,
    context: str = "sentence",
    precision: str = "auto",
    device: str = "auto",
    max_batch_words: int = 4096,
) -> Tok2Vec:
    """A bidirectional LSTM over words as a tok2vec: one vector per token, of 2 * hidden_size.

    Whitespace tokens have zeros. It learns by AdamW at the rate of the optimizer of the pipeline:
    0.001 to 0.003 suit it. Its vocabulary is that of the documents that initialize is given:
    ner_plus gives all of the training data.

    hidden_size (int): Numbers of the LSTM in each direction.
    rnn_layers (int): Layers of the LSTM.
    word_dropout (float): How often a word is taken for an unknown one in training.
    locked_dropout (float): How many numbers of the vectors, before and after the LSTM, are left out
        in training: the same ones for all words of a sequence.
    reproject_embeddings (bool): Have a linear layer between the embeddings and the LSTM.
    vectors (str): Pretrained word vectors: a folder that `ner-plus vectors` has written, "vocab"
        for those of the pipeline's vocabulary, None for none. Read in initialize only; what is
        needed of them is saved with the weights.
    train_vectors (bool): Let the vectors of words of the training data learn.
    saved_vectors (str): "all" vectors are kept and used, or only those of words that are "seen" in
        the training data.
    learned_width (int): Numbers of word vectors that start from nothing, beside pretrained ones or
        without; 0 for none.
    min_freq (int): How often a word must occur in the training data to have a learned vector.
    case_width (int): Numbers of a casing class; 0 for none.
    characters (str): What reads the characters of a word: "cnn", "bilstm", or None for nothing.
    character_width, character_hidden (int): Numbers of a character, and of what is read of a word.
    max_characters (int): Of a longer word the first and the last half of so many are read.
    context (str): "sentence" reads each sentence alone where a Doc has starts of sentences;
        "document" reads Docs from end to end.
    precision (str): "fp32", "bf16", "fp16", or "auto".
    device (str): "auto" (CUDA if there is any), "cpu", "cuda", "cuda:1", ...
    max_batch_words (int): Words with padding that are in the LSTM at once. A longer document is
        read in windows with the state carried on: the result is the same.
    RETURNS (Model[List[Doc], List[Floats2d]]): (n_tokens, 2 * hidden_size) for each Doc.
    RAISES ValueError: A setting is out of range.
    """
    settings = BiLstmSettings(
        device=device,
        precision=precision,
        head_lr_scale=1.0,
        hidden_size=hidden_size,
        rnn_layers=rnn_layers,
        word_dropout=word_dropout,
        locked_dropout=locked_dropout,
        reproject_embeddings=reproject_embeddings,
        vectors=vectors,
        train_vectors=train_vectors,
        saved_vectors=saved_vectors,
        learned_width=learned_width,
        min_freq=min_freq,
        case_width=case_width,
        characters=characters,
        character_width=character_width,
        character_hidden=character_hidden,
        max_characters=max_characters,
        context=context,
        max_batch_words=max_batch_words,
    )
    return Model(
        "ner_plus_bilstm",
        _forward,
        init=_initialize,
        dims={"nO": 2 * settings.hidden_size},
        shims=[BiLstmShim(settings)],
    )


def count_words(model: Model) -> WordCounts | None:
    """What counts words for the vocabularies that the model's initialize will make.

    None if it makes none. Whoever counts has it see all documents of the training data.
    """
    shims = [shim for node in model.walk() for shim in node.shims if isinstance(shim, BiLstmShim)]
    if not shims:
        return None
    counts = WordCounts()
    for shim in shims:
        shim.word_counts = counts
    return counts


def _initialize(
    model: Tok2Vec,
    X: list[Doc] | None = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Make the vocabulary, and an encoder with it.

    RAISES ValueError: If there are no documents, or the vectors can't be read.
    """
    shim = _shim_of(model)
    counts = shim.word_counts
    shim.word_counts = None
    if counts is None:
        counts = WordCounts(X or [])
        if 0 < counts.n_docs <= SPACY_SAMPLE:
            warnings.warn(
                f"The vocabulary of spacy_ner_plus.BiLSTM.v1 is that of {counts.n_docs} "
                "document(s): spaCy's tok2vec component shows no more of the training data. Have "
                "it inside of ner_plus, under spacy_ner_plus.TokenTagger.v1.",
                stacklevel=2,
            )
    if not counts.by_word:
        raise ValueError(
            "spacy_ner_plus.BiLSTM.v1 makes its vocabulary of the training data: give "
            "nlp.initialize() examples that have words."
        )
    shim.place(shim.learn_words(counts, _vectors(shim.config, X or [])))


def _vectors(config: BiLstmSettings, docs: list[Doc]) -> WordVectors | None:
    if config.vectors is None:
        return None
    if config.vectors != VOCABULARY:
        return read_vectors(Path(config.vectors))
    if not docs:
        raise ValueError(
            f'vectors = "{VOCABULARY}" takes the vectors of the documents\' vocabulary: give '
            "nlp.initialize() examples."
        )
    return WordVectors.from_vocab(docs[0].vocab)


def _forward(
    model: Tok2Vec, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    shim = _shim_of(model)
    sequences, batch = shim.read_docs(docs, is_train=is_train)
    rows, backprop_torch = shim(ArgsKwargs(args=(batch,), kwargs={}), is_train)
    return token_vectors(model, docs, rows, sequences.row_tokens, backprop_torch)


def _shim_of(model: Tok2Vec) -> BiLstmShim:
    shim = model.shims[0]
    assert isinstance(shim, BiLstmShim)
    return shim
