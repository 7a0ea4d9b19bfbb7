"""A trained model to an ONNX graph: encoder, pooling and head's first step, for one bucket.

torch.onnx traces the module (torch.export) and translates it. Weights can then be made int8 by ONNX
Runtime's dynamic quantisation: matrix products in int8 with a scale for each output column of the
weights, and one for each input that is found when it is there.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from ...nn.encoders.vectors import TransformerVectors
from ...support.extras import check_installed
from ...support.full_disk import told_if_full
from ..runtime.labelled_shim import LabelledShim
from .session import INPUTS
from .shim import OnnxShim

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
# The version of ONNX's operators: the first with all that is needed (scatter with maximum).
OPSET = 18
# A protobuf message can't be longer.
MAX_BYTES = (1 << 31) - 1
QUANTIZATIONS = ("int8",)
TEMPORARY = "Make room there, or set TMPDIR to a folder on another disk."


class _BucketReader(nn.Module):
    """The fields of one bucket to the weighted output of its row parts: what a graph does."""

    def __init__(self, reader: TransformerVectors) -> None:
        super().__init__()
        self.reader = reader

    def forward(
        self,
        ids: Tensor,
        mask: Tensor,
        forms: Tensor,
        positions: Tensor,
        parts: Tensor,
        part_weights: Tensor,
    ) -> Tensor:
        return self.reader.read_parts(ids, mask, forms, positions, parts, part_weights)


def check_exportable(shim: LabelledShim, name: str) -> None:
    """Check that a component's model is one that can be exported.

    name (str): The component's name.
    RAISES ValueError: If it is not trained, has no encoder of its own, reads characters, or was
        exported already.
    """
    if isinstance(shim, OnnxShim):
        raise ValueError(
            f"'{name}' was exported already: export the pipeline that it was exported from."
        )
    if not shim.is_built:
        raise ValueError(f"'{name}' has no weights to export: train the pipeline first.")
    if not isinstance(shim.module, TransformerVectors):
        raise ValueError(
            f"'{name}' has no encoder of its own (its model is a {type(shim.module).__name__}), "
            "and only spacy_ner_plus.TransformerTagger.v1 and TransformerSpans.v1 can be exported. "
            "An encoder that other components share stays in torch; to export, train a pipeline "
            "with one of these."
        )
    if shim.module.encoder.characters is not None:
        raise ValueError(
            f"'{name}' reads the characters of tokens, which the exported graph does not get: "
            "train it with characters = null, or use it with torch."
        )


def check_packages() -> None:
    """RAISES ValueError: If a package is missing that exporting needs."""
    for package in PACKAGES:
        check_installed(package, "export", what="Exporting")


def export_graph(shim: LabelledShim, *, quantize: str | None = None) -> bytes:
    """The graph of a trained model with an encoder of its own.

    quantize (str): "int8", or None for fp32.
    RETURNS (bytes): An ONNX file. Its inputs are fields of text.packing.Bucket, those that the
        model needs, and its output (n_parts, n_outputs) float32: what the module gives for parts of
        rows, emissions or features, times part_weights.
    RAISES ValueError: If packages are missing, the encoder's architecture can't be exported, or
        the graph gets too large for ONNX.
    """
    check_packages()
    if quantize not in (None, *QUANTIZATIONS):
        raise ValueError(f"quantize = {quantize!r} is unknown: use one of {QUANTIZATIONS}.")
    module = _BucketReader(deepcopy(shim.module).cpu().float()).eval()
    graph = _trace(module)
    if quantize == "int8":
        graph = _to_int8(graph)
    _strip(graph)
    size = graph.ByteSize()
    if size > MAX_BYTES:
        raise ValueError(
            f"The graph has {size:,} bytes, and ONNX takes {MAX_BYTES:,} in one file at most: "
            "export a smaller encoder."
        )
    data: bytes = graph.SerializeToString()
    return data


def _trace(module: _BucketReader) -> Any:
    """The module as an onnx.ModelProto, for buckets of any shape."""
    inputs = _example(module)
    dynamic = torch.export.Dim.DYNAMIC
    shapes = {name: dict.fromkeys(range(tensor.dim()), dynamic) for name, tensor in inputs.items()}
    try:
        with _quiet(), torch.inference_mode(mode=False), torch.no_grad():
            program = torch.onnx.export(
                module,
                kwargs=inputs,
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=list(inputs),
                output_names=["outputs"],
                opset_version=OPSET,
                verbose=False,
            )
    except RuntimeError as error:
        kind = module.reader.encoder.config["model_type"]
        cause = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"The encoder's architecture '{kind}' can't be exported to ONNX with torch "
            f"{torch.__version__}: use it with torch. The reason: {cause[0][:300]}"
        ) from error
    assert program is not None
    return program.model_proto


def _example(module: _BucketReader) -> dict[str, Tensor]:
    """A bucket of two windows; no size is 1, which would be taken for a constant."""
    n_windows, length = 2, min(module.reader.encoder.max_pieces or 24, 24)
    mask = torch.ones(n_windows, length, dtype=torch.bool)
    mask[1, length // 2 :] = False
    ones = torch.ones(n_windows, length, dtype=torch.int64)
    positions = torch.tensor([1, 2, length + 1])
    joins = module.reader.pooling in ("mean", "max")
    parts = torch.tensor([0, 0, 1]) if joins else torch.arange(3)
    weights = torch.ones(int(parts[-1]) + 1)
    example = {"ids": ones, "mask": mask, "forms": ones.clone(), "positions": positions}
    example |= {"parts": parts, "part_weights": weights}
    assert example.keys() == INPUTS
    return example


def _to_int8(graph: Any) -> Any:
    """Matrix products of the encoder in int8.

    Linear layers after pooling and the embeddings stay as they are.

    Each column of the weights has a scale of its own. Weights have 7 bits: processors without
    instructions for it (VNNI) add up pairs of products in 16 bits, which 8 bits would overflow.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    del graph.graph.value_info[:]  # of what will not be there any more
    # those after pooling; ONNX Runtime makes a MatMul of each, of this name
    linear = [f"{node.name}_MatMul" for node in graph.graph.node if node.op_type == "Gemm"]
    with TemporaryDirectory() as folder, _quiet(), told_if_full(Path(folder), to_go_on=TEMPORARY):
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(
            graph,
            path,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=linear,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        return onnx.load(path)


def _strip(graph: Any) -> None:
    """Leave out what is not needed to run it: names of source files, shapes on the way."""
    for field in ("metadata_props", "functions", "doc_string"):
        graph.ClearField(field)
    _strip_graph(graph.graph)


def _strip_graph(graph: Any) -> None:
    for field in ("value_info", "metadata_props", "doc_string", "quantization_annotation"):
        graph.ClearField(field)
    for tensor in graph.initializer:
        _strip_tensor(tensor)
    for node in graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
            if attribute.HasField("t"):
                _strip_tensor(attribute.t)
            if attribute.HasField("g"):
                _strip_graph(attribute.g)


def _strip_tensor(tensor: Any) -> None:
    for field in ("data_location", "metadata_props", "doc_string"):
        tensor.ClearField(field)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep advice for developers of exporters from the user."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
