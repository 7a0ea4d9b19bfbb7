"""Files of word vectors to folders: each form, what is chosen, what is refused, and memory."""

import gzip
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.vectors import Vectors

from spacy_ner_plus.data.vector_files import binary_vectors, stored_vectors, text_vectors
from spacy_ner_plus.data.vector_files.convert_vectors import ConvertedVectors, convert_vectors
from spacy_ner_plus.data.vector_files.data_words import DataWords, read_words
from spacy_ner_plus.data.vector_files.word_choice import ReadCounts
from spacy_ner_plus.text.vector_folder import read_vectors
from spacy_ner_plus.text.word_vectors import WordVectors, word_hashes
from tests.data.vector_files import written_forms
from tests.data.vector_files.written_forms import FILES, Pairs, contents

# Words as files have them: no white space that parts columns, and none that is a number, behind
# which a short line could not be told from a word with blanks.
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="\ufeff"),
    min_size=1,
    max_size=5,
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def pairs(draw: st.DrawFn) -> list[tuple[str, list[float]]]:
    """Words, some of which come again, with vectors of two numbers or more."""
    words = draw(st.lists(WORDS, min_size=2, max_size=12))
    width = draw(st.integers(2, 4))
    return [(word, draw(st.lists(FLOATS, min_size=width, max_size=width))) for word in words]


def first_of_each(some: Pairs) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for word, vector in some:
        found.setdefault(word, list(vector))
    return found


def converted(content: bytes, folder: Path, **options: Any) -> ConvertedVectors:
    (folder / "vectors.txt").write_bytes(content)
    return convert_vectors(folder / "vectors.txt", folder / "out", **options)


@pytest.mark.parametrize("form", FILES)
@settings(max_examples=10)
@given(some=pairs())
def test_vectors_are_the_same_whatever_form_they_are_in(
    form: str, some: list[tuple[str, list[float]]]
) -> None:
    expected = first_of_each(some)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        for module in (text_vectors, binary_vectors):
            patch.setattr(module, "BLOCK", 20)  # bytes: words and lines go over the ends of blocks
        patch.setattr(binary_vectors, "MAX_WORD", 32)
        done = converted(FILES[form](some), Path(name))
        assert contents(done.output, [word for word, _ in some]) == expected
        assert done.info.n_words == done.info.n_rows == len(expected)
        assert done.info.is_lowercased == all(word == word.lower() for word in expected)
        assert done.counts == ReadCounts(n_read=len(some), n_repeated=len(some) - len(expected))


SOME = [("the", [0.5, -1.0]), ("New", [2.0, 3e-5]), ("york", [-0.25, 1e5]), ("the", [7.0, 7.0])]


def test_arrays_with_words_in_another_file(tmp_path: Path) -> None:
    words = [word for word, _ in SOME]
    np.save(tmp_path / "a.npy", np.array([vector for _, vector in SOME], dtype=np.float64))
    (tmp_path / "words.txt").write_text("\n".join(words))
    (tmp_path / "words.txt.gz").write_bytes(gzip.compress("\r\n".join(words).encode()))
    columns = {"n": pyarrow.array(range(4)), "word": pyarrow.array(words)}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "words.parquet")
    columns["w"] = pyarrow.array(words).dictionary_encode()
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "two.parquet")
    for name, column in {
        "words.txt": None, "words.txt.gz": None, "words.parquet": None, "two.parquet": "w",
    }.items():  # fmt: skip
        out = tmp_path / "out"
        done = convert_vectors(
            tmp_path / "a.npy", out, word_list=tmp_path / name, column=column, words=None
        )
        expected = {w: np.float32(v).tolist() for w, v in first_of_each(SOME).items()}
        assert contents(out, words) == expected
        assert done.counts == ReadCounts(n_read=4, n_repeated=1)
    with pytest.raises(ValueError, match=r"two\.parquet has 2 columns of strings: name the one"):
        convert_vectors(tmp_path / "a.npy", out, word_list=tmp_path / "two.parquet")


def test_numbers_of_two_bytes_stay_so(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[0.5, 2]], dtype=np.float16))
    (tmp_path / "words.txt").write_text("the")
    done = convert_vectors(tmp_path / "a.npy", tmp_path / "a", word_list=tmp_path / "words.txt")
    again = convert_vectors(tmp_path / "a", tmp_path / "b")
    assert (done.info.precision, again.info.precision) == ("float16", "float16")
    assert contents(tmp_path / "b", ["the"]) == {"the": [0.5, 2.0]}


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    """A pipeline in which two words share a vector."""
    nlp = spacy.blank("en")
    table = np.array([[1, 2], [3, 4], [9, 9]], dtype=np.float32)
    nlp.vocab.vectors = Vectors(strings=nlp.vocab.strings, data=table, keys=["the", "Paris"])
    for word in ("the", "Paris", "Rome"):
        nlp.vocab.strings.add(word)
    nlp.vocab.vectors.add("Rome", row=1)
    nlp.to_disk(tmp_path / "nlp")
    return tmp_path / "nlp"


def test_vectors_of_pipelines(pipeline: Path, tmp_path: Path) -> None:
    for source in (pipeline, pipeline / "vocab"):
        done = convert_vectors(source, tmp_path / "all")
        assert contents(done.output, ["the", "Paris", "Rome", "x"]) == {
            "the": [1, 2], "Paris": [3, 4], "Rome": [3, 4],
        }  # fmt: skip
        # the row that no word has is gone, and the shared one is there once
        assert (done.info.n_words, done.info.n_rows) == (3, 2)
        assert done.info.is_lowercased is False
    first = convert_vectors(pipeline, tmp_path / "first", words=1, float16=True)
    assert contents(first.output, ["the", "Paris", "Rome"]) == {"the": [1, 2]}
    assert (first.info.is_lowercased, first.info.precision) == (True, "float16")
    # of our own folders, too, in the order of the first file
    again = convert_vectors(tmp_path / "all", tmp_path / "again", words=2)
    assert set(contents(again.output, ["the", "Paris", "Rome"])) in (
        {"the", "Paris"},
        {"the", "Rome"},
    )
    assert again.info.is_lowercased is None
    with pytest.raises(ValueError, match="has its words with it: leave out --member"):
        convert_vectors(pipeline, tmp_path / "x", member="a")


def test_installed_pipelines_are_found_by_name(
    pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their folder has another within, with name and version, in which the vocabulary is."""
    package = tmp_path / "xx_some_md"
    package.mkdir()
    pipeline.rename(package / "xx_some_md-1.0.0")
    monkeypatch.setattr(stored_vectors, "is_package", lambda name: name == "xx_some_md")
    monkeypatch.setattr(stored_vectors, "get_package_path", lambda name: tmp_path / name)
    done = convert_vectors("xx_some_md", tmp_path / "out")
    assert (done.info.n_words, done.info.name) == (3, "xx_some_md")


def test_first_words_are_different_ones(tmp_path: Path) -> None:
    some = [(word, [1.0, 2.0]) for word in ("a", "b", "a", "\u00e4", "c", "b", "d")]
    for n in range(1, 7):
        done = converted(written_forms.word2vec(some), tmp_path, words=n)
        assert set(contents(done.output, list("abcd\u00e4"))) == set("ab\u00e4cd"[:n])
        n_read = [1, 2, 4, 5, 7, 7][n - 1]
        assert done.counts == ReadCounts(n_read=n_read, n_repeated=n_read - min(n, 5))


def test_words_of_earlier_blocks_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_vectors, "BLOCK", 20)
    some = [(f"w{i % 30}", [float(i), 1.0]) for i in range(50)]
    done = converted(written_forms.glove(some), tmp_path)
    assert contents(done.output, [word for word, _ in some]) == dict(some[:30])
    assert done.counts == ReadCounts(n_read=50, n_repeated=20)
    # in our own folders words are in the order of their hashes, and rows in that of the file
    first = convert_vectors(done.output, tmp_path / "first", words=7)
    assert contents(first.output, [word for word, _ in some]) == dict(some[:7])


def test_lines_are_counted_through_all_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_vectors, "BLOCK", 20)
    content = b"\n".join([b"a 1 2", b""] * 20 + [b"b 1 2x", b"c 3 4"])
    for end in (b"\n", b"\r\n"):
        with pytest.raises(ValueError, match="line 41: '2x' is no number"):
            converted(content.replace(b"\n", end), tmp_path)


def test_lines_may_be_as_long_as_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_vectors, "BLOCK", 20)
    monkeypatch.setattr(text_vectors, "MAX_LINE", 20)
    for n in range(1, 9):  # the last line, which has no end, goes over the end of a block
        content = b"a 1 2\n" * n + b"longer 3.0000 4.0000"
        done = converted(content, tmp_path)
        assert contents(done.output, ["longer"]) == {"longer": [3, 4]}
        with pytest.raises(ValueError, match=f"of more than 20 bytes after line {n}"):
            converted(content + b"0", tmp_path)
    with pytest.raises(ValueError, match="of more than 20 bytes after line 1"):
        converted(b"a 1 2\n" + b"b" * 90 + b" 1 2\nc 1 2\n", tmp_path)


def test_binary_file_without_any_end_of_a_line(tmp_path: Path) -> None:
    some = [(f"w{i}", [1.0] * 100) for i in range(3000)]  # more than is looked at of a file
    done = converted(written_forms.binary(some, end=b""), tmp_path)
    assert (done.info.n_words, done.info.width) == (3000, 100)


def test_mark_of_byte_order_is_no_part_of_a_word(tmp_path: Path) -> None:
    for content in (b"a 1 2\nb 3 4\n", b"2 2\na 1 2\nb 3 4\n"):
        done = converted(b"\xef\xbb\xbf" + content, tmp_path)
        assert contents(done.output, ["a", "b"]) == {"a": [1, 2], "b": [3, 4]}
        assert done.counts == ReadCounts(n_read=2)


def test_odd_words_are_counted(tmp_path: Path) -> None:
    content = (
        b"the 1 2\n 3 4\n\xc3 5 6\n. . . 7 8\nat name@domain.com 1 1\n\xc2\xa0 0 0\n\nThe 9 9\n"
    )
    done = converted(content, tmp_path)
    assert done.counts == ReadCounts(n_read=7, n_empty=1, n_undecodable=1, n_with_space=3)
    expected = {
        "the": [1, 2], ". . .": [7, 8], "at name@domain.com": [1, 1], "\u00a0": [0, 0],
        "The": [9, 9],
    }  # fmt: skip
    assert contents(done.output, [*expected, ""]) == expected


def test_words_of_binary_files_that_were_cut_off(tmp_path: Path) -> None:
    content = b"3 1\n" + b"a\xc3 \0\0\0\0\n" + b" \0\0\0\0\n" + b"b \0\0\x80\x3f\n"
    done = converted(content, tmp_path)
    assert done.counts == ReadCounts(n_read=3, n_empty=1, n_undecodable=1)
    assert contents(done.output, ["b"]) == {"b": [1.0]}


def test_a_number_a_word_is_no_header(tmp_path: Path) -> None:
    done = converted(b"5 3\n7 2\nx 1\n", tmp_path)
    assert contents(done.output, ["5", "7", "x"]) == {"5": [3], "7": [2], "x": [1]}
    done = converted(b"2 1\n7 2\nx 1\n", tmp_path)
    assert contents(done.output, ["2", "7", "x"]) == {"7": [2], "x": [1]}


def test_columns_may_be_parted_by_tabs(tmp_path: Path) -> None:
    done = converted(b"New York\t1\t2\nWindows 95\t3\t4\n\t5\t6\n", tmp_path)
    assert contents(done.output, ["New York", "Windows 95"]) == {
        "New York": [1, 2], "Windows 95": [3, 4],
    }  # fmt: skip
    assert done.counts.n_empty == 1
    done = converted(b"New York\t1 2 3\nRome\t4 5 6\n", tmp_path)
    assert contents(done.output, ["New York", "Rome"]) == {"New York": [1, 2, 3], "Rome": [4, 5, 6]}


REFUSED: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "empty": (b"", {}, r"vectors\.txt is empty"),
    "prose": (b"Call me Ishmael.\n", {}, "is no file of word vectors: it begins with 'Call me"),
    "short line": (b"a 1 2\nb 1\nc 1 2\n", {}, r"vectors\.txt, line 2: it has 1 numbers, where 2"),
    "long line": (b"a 1 2\nb 1 2\nc 1 2 3\n", {}, "line 3: it has 3 numbers, where 2 are expected"),
    "no number": (b"a 1 2\nb 1 2x\nc 1 2\n", {}, "line 2: '2x' is no number"),
    "comma": (b"a 1 2\nb 1 2,5\nc 1 2\n", {}, "line 2: '2,5' is no number"),
    "double": (b"a 1 2\nb 1 1.2.3\nc 1 2\n", {}, r"line 2: '1\.2\.3' is no number"),
    "nan": (b"a 1 2\nb nan 2\n", {}, r"line 2: the vector of 'b' has a number that is not finite"),
    "too large": (b"a 1 2\nb 1e39 2\n", {}, "line 2: the vector of 'b' has a number that is not"),
    "too large for two bytes": (b"a 1 7e4\n", {"float16": True}, "not finite in float16"),
    "cut off": (b"3 2\na 1 2\nb 3 4\n", {}, "has 2 words, and its first line says 3"),
    "more": (b"1 2\na 1 2\nb 3 4\n", {}, "has 2 words, and its first line says 1"),
    "another width": (b"2 2\na 1 2 3\nb 3 4 3\n", {}, "line 2: it has 3 numbers, where 2"),
    "header alone": (b"3 2\n", {}, "has 0 words, and its first line says 3"),
    "no words": (b"0 2\n", {}, "There are no word vectors in vectors"),
    "only odd words": (b"\xff 1 2\n", {}, "There are no word vectors in vectors"),
    "binary cut off": (b"2 1\na \0\0\0\0\nb \0\0\0", {}, "has 1 words, and its first line says 2"),
    "binary and more": (b"1 1\na \0\0\0\0\nb \0\0\0\0\n", {}, "goes on after the 1 words"),
    "binary nan": (b"1 1\na \0\0\xc0\x7f\n", {}, r"word 1: the vector of 'a' has a number that is"),
    "binary without end": (b"1 1\n" + b"\1" * 70_000, {}, "word 1: it has no end within 65,536"),
    "UTF-16": ("a 1 2\nb 1 2\n".encode("utf-16"), {}, "is in UTF-16, not in UTF-8"),
    "pickle": (b"\x80\x04K\x01.", {}, "is a pickle"),
    "fastText": (b"\xba\x16\x4f\x2f\x0c\0\0\0", {}, "a model of fastText in its own form"),
    "floret": (b"5 2 1 2 1 7 < >\n0 1 2\n", {}, "has vectors of floret"),
    "Parquet": (b"PAR1", {}, "is a Parquet file"),
    "gzip cut off": (gzip.compress(b"a 1 2\nb 3 4\n")[:-9], {}, "can't be read or unpacked"),
    "ZIP damaged": (b"PK\x03\x04 and so on", {}, "is a damaged ZIP archive"),
    "several": (written_forms.zipped(b"a 1", "b.txt"), {}, "There are: b.txt, vectors.txt"),
    "no such member": (written_forms.zipped(b"a 1"), {"member": "c"}, "with no file 'c'"),
    "no archive": (b"a 1 2\n", {"member": "c"}, "is no ZIP archive"),
    "word list": (b"a 1 2\n", {"word_list": "x"}, "are for a .npy file, which"),
    "no words asked": (b"a 1 2\n", {"words": 0}, "--words must be at least 1, got 0"),
}


@pytest.mark.parametrize(("content", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_an_error_and_nothing_is_written(
    content: bytes, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        converted(content, tmp_path, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.txt"]


def of_array(array: np.ndarray, words: bytes | None) -> Callable[[Path], Any]:
    def convert(folder: Path) -> None:
        np.save(folder / "a.npy", array)
        (folder / "w").write_bytes(words or b"")
        convert_vectors(
            folder / "a.npy", folder / "out", word_list=None if words is None else folder / "w"
        )

    return convert


PLACES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "nothing": (lambda f: convert_vectors(f / "a", f / "out"), "There is no file or folder"),
    "empty folder": (lambda f: convert_vectors(f, f / "out"), "a folder without word vectors"),
    "no such data": (
        lambda f: converted(b"a 1 2\n", f, only_words_of=f / "none.jsonl"),
        r"There is no file .*none\.jsonl",
    ),
    "no word list": (of_array(np.ones((1, 2)), None), "is an array of numpy without words"),
    "too few words": (of_array(np.ones((3, 2)), b"a\nb\n"), "has 2 words, and .* has 3 vectors"),
    "too many words": (of_array(np.ones((1, 2)), b"a\nb\nc"), "has 3 words, and .* has 1 vectors"),
    "one axis": (of_array(np.ones(2), b"a\nb\n"), r"has shape \(2,\)"),
    "integers": (of_array(np.ones((1, 2), dtype=int), b"a\n"), "type int64"),
    "objects": (of_array(np.array([[{}]]), b"a\n"), "can't be read as an array of numpy"),
    "not finite": (of_array(np.array([[1.0], [np.inf]]), b"a\nb\n"), "word 2: the vector of 'b'"),
}


@pytest.mark.parametrize(("convert", "message"), PLACES.values(), ids=PLACES)
def test_what_can_not_be_found_or_does_not_fit_is_said(
    convert: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        convert(tmp_path)
    assert not (tmp_path / "out").exists()


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    done = converted(b"a 1 2\n", tmp_path)
    with pytest.raises(ValueError, match="is what is read"):
        convert_vectors(done.output, done.output, words=1)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "a.tex").write_text("all of it")
    with pytest.raises(ValueError, match="is a folder with other files"):
        convert_vectors(tmp_path / "vectors.txt", tmp_path / "thesis")
    assert (tmp_path / "thesis" / "a.tex").exists()


def rows(texts: Iterable[str]) -> str:
    return "".join(f'{{"text": "{text}", "spans": []}}\n' for text in texts)


def test_only_words_of_texts(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(rows(["The cat, the  CAT", "A cat."]))
    (tmp_path / "b.tsv").write_text("New York\tB-LOC\n\nIn\tO\n")  # tokens as they are
    data = [tmp_path / "a.jsonl", tmp_path / "b.tsv"]
    some = [(word, [1.0, 2.0]) for word in ("the", "The", "cat", "york", "a", "in", ",")]
    some.append(("New York", [3.0, 4.0]))
    done = converted(written_forms.glove(some), tmp_path, only_words_of=data)
    kept = ["the", "The", "cat", "a", "in", ",", "New York"]
    assert set(contents(done.output, [word for word, _ in some])) == set(kept)
    assert done.counts == ReadCounts(n_read=8, n_with_space=1, n_unwanted=1)
    counts = read_words(data, "en").counts
    assert counts == Counter(
        {"The": 1, "cat": 2, ",": 1, "the": 1, "CAT": 1, "A": 1, ".": 1, "New York": 1, "In": 1}
    )
    assert done.coverage is not None
    assert (done.coverage.n_words, done.coverage.n_tokens) == (9, 10)
    assert (done.coverage.n_exact, done.coverage.n_exact_tokens) == (5, 6)
    assert (done.coverage.n_lowercased, done.coverage.n_lowercased_tokens) == (3, 3)
    for form in FILES.values():
        with pytest.raises(
            ValueError, match=r"None of the 2 words of vectors\.txt .* is in the texts"
        ):
            converted(form([("x", [1.0, 2.0]), ("y", [3.0, 4.0])]), tmp_path, only_words_of=data)


@given(st.dictionaries(WORDS, st.integers(1, 9), min_size=1), st.sets(WORDS))
def test_coverage_is_counted_as_one_would(counts: dict[str, int], having: set[str]) -> None:
    keys = np.unique(word_hashes(having)) if having else np.zeros(0, dtype=np.uint64)
    vectors = WordVectors(keys, np.zeros(len(keys), dtype=np.int64), np.zeros((1, 2), "f"))
    found = DataWords(Counter(counts)).coverage(vectors)
    exact = [word for word in counts if word in having]
    lowercased = [word for word in counts if word not in having and word.lower() in having]
    assert (found.n_words, found.n_tokens) == (len(counts), sum(counts.values()))
    assert (found.n_exact, found.n_exact_tokens) == (len(exact), sum(counts[w] for w in exact))
    assert found.n_lowercased == len(lowercased)
    assert found.n_lowercased_tokens == sum(counts[word] for word in lowercased)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["GloVe", "binary"])
def test_memory_does_not_grow_with_the_numbers(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100,000 words; their numbers are 80 MB as a table, and 640 MB as lists of floats."""
    monkeypatch.setattr(text_vectors, "BLOCK", 1 << 18)
    monkeypatch.setattr(binary_vectors, "BLOCK", 1 << 18)
    with (tmp_path / "vectors.txt").open("wb") as file:
        if form == "GloVe":
            numbers = b" 1 0" * 100 + b"\n"
        else:
            file.write(b"100000 200\n")
            numbers = b" " + b"\0\0\x80\x3f" * 200 + b"\n"
        for i in range(100_000):
            file.write(b"w%d" % i + numbers)
    tracemalloc.start()
    try:
        done = convert_vectors(tmp_path / "vectors.txt", tmp_path / "out")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert done.info.n_words == 100_000
    assert read_vectors(done.output).table[-1].tolist()[:2] == (
        [1, 0] if form == "GloVe" else [1, 1]
    )
    assert peak < 15_000_000
