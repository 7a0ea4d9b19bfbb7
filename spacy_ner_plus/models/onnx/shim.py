"""The shim of an exported model: encoder, pooling and what its head does of one token at a time.

That is the linear layer of a tagger, and of a head of spans the layer that makes features. They are
in an ONNX graph. Windows, alignment, CRFs, bands, probabilities and files are those of every other
model; what is left of the head has its weights in the same file as ever. What can't be done is to
learn.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NoReturn, Self

import torch
from thinc.types import ArgsKwargs
from torch import Tensor, nn

from ...nn.encoders.buckets import TensorBucket
from ...nn.encoders.outside import outside_of_models
from ...nn.heads.span_head import SpanHead
from ...nn.heads.tag_head import TagHead
from ...support.pauses import pause
from ..runtime.labelled_shim import LabelledShim
from ..runtime.processes import handle_forks
from ..runtime.span_shim import TransformerSpanShim
from ..runtime.transformer_tagger_shim import TransformerTaggerShim
from ..runtime.wordpiece_shim import WordpieceShim
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


class OnnxReader(nn.Module):
    """Windows of wordpieces to one row per token, as a TransformerVectors with a head.

    head (TagHead / SpanHead): What the graph leaves of it: it has no width.
    max_pieces (int): The encoder's longest input, or None.
    has_word_forms (bool): Whether the encoder reads them.

    Attributes:
        session (GraphSession): Runs the graph. To be set after building.
    """

    session: GraphSession

    def __init__(
        self, head: TagHead | SpanHead, *, max_pieces: int | None, has_word_forms: bool
    ) -> None:
        super().__init__()
        self.head = head
        self.max_pieces = max_pieces
        self.has_word_forms = has_word_forms

    @property
    def n_outputs(self) -> int:
        """Numbers in a row of the output."""
        return self.head.n_features

    @property
    def config(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return {"max_pieces": self.max_pieces, "word_forms": self.has_word_forms}

    def forward(self, buckets: list[TensorBucket], n_rows: int) -> Tensor:
        """(n_rows, n_outputs) float32: emissions, or features.

        buckets (list[TensorBucket]): The windows, on the CPU.
        n_rows (int): Rows of the batch. Those of a token that was split over windows are averaged.
        """
        rows = torch.zeros(n_rows, self.n_outputs)
        for i, bucket in enumerate(buckets):
            if i:
                pause(outside_of_models)
            arrays = {f.name: getattr(bucket, f.name).numpy() for f in fields(bucket)}
            parts = torch.from_numpy(self.session(arrays))  # (parts, n_outputs)
            rows.index_add_(0, bucket.part_rows, parts)
        return rows


class OnnxShim(WordpieceShim, LabelledShim):
    """A model that was exported. It can be loaded, saved, pickled and used, but not changed.

    It is what an OnnxReader needs in place of an encoder; the kind of head is that of the shim that
    it is mixed into.
    """

    @property
    def device(self) -> torch.device:
        """Where inputs and rows are; ONNX Runtime copies what it needs on a GPU."""
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
        _refuse_learning()

    def grow(self, labels: Any) -> None:
        """RAISES ValueError: Always, as an exported encoder can't learn new labels."""
        _refuse_learning()

    def check_can_learn(self) -> None:
        """RAISES ValueError: Always. See LabelledShim.check_can_learn."""
        _refuse_learning()

    def rebuild(self, saved: dict[str, Any]) -> nn.Module:
        """The module of a saved model, without weights and graph."""
        self.check_word_forms(saved["word_forms"])
        self.check_window(saved["max_pieces"])
        return OnnxReader(
            self.make_head(None),
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
            graph, n_outputs=self.module.n_outputs, device=self.config.device
        )

    def take_over(self, trained: LabelledShim, graph: bytes) -> None:
        """Become the exported version of a model with an encoder of its own.

        graph (bytes): Its graph, from export_graph.
        """
        saved = {**trained.settings(), "max_pieces": trained.module.encoder.max_pieces}
        self.read_settings(saved)
        self.tokenizer = trained.tokenizer
        module = self.rebuild(saved)
        weights = trained.module.state_dict()
        module.load_state_dict({name: weights[name] for name in module.state_dict()})
        self.place(module)
        self.run(check_graph(graph))


class OnnxTaggerShim(OnnxShim, TransformerTaggerShim):
    """A tagger that was exported: the CRF is what is left of its head."""


class OnnxSpanShim(OnnxShim, TransformerSpanShim):
    """A model with a head of spans that was exported: what is of spans is left of its head."""


def _refuse_learning() -> NoReturn:
    """RAISES ValueError: Always. It says what to do instead."""
    raise ValueError(NO_LEARNING)
