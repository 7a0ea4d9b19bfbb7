"""What commands print, and what a terminal makes of it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.cli._terminal import printable

EVIL = "\x1b]0;title\x07", "\x1b[2J", "\x00", "\x9b31m", "\u202e", "\x08"


@given(st.text())
def test_what_a_terminal_obeys_is_shown_as_escapes(text: str) -> None:
    shown = re.sub("\x1b\\[[0-9;]*m", "", printable(text))  # but for colours
    for character in shown:
        code = ord(character)
        assert character in "\n\r\t" or not (code < 0x20 or 0x7F <= code < 0xA0)
        assert not 0x202A <= code <= 0x202E and not 0x2066 <= code <= 0x2069


@pytest.mark.parametrize(
    "text", ["Zoë\n\t北京 شلوم \r", "\x1b[38;5;2m✔ fine\x1b[0m", "\u200f!\u200e"]
)
def test_text_and_colours_are_left_as_they_are(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("evil", EVIL)
def test_labels_and_file_names_reach_no_terminal_raw(tmp_path: Path, evil: str) -> None:
    label = f"X{evil}Y"
    path = tmp_path / f"in{evil.replace(chr(0), '')}.tsv"
    path.write_text(f"Anna\tB-{label}\nand\tO\n", encoding="utf8")
    result = CliRunner().invoke(app, ["convert", str(path), str(tmp_path / "out.spacy")])
    assert evil not in result.output
    assert ascii(evil)[1:-1] in result.output
    result = CliRunner().invoke(app, ["convert", f"{tmp_path}/no{evil[1:]}.tsv", "out.spacy"])
    assert evil not in result.output and result.exit_code == 1
