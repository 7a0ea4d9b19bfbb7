"""A row of a phrase list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhraseEntry:
    """A phrase with what is known of it.

    phrase (str): Its text.
    label (str): The entity type; "" for every type, or none.
    id (str): The entity's id; "" for none.
    weight (float): What a soft rule adds to the log-score.
    rule (str): The name of the rule or list that it is of.
    place (str): Where it stands, for messages: "drugs.csv, line 3".
    """

    phrase: str
    label: str
    id: str = ""
    weight: float = 1.0
    rule: str = ""
    place: str = ""
