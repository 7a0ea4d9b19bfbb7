"""How much work a text is, without a tokenizer: about its wordpieces."""

import re

# Words of ASCII in fours, which is about what a piece has; of all else each character may be one.
_PIECES = re.compile(r"[A-Za-z0-9]{1,4}|\S")
_PER_TEXT = 4  # special tokens, and what each document costs whatever its length
_BLANKS_PER_UNIT = 64  # white space has no pieces, and yet takes a little time


def work_units(text: str) -> int:
    """About how many wordpieces a text has, rather too many than too few.

    What people send to overload a server (punctuation, base64, other scripts) counts as much as it
    costs: a count of words would not notice it.

    RETURNS (int): 4 at least.
    """
    return _PER_TEXT + len(_PIECES.findall(text)) + len(text) // _BLANKS_PER_UNIT
