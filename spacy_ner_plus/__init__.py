"""Named entity recognition for spaCy: a transformer with a CRF, and exact probabilities.

What is listed here is public, and docs/api.md shows each of it; all else may move. Nothing heavy is
imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .about import __version__ as __version__
    from .annotation.offsets import set_offset_ents as set_offset_ents
    from .nn.crf import CRF as CRF
    from .pipeline.ner_plus import NerPlus as NerPlus
    from .pipeline.ner_plus.from_checkpoint import from_checkpoint as from_checkpoint
    from .prediction.onnx_export import export_onnx as export_onnx
    from .tags import TagScheme as TagScheme
    from .training.train import train as train

# Where each public name is at home.
HOMES = {
    "CRF": "nn.crf",
    "NerPlus": "pipeline.ner_plus",
    "TagScheme": "tags",
    "__version__": "about",
    "export_onnx": "prediction.onnx_export",
    "from_checkpoint": "pipeline.ner_plus.from_checkpoint",
    "set_offset_ents": "annotation.offsets",
    "train": "training.train",
}
__all__ = sorted(HOMES)


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
    globals()[name] = value  # the next time it is found without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
