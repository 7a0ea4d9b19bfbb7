"""What the sections of the audit are told, besides the data."""

from dataclasses import dataclass

from .audited_encoder import AuditedEncoder
from .guidelines.guidelines_file import Guidelines
from .label_errors.judges import Judge

NEAR = 0.8
# Of tokens: few entities have more.
MAX_WIDTH = 12


@dataclass(frozen=True)
class AuditSettings:
    """Settings of all sections.

    encoder (AuditedEncoder): What cuts texts to wordpieces; None if none is at hand.
    near (float): The similarity from which texts are near duplicates, over 0, to 1.
    judge (Judge): The pipeline, or those to train, that read the annotation a second time; None if
        nobody does.
    guidelines (Guidelines): Decisions that the data are held to; None if there are none.
    max_width (int): The most tokens of a span that a classifier of spans looks at.
    """

    encoder: AuditedEncoder | None = None
    near: float = NEAR
    judge: Judge | None = None
    guidelines: Guidelines | None = None
    max_width: int = MAX_WIDTH
