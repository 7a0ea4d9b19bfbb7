"""The factory `ner_plus_spans`."""

from .component import NerPlusSpans
from .factory import DEFAULT_CONFIG, make_ner_plus_spans

__all__ = ["DEFAULT_CONFIG", "NerPlusSpans", "make_ner_plus_spans"]
