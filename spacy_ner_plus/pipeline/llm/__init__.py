"""The factory `ner_plus_llm`."""

from .component import NerPlusLlm
from .factory import DEFAULT_CONFIG, make_ner_plus_llm

__all__ = ["DEFAULT_CONFIG", "NerPlusLlm", "make_ner_plus_llm"]
