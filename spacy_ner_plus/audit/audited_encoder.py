"""The encoder whose wordpieces the audit counts: its tokenizer and its limit, without weights."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..text.wordpieces import Alignment, Pieces, align

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from ..text.wordpieces import WordpieceTokenizer


@dataclass(frozen=True)
class AuditedEncoder:
    """What cuts texts to wordpieces.

    name (str): Hub name or folder.
    tokenizer (WordpieceTokenizer): Its tokenizer.
    max_pieces (Optional[int]): What it reads at once at most, special tokens included; None for
        any number.
    """

    name: str
    tokenizer: "WordpieceTokenizer"
    max_pieces: int | None

    @cached_property
    def unknown_id(self) -> int | None:
        """The vocabulary id of what the vocabulary lacks; None if it lacks nothing."""
        return self.tokenizer.unknown_id

    def pieces(self, doc: "Doc") -> tuple[Pieces, Alignment]:
        """The wordpieces of a Doc's text, and which tokens they belong to."""
        [pieces] = self.tokenizer([doc.text])
        starts = np.array([token.idx for token in doc], dtype=np.int64)
        ends = starts + np.array([len(token) for token in doc], dtype=np.int64)
        return pieces, align(starts, ends, pieces.starts, pieces.ends)


def load_audited_encoder(name: str | Path | None) -> AuditedEncoder | None:
    """Load an encoder's tokenizer.

    name (Union[str, Path]): Hub name or folder; None for the default encoder, where a project has
        put it.
    RETURNS (Optional[AuditedEncoder]): None if no name is given and the default one is not there.
    RAISES ValueError: There is no such encoder, with what to do.
    """
    from ..training.project.encoder_wheel import CONFIG_NAME, ENCODER_FOLDER

    if name is None:
        if not (Path(ENCODER_FOLDER) / CONFIG_NAME).is_file():
            return None
        name = ENCODER_FOLDER
    from ..training.project.facts import encoder_facts

    facts, tokenizer = encoder_facts(name)
    return AuditedEncoder(str(name), tokenizer, facts.max_pieces)
