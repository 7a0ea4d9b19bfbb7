"""ONNX Runtime: one session in each process, opened when it is needed first."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from .files import GRAPH
from .manifest import damage

NOT_INSTALLED = (
    'The ner_plus model has runtime = "onnx", which needs ONNX Runtime: '
    "pip install 'spacy_ner_plus[onnx]'."
)
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class GraphSession:
    """A graph from a bucket's arrays to the emissions of its row parts.

    A session's threads do not survive a fork, and it can't be pickled; so each process opens its
    own. Its number of threads is torch's: in the workers of nlp.pipe that is 1.

    graph (bytes): An ONNX graph that check_graph has checked.
    n_tags (int): Columns of the emissions.
    device (str): The setting: "auto", "cpu", "cuda", ...
    RAISES ValueError: If ONNX Runtime is not installed, or can't use the device.
    """

    def __init__(self, graph: bytes, *, n_tags: int, device: str) -> None:
        if find_spec("onnxruntime") is None:
            raise ValueError(NOT_INSTALLED)
        self.graph = graph
        self.n_tags = n_tags
        self.providers = find_providers(device)
        # By process and number of threads. What a parent has opened is kept in its forked child
        # untouched: to close it would wait for threads that are gone.
        self._opened: dict[tuple[int, int], Any] = {}

    def __call__(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Run the graph.

        arrays: The fields of a text.batches.Bucket, by name.
        RETURNS: (n_parts, n_tags) float32, weighted by part_weights.
        """
        session = self._session()
        feeds = {wanted.name: arrays[wanted.name] for wanted in session.get_inputs()}
        emissions: np.ndarray = session.run(None, feeds)[0]
        return emissions

    def _session(self) -> Any:
        key = (os.getpid(), torch.get_num_threads())
        if key not in self._opened:
            for old in [old for old in self._opened if old[0] == key[0]]:
                del self._opened[old]
            self._opened[key] = self._open(n_threads=key[1])
        return self._opened[key]

    def _open(self, n_threads: int) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        options.enable_mem_pattern = False  # it remembers each shape, and ours differ all the time
        # threads that wait for the next run would take the cores that decoding needs
        options.add_session_config_entry("session.force_spinning_stop", "1")
        # else a file of ONNX Runtime's own format, which nobody has checked, would be read too
        options.add_session_config_entry("session.load_model_format", "ONNX")
        try:
            session = onnxruntime.InferenceSession(self.graph, options, providers=self.providers)
        except Exception as error:  # onnxruntime has one of its own for each reason
            reason = str(error).splitlines()[0][:300]
            raise damage(GRAPH, None, f"can't be run by ONNX Runtime: {reason}") from error
        self._check(session)
        return session

    def _check(self, session: Any) -> None:
        inputs = {found.name for found in session.get_inputs()}
        outputs = [list(found.shape) for found in session.get_outputs()]
        if not inputs <= INPUTS or len(outputs) != 1 or outputs[0][1:] != [self.n_tags]:
            raise damage(
                GRAPH,
                None,
                f"has the inputs {sorted(inputs)} and outputs of the shapes {outputs}, where one "
                f"of {self.n_tags} tags is needed",
            )


# Those of a Bucket that a graph may read.
INPUTS = frozenset({"ids", "mask", "forms", "positions", "parts", "part_weights"})


def find_providers(device: str) -> list[Any]:
    """What ONNX Runtime is to run on, for a setting of the device.

    RAISES ValueError: If torch does not know the device, or ONNX Runtime can't use it.
    """
    import onnxruntime

    try:
        wanted = None if device == "auto" else torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device '{device}' is no torch device: {error}") from None
    if wanted is not None and wanted.type == "cpu":
        return [CPU]
    has_cuda = CUDA in onnxruntime.get_available_providers()
    if has_cuda and (wanted is None or wanted.type == "cuda"):
        return [(CUDA, {"device_id": (wanted and wanted.index) or 0}), CPU]
    if wanted is None:
        return [CPU]
    raise ValueError(
        f"device '{device}' was asked for, but the ONNX Runtime that is installed does not have "
        "it: for CUDA, install onnxruntime-gpu instead of onnxruntime. Use device = \"auto\" to "
        "run on the CPU where there is no GPU."
    )
