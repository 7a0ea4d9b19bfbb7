"""A text with what is known about its entities.

It is the one form in which files, predictions and everything else exchange them, in memory and as
JSON. docs/records.md describes each key.
"""

from .counting import covers, find_counting
from .duplicates import among, without_duplicates
from .json_object import MAX_DEPTH, keys_of
from .labels import alike, check_tidy, tidy_label
from .span_records import LAYER, STATUSES, RelationRecord, SpanRecord, Stretch, TokenRecord
from .text_record import SCHEMA_VERSION, VERSION, TextRecord
from .white_space import add_white_space

__all__ = [
    "LAYER",
    "MAX_DEPTH",
    "SCHEMA_VERSION",
    "STATUSES",
    "VERSION",
    "RelationRecord",
    "SpanRecord",
    "Stretch",
    "TextRecord",
    "TokenRecord",
    "add_white_space",
    "alike",
    "among",
    "check_tidy",
    "covers",
    "find_counting",
    "keys_of",
    "tidy_label",
    "without_duplicates",
]
