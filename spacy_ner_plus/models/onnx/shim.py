"""The shim of an exported tagger: encoder, pooling and linear layer in an ONNX graph.

Windows, alignment, CRF, probabilities and files are those of every other tagger; the CRF's weights
are in the same file as ever. What can't be done is to learn.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import fields
from typing import Any, NoReturn, Self

import torch
from thinc.types import ArgsKwargs
from torch import Tensor, nn

from ...nn.crf import TagDecoder
from ...nn.encoders.buckets import TensorBucket
from ...nn.heads.taggers import TransformerTagger
from ...tags import TagScheme
from ..runtime.processes import handle_forks
from ..runtime.tagger_shim import TaggerShim
from ..runtime.transformer_tagger_shim import TransformerTaggerShim
from ..storage.files import GRAPH, WEIGHTS, Unsaved
from ..storage.manifest import Content
from .graph import check_graph
from .session import GraphSession

NO_LEARNING = (
    'The ner_plus model was exported (runtime = "onnx") and can\'t learn: train the pipeline that '
    "it was exported from, and export that again. To train other components beside it, put it into "
    "[training] frozen_components."
)
ONLY_TORCH = (
    'The saved ner_plus model holds torch weights, but the config says runtime = "onnx": use '
    'runtime = "torch", or export it with `python -m spacy ner-plus export`.'
)
ONLY_ONNX = (
    'The saved ner_plus model was exported and holds no torch weights: use runtime = "onnx" in '
    "the config of its model, or load the pipeline that it was exported from."
)


class _Decoder(nn.Module):
    """What is left of a TagHead."""

    def __init__(self, decoder: TagDecoder) -> None:
        super().__init__()
        self.decoder = decoder


class OnnxTagger(nn.Module):
    """Windows of wordpieces to one row of emissions per token, as nn.heads' TransformerTagger.

    decoder (TagDecoder): Reads the emissions.
    max_pieces (int): The encoder's longest input, or None.
    has_word_forms (bool): Whether the encoder reads them.

    Attributes:
        session (GraphSession): Runs the graph. To be set after building.
    """

    session: GraphSession

    def __init__(
        self, decoder: TagDecoder, *, max_pieces: int | None, has_word_forms: bool
    ) -> None:
        super().__init__()
        self.head = _Decoder(decoder)
        self.max_pieces = max_pieces
        self.has_word_forms = has_word_forms

    @property
    def config(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return {"max_pieces": self.max_pieces, "word_forms": self.has_word_forms}

    def forward(self, buckets: list[TensorBucket], n_rows: int) -> Tensor:
        """(n_rows, n_tags) float32 emissions.

        buckets (list[TensorBucket]): The windows, on the CPU.
        n_rows (int): Rows of the batch. Those of a token that was split over windows are averaged,
            which is the same as averaging its vectors, as the linear layer comes after pooling.
        """
        emissions = torch.zeros(n_rows, self.session.n_tags)
        for bucket in buckets:
            arrays = {f.name: getattr(bucket, f.name).numpy() for f in fields(bucket)}
            parts = torch.from_numpy(self.session(arrays))  # (parts, n_tags)
            emissions.index_add_(0, bucket.part_rows, parts)
        return emissions


class OnnxShim(TransformerTaggerShim):
    """A tagger that was exported. It can be loaded, saved, pickled and used, but not changed."""

    @property
    def device(self) -> torch.device:
        """Where inputs and emissions are; ONNX Runtime copies what it needs on a GPU."""
        assert self.module is not None
        return torch.device("cpu")

    def place(self, module: nn.Module) -> None:
        """See TorchShim.place. Its parameters take no gradients."""
        handle_forks()
        self._model = module.requires_grad_(False).eval()
        self._optimizer = None

    def predict(self, inputs: ArgsKwargs) -> Any:
        """See TorchShim.predict. There is no budget of pieces to halve."""
        with torch.inference_mode():
            return self.module(*inputs.args, **inputs.kwargs)

    def begin_update(self, inputs: ArgsKwargs) -> tuple[Any, Callable[[ArgsKwargs], ArgsKwargs]]:
        """RAISES ValueError: Always, as an exported encoder can't learn."""
        refuse_learning()

    def grow(self, scheme: TagScheme) -> None:
        """RAISES ValueError: Always, as an exported encoder can't learn new labels."""
        refuse_learning()

    def rebuild(self, saved: dict[str, Any]) -> nn.Module:
        """The module of a saved model, without weights and graph."""
        self.check_word_forms(saved["word_forms"])
        self.check_window(saved["max_pieces"])
        return OnnxTagger(
            self.make_decoder(),
            max_pieces=saved["max_pieces"],
            has_word_forms=saved["word_forms"],
        )

    def to_files(self) -> dict[str, Unsaved]:
        """See TorchShim.to_files. The graph is one more file."""
        files = super().to_files()
        return {**files, GRAPH: self.module.session.graph} if self.is_built else files

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Self:
        """See TorchShim.read_files. The graph is checked by a run."""
        if WEIGHTS in files and GRAPH not in files:
            raise ValueError(ONLY_TORCH)
        others = {name: content for name, content in files.items() if name != GRAPH}
        read = super().read_files(others, is_verified=is_verified)
        if GRAPH in files:
            read.run(check_graph(files[GRAPH]))
        return read

    def run(self, graph: bytes) -> None:
        """Have the module run a graph. RAISES ValueError: See GraphSession."""
        self.module.session = GraphSession(
            graph, n_tags=self.scheme.n_tags, device=self.config.device
        )

    def take_over(self, trained: TaggerShim, graph: bytes) -> None:
        """Become the exported version of a tagger with an encoder of its own.

        graph (bytes): Its graph, from export_graph.
        """
        tagger: TransformerTagger = trained.module
        self.start(trained.scheme)
        self.calibration = trained.calibration
        self.fresh_labels = trained.fresh_labels
        self.tokenizer = trained.tokenizer
        self.place(
            OnnxTagger(
                deepcopy(trained.decoder).cpu(),
                max_pieces=tagger.encoder.max_pieces,
                has_word_forms=tagger.encoder.word_forms is not None,
            )
        )
        self.run(check_graph(graph))


def refuse_learning() -> NoReturn:
    """RAISES ValueError: Always. It says what to do instead."""
    raise ValueError(NO_LEARNING)
