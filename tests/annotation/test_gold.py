from itertools import pairwise

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_ner_plus.annotation.gold import (
    aligned_entities,
    allowed_tags,
    annotated_labels,
    describe_lost,
    lost_entities,
    register_annotated_labels,
)
from spacy_ner_plus.tags import TagScheme
from tests.oracles import valid_paths

VOCAB = spacy.blank("en").vocab
Ents = list[tuple[int, int, str]]
BIO = TagScheme("BIO", ["PER", "LOC"])
BILOU = TagScheme("BILOU", ["PER", "LOC"])


def make_doc(
    words: str | list[str], ents: Ents | None = None, missing: tuple[int, ...] = ()
) -> Doc:
    """A Doc of words; a string is split at "|". With ents, all but `missing` is annotated."""
    words = words.split("|") if isinstance(words, str) else words
    doc = Doc(VOCAB, words=words, spaces=[False] * len(words))
    if ents is not None:
        doc.set_ents(
            [Span(doc, start, end, label) for start, end, label in ents],
            missing=[doc[i : i + 1] for i in missing],
            default="outside",
        )
    return doc


def names(example: Example, scheme: TagScheme, rows: list[int] | None = None) -> list[str]:
    """The allowed tags of each row, by name; "*" for all."""
    if rows is None:
        rows = [token.i for token in example.predicted if not token.is_space]
    allowed = allowed_tags(example, np.array(rows, dtype=np.int64), scheme)
    assert allowed.shape == (len(rows), scheme.n_tags)
    assert allowed.dtype == bool
    return ["*" if row.all() else " ".join(np.array(scheme.tags)[row].tolist()) for row in allowed]


def same(words: str, ents: Ents | None = None, missing: tuple[int, ...] = ()) -> Example:
    return Example(make_doc(words), make_doc(words, ents, missing))


def test_allowed_tags_of_full_annotation_are_one_a_token() -> None:
    example = same("Ada|Lovelace|saw|London|.", [(0, 2, "PER"), (3, 4, "LOC")])
    assert names(example, BIO) == ["B-PER", "I-PER", "O", "B-LOC", "O"]
    assert names(example, BILOU) == ["B-PER", "L-PER", "O", "U-LOC", "O"]


def test_allowed_tags_without_entities_are_outside() -> None:
    assert names(same("nobody|here", []), BIO) == ["O", "O"]


def test_allowed_tags_without_annotation_are_all() -> None:
    assert names(same("Ada|Lovelace"), BIO) == ["*", "*"]
    assert names(same("Ada|Lovelace"), TagScheme("BIO", [])) == ["*", "*"]


def test_allowed_tags_of_an_empty_doc_are_none() -> None:
    example = Example(Doc(VOCAB), Doc(VOCAB))
    assert allowed_tags(example, np.zeros(0, dtype=np.int64), BIO).shape == (0, BIO.n_tags)


def test_allowed_tags_where_annotation_is_missing_in_part_are_all() -> None:
    example = same("a|Ada|b|c|London", [(1, 2, "PER"), (4, 5, "LOC")], missing=(0, 3))
    assert names(example, BIO) == ["*", "B-PER", "O", "*", "B-LOC"]


@pytest.mark.parametrize("scheme", [BIO, BILOU], ids=lambda s: s.name)
def test_allowed_tags_behind_an_entity_do_not_extend_it(scheme: TagScheme) -> None:
    """Else "B-PER *" would permit "B-PER I-PER", which is another entity than the gold one."""
    example = same("Ada|b|c", [(0, 1, "PER")], missing=(1, 2))
    opening, behind, after = names(example, scheme)
    assert opening == scheme.tags[scheme.unit[0]]
    assert set(behind.split()) == set(scheme.tags) - {"I-PER"}
    assert after == "*"


@st.composite
def annotated_docs(draw: st.DrawFn) -> tuple[list[str], Ents, list[int]]:
    """Words with some whitespace among them, entities on any, and missing tokens elsewhere."""
    words = draw(st.lists(st.sampled_from(["a", "b", "c", "\n", " "]), min_size=1, max_size=5))
    ents: Ents = []
    missing = []
    at = 0
    while at < len(words):
        length = draw(st.integers(0, min(3, len(words) - at)))
        if length:
            ents.append((at, at + length, draw(st.sampled_from(["PER", "LOC"]))))
        elif draw(st.booleans()):
            missing.append(at)
        at += max(1, length)
    return words, ents, missing


@pytest.mark.slow
@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_allowed_tags_permit_just_the_sequences_that_agree(name: str) -> None:
    """Of all valid ones: those with the gold entities, and O where that is known."""
    scheme = TagScheme(name, ["PER", "LOC"])
    valid = {n: valid_paths(scheme, n) for n in range(1, 4)}

    @settings(deadline=None, max_examples=100)
    @given(doc=annotated_docs())
    def check(doc: tuple[list[str], Ents, list[int]]) -> None:
        words, ents, missing = doc
        rows = [i for i, word in enumerate(words) if word.strip()][:3]
        words = words[: rows[-1] + 1] if rows else words
        ents = [(s, min(e, len(words)), label) for s, e, label in ents if s < len(words)]
        missing = [i for i in missing if i < len(words)]
        example = Example(make_doc(words), make_doc(words, ents, tuple(missing)))
        allowed = allowed_tags(example, np.array(rows, dtype=np.int64), scheme)
        if not rows:
            assert allowed.shape == (0, scheme.n_tags)
            return
        places = [([r for r, i in enumerate(rows) if s <= i < e], x) for s, e, x in ents]
        gold = {(inner[0], inner[-1] + 1, label) for inner, label in places if inner}
        known = {r for r, i in enumerate(rows) if i not in missing}
        outside = known - {r for s, e, _ in gold for r in range(s, e)}
        for path in valid[len(rows)]:
            starts, ends, labels = scheme.decode(np.array(path))
            spans = zip(starts, ends, (scheme.labels[i] for i in labels), strict=True)
            agrees = gold <= set(spans) and all(path[r] == 0 for r in outside)
            assert agrees == allowed[np.arange(len(rows)), path].all(), (words, ents, path)

    check()


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_aligned_entities_are_those_of_spacy(data: st.DataObject) -> None:
    """Whatever the tokens, with annotation that is missing and tokens that are blocked."""
    text = data.draw(st.text("ab \n", min_size=1, max_size=12))
    cuts, others = (data.draw(st.sets(st.integers(1, 12))) for _ in range(2))
    reference = _cut(text, cuts)
    predicted = _cut(text, data.draw(st.sampled_from([cuts, others])))
    spans = [reference[a:b] for a, b, _ in data.draw(spans_of(len(reference)))]
    kinds = data.draw(st.lists(st.sampled_from(["ent", "missing", "blocked", "outside"])))
    chosen: dict[str, list[Span]] = {"ent": [], "missing": [], "blocked": [], "outside": []}
    for span, kind in zip(spans, kinds, strict=False):
        chosen[kind].append(Span(reference, span.start, span.end, "PER"))
    default = data.draw(st.sampled_from(["outside", "missing", "unmodified"]))
    reference.set_ents(
        chosen["ent"],
        missing=chosen["missing"],
        blocked=chosen["blocked"],
        outside=chosen["outside"],
        default=default,
    )
    example = Example(predicted, reference)
    entities, known = aligned_entities(example)
    expected, tags = example.get_aligned_ents_and_ner()
    assert [(e.start, e.end, e.label_) for e in entities] == [
        (e.start, e.end, e.label_) for e in expected
    ]
    assert known.tolist() == [tag is not None for tag in tags]


def _cut(text: str, cuts: set[int]) -> Doc:
    bounds = sorted({0, len(text)} | {cut for cut in cuts if cut < len(text)})
    words = [text[a:b] for a, b in pairwise(bounds)]
    return Doc(VOCAB, words=words, spaces=[False] * len(words))


@st.composite
def spans_of(draw: st.DrawFn, n_tokens: int) -> Ents:
    spans: Ents = []
    at = 0
    while at < n_tokens:
        length = draw(st.integers(0, min(4, n_tokens - at)))
        if length:
            spans.append((at, at + length, draw(st.sampled_from(["PER", "LOC"]))))
        at += max(1, length)
    return spans


@pytest.mark.parametrize("scheme", [BIO, BILOU], ids=lambda s: s.name)
def test_allowed_tags_equal_the_schemes_encoding(scheme: TagScheme) -> None:
    @settings(deadline=None)
    @given(data=st.data(), n_tokens=st.integers(1, 30))
    def check(data: st.DataObject, n_tokens: int) -> None:
        spans = data.draw(spans_of(n_tokens))
        words = [f"w{i}" for i in range(n_tokens)]
        example = Example(make_doc(words), make_doc(words, spans))
        allowed = allowed_tags(example, np.arange(n_tokens), scheme)
        assert (allowed.sum(axis=1) == 1).all()
        assert allowed.argmax(axis=1).tolist() == scheme.encode(spans, n_tokens).tolist()
        assert lost_entities(example) == []

    check()


def test_allowed_tags_move_whitespace_edges_inwards() -> None:
    example = same("\n|Ada| |Lovelace|\n|x", [(0, 5, "PER")])
    assert names(example, BIO) == ["B-PER", "I-PER", "O"]
    assert names(example, BILOU) == ["B-PER", "L-PER", "O"]
    assert lost_entities(example) == []


def test_allowed_tags_of_whitespace_that_only_the_predicted_tokens_have() -> None:
    """The reference has the line break inside of a token, as spaCy would forbid at an edge."""
    example = Example(make_doc("Ada|\n|ran"), make_doc("Ada\n|ran", [(0, 1, "PER")]))
    assert names(example, BIO) == ["B-PER", "O"]
    assert lost_entities(example) == []


def test_allowed_tags_leave_out_tokens_without_a_row() -> None:
    example = same("Ada|\u200b|Lovelace|ran", [(0, 3, "PER")])
    assert names(example, BIO, rows=[0, 2, 3]) == ["B-PER", "I-PER", "O"]
    assert names(example, BIO, rows=[]) == []


def test_entity_wholly_on_tokens_without_a_row_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    example = same("Ada|\u200b|ran", [(1, 2, "PER")])
    assert names(example, BIO, rows=[0, 2]) == ["O", "O"]
    [record] = caplog.records
    assert "(PER) at characters 3-4: none of its tokens can be tagged" in record.getMessage()


def test_allowed_tags_of_tokens_split_further_than_the_reference() -> None:
    example = Example(make_doc("New|York|City|."), make_doc("NewYork|City.", [(0, 1, "LOC")]))
    assert names(example, BIO) == ["B-LOC", "I-LOC", "O", "O"]
    assert lost_entities(example) == []


def test_allowed_tags_of_tokens_split_less_than_the_reference() -> None:
    example = Example(make_doc("in|NewYork|now"), make_doc("in|New|York|now", [(1, 3, "LOC")]))
    assert names(example, BILOU) == ["O", "U-LOC", "O"]
    assert lost_entities(example) == []


def test_misaligned_entity_counts_as_missing_and_is_reported() -> None:
    example = Example(
        make_doc("in|New|York-based|firms"),
        make_doc("in|New|York|-|based|firms", [(1, 3, "LOC")]),
    )
    assert names(example, BIO) == ["O", "*", "*", "O"]
    (lost,) = lost_entities(example)
    assert lost.entity.text == "NewYork"
    message = str(lost)
    assert "'NewYork' (LOC) at characters 2-9" in message
    assert "not on token boundaries" in message
    assert "2-15 ('NewYork-based')" in message


def test_misaligned_entity_takes_no_other_with_it() -> None:
    """The second one is kept, though its offsets are others without the space at its end."""
    words = ["Ada", "Love", "lace", "saw", "London", " ", "x"]
    reference = make_doc(words, [(0, 2, "PER"), (4, 6, "LOC")])
    words = ["Ada", "Lovelace", "saw", "London", "x"]
    predicted = Doc(VOCAB, words=words, spaces=[False, False, False, True, False])
    assert predicted.text == reference.text
    example = Example(predicted, reference)
    assert names(example, BIO) == ["*", "*", "O", "B-LOC", "O"]
    (lost,) = lost_entities(example)
    assert lost.entity == reference.ents[0]


def test_entities_within_one_token_are_all_lost() -> None:
    example = Example(
        make_doc("AdaLondon|x"), make_doc("Ada|London|x", [(0, 1, "PER"), (1, 2, "LOC")])
    )
    assert names(example, BIO) == ["*", "O"]
    assert [lost.entity.text for lost in lost_entities(example)] == ["Ada", "London"]


def test_lost_entity_is_told_from_a_kept_one_of_the_same_text() -> None:
    example = Example(
        make_doc("Ada|Adas|Ada"),
        make_doc("Ada|Ada|s|Ada", [(0, 1, "PER"), (1, 2, "PER"), (3, 4, "PER")]),
    )
    assert [lost.entity.start_char for lost in lost_entities(example)] == [3]


@pytest.mark.parametrize("space", [" ", "\n", "\u00a0"])
def test_entity_of_whitespace_is_reported(space: str) -> None:
    example = same(f"a|{space}|b", [(1, 2, "PER"), (2, 3, "LOC")])
    assert names(example, BIO) == ["O", "B-LOC"]
    (lost,) = lost_entities(example)
    assert (lost.entity.start, lost.entity.end) == (1, 2)
    assert "whitespace only" in str(lost)


def test_lost_entities_of_docs_that_differ_in_text(nlp: Language) -> None:
    reference = Doc(VOCAB, words=["Ada", "Love", "lace"], spaces=[True, False, False])
    reference.ents = [Span(reference, 0, 2, "PER")]
    example = Example(make_doc("Ada|Lovelace"), reference)
    assert "differ in text" in str(lost_entities(example)[0])


def test_lost_entities_without_annotation_are_none() -> None:
    assert lost_entities(same("a|b")) == []
    assert lost_entities(Example(Doc(VOCAB), Doc(VOCAB))) == []


def test_allowed_tags_of_an_unknown_label_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"'ab' has the entity 'a' of type 'ORG'.*knows only"):
        names(same("a|b", [(0, 1, "ORG")]), BIO)


def test_describe_lost_lists_the_first_and_counts_the_rest() -> None:
    n_lost = 7
    reference = make_doc([x for i in range(n_lost) for x in (f"a{i}", "b")])
    reference.ents = [Span(reference, 2 * i, 2 * i + 1, "PER") for i in range(n_lost)]
    lost = lost_entities(Example(make_doc([f"a{i}b" for i in range(n_lost)]), reference))
    lines = describe_lost(lost, most=3).split("\n")
    assert lines[:3] == [f"  {one}" for one in lost[:3]]
    assert lines[3:] == ["  and 4 more"]
    assert len(describe_lost(lost[:3], most=3).split("\n")) == 3


# Documents that are annotated for some types only


def partly(words: str, ents: Ents, labels: object, missing: tuple[int, ...] = ()) -> Example:
    example = same(words, ents, missing)
    register_annotated_labels()
    example.reference._.annotated_labels = labels
    return example


def test_outside_permits_the_types_that_are_not_annotated() -> None:
    example = partly("a|b|c", [(1, 2, "PER")], ["PER"])
    assert names(example, BIO) == ["O B-LOC I-LOC", "B-PER", "O B-LOC I-LOC"]
    assert names(example, BILOU)[0] == "O B-LOC I-LOC L-LOC U-LOC"
    assert names(partly("a|b", [], []), BIO) == ["*", "*"]


def test_annotation_for_all_types_leaves_outside_outside() -> None:
    for labels in (None, ["PER", "LOC"], ("LOC", "PER", "OTHER")):
        assert names(partly("a|b", [(0, 1, "PER")], labels), BIO) == ["B-PER", "O"]


def test_missing_annotation_permits_all_types_that_are_annotated_too() -> None:
    example = partly("a|b|c", [(0, 1, "PER")], ["PER"], missing=(1,))
    assert names(example, BIO) == ["B-PER", "O B-PER B-LOC I-LOC", "O B-LOC I-LOC"]


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_partial_types_permit_just_the_sequences_that_agree(name: str) -> None:
    """Of all valid ones: those whose entities of annotated types are the gold ones, but for those
    within missing annotation; entities of other types may be anywhere else.
    """
    scheme = TagScheme(name, ["PER", "LOC"])
    valid = {n: valid_paths(scheme, n) for n in range(1, 4)}

    @settings(deadline=None, max_examples=100)
    @given(doc=annotated_docs(), label=st.sampled_from(["PER", "LOC"]))
    def check(doc: tuple[list[str], Ents, list[int]], label: str) -> None:
        words, ents, missing = doc
        words = [word for word in words if word.strip()][:3]
        ents = [(s, min(e, len(words)), label) for s, e, _ in ents if s < len(words)]
        missing = [i for i in missing if i < len(words)]
        if not words:
            return
        example = partly("|".join(words), ents, [label], tuple(missing))
        allowed = allowed_tags(example, np.arange(len(words)), scheme)
        for path in valid[len(words)]:
            starts, ends, ids = scheme.decode(np.array(path))
            spans = set(zip(starts, ends, (scheme.labels[i] for i in ids), strict=True))
            ours = {span for span in spans if span[2] == label}
            surplus = {i for s, e, _ in ours - set(ents) for i in range(s, e)}
            agrees = set(ents) <= ours and surplus <= set(missing)
            assert agrees == allowed[np.arange(len(words)), path].all(), (words, ents, path)

    check()


def test_entity_of_a_type_that_is_not_annotated_is_an_error() -> None:
    message = r"'ab' has entities of type \['LOC'\], but says that it is annotated for \['PER'\]"
    with pytest.raises(ValueError, match=message):
        names(partly("a|b", [(0, 1, "LOC")], ["PER"]), BIO)


@pytest.mark.parametrize("labels", ["PER", [1], [None], ["PER", 3]])
def test_annotated_labels_that_are_no_list_of_types_are_an_error(labels: object) -> None:
    message = r"annotated_labels = .* of the document 'ab' is no list of entity types"
    with pytest.raises(ValueError, match=message):
        names(partly("a|b", [], labels), BIO)


@pytest.mark.parametrize("labels", [5, True])
def test_annotated_labels_that_are_no_list_at_all_are_an_error(labels: object) -> None:
    with pytest.raises(ValueError, match="is no list of entity types"):
        annotated_labels(partly("a|b", [], labels).reference)


def test_annotated_labels_survive_storage() -> None:
    doc = partly("a|b", [(0, 1, "PER")], ["PER"]).reference
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    copies = [
        next(iter(DocBin().from_bytes(stored).get_docs(VOCAB))),
        Doc(VOCAB).from_bytes(doc.to_bytes()),
        doc.copy(),
    ]
    assert [annotated_labels(copy) for copy in copies] == [{"PER"}] * 3
    assert annotated_labels(Doc(VOCAB, words=["a"])) is None


def test_annotated_labels_of_somebody_else_are_left_alone() -> None:
    """An extension of that name may be a property of their own."""
    register_annotated_labels()
    ours = Doc.remove_extension("annotated_labels")
    try:
        Doc.set_extension("annotated_labels", getter=lambda doc: ["LOC"])
        assert annotated_labels(Doc(VOCAB, words=["a"])) == {"LOC"}
    finally:
        Doc.remove_extension("annotated_labels")
        Doc.set_extension("annotated_labels", default=ours[0])
