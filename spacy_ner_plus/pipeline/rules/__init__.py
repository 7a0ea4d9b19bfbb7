"""The factory `ner_plus_rules`."""

from .component import NerPlusRules
from .factory import DEFAULT_CONFIG, make_ner_plus_rules

__all__ = ["DEFAULT_CONFIG", "NerPlusRules", "make_ner_plus_rules"]
