import pytest

from spacy_ner_plus.data.formats.column_lines import FileLines


def lines_of(tmp_path, content):
    path = tmp_path / "file.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(FileLines(path))


def test_only_line_feeds_end_lines(tmp_path):
    content = "\ufeffa\u2028b\tO\r\nc\x85d\x0be\u200b\tO\r\n\r\n"
    lines = lines_of(tmp_path, content)
    assert [line.content for line in lines] == ["a\u2028b\tO", "c\x85d\x0be\u200b\tO", ""]
    assert [line.number for line in lines] == [1, 2, 3]


def test_line_that_is_not_utf8_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"file.txt, line 2: .*xe9.* at position 3 is not UTF-8"):
        lines_of(tmp_path, b"a\tO\ncaf\xe9\tO\n")
