"""Comment lines before the sentences of column files, in the meta of records.

`comments` has a list for each line: the character of the text at which its sentence starts, and the
line as it stands in the file, such as GermEval's `#<tab>http://...<tab>[2010-07-04]<tab>`, which
says where the sentence is from.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ...records import TextRecord

COMMENTS = "comments"
# What a file says with comments of its own: written from elsewhere.
_OWN = re.compile(r"#\s*(newdoc\b|text = |global\.columns\s*=)")


def comments_meta(sentences: Iterable[tuple[int, Sequence[str]]]) -> dict[str, Any]:
    """The meta of a record for the comments before its sentences.

    sentences: Where each starts in the text, and its comment lines.
    RETURNS (Dict[str, Any]): Empty if there are none.
    """
    found = [[start, line] for start, lines in sentences for line in lines]
    return {COMMENTS: found} if found else {}


def comments_of(record: TextRecord) -> list[tuple[int, str]]:
    """The comment lines of a record, each with where its sentence starts.

    Those of another form are somebody else's, and none of these.
    """
    value = record.meta.get(COMMENTS)
    rows = value if isinstance(value, list) else []
    found = [(row[0], row[1]) for row in rows if _is_comment(row)]
    return found if len(found) == len(rows) else []


def _is_comment(row: Any) -> bool:
    """Whether it can be written so that it is read again as it is."""
    if not isinstance(row, list) or [type(one) for one in row] != [int, str]:
        return False
    line = row[1]
    return line.startswith("#") and not set(line) & set("\r\n") and not _OWN.match(line)
