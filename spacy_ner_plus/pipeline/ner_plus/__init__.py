"""The factory `ner_plus`."""

from .component import NerPlus
from .factory import DEFAULT_CONFIG, make_ner_plus

__all__ = ["DEFAULT_CONFIG", "NerPlus", "make_ner_plus"]
