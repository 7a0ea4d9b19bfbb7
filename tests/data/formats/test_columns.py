from pathlib import Path

import pytest

from spacy_ner_plus.data.formats.columns import has_markers, read_columns

ASSETS = Path(__file__).parents[3] / "assets"

CONLL2003 = """\
-DOCSTART- -X- O O

Anna NNP I-NP I-PER
met VBD I-VP O
Bo NNP I-NP I-PER
Ek NNP I-NP B-PER
. . O O

-DOCSTART- -X- -X- O

Rain NN I-NP O
"""


def write(tmp_path, content):
    path = tmp_path / "file.txt"
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_read_columns_detects_layout_and_scheme(tmp_path):
    file = read_columns(write(tmp_path, CONLL2003))
    assert (file.layout, file.scheme) == ("conll2003", "IOB1")
    assert [sentence.tokens for sentence in file.sentences] == [
        ("Anna", "met", "Bo", "Ek", "."),
        ("Rain",),
    ]
    assert file.sentences[0].spans == ((0, 1, "PER"), (2, 3, "PER"), (3, 4, "PER"))
    assert file.sentences[1].spans == ()
    assert [sentence.opens_document for sentence in file.sentences] == [True, True]
    assert has_markers(file.sentences)
    assert not has_markers([])


@pytest.mark.parametrize("scheme", ["auto", "IOB1"])
def test_read_columns_reads_windows_line_ends_alike(tmp_path, scheme):
    plain = read_columns(write(tmp_path, CONLL2003), scheme=scheme)
    windows = read_columns(write(tmp_path, CONLL2003.replace("\n", "\r\n")), scheme=scheme)
    assert windows == plain


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("IOB1", ["I-a-b", "I-a-b", "B-a-b", "O", "I-c"]),
        ("BIO", ["B-a-b", "I-a-b", "B-a-b", "O", "B-c"]),
        ("BILOU", ["B-a-b", "L-a-b", "U-a-b", "O", "U-c"]),
        ("BIOES", ["B-a-b", "E-a-b", "S-a-b", "O", "S-c"]),
    ],
)
def test_read_columns_reads_every_scheme_alike(tmp_path, scheme, tags):
    path = write(tmp_path, "".join(f"w\t{tag}\n" for tag in tags))
    file = read_columns(path)
    assert file.scheme == scheme
    assert file.sentences[0].spans == ((0, 2, "a-b"), (2, 3, "a-b"), (4, 5, "c"))
    assert read_columns(path, scheme=scheme, layout="tsv") == file


def test_read_columns_names_the_line_that_breaks_the_scheme(tmp_path):
    path = write(tmp_path, "a\tB-X\n\nb\tO\nc\tI-X\n\nd\tB-X\n")
    with pytest.raises(ValueError, match=r"file.txt, line 4: 'c\\tI-X': .*after 'O'.* for BIO"):
        read_columns(path)
    with pytest.raises(ValueError, match=r"line 1: 'a\\tB-X': .* never closed.*end it with L-X"):
        read_columns(path, scheme="BILOU")


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "\t\r\n", "-DOCSTART- -X- O O\n\n"])
def test_read_columns_refuses_a_file_without_tokens(tmp_path, content):
    with pytest.raises(ValueError, match=r"file.txt is empty"):
        read_columns(write(tmp_path, content))


def test_read_columns_refuses_unknown_settings(tmp_path):
    path = write(tmp_path, "a\tO\n")
    with pytest.raises(ValueError, match="Unknown layout 'csv'"):
        read_columns(path, layout="csv")
    with pytest.raises(ValueError, match="Unknown tag scheme 'IO'"):
        read_columns(path, scheme="IO")


def test_read_columns_lets_white_space_tokens_be_inside_entities_only(tmp_path):
    file = read_columns(write(tmp_path, "a\tB-X\n \tI-X\nt ex\tI-X\n  \tO\n"))
    assert file.sentences[0].tokens == ("a", " ", "t ex", "  ")
    assert file.sentences[0].spans == ((0, 3, "X"),)
    with pytest.raises(ValueError, match=r"line 2: .*white space token: move its tags inwards"):
        read_columns(write(tmp_path, "a\tB-X\n\u3000\tI-X\n"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sentences", "tokens", "entities"),
    [
        ("bc5cdr/test.tsv", 4797, 124750, {"Chemical": 5385, "Disease": 4424}),
        (
            "wnut17/dev.tsv",
            1009,
            15733,
            {
                "person": 470,
                "product": 114,
                "creative-work": 105,
                "location": 74,
                "group": 39,
                "corporation": 34,
            },
        ),
    ],
)
def test_read_columns_finds_the_published_counts(name, sentences, tokens, entities):
    file = read_columns(ASSETS / name)
    assert (file.layout, file.scheme) == ("tsv", "BIO")
    assert len(file.sentences) == sentences
    assert sum(len(sentence.tokens) for sentence in file.sentences) == tokens
    labels = [label for sentence in file.sentences for _, _, label in sentence.spans]
    assert {label: labels.count(label) for label in set(labels)} == entities


def test_read_columns_keeps_invisible_characters_of_wnut17():
    file = read_columns(ASSETS / "wnut17/dev.tsv")
    tokens = {token for sentence in file.sentences for token in sentence.tokens}
    assert {"watched\u200bwas", "Dubbz\ufeff"} <= tokens
