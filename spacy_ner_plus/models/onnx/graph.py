"""What an exported graph may hold, found out from its bytes before ONNX Runtime gets them.

The graph may come from a stranger. ONNX lets a tensor lie in another file (external data), metadata
set options of the session, and operators of other domains come from libraries. Of all that ONNX
knows, a graph of ours holds nodes, tensors with their data, inputs and outputs; anything else is
refused. The bytes are read by protobuf's wire format with the field numbers of onnx.proto3, so that
running a graph takes no library besides ONNX Runtime. The format:
https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator

from ..storage.files import GRAPH
from ..storage.manifest import Content, damage

# By message: the fields that may be there, and the message that is in them, if it is one.
_FIELDS: dict[str, dict[int, str | None]] = {
    "model": {1: None, 2: None, 3: None, 4: None, 5: None, 6: None, 7: "graph", 8: None},
    "graph": {1: "node", 2: None, 5: "tensor", 10: None, 11: None, 12: None},
    "node": {1: None, 2: None, 3: None, 4: None, 5: "attribute", 6: None, 7: None},
    "attribute": {
        **dict.fromkeys((1, 2, 3, 4, 7, 8, 9, 20)),
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
    },
    "tensor": dict.fromkeys((1, 2, 4, 5, 7, 8, 9, 10, 11)),
}
_DOMAIN = 7  # of a node
_DOMAINS = (b"", b"ai.onnx")
# Graphs within graphs (branches, loops).
_MAX_DEPTH = 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _NotOursError(Exception):
    """What is the matter with a graph."""


def check_graph(content: Content) -> bytes:
    """Read a graph that is to be run.

    content: The file's bytes, or where it is.
    RETURNS (bytes): All of it.
    RAISES ValueError: If it is no ONNX graph, or one that could have other files read or other
        operators than ONNX's own run.
    """
    data = content if isinstance(content, bytes) else content.read_bytes()
    try:
        if not _check(memoryview(data), "model", 0):
            raise _NotOursError("holds no graph")
    except _NotOursError as error:
        raise damage(GRAPH, content, str(error)) from error
    return data


def _check(data: memoryview, message: str, depth: int) -> bool:
    """Check a message and those in it. RETURNS: Whether it holds any other message."""
    if depth > 3 * _MAX_DEPTH:  # a graph within a graph is three messages deeper
        raise _NotOursError("holds graphs within graphs without end")
    holds_message = False
    for number, value in _read_fields(data):
        if number not in _FIELDS[message]:
            raise _NotOursError(
                f"has field {number} in a {message}: ner_plus takes graphs that have all of their "
                "weights in the file, and nothing besides nodes and weights"
            )
        inner = _FIELDS[message][number]
        if message == "node" and number == _DOMAIN and value not in _DOMAINS:
            raise _NotOursError("needs operators that are not ONNX's own")
        if inner is not None:
            if value is None:
                raise _NotOursError("is no ONNX graph")
            _check(value, inner, depth + 1)
            holds_message = True
    return holds_message


def _read_fields(data: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """The fields of a message: their numbers, and their bytes (None for a number)."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise _NotOursError("is no ONNX graph")
        value = None
        if kind == _VARINT:
            _, at = _read_varint(data, at)
        elif kind == _BYTES:
            length, at = _read_varint(data, at)
            value = data[at : at + length]
            at += length
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise _NotOursError("is no ONNX graph")
        if at > len(data):
            raise _NotOursError("ends too early")
        yield number, value


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at == len(data):
            raise _NotOursError("ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _NotOursError("is no ONNX graph")
