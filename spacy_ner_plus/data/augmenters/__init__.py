"""The registered augmenters: annotated documents to others, with all entities in place."""

from .casing_noise import make_casing_noise_v1
from .context_dropout import make_context_dropout_v1
from .diacritics_noise import make_diacritics_noise_v1
from .filled_templates import make_filled_templates_v1
from .in_turn import make_in_turn_v1
from .keyboard_typos import make_keyboard_typos_v1
from .mention_replacement import make_mention_replacement_v1
from .ocr_errors import make_ocr_errors_v1
from .punctuation_noise import make_punctuation_noise_v1
from .sentence_shuffling import make_sentence_shuffling_v1
from .spacing_noise import make_spacing_noise_v1

__all__ = [
    "make_casing_noise_v1",
    "make_context_dropout_v1",
    "make_diacritics_noise_v1",
    "make_filled_templates_v1",
    "make_in_turn_v1",
    "make_keyboard_typos_v1",
    "make_mention_replacement_v1",
    "make_ocr_errors_v1",
    "make_punctuation_noise_v1",
    "make_sentence_shuffling_v1",
    "make_spacing_noise_v1",
]
