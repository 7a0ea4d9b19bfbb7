import re
import sys
from pathlib import Path

import pytest

from spacy_ner_plus.support.locks import locked


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock")
def test_locked_keeps_others_from_the_same_work_until_it_ends(tmp_path: Path) -> None:
    lock, work = tmp_path / "lock", tmp_path / "out"
    with (
        locked(lock, work),
        pytest.raises(ValueError, match=f"at work on {re.escape(str(work))}"),
        locked(lock, work),
    ):
        pass
    with locked(lock, work):
        pass
