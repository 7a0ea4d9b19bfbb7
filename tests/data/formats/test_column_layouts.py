import pytest

from spacy_ner_plus.data.formats.column_detection import detect_layout
from spacy_ner_plus.data.formats.column_lines import FileLines


def lines_of(tmp_path, content):
    path = tmp_path / "file.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return FileLines(path)


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        ("Anna NNP I-NP I-PER\n", "conll2003"),
        ("-DOCSTART- -X- -X- O\n\nAnna NNP I-NP I-PER\n", "conll2003"),
        ("-DOCSTART- -X- O\n\nAnna\tB-PER\n", "tsv"),
        ("\n\t\nAnna\tB-PER\n", "tsv"),
        ("# hash\tO\n", "tsv"),
        ("t ex a b\tO\n", "tsv"),
        ("# newdoc id = a\n", "uner"),
        ("#sent_id = a-1\n", "uner"),
        ("# text = A\tB\n", "tsv"),
        ("1\tAnna\tB-PER\t-\tme\n", "uner"),
        ("1\tAnna\tB-PER\n", "uner"),
        ("# # I-NP O\nA B C O\n", "conll2003"),
        ("Anna B-PER\n", "blanks"),
        ("Anna  B-PER\nx\tO\nbor  O\ni  O\n", "blanks"),
        ("Anna NNP I-NP I-PER\nbor  VBD I-VP O\n", "blanks"),
        ("Anna NNP  I-PER\n", "blanks"),
        ("# id a1\tdomain=x\nAnna _ _ B-PER\n", "conll2003"),
        ("a\tb\tc\td\n", "tsv"),
        ("Anna\tNNP\tB-PER\n", "tsv"),
        ("#\thttp://x\t[2010]\t\n1\tAnna\tB-PER\tO\n2\tbor\tO\tO\n", "numbered"),
        ("1 Anna B-PER\n2 bor O\n", "numbered"),
        ("1\tCD\tO\nmore\tJJ\tO\n", "tsv"),
        ("# comment\n", "uner"),
    ],
)
def test_detect_layout_goes_by_most_lines(tmp_path, content, layout):
    assert detect_layout(lines_of(tmp_path, content)) == layout


def test_detect_layout_knows_commas(tmp_path):
    for content in ("token,tag\nAnna,B-PER\n", "Sentence #,Word,Tag\n1,Anna,B-PER\n,bor,O\n"):
        with pytest.raises(ValueError, match=r"line 1: .* parted by commas: save the file with"):
            detect_layout(lines_of(tmp_path, content))


@pytest.mark.parametrize("content", ["Anna\n", "A\n\nB\nC O\n"])
def test_detect_layout_refuses_what_it_does_not_know(tmp_path, content):
    with pytest.raises(ValueError, match=r"file.txt, line 1: .* fits no known layout"):
        detect_layout(lines_of(tmp_path, content))
