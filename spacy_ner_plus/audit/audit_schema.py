"""What an audit finds, as audit.json has it.

A change of meaning raises SCHEMA_VERSION; new fields and sections do not.
"""

from dataclasses import dataclass
from typing import Any

SCHEMA, SCHEMA_VERSION = "spacy_ner_plus.audit", 1


@dataclass(frozen=True)
class AuditWarning:
    """Something to act on.

    section (str): The key of the section that says it.
    text (str): What it is, in words.
    """

    section: str
    text: str


@dataclass(frozen=True)
class AuditFindings:
    """All that an audit finds but the review tasks.

    schema (str): `"spacy_ner_plus.audit"`.
    schema_version (int): 1.
    parts (Dict[str, str]): The paths of train, dev and test, as given.
    lang (str): The language whose tokenizer cut texts that had no tokens.
    encoder (Optional[str]): The encoder whose wordpieces were counted; null without one.
    notes (List[str]): What the readers of the files have to say.
    warnings (List[AuditWarning]): What to look at first.
    sections (Dict[str, Any]): What each section found, by its key: see docs/audit.md.
    absent (Dict[str, str]): Why other sections were not looked at, by their keys.
    """

    schema: str
    schema_version: int
    parts: dict[str, str]
    lang: str
    encoder: str | None
    notes: list[str]
    warnings: list[AuditWarning]
    sections: dict[str, Any]
    absent: dict[str, str]
