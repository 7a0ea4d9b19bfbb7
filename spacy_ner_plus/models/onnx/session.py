"""ONNX Runtime: one session in each process, opened when it is needed first."""

import ctypes
import os
from collections.abc import Mapping
from functools import cache
from typing import Any
from weakref import WeakSet

import numpy as np
import torch

from ...support.extras import check_installed
from ..storage.files import GRAPH
from ..storage.manifest import damage

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class GraphSession:
    """A graph from a bucket's arrays to what it gives for its row parts: emissions, or features.

    ONNX Runtime's session can't be pickled, and its threads do not survive a fork; so each process
    opens its own. Its number of threads is torch's: in the workers of nlp.pipe that is 1.

    graph (bytes): An ONNX graph that check_graph has checked.
    n_outputs (int): Columns of that.
    device (str): The setting: "auto", "cpu", "cuda", ...
    RAISES ValueError: If ONNX Runtime is not installed, or can't use the device.
    """

    def __init__(self, graph: bytes, *, n_outputs: int, device: str) -> None:
        check_installed("onnxruntime", "onnx", what='A ner_plus model with runtime = "onnx"')
        self.graph = graph
        self.n_outputs = n_outputs
        self.device = device
        if device not in ("auto", "cpu"):
            find_providers(device)
        self._opened: dict[int, Any] = {}  # at most one, by its number of threads
        _handle_forks()
        _all.add(self)

    def __call__(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Run the graph.

        arrays: The fields of a text.packing.Bucket, by name.
        RETURNS: (n_parts, n_outputs) float32, weighted by part_weights.
        RAISES ValueError: If the graph can't be run, or gives something else.
        """
        session = self._session()
        feeds = {wanted.name: arrays[wanted.name] for wanted in session.get_inputs()}
        try:
            outputs: np.ndarray = session.run(None, feeds)[0]
        except Exception as error:  # onnxruntime has one of its own for each reason
            raise _not_run(error) from error
        wanted_shape = (len(arrays["part_weights"]), self.n_outputs)
        # what a graph says of its output need not be what it gives
        if outputs.dtype != np.float32 or outputs.shape != wanted_shape:
            raise damage(
                GRAPH,
                None,
                f"gives {outputs.dtype} of the shape {outputs.shape}, where float32 of "
                f"{wanted_shape} is needed: a row for each token's part, with the numbers that the "
                "head reads",
            )
        return outputs

    def _session(self) -> Any:
        n_threads = torch.get_num_threads()
        session = self._opened.get(n_threads)
        if session is None:
            session = self._open(n_threads)
            self._opened = {n_threads: session}
        return session

    def forget(self) -> None:
        """In a forked process, leave the session of the parent alone for ever.

        To close it, even when the process ends, would wait for threads that are gone.
        """
        for session in self._opened.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
        self._opened = {}

    def _open(self, n_threads: int) -> Any:
        # not before: a child that is forked after this import waits for ever where it ends by
        # sys.exit (seen with 1.31); workers of multiprocessing end otherwise
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
            session = onnxruntime.InferenceSession(
                self.graph, options, providers=find_providers(self.device)
            )
        except Exception as error:  # onnxruntime has one of its own for each reason
            raise _not_run(error) from error
        self._check(session)
        return session

    def _check(self, session: Any) -> None:
        inputs = {found.name for found in session.get_inputs()}
        outputs = [[found.type, *found.shape] for found in session.get_outputs()]
        if not inputs <= INPUTS or len(outputs) != 1 or outputs[0][2:] != [self.n_outputs]:
            raise damage(
                GRAPH,
                None,
                f"has the inputs {sorted(inputs)} and outputs {outputs}, where one "
                f"of {self.n_outputs} numbers is needed",
            )


def _not_run(error: Exception) -> ValueError:
    """The error that names the graph."""
    reason = str(error).splitlines()[0][:300]
    return damage(GRAPH, None, f"can't be run by ONNX Runtime: {reason}")


_all: WeakSet[GraphSession] = WeakSet()


@cache
def _handle_forks() -> None:
    if hasattr(os, "register_at_fork"):  # Windows has no forks
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for session in _all:
        session.forget()


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
        'it: for CUDA, install onnxruntime-gpu instead of onnxruntime. Use device = "auto" to '
        "run on the CPU where there is no GPU."
    )
