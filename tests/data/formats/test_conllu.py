"""CoNLL-U and CoNLL-U Plus: tags by name, tokens of several words, all white space."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.record_files import open_records, read, write
from spacy_ner_plus.records import TextRecord, TokenRecord
from tests.data.formats.test_column_writing import column_documents

# Made up, in the form of the Estonian and Basque treebanks that have NE= in MISC.
CONLLU = """\
# newdoc id = doc 1
# sent_id = 1
# text = Vamos al Mar del Sur.
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2-3\tal\t_\t_\t_\t_\t_\t_\t_\t_
2\ta\ta\tADP\t_\t_\t4\tcase\t_\t_
3\tel\tel\tDET\t_\t_\t4\tdet\t_\tNE=B-Loc
4\tMar\tMar\tPROPN\t_\t_\t1\tobl\t_\tNE=I-Loc
4.1\tnada\t_\t_\t_\t_\t_\t_\t_\t_
5-6\tdel\t_\t_\t_\t_\t_\t_\t_\t_
5\tde\tde\tADP\t_\t_\t7\tcase\t_\tNE=I-Loc
6\tel\tel\tDET\t_\t_\t7\tdet\t_\tNE=I-Loc
7\tSur\tSur\tPROPN\t_\t_\t4\tnmod\t_\tNE=I-Loc|SpaceAfter=No
8\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\tSpaceAfter=No

# sent_id = 2
1\tNo\tno\tINTJ\t_\t_\t0\troot\t_\tSpaceAfter=No
2\t,\t,\tPUNCT\t_\t_\t1\tpunct\t_\t_
3\tAna\tAna\tPROPN\t_\t_\t1\tvocative\t_\tSpaceAfter=No|NE=B-Per

"""


def file_of(tmp_path, content):
    path = tmp_path / "a.conllu"
    path.write_text(content, encoding="utf8", newline="")
    return path


def entities(record):
    return [(span.label, record.text[span.start : span.end]) for span in record.spans]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tags_are_found_in_misc(end, tmp_path):
    source = open_records(file_of(tmp_path, "\ufeff" + CONLLU.replace("\n", end)), "columns")
    [(_, record)] = source.records()
    assert (record.id, record.text) == ("doc 1", "Vamos al Mar del Sur.No, Ana")
    assert entities(record) == [("Loc", "al Mar del Sur"), ("Per", "Ana")]
    assert [record.text[one.start : one.end] for one in record.tokens if one.sentence_start] == [
        *("Vamos", "No")
    ]
    assert record.meta == {"comments": [[0, "# sent_id = 1"], [21, "# sent_id = 2"]]}
    assert source.notes[:3] == ["layout conllu", "tags in NE= in column 10", "tag scheme BIO"]
    assert source.counts == {
        "empty nodes passed over": 1,
        "entities on a part of a token, widened to all of it": 1,
    }


@pytest.mark.parametrize("column", [None, "lang:ne", "NE", -1])
def test_columns_of_conllu_plus_have_names(column, tmp_path):
    """Made up, as flair and others write it."""
    content = (
        "# global.columns = id form pos misc lang:ne\n# text = AnaX\n"
        "1\tAna\tI-X\tSpaceAfter=No\tB-PER\n2\tX\tO\t_\tO\n"
    )
    if column != "lang:ne":
        content = content.replace("lang:ne", "NE")
    [record] = read(file_of(tmp_path, content), "columns", column=column)
    assert (record.text, entities(record)) == ("AnaX", [("PER", "Ana")])
    with pytest.raises(ValueError, match=r"--column UPOS: .* no such column; there are pos, "):
        list(read(file_of(tmp_path, content), "columns", column="UPOS"))
    with pytest.raises(ValueError, match=r"line 1: .*must be named once each, and FORM"):
        list(read(file_of(tmp_path, content.replace("form", "word")), "columns"))


def test_columns_without_numbers_and_a_heading_of_tags_alone(tmp_path):
    content = "# global.columns = FORM NE\n#\tO\nAna\tB-PER\n\nEk\tI-PER\n"
    with pytest.raises(ValueError, match=r"line 5: 'Ek\\tI-PER'.* starts with B-"):
        list(read(file_of(tmp_path, content), "columns"))
    records = list(read(file_of(tmp_path, content), "columns", scheme="IOB1"))
    assert [record.text for record in records] == ["# Ana", "Ek"]
    bare = "# global.columns = ID FORM NER\n1\tAna\tPER\n2\tEk\tPER\n3\tX\tPER\n4\tist\t_\n"
    [record] = read(file_of(tmp_path, bare), "columns")
    assert entities(record) == [("PER", "Ana Ek X")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([("NE=B-Per", "Entity=(e1-x-1)"), ("NE=", "X=a")], "no column with .* in brackets, as"),
        ([("= Vamos", "= Ven"), ("SpaceAfter=No\n\n", "SpacesAfter=\\n\n\n")], "line 3: .* Spaces"),
        ([("3\tel\tel\tDET\t_\t_\t4\tdet\t_\tNE=B-Loc\n", ""), ("4\tMar", "3\tMar")], "8: '4.1"),
        ([("2\ta\ta\tADP\t_\t_\t4\tcase\t_\t_\n", "")], "line 6: .*'3' where 2 is due"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_said(changes, message, tmp_path):
    content = CONLLU
    for old, new in changes:
        content = content.replace(old, new)
    with pytest.raises(ValueError, match=message):
        list(read(file_of(tmp_path, content), "columns"))


def test_entities_on_empty_nodes_are_counted(tmp_path):
    content = CONLLU.replace("nada\t_\t_\t_\t_\t_\t_\t_\t_", "nada\t_\t_\t_\t_\t_\t_\t_\tNE=B-Loc")
    content = content.replace("Mar\tMar\tPROPN\t_\t_\t1\tobl\t_\tNE=I-Loc", "Mar" + "\t_" * 8)
    content = content.replace("NE=I-Loc", "_").replace("_|SpaceAfter", "SpaceAfter")
    source = open_records(file_of(tmp_path, content), "columns")
    [(_, record)] = source.records()
    assert entities(record) == [("Loc", "al"), ("Per", "Ana")]
    assert source.counts["entities on words that are no part of the text passed over"] == 1


WHITE = st.text(" \t\n\r\u00a0\u3000|\\", max_size=3).map(
    lambda space: "".join(char for char in space if char.isspace())
)


@st.composite
def spaced_documents(draw):
    """Documents with any white space between tokens, around them and between sentences."""
    document = draw(column_documents())
    words = [document.text[one.start : one.end] for one in document.tokens]
    text, tokens, places = draw(WHITE), [], {}
    for word, token in zip(words, document.tokens, strict=True):
        places[token.start] = places[token.end, "end"] = len(text)
        tokens.append(TokenRecord(len(text), len(text) + len(word), token.sentence_start))
        places[token.end, "end"] = len(text) + len(word)
        text += word + draw(WHITE)
    spans = [
        replace(span, start=places[span.start], end=places[span.end, "end"])
        for span in document.spans
    ]
    id = draw(st.none() | st.sampled_from(["d 1", "é=1"]))
    return TextRecord(text, id=id, spans=tuple(spans), tokens=tuple(tokens))


def without_white_space_tokens(record):
    solid = [one for one in record.tokens if record.text[one.start : one.end].strip()]
    return replace(record, tokens=tuple(replace(one, sentence_start=None) for one in solid))


@settings(deadline=None, max_examples=60)
@given(st.lists(spaced_documents(), min_size=1, max_size=3), st.sampled_from(["BIO", "BMEW"]))
def test_conllu_holds_all_white_space(tmp_path_factory, documents, scheme):
    path = tmp_path_factory.mktemp("conllu") / "a.conllu"
    assert write(documents, path, "columns", layout="conllu", scheme=scheme) == len(documents)
    found = list(read(path, "columns", scheme=scheme))
    assert [*map(without_white_space_tokens, found)] == [
        *map(without_white_space_tokens, documents)
    ]
    again = path.with_name("b.conllu")
    write(found, again, "columns", layout="conllu", scheme=scheme)
    assert again.read_bytes() == path.read_bytes()


def test_the_suffix_tells_the_layout(tmp_path):
    [record] = read(file_of(tmp_path, CONLLU))
    for name, first in (("b.conllu", "# global.columns = ID FORM NE MISC"), ("b.conll", "-DOCS")):
        write([record], tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf8").startswith(first)
    assert without_white_space_tokens(next(read(tmp_path / "b.conllu"))) == (
        without_white_space_tokens(record)
    )
