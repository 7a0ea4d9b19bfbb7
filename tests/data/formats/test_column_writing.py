"""Records as columns: what is the same again, what is counted as lost, what is refused."""

import logging
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.column_tags import read_tags
from spacy_ner_plus.data.formats.record_files import read, write
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord
from tests.data.formats.test_column_tags import EXACT, write_column
from tests.data.formats.test_record_files import ANNA, NLP

WORDS = st.text(st.sampled_from("ab#é-1😀.O"), min_size=1, max_size=3)


@st.composite
def column_documents(draw):
    """Documents whose text columns hold: sentences with one space between, and spans in them."""
    text, tokens, spans = "", [], []
    for _ in range(draw(st.integers(1, 3))):
        sentence = draw(st.lists(WORDS, min_size=1, max_size=4))
        text += " " if text else ""
        for i, word in enumerate(sentence):
            gap = draw(st.sampled_from(["", " "])) if i else ""
            start = len(text) + len(gap)
            text += gap + word
            tokens.append(TokenRecord(start, len(text), not i))
            if draw(st.booleans()):
                spans.append(SpanRecord(start, len(text), draw(st.sampled_from(["X", "Y-Z"]))))
            elif i and spans and spans[-1].end == tokens[-2].end and draw(st.booleans()):
                spans[-1] = replace(spans[-1], end=len(text))
    return TextRecord(text, spans=tuple(spans), tokens=tuple(tokens))


@settings(deadline=None)
@given(st.lists(column_documents(), min_size=1, max_size=3))
def test_columns_are_read_again(tmp_path_factory, documents):
    path = tmp_path_factory.mktemp("columns") / "a.conll"
    assert write(documents, path, layout="uner") == len(documents)
    assert list(read(path, layout="uner", scheme="BIO")) == documents
    spaced = [bare_of_spaces(document) for document in documents]
    assert write(documents, path) == len(documents)
    found = list(read(path, layout="tsv", scheme="BIO"))
    assert list(map(bare_of_spaces, found)) == spaced
    assert all(
        " ".join(words) == record.text for record, (words, *_) in zip(found, spaced, strict=True)
    )


def as_blanks(columns):
    return "  ".join(columns)


FORMS = {
    "tsv of 3": ("tsv", "\t".join, lambda i, word, tag: [word, "NN", tag]),
    "tag in the middle": ("tsv", "\t".join, lambda i, word, tag: [word, tag, "x-y", "_"]),
    "blanks": ("blanks", as_blanks, lambda i, word, tag: [word, tag]),
    "blanks and tabs": ("blanks", " \t".join, lambda i, word, tag: [word, "NN", tag]),
    "conll2003": ("conll2003", " ".join, lambda i, word, tag: [word, "NN", "I-NP", tag]),
    "german": ("blanks", " ".join, lambda i, word, tag: [word, "w", "NN", "I-NC", tag]),
    "numbered": ("numbered", "\t".join, lambda i, word, tag: [str(i), word, tag, "O"]),
}


def in_form(path, scheme, join, columns):
    """A file of BIO tags in another scheme and with other columns."""
    blocks = []
    for block in path.read_text(encoding="utf8").split("\n\n")[:-1]:
        rows = [line.split("\t") for line in block.split("\n")]
        spans = read_tags([tag for _, tag in rows], "BIO")
        tags = write_column(spans, len(rows), scheme)
        pairs = zip([word for word, _ in rows], tags, strict=True)
        lines = [join(columns(i, *pair)) for i, pair in enumerate(pairs, start=1)]
        is_marker = rows[0][0] == "-DOCSTART-"
        blocks.append(("# newdoc" if columns(1, "a", "O")[0] == "1" else "-DOCSTART- O")
                      + "\n" if is_marker else "\n".join(lines) + "\n")  # fmt: skip
    path.write_text("\n".join(blocks), encoding="utf8", newline="\n")


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=40)
@given(st.lists(column_documents(), min_size=1, max_size=3), st.sampled_from(EXACT))
def test_columns_are_read_in_every_form(form, tmp_path_factory, documents, scheme):
    layout, join, columns = FORMS[form]
    path = tmp_path_factory.mktemp("columns") / "a.conll"
    write(documents, path)
    in_form(path, scheme, join, columns)
    wanted = list(map(bare_of_spaces, documents))
    is_known = any(document.spans for document in documents)  # else any column may be meant
    column = None if is_known else columns(1, "a", "O").index("O") + 1
    for lenient in (False, True):
        found = read(path, layout=layout, scheme=scheme, column=column, lenient=lenient)
        assert list(map(bare_of_spaces, found)) == wanted


def bare_of_spaces(record):
    """Tokens, sentence starts and spans by token."""
    starts = [token.start for token in record.tokens]
    ends = [token.end for token in record.tokens]
    return (
        [record.text[token.start : token.end] for token in record.tokens],
        [token.sentence_start for token in record.tokens],
        [(starts.index(s.start), ends.index(s.end), s.label) for s in record.spans],
    )


def test_columns_say_what_they_lose(tmp_path, caplog):
    text = "Anna  bor\ni Lund."
    spans = (
        SpanRecord(0, 4, "PER", id="T1", probability=0.5),
        SpanRecord(5, 9, "X", status="rejected"),
    )
    doc = NLP.make_doc(text)
    first, *others = [TokenRecord(t.idx, t.idx + len(t)) for t in doc]
    tokens = (replace(first, other={"ws": True}), *others)
    record = TextRecord(text, id=1, spans=spans, tokens=tokens, other={"row": 2})
    empty = TextRecord(" ", tokens=(TokenRecord(0, 1),))
    with caplog.at_level(logging.WARNING, "spacy_ner_plus"):
        assert write([record, empty], tmp_path / "a.tsv") == 1
    [message] = caplog.messages
    assert message.startswith(f"{tmp_path / 'a.tsv'} has no place for all of the records. Left")
    for what in (
        "id (1)", "unknown sentence starts (4)", "ws of tokens (1)",
        "row (1)", "white space (2)", "records without tokens (1)", "rejected spans (1)",
        "id of spans (1)", "probability of spans (1)",
    ):  # fmt: skip
        assert what in message
    content = (tmp_path / "a.tsv").read_text()
    assert content == "-DOCSTART-\tO\n\nAnna\tB-PER\nbor\tO\ni\tO\nLund\tO\n.\tO\n\n"


@pytest.mark.parametrize(
    ("starts", "lost"),
    [
        ((True, None, False), None),
        ((None, True, False), None),
        ((True, False, None), "unknown sentence starts (1)"),
        ((None, None, None), "unknown sentence starts (1)"),
        ((False, False, True), "first words that start no sentence (1)"),
    ],
)
def test_what_columns_say_of_sentences_else_is_counted(starts, lost, tmp_path, caplog):
    """Of white space and two words."""
    tokens = tuple(TokenRecord(i, i + 1, start) for i, start in enumerate(starts))
    write([TextRecord(" ab", tokens=tokens)], tmp_path / "a.tsv")
    [message] = caplog.messages
    counts = message.partition("Left out: ")[2].split(", ")
    assert [count for count in counts if "white space" not in count] == ([lost] if lost else [])


def test_sentences_that_start_with_white_space_are_kept_apart(tmp_path):
    places = [(0, 1, True), (1, 2, True), (2, 3, False)]
    record = TextRecord("a\nb", tokens=tuple(TokenRecord(*place) for place in places))
    write([record], tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_text() == "-DOCSTART-\tO\n\na\tO\n\nb\tO\n\n"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (replace(ANNA, tokens=None), "it has no tokens"),
        (replace(ANNA, spans=None), "not complete, .*: nothing is known about its entities. Comp"),
        (replace(ANNA, unknown=((5, 8),)), "not complete, .*: characters 5-8 are unknown"),
        (
            replace(ANNA, annotated_labels=("PER",)),
            "not complete, .*: it is annotated for PER only",
        ),
        (
            replace(ANNA, spans=(SpanRecord(0, 4, "PER", status="ignored"),)),
            "not complete, .*: PER at characters 0-4 is ignored. Complete it, leave the record out",
        ),
        (
            replace(ANNA, spans=(SpanRecord(0, 2, "X"),)),
            "characters 0-2 is not on token b.* Correct it, or wr",
        ),
        (
            replace(ANNA, spans=(SpanRecord(0, 8, "X"), SpanRecord(5, 8, "Y"))),
            r"Y at characters 5-8 overlaps another.*another column for it: --to-option layers=2",
        ),
        (
            replace(ANNA, spans=(SpanRecord(0, 4, "X\tY"),)),
            r"can't hold 'X\\tY', for its tabs or line breaks",
        ),
        (
            TextRecord(
                "a b",
                spans=(SpanRecord(0, 3, "X"),),
                tokens=(TokenRecord(0, 1), TokenRecord(2, 3, True)),
            ),
            "X at characters 0-3 runs over the start of a sentence",
        ),
        (
            TextRecord(
                "a\nb",
                spans=(SpanRecord(0, 2, "X"),),
                tokens=tuple(TokenRecord(i, i + 1) for i in range(3)),
            ),
            "X at characters 0-2 starts or ends on a white space token",
        ),
        (TextRecord("-DOCSTART-", tokens=(TokenRecord(0, 10),)), "can't hold the token '-DOCS"),
        (TextRecord(" a", tokens=(TokenRecord(0, 2),)), "can't hold the token ' a'"),
    ],
)
def test_columns_refuse_what_they_would_say_otherwise(record, message, tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("before")
    with pytest.raises(ValueError, match=f"Record 2, .*: .*{message}"):
        write([ANNA, record], path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.tsv"]


def test_layouts_of_columns_are_known(tmp_path):
    with pytest.raises(ValueError, match="Layout 'conll2003' can't be written"):
        write([ANNA], tmp_path / "a.tsv", layout="conll2003")
    multi = replace(ANNA, text="Anna\nbor.")
    with pytest.raises(ValueError, match=r"can't hold 'Anna\\nbor.', for its tabs or line breaks"):
        write([multi], tmp_path / "a.tsv", layout="uner")


@st.composite
def nested_documents(draw):
    """Documents with entities of a token or two within longer ones."""
    document = draw(column_documents())
    spans = []
    for span in document.spans:
        spans.append(span)
        inner = [t for t in document.tokens if span.start <= t.start and t.end <= span.end]
        if len(inner) > 1 and draw(st.booleans()):
            token = draw(st.sampled_from(inner))
            spans.append(SpanRecord(token.start, token.end, draw(st.sampled_from(["X", "Z"]))))
    return replace(document, id=draw(st.sampled_from([None, "d 1"])), spans=tuple(spans))


def without_layers(record):
    """As before it was in a file that has some."""
    return replace(record, spans=tuple(replace(span, meta={}) for span in record.spans))


@pytest.mark.parametrize(
    ("layout", "layers", "read_as"),
    [("germeval", None, "numbered"), ("conllu", 2, "conllu"), ("tsv", 2, "tsv")],
)
@settings(deadline=None, max_examples=40)
@given(
    st.lists(nested_documents(), min_size=1, max_size=3),
    st.sampled_from([scheme for scheme in EXACT if scheme != "IOB1"]),
)
def test_layers_are_read_again(layout, layers, read_as, tmp_path_factory, documents, scheme):
    path = tmp_path_factory.mktemp("layers") / "a.conll"
    write(documents, path, "columns", layout=layout, layers=layers, scheme=scheme)
    column = {"germeval": (3, 4), "conllu": ("NE", "ne2"), "tsv": (2, 3)}[layout]
    found = list(read(path, "columns", layout=read_as, scheme=scheme, column=column))
    again = path.with_stem("again")
    write(found, again, "columns", layout=layout, layers=layers, scheme=scheme)
    assert again.read_bytes() == path.read_bytes()
    if layout == "tsv":
        assert [*map(bare_of_spaces, found)] == [*map(bare_of_spaces, documents)]
    else:
        assert [*map(without_layers, found)] == documents
    if any(len(one.spans) > 1 for one in documents):  # found without being told
        by_itself = read(path, "columns", layout=read_as, scheme=scheme)
        wanted = [without_layers(one).spans for one in found]
        assert [without_layers(one).spans for one in by_itself] == wanted


# Made up, in the form of GermEval 2014.
GERMEVAL = """\
#\thttp://example.org/wiki/A\t[2010-07-04]\t
1\tDie\tO\tO
2\tUni\tB-ORG\tO
3\tBonn\tI-ORG\tB-LOC
4\tlehrt\tO\tO

#\texample.org vom 1.2.2005\t[2005-02-01]
1\tBonner\tO\tB-LOCderiv
2\tRathaus\tB-LOC\tB-LOC

#\thttp://example.org/c\t[2005-02-01]\t
1\tIn\tO\tO
2\tBonn\tB-LOC\tO
3\t.\tO\tO
"""


@pytest.mark.parametrize("between", ["a.jsonl", "a.spacy"])
def test_germeval_is_the_same_file_again(between, tmp_path, caplog):
    source, again = tmp_path / "source.tsv", tmp_path / "again.tsv"
    source.write_text(GERMEVAL, encoding="utf8", newline="\n")
    key = {"spans_key": "sc"} if between == "a.spacy" else {}
    records = list(read(source, column=(3, 4)))
    assert [[(span.label, span.layer) for span in one.spans] for one in records] == [
        [("ORG", 1), ("LOC", 2)], [("LOCderiv", 2), ("LOC", 1), ("LOC", 2)], [("LOC", 1)],
    ]  # fmt: skip
    assert records[1].meta == {"comments": [[0, "#\texample.org vom 1.2.2005\t[2005-02-01]"]]}
    write(records, tmp_path / between, **key)
    assert not caplog.messages or between == "a.spacy"
    kept = read(tmp_path / between, **key)
    assert write(kept, again, layout="germeval", marks=False) == 3
    wanted = GERMEVAL
    if between == "a.spacy":  # which has one that is in both layers once
        wanted = wanted.replace("B-LOC\tB-LOC\n", "B-LOC\tO\n")
    assert again.read_bytes().decode() == wanted
    assert source.read_bytes().decode() == GERMEVAL


def test_comments_stay_before_their_sentences(tmp_path, caplog):
    comments = [[0, "# a = 1"], [0, "#"], [5, "# b\t"]]
    tokens = tuple(TokenRecord(i, i + 1, i in (0, 4)) for i in (0, 2, 4, 6))
    record = TextRecord("a b c d", meta={"comments": comments}, tokens=tokens)
    path = tmp_path / "a.conllu"
    write([record], path)
    assert "Left out: comment lines (1)" in caplog.messages[-1]
    [again] = read(path)
    assert again.meta == {"comments": comments[:2]}
    write([replace(record, meta={"comments": [[4, "# b"]], "n": 1})], path)
    assert "Left out: meta (1)" in caplog.messages[-1]
    assert next(read(path)).meta == {"comments": [[4, "# b"]]}
    # what is somebody else's, or would be read as something else
    for foreign in ("x", [[0, "x"]], [[0, "# newdoc id = x"]], [[0, "# text = x"]], [[0, "# a\n"]]):
        write([replace(record, meta={"comments": foreign})], path)
        assert "Left out: meta (1)" in caplog.messages[-1]
        assert next(read(path)).meta == {}
    write([replace(record, meta={"comments": comments})], tmp_path / "a.tsv")
    assert "comment lines (3)" in caplog.messages[-1]


def test_layers_are_where_they_are_said_to_be(tmp_path, caplog):
    tokens = tuple(TokenRecord(i, i + 1, not i) for i in (0, 2, 4))
    path = tmp_path / "a.conll"

    def written(*places, **options):
        spans = tuple(
            SpanRecord(start, end, label, meta={} if layer is None else {"layer": layer})
            for start, end, label, layer in places
        )
        record = TextRecord("a b c", spans=spans, tokens=tokens)
        write([record], path, **{"layout": "tsv", "layers": 2, "marks": False} | options)
        return path.read_text().split()

    # inner before outer, and one without a layer where there is room
    found = written((0, 5, "X", 2), (2, 3, "Y", 1), (0, 1, "Z", None))
    assert found == ["a", "B-Z", "B-X", "b", "B-Y", "I-X", "c", "O", "I-X"]
    # what is no layer
    found = written((0, 5, "X", 0), (2, 3, "Y", "1"), (0, 1, "Z", True))
    assert found == ["a", "B-X", "B-Z", "b", "I-X", "B-Y", "c", "I-X", "O"]
    assert "Left out: meta of spans (3)" in caplog.messages[-1]
    with pytest.raises(ValueError, match="Y at characters 2-3 overlaps another in layer 1"):
        written((0, 5, "X", 1), (2, 3, "Y", 1))
    with pytest.raises(ValueError, match="X at characters 0-5 is in layer 3, and there are 2"):
        written((0, 5, "X", 3))
    assert written((0, 5, "X", 3), layers=1) == ["a", "B-X", "b", "I-X", "c", "I-X"]
    assert "Left out: meta of spans (1)" in caplog.messages[-1]
    two = TextRecord("a b", tokens=(TokenRecord(0, 1, True), TokenRecord(2, 3, True)))
    with pytest.raises(ValueError, match="it has 2 sentences, which without marks would be as"):
        write([two], path, marks=False)


def test_what_schemes_and_layers_can_not_hold_is_said(tmp_path, caplog):
    tokens = tuple(TokenRecord(i, i + 1, not i) for i in (0, 2, 4))
    touching = TextRecord("a b c", spans=tuple(SpanRecord(*s, "X") for s in [(0, 1), (2, 5)]))
    touching = replace(touching, id="d\t1", tokens=tokens)
    path = tmp_path / "a.conll"
    write([touching], path, layout="conllu", scheme="IO")
    assert "Left out: borders of entities that touch (1), id (1)" in caplog.messages[-1]
    [found] = read(path)
    assert [(span.start, span.end) for span in found.spans] == [(0, 5)]
    places = [(0, 5), (0, 3), (0, 3), (2, 3)]
    nested = replace(touching, id="a", spans=tuple(SpanRecord(*s, "X") for s in places))
    with pytest.raises(ValueError, match=r"X at characters 2-3 overlaps .* there are 2 layers"):
        write([nested], path, layout="germeval")
    write([nested], path, layout="germeval", layers=3)
    assert "Left out: repeated spans (1)" in caplog.messages[-1]
    for layout, layers in (("uner", 2), ("tsv", 0)):
        with pytest.raises(ValueError, match=f"'{layout}' can't have {layers} layers"):
            write([nested], path, layout=layout, layers=layers)
    padded = replace(touching, spans=(SpanRecord(0, 1, "X "),))
    with pytest.raises(ValueError, match="its label is 'X ', with white space"):
        write([padded], path)
