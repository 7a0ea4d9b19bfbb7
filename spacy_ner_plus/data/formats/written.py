"""What records have and a format has no place for: counted, and told."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ...records import TextRecord
from ...records import among as among

logger = logging.getLogger("spacy_ner_plus")


class Written(NamedTuple):
    """What was written.

    n_records (int): How many. lost (Counter[str]): What they have and the file has not, by name.
    """

    n_records: int
    lost: Counter[str]


def lost_in(path: Path, lost: Counter[str]) -> list[str]:
    """A warning, if anything was lost.

    path (Path): The file.
    """
    counts = ", ".join(f"{what} ({n:,})" for what, n in sorted(lost.items()) if n)
    return [f"{path} has no place for all of the records. Left out: {counts}"] if counts else []


def warn_of(path: Path, lost: Counter[str]) -> None:
    """Say in the log what was lost."""
    for warning in lost_in(path, lost):
        logger.warning("%s", warning)


def keys_of_tokens(record: TextRecord) -> Iterator[str]:
    """The keys that a tool has given to tokens, which JSON alone holds, by name."""
    for token in record.tokens or ():
        for key in token.other:
            yield f"{key} of tokens"
