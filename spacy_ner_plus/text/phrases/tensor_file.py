"""Arrays by name in one file in the format of safetensors, mapped into memory by numpy alone.

The format: eight bytes with the size of the header, the header as JSON with each array's type,
shape and place, then the arrays without gaps (https://github.com/huggingface/safetensors). The
package of that name reads it, too; but its reader for numpy makes copies of what it reads.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_TYPES = {"F32": "<f4", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1"}
_NAMES = {np.dtype(dtype): name for name, dtype in _TYPES.items()}
_METADATA = "__metadata__"
_ALIGNMENT = 8
# A header holds some names: more is a damaged size.
_MAX_HEADER = 100_000_000


def pack_tensors(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """The content of a file.

    arrays: By name; those of the largest items come first, so that all are aligned.
    metadata: Strings by name.
    """
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header: dict[str, Any] = {_METADATA: dict(metadata)}
    end = 0
    for name in order:
        array, start = arrays[name], end
        end += array.nbytes
        dtype = _NAMES[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": dtype, "shape": [*array.shape], "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode("utf8")
    text += b" " * (-len(text) % _ALIGNMENT)
    content = (arrays[name].astype(arrays[name].dtype.newbyteorder("<")) for name in order)
    return b"".join([len(text).to_bytes(8, "little"), text, *(part.tobytes() for part in content)])


def unpack_tensors(content: bytes | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and metadata of a file, or of its bytes; of a file, they stay there until used.

    RAISES ValueError: If it is no such file, or damaged.
    """
    if isinstance(content, Path):
        if not content.stat().st_size:
            raise ValueError("it is empty")
        raw = np.asarray(np.memmap(content, dtype=np.uint8, mode="r"))
    else:
        raw = np.frombuffer(content, dtype=np.uint8)
    size = _header_size(raw[:8].tobytes(), len(raw))
    header, metadata = _header(raw[8 : 8 + size].tobytes())
    data = raw[8 + size :]
    return {name: _array(name, entry, data) for name, entry in header.items()}, metadata


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a file alone. RAISES ValueError: If it is no such file."""
    with path.open("rb") as file:
        size = _header_size(file.read(8), path.stat().st_size)
        return _header(file.read(size))[1]


def _header_size(beginning: bytes, file_size: int) -> int:
    size = int.from_bytes(beginning, "little")
    if len(beginning) < 8 or size > min(_MAX_HEADER, file_size - 8):
        raise ValueError("it is no safetensors file, or its end lacks")
    return size


def _header(text: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its metadata are no strings")
    return header, metadata


def _array(name: str, entry: Any, data: np.ndarray) -> np.ndarray:
    try:
        dtype = np.dtype(_TYPES[entry["dtype"]])
        shape, (start, end) = entry["shape"], entry["data_offsets"]
        if not all(type(number) is int for number in (*shape, start, end)):
            raise ValueError("places are no whole numbers")
        is_sound = 0 <= start <= end <= len(data) and min(shape, default=0) >= 0
        if not is_sound or math.prod(shape) * dtype.itemsize != end - start:
            raise ValueError(f"{shape} from byte {start} to {end} of {len(data)}")
        return data[start:end].view(dtype).reshape(shape)
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"its array {name!r:.80} is not what its header says: {error}") from error
