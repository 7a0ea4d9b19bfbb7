import pytest

from spacy_ner_plus.data.formats.column_blocks import read_blocks
from spacy_ner_plus.data.formats.column_form import find_form
from spacy_ner_plus.data.formats.column_lines import FileLines, Findings


def blocks_of(tmp_path, content, layout):
    path = tmp_path / "file.txt"
    path.write_text(content, encoding="utf8", newline="")
    lines, findings = FileLines(path), Findings()
    blocks = list(read_blocks(lines, find_form(path, lines, layout), findings))
    findings.check()
    return blocks


def test_read_blocks_opens_documents_at_markers(tmp_path):
    content = (
        "A x y O\n\n-DOCSTART- -X- O O\n\nB x y O\nC x y O\n\nD x y O\n"
        "-DOCSTART- -X- -X- O\nE x y O\n-DOCSTART-\n\n"
    )
    blocks = blocks_of(tmp_path, content, "conll2003")
    tokens = [[row.token for row in block.rows] for block in blocks]
    assert tokens == [["A"], ["B", "C"], ["D"], ["E"]]
    assert [block.opens_document for block in blocks] == [False, True, False, True]
    assert [row.line.number for block in blocks for row in block.rows] == [1, 5, 6, 8, 10]


def test_read_blocks_takes_a_lone_tab_as_blank_and_a_hash_as_token(tmp_path):
    content = "#\tO\n# text = a\tO\n\t\nb\tO\n \t \nc\u200b\tB-X"
    blocks = blocks_of(tmp_path, content, "tsv")
    assert [[row.token for row in block.rows] for block in blocks] == [
        ["#", "# text = a"],
        ["b"],
        ["c\u200b"],
    ]


def test_read_blocks_keeps_text_and_new_documents_of_uner(tmp_path):
    content = (
        "# newdoc id = d1\n# sent_id = d1-1\n# text =  A  b\n1\tA\tB-X\t-\tme\n2\tb\tO\n\n"
        "# text = C\n1\tC\tO\n\n# newpar\n1\tD\tO\n\n# newdoc\n\n# sent_id = x\n1\t#\tO\t-\t-\n"
    )
    blocks = blocks_of(tmp_path, content, "uner")
    assert [block.text for block in blocks] == [" A  b", "C", None, None]
    assert [block.opens_document for block in blocks] == [True, False, False, True]
    assert [row.tags for row in blocks[0].rows] == [("B-X",), ("O",)]


@pytest.mark.parametrize(
    ("layout", "content", "line", "message"),
    [
        ("tsv", "a\tO\nb\n", 2, "'b': Found 1 columns where tsv has 2"),
        ("tsv", "a\tO\t\n", 1, "ends in white space: remove it. convert --lenient repairs it"),
        ("tsv", "a\tO\n\tO\n", 2, "token is empty"),
        ("tsv", "a \tO\n", 1, "begins or ends with white space"),
        ("tsv", "\u00a0a\tO\n", 1, "begins or ends with white space"),
        ("tsv", "-DOCSTART-\tB-X\n", 1, "its tag must be O"),
        ("conll2003", "a b O\n", 1, "Found 3 columns where conll2003 has 4"),
        ("conll2003", "\n\na\tb\tc\tO\n", 3, "Found 1 columns"),
        ("uner", "1\ta\tO\t-\n", 1, "Found 4 columns where uner has 3 or 5"),
        ("uner", "1\ta\tO\n3\tb\tO\n", 2, "Token number '3' where 2 is due"),
        ("uner", "1-2\ta\tO\n", 1, "token 1-2 is of several words, and the lines behind it must"),
        ("uner", "1-2\ta\tO\n1\ta\tO\n2-3\tb\tO\n2\tb\tO\n", 3, "token 2-3 is of several"),
        ("uner", "1-1\ta\tO\n1\ta\tO\n", 1, "token 1-1 is of several"),
        ("uner", "1-2\ta\tB-X\n1\ta\tO\n2\tb\tO\n", 1, "stand on its words"),
        ("uner", "2.1\ta\tO\n1\ta\tO\n", 1, "Token number '2.1' where 1 is due"),
        ("uner", "1\ta\tO\tB-X\tme\n", 1, "fourth column must be -"),
        ("uner", "1\ta\tO\n# text = b\n1\tb\tO\n", 2, "comment inside a sentence"),
        ("uner", "# text = b\n\n1\tb\tO\n", 1, "No tokens follow this text"),
        ("uner", "# text = b\n# text = c\n1\tb\tO\n", 2, "has a text already .line 1."),
    ],
)
def test_read_blocks_names_the_bad_line(tmp_path, layout, content, line, message):
    with pytest.raises(ValueError, match=f"file.txt, line {line}: .*(?:{message})"):
        blocks_of(tmp_path, content, layout)


def test_read_blocks_refuses_an_unknown_layout(tmp_path):
    with pytest.raises(ValueError, match="Unknown layout 'conll'"):
        blocks_of(tmp_path, "a\tO\n", "conll")
