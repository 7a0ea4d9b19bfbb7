"""Pauses between the buckets of an encoder, and what torch is like in them."""

import numpy as np
import torch
from torch import Tensor

from spacy_ner_plus.models.onnx.shim import OnnxReader
from spacy_ner_plus.nn.encoders.buckets import TensorBucket
from spacy_ner_plus.nn.encoders.outside import outside_of_models
from spacy_ner_plus.nn.encoders.vectors import TransformerVectors
from spacy_ner_plus.support.pauses import pausing


def bucket(row: int) -> TensorBucket:
    """A window of one piece, which is a token."""
    zero = torch.zeros(1, dtype=torch.int64)
    window = zero.reshape(1, 1)
    rows, weights = torch.tensor([row]), torch.ones(1)
    return TensorBucket(window, window == 0, window, zero, zero, rows, weights)


def test_outside_gradients_are_taken_in_full_precision() -> None:
    matrix = torch.ones(2, 2)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert (matrix @ matrix).dtype == torch.bfloat16
        with outside_of_models():
            assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
            assert (matrix @ matrix).dtype == torch.float32
        assert torch.is_inference_mode_enabled()
        assert (matrix @ matrix).dtype == torch.bfloat16


class Reader(TransformerVectors):
    """Its encoder is a matrix: what matters is what is done between buckets."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.encoder = torch.nn.Linear(1, 1)  # type: ignore[assignment]

    @property
    def n_outputs(self) -> int:
        return 1

    def read_parts(self, *inputs: Tensor) -> Tensor:
        return torch.ones(1, 1)


def test_pauses_are_between_buckets_and_not_in_training() -> None:
    reader, pauses = Reader(), []
    buckets = [bucket(row) for row in range(4)]
    with pausing(lambda: pauses.append(torch.is_inference_mode_enabled())):
        reader.train()(buckets, 4)
        assert pauses == []
        with torch.inference_mode():
            rows = reader.eval()(buckets, 4)
            reader(buckets[:1], 1)
    assert pauses == [False] * 3
    assert rows.tolist() == [[1.0]] * 4


def test_exported_models_have_pauses_too() -> None:
    class Head:
        n_features = 1

    reader = OnnxReader.__new__(OnnxReader)
    torch.nn.Module.__init__(reader)
    reader.head = Head()  # type: ignore[assignment]
    reader.session = lambda arrays: np.ones((1, 1), dtype=np.float32)  # type: ignore[assignment]
    pauses: list[None] = []
    with pausing(lambda: pauses.append(None)):
        rows = reader([bucket(row) for row in range(3)], 3)
    assert len(pauses) == 2
    assert rows.tolist() == [[1.0]] * 3
