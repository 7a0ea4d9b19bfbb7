"""An entity as findings have it: what may be annotated as well as what is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlainSpan:
    """An entity.

    start (int): Its first character.
    end (int): The end of its characters, exclusive.
    label (str): Its type.
    text (str): What it covers.
    """

    start: int
    end: int
    label: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} ({self.label})"
