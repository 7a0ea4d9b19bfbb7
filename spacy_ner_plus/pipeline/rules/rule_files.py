"""The files that rules are saved as: one of JSON, and one for each kind of phrases."""

from collections.abc import Mapping

from ...annotation.rule_hits import KINDS
from ...models.storage.files import Unsaved
from ...models.storage.manifest import Content
from ...text.phrases.phrase_file import is_file_of, phrase_table_bytes, read_phrase_table
from ...text.phrases.phrase_table import PhraseTable
from ..rule_matching.rule import ATTRIBUTES
from ..rule_matching.rule_set import TableKey

RULES = "rules.json"
TABLES: dict[TableKey, str] = {
    (kind, attribute): f"{kind}_{attribute.lower()}.phrases"
    for kind in KINDS
    for attribute in ATTRIBUTES
}


def table_files(tables: Mapping[TableKey, PhraseTable]) -> dict[str, Unsaved]:
    """Tables of phrases as files, by name. One that is mapped from a file is a copy of that."""
    return {
        TABLES[key]: table.file if table.file and is_file_of(table) else phrase_table_bytes(table)
        for key, table in tables.items()
    }


def read_tables(files: Mapping[str, Content]) -> dict[TableKey, PhraseTable]:
    """The reverse of table_files. Of a file on the disk, what is large stays there.

    RAISES ValueError: If one is damaged.
    """
    return {key: read_phrase_table(files[name]) for key, name in TABLES.items() if name in files}
