"""Which columns of a table of entities are what."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

# By which names people know them, in the order in which they are looked for. A number that is
# called `id` may be of the entity; the others are of the text.
USUAL = {
    "text": ("text", "sentence", "content", "document_text", "full_text", "context", "body"),
    "id": ("doc_id", "document_id", "docid", "document", "doc", "text_id", "sentence_id", "pmid",
           "file", "filename", "file_name", "id"),
    "start": ("start", "begin", "start_offset", "begin_offset", "start_char", "char_start",
              "start_pos", "offset_start", "from"),
    "end": ("end", "end_offset", "end_char", "char_end", "end_pos", "offset_end", "stop", "to"),
    "label": ("label", "type", "entity_type", "entity_label", "ner_label", "ent_type", "tag",
              "category", "class"),
    "entity": ("entity", "span", "mention", "entity_text", "span_text", "mention_text", "surface",
               "term", "match", "value"),
}  # fmt: skip
DELIMITERS = (",", "\t", ";", "|")
# What our own tables have besides.
OF_SPANS = ("span_id", "kb_id", "probability", "status", "grounding")
ANNOTATED, META, RECORD = "annotated", "meta", "record"


@dataclass(frozen=True)
class EntityColumns:
    """The names of columns; None for one that is not there."""

    text: str | None
    id: str | None
    start: str
    end: str
    label: str
    entity: str | None

    @property
    def used(self) -> set[str]:
        """All of them."""
        return {name for one in fields(self) if (name := getattr(self, one.name)) is not None}


def find_columns(
    header: Sequence[str], given: Mapping[str, str | None]
) -> EntityColumns | list[str]:
    """The columns of a header, or what is missing.

    given (Mapping[str, Optional[str]]): Names that were told.
    """
    plain: dict[str, str] = {}
    for name in header:
        plain.setdefault(re.sub(r"[\s_-]+", "_", name.strip().casefold()), name)
    found: dict[str, str] = {}
    missing = []
    for what, usual in USUAL.items():
        told = given.get(what)
        taken = set(found.values())
        names = [plain[name] for name in usual if name in plain and plain[name] not in taken]
        if told is not None and told not in header:
            missing.append(f"{told!r}")
        elif told is not None or names:
            found[what] = told if told is not None else names[0]
        elif what in ("start", "end", "label"):
            missing.append(f"the {what} (named {', '.join(usual[:3])}, ...)")
    if "text" not in found and "id" not in found:
        missing.append("the text, or the id of one")
    if missing:
        return missing
    columns = {what: found.get(what) for what in USUAL}
    return EntityColumns(
        columns["text"],
        columns["id"],
        found["start"],
        found["end"],
        found["label"],
        columns["entity"],
    )
