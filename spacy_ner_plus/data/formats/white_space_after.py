"""White space around tokens, as CoNLL-U has it in MISC.

`SpaceAfter=No` is of Universal Dependencies. `SpacesAfter` and `SpacesBefore`, of UDPipe, give any
other white space, with a letter behind a backslash for what can't stand in a column.
"""

import re

from .tag_columns import misc_of

_ESCAPES = {"s": " ", "t": "\t", "r": "\r", "n": "\n", "p": "|", "\\": "\\"}
_LETTERS = {char: f"\\{letter}" for letter, char in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def space_after(misc: str) -> str | None:
    """The white space behind a token; None if MISC does not say, which means a space."""
    keys = misc_of(misc)
    if "SpacesAfter" in keys:
        return _unescaped(keys["SpacesAfter"])
    return "" if keys.get("SpaceAfter") == "No" else None


def spaces_before(misc: str) -> str | None:
    """The white space before a token that is not behind another; None if MISC does not say."""
    keys = misc_of(misc)
    return _unescaped(keys["SpacesBefore"]) if "SpacesBefore" in keys else None


def is_exact(misc: str) -> bool:
    """Whether white space is given that is not one space or none."""
    return not {"SpacesAfter", "SpacesBefore"}.isdisjoint(misc_of(misc))


def written_space(before: str, after: str, *, is_last: bool) -> str:
    """What MISC says of the white space around a token.

    before (str): At the start of a document, else empty. after (str): Behind the token.
    is_last (bool): It is the last token of its document, behind which nothing need be said.
    """
    keys = [f"SpacesBefore={_escaped(before)}"] * bool(before)
    if after == "" and not is_last:
        keys.append("SpaceAfter=No")
    elif after != (" " if not is_last else ""):
        keys.append(f"SpacesAfter={_escaped(after)}")
    return "|".join(keys) or "_"


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[0]), value)


def _escaped(space: str) -> str:
    return "".join(_LETTERS.get(char, char) for char in space)
