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

# Where each public name is at home. `ner-plus project code` reads this, too.
_HOMES = {
    "CRF": "spacy_ner_plus.nn.crf",
    "NerPlus": "spacy_ner_plus.pipeline.ner_plus",
    "TagScheme": "spacy_ner_plus.tags",
    "__version__": "spacy_ner_plus.about",
    "export_onnx": "spacy_ner_plus.prediction.onnx_export",
    "from_checkpoint": "spacy_ner_plus.pipeline.ner_plus.from_checkpoint",
    "set_offset_ents": "spacy_ner_plus.annotation.offsets",
    "train": "spacy_ner_plus.training.train",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the next time it is found without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
