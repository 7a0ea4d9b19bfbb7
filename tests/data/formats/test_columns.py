import tracemalloc
from pathlib import Path

import pytest

from spacy_ner_plus.data.formats import column_counts
from spacy_ner_plus.data.formats.column_files import ColumnRecords
from tests.whole_columns import read_columns

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
        ("BMES", ["B-a-b", "E-a-b", "S-a-b", "O", "S-c", "B-d", "M-d", "E-d"]),
    ],
)
def test_read_columns_reads_every_scheme_alike(tmp_path, scheme, tags):
    path = write(tmp_path, "".join(f"w\t{tag}\n" for tag in tags))
    file = read_columns(path)
    assert file.scheme == scheme
    assert file.sentences[0].spans[:3] == ((0, 2, "a-b"), (2, 3, "a-b"), (4, 5, "c"))
    assert read_columns(path, scheme=scheme, layout="tsv") == file


def test_read_columns_names_the_line_that_breaks_the_scheme(tmp_path):
    path = write(tmp_path, "a\tB-X\n\nb\tO\nc\tI-X\n\nd\tB-X\n")
    with pytest.raises(ValueError, match=r"file.txt, line 4: 'c\\tI-X': .*after 'O'.* for BIO"):
        read_columns(path)
    with pytest.raises(ValueError, match=r"line 1: 'a\\tB-X': .* never closed.*end it with L-X"):
        read_columns(path, scheme="BILOU")


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "\t\r\n", "-DOCSTART- -X- O O\n\n"])
def test_read_columns_finds_nothing_in_a_file_without_tokens(tmp_path, content):
    assert read_columns(write(tmp_path, content)).sentences == ()


def test_read_columns_refuses_unknown_settings(tmp_path):
    path = write(tmp_path, "a\tO\n")
    with pytest.raises(ValueError, match="Unknown layout 'csv'"):
        read_columns(path, layout="csv")
    with pytest.raises(ValueError, match="Unknown tag scheme 'BX'"):
        read_columns(path, scheme="BX")


def test_read_columns_lets_white_space_tokens_be_inside_entities_only(tmp_path):
    file = read_columns(write(tmp_path, "a\tB-X\n \tI-X\nt ex\tI-X\n  \tO\n"))
    assert file.sentences[0].tokens == ("a", " ", "t ex", "  ")
    assert file.sentences[0].spans == ((0, 3, "X"),)
    with pytest.raises(ValueError, match=r"line 2: .*white space token: move its tags inwards"):
        read_columns(write(tmp_path, "a\tB-X\n\u3000\tI-X\n"))


MESSY = (
    "word\ttag\nAnna \tB-PER\n\tI-PER\nEk\tI- PER\ns\tO\t\n\n\u200b\nb\tO\n\tO\n\nc\tB-X\n \tI-X\n"
)


def test_read_columns_lists_all_that_lenient_repairs(tmp_path):
    with pytest.raises(ValueError) as error:
        read_columns(write(tmp_path, MESSY))
    start, *lines = str(error.value).splitlines()
    assert start == (
        "8 lines can't be read. convert --lenient repairs 8 of them, and counts what it repairs; "
        "so does audit."
    )
    assert [int(line.partition("line ")[2].partition(":")[0]) for line in lines] == [
        *(1, 2, 3, 4, 5, 7, 9, 12)
    ]
    assert lines[3].endswith(
        "line 4: 'Ek\\tI- PER': The tag is 'I- PER', with white space or characters of no width: "
        "write 'I-PER'."
    )


def test_read_columns_repairs_what_is_clear_and_counts_it(tmp_path):
    file = read_columns(write(tmp_path, MESSY), lenient=True)
    assert [sentence.tokens for sentence in file.sentences] == [
        ("Anna", "Ek", "s"), ("b",), ("c", " ")
    ]  # fmt: skip
    assert [sentence.spans for sentence in file.sentences] == [
        ((0, 2, "PER"),), (), ((0, 1, "X"),)
    ]  # fmt: skip
    assert file.findings.counts == {
        "repaired: headings left out": 1,
        "repaired: white space around a token": 1,
        "repaired: lines without a token left out": 2,
        "repaired: white space in a tag": 1,
        "repaired: empty columns at the end of a line": 1,
        "repaired: lines that only look blank, taken for blank ones": 1,
        "repaired: white space tokens at the edge of an entity": 1,
    }
    told = list(file.findings.repairs.told())
    assert "repaired: lines without a token left out (2): line 3, line 9" in told


def test_read_columns_lists_the_first_of_many(tmp_path):
    content = "a\tO\n" * 20 + "b \tO\n" * 4 + "\nc\n" * 8
    with pytest.raises(
        ValueError, match=r"^12 lines can't be read. convert --lenient repairs 4 of"
    ) as e:
        read_columns(write(tmp_path, content))
    assert len(str(e.value).splitlines()) == 12
    assert str(e.value).endswith("\n  and 2 more")
    with pytest.raises(ValueError, match=r"^8 lines can't be read\.\n"):
        read_columns(write(tmp_path, content), lenient=True)


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("EU  B-ORG\nrejects O\n", ("EU", "rejects")),
        ("EU\tB-ORG\nrejects\t\tO\nit\tO\n", ("EU", "rejects", "it")),
        (" EU B-ORG\nrejects O\nit O\n", ("EU", "rejects", "it")),
        ("EU B-ORG \n O\nit O\n", ("EU", "it")),
        ("EU NNP B-ORG\n , O\nit PRP O\n", ("EU", "it")),
    ],
)
def test_read_columns_takes_too_much_white_space_for_less_if_lenient(tmp_path, content, tokens):
    [sentence] = read_columns(write(tmp_path, content), lenient=True).sentences
    assert (sentence.tokens, sentence.spans) == (tokens, ((0, 1, "ORG"),))


def test_read_columns_never_makes_a_second_label_of_white_space(tmp_path):
    for blank in (" ", "\u00a0", "\u200b", "\ufeff", "\u3000", "\x0b"):
        for tag in (f"B-X{blank}", f"B-{blank}X", f"{blank}B-X"):
            path = write(tmp_path, f"a\tB-X\nb\t{tag}\n")
            with pytest.raises(ValueError, match=r"line 2: .*The tag is .* write 'B-X'"):
                read_columns(path)
            [sentence] = read_columns(path, lenient=True).sentences
            assert {label for _, _, label in sentence.spans} == {"X"}


def test_read_columns_takes_lines_for_outside_that_have_an_underscore(tmp_path):
    file = read_columns(write(tmp_path, "# id a\tx=y\nAnna _ _ B-PER\nbor _ _ _\n"))
    assert (file.layout, file.columns) == ("conll2003", (4,))
    assert file.sentences[0].spans == ((0, 1, "PER"),)
    assert (file.sentences[0].comments, file.findings.counts) == (("# id a\tx=y",), {})
    with pytest.raises(ValueError, match=r"line 1: 'a\\t_': The tag is _, but others are O"):
        read_columns(write(tmp_path, "a\t_\nb\tO\nc\tB-X\n"))


GERMEVAL = "#\thttp://x\t[2010]\t\n1\tEU\tB-ORG\tB-LOC\n2\tRat\tI-ORG\tO\n3\tx\tO\tO\n"


def test_read_columns_takes_no_chunks_and_no_predictions_for_entities(tmp_path):
    file = read_columns(write(tmp_path, "Anna NNP I-NP O\nbor VB I-VP O\n"))
    assert (file.columns, file.sentences[0].spans) == ((4,), ())
    file = read_columns(write(tmp_path, "Anna NNP I-NP\nbor VB I-VP\n"))
    assert file.columns == (3,)
    with pytest.raises(ValueError, match=r"column 3 \(PER\) and column 4 \(PER, LOC\) hold tags"):
        read_columns(write(tmp_path, "Anna NNP B-PER B-PER\nbor VB O B-LOC\n"))


@pytest.mark.parametrize("column", [0, 1, 3, -2])
def test_read_columns_names_the_columns_that_there_are(tmp_path, column):
    with pytest.raises(ValueError, match=rf"--column {column}: .* has 2 columns, and tags .* 2 to"):
        read_columns(write(tmp_path, "a\tO\n"), columns=[column])


def test_read_columns_wants_to_be_told_which_of_two_columns(tmp_path):
    message = (
        r"column 3 \(ORG\) and column 4 \(LOC\) hold tags of entities, and they are no layers of "
        r".* which with --column 3 or --column 4, .* --column 3 --column 4 --spans-key KEY"
    )
    for same in ("1\tEU\tB-ORG\tB-LOC\n", GERMEVAL + "\n1\tRom\tO\tB-LOC\n"):
        with pytest.raises(ValueError, match=message):
            read_columns(write(tmp_path, same))
    path = write(tmp_path, GERMEVAL)
    assert read_columns(path, columns=[3]).sentences[0].spans == ((0, 2, "ORG"),)
    both = read_columns(path, columns=[3, -1])
    assert both.columns == (3, 4)
    assert both.sentences[0].spans == ((0, 2, "ORG"), (0, 1, "LOC"))


def test_read_columns_reads_layers_by_itself(tmp_path):
    file = read_columns(write(tmp_path, GERMEVAL))
    assert (file.columns, file.scheme, file.passed_over) == ((3, 4), "BIO", ())
    assert file.sentences[0].spans == ((0, 2, "ORG"), (0, 1, "LOC"))
    assert file.sentences[0].layers == (1, 2)
    assert (file.sentences[0].comments, file.findings.counts) == (("#\thttp://x\t[2010]\t",), {})
    assert read_columns(write(tmp_path, GERMEVAL), columns=[4]).sentences[0].layers == ()
    behind = read_columns(write(tmp_path, GERMEVAL + "\n# end\n"))
    assert behind.findings.counts == {"comment lines behind the last sentence passed over": 1}
    swapped = "a\tO\tB-X\nb\tB-Y\tI-X\n"
    assert read_columns(write(tmp_path, swapped)).sentences[0].spans == ((0, 2, "X"), (1, 2, "Y"))
    three = "a\tNN\tB-X\tB-Y\tB-Z\nb\tNN\tI-X\tI-Y\tO\nc\tNN\tI-X\tO\tO\n"
    file = read_columns(write(tmp_path, three))
    assert file.sentences[0].spans == ((0, 3, "X"), (0, 2, "Y"), (0, 1, "Z"))
    assert (file.columns, file.passed_over) == ((3, 4, 5), (2,))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sentences", "tokens", "entities"),
    [
        ("bc5cdr-columns/test.tsv", 4797, 124750, {"Chemical": 5385, "Disease": 4424}),
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


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(column_counts, "MOST_VALUES", 20)
    sentence = "word{0}\tlemma{0}\tO\nof\tof\tO\nOslo{0}\tOslo\tB-LOC\n\n"

    def peak(n: int) -> int:
        path = write(tmp_path, "".join(sentence.format(i) for i in range(n)))
        tracemalloc.start()
        try:
            assert sum(1 for _ in ColumnRecords(path).records()) == n
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is imported or compiled
    # 20 to 50 kB, and what others in this process do meanwhile; all at once would be 3 MB
    assert peak(2000) < 500_000


def test_column_of_many_words_holds_no_tags(tmp_path, monkeypatch):
    monkeypatch.setattr(column_counts, "MOST_VALUES", 3)
    rows = "".join(f"a{i}\tX-{i}\tB-{'XYZ'[i % 3]}\n" for i in range(9))
    assert read_columns(write(tmp_path, rows)).columns == (3,)


def test_file_that_names_no_column_beside_the_tokens_has_no_tags(tmp_path):
    path = write(tmp_path, "# global.columns = ID FORM\n1\tAnna\n")
    with pytest.raises(ValueError, match="has no column with tags of entities"):
        read_columns(path)


def test_texts_that_tokens_do_not_make_up_are_all_listed(tmp_path):
    sentence = "# text = Anna\n1\tAnne\tO\n\n"
    path = write(tmp_path, sentence + "1\tok\tO\n\n" + sentence)
    with pytest.raises(ValueError, match=r"(?s)2 texts are not those of.*line 2: Tok.*line 7: Tok"):
        list(ColumnRecords(path).records())
    path = write(tmp_path, sentence + "2\tok\tO\n")
    with pytest.raises(ValueError, match=r"file.txt, line 4: .* Token number '2'(?!.*Token 1)"):
        list(ColumnRecords(path).records())
