"""How alike texts are by the vectors of an encoder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model, to_numpy
from thinc.types import Floats2d

from ...models.architectures import build_transformer_v1

_WIDTHS = ("hidden_size", "dim", "d_model")
_BATCH = 64
_WINDOW = 256  # wordpieces, of which an encoder may read fewer


class EncoderSimilarity:
    """Texts as the means of their tokens' vectors, of length 1.

    texts (Sequence[str]): The texts.
    nlp (Language): Its tokenizer. model (Model): Gives a vector for each token.
    """

    def __init__(
        self, texts: Sequence[str], nlp: Language, model: Model[list[Doc], list[Floats2d]]
    ) -> None:
        self._nlp = nlp
        self._model = model
        self._vectors = self._vectors_of(texts)  # (n_texts, width)

    def similarities(self, text: str) -> np.ndarray:
        """The cosine of a text and each of the texts, (n_texts,) float from -1 to 1."""
        return np.asarray(self._vectors @ self._vectors_of([text])[0])

    def _vectors_of(self, texts: Sequence[str]) -> np.ndarray:
        """(n_texts, width) float32."""
        rows: list[np.ndarray] = []
        for at in range(0, len(texts), _BATCH):
            docs = [self._nlp.make_doc(text) for text in texts[at : at + _BATCH]]
            for vectors in self._model.predict(docs):
                mean = to_numpy(vectors).sum(axis=0)  # (width,)
                rows.append(mean / (np.linalg.norm(mean) or 1.0))
        return np.array(rows)


def load_similarity(encoder: str, nlp: Language, texts: Sequence[str]) -> EncoderSimilarity:
    """Load an encoder, and read texts with it.

    encoder (str): A folder with a transformer, as ner_plus takes it.
    RAISES ValueError: If there is none.
    """
    config = _config(encoder)
    window = min(_WINDOW, int(config.get("max_position_embeddings", _WINDOW)))
    model = build_transformer_v1(
        encoder, width=_width(config), pooling="mean", word_forms=None, window=window, overlap=0
    )
    model.initialize()
    return EncoderSimilarity(texts, nlp, model)


def _config(encoder: str) -> dict[str, Any]:
    path = Path(encoder) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf8"))
        _width(config)
    except (OSError, ValueError, TypeError, StopIteration) as error:
        raise ValueError(
            f"The encoder {encoder} must be a folder with a transformer and its config.json, whose "
            f"hidden_size is the width of its vectors: {type(error).__name__}: {error}"
        ) from error
    found: dict[str, Any] = config
    return found


def _width(config: Mapping[str, Any]) -> int:
    return next(int(config[name]) for name in _WIDTHS if name in config)
