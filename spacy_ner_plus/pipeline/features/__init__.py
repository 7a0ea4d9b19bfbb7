"""The factory `ner_plus_features`."""

from .component import NerFeatures
from .factory import DEFAULT_CONFIG, make_ner_plus_features

__all__ = ["DEFAULT_CONFIG", "NerFeatures", "make_ner_plus_features"]
