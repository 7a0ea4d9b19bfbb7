"""Groups of spans that hold on to their characters, whatever becomes of the tokens."""

import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, SpanGroup
from spacy.vocab import Vocab

from spacy_ner_plus.annotation.scored_group import ScoredGroup, layers_of

Characters = tuple[int, int, str]

WAYS_ON: dict[str, Callable[[Doc], Doc]] = {
    "itself": lambda doc: doc,
    "copy": lambda doc: doc.copy(),
    "pickle": lambda doc: pickle.loads(pickle.dumps(doc)),
    "bytes": lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
    "DocBin": lambda doc: next(DocBin(docs=[doc]).get_docs(doc.vocab)),
    "json": lambda doc: Doc(doc.vocab).from_json(doc.to_json()),
    "from_docs": lambda doc: Doc.from_docs([doc]),
}


def characters(group: SpanGroup) -> list[Characters]:
    return [(span.start_char, span.end_char, span.label_) for span in group]


def texts(group: SpanGroup) -> list[str]:
    return [span.text for span in group]


@st.composite
def grouped_docs(draw: st.DrawFn) -> Doc:
    words = draw(st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=12))
    spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    doc = Doc(Vocab(), words, spaces)
    edges = st.integers(0, len(doc) - 1)
    spans = [
        doc.char_span(doc[min(pair)].idx, doc[max(pair)].idx + len(doc[max(pair)]), label=label)
        for *pair, label in draw(st.lists(st.tuples(edges, edges, st.sampled_from("XY"))))
    ]
    scores = [float(i) for i in range(len(spans))]
    layers = {"layers": [i + 1 for i in range(len(spans))]}
    doc.spans["sc"] = ScoredGroup(doc, name="sc", spans=spans, scores=scores, attrs=layers)
    return doc


def retokenise(doc: Doc, draw: st.DrawFn) -> None:
    """Some words become one, and some others two, in one go or in several."""
    with doc.retokenize() as retokenizer:
        i = 0
        while i < len(doc):
            length = draw(st.integers(1, 3))
            what = draw(st.sampled_from(["merge", "split", "leave"]))
            if what == "merge" and i + length <= len(doc):
                retokenizer.merge(doc[i : i + length])
                i += length
                continue
            if what == "split" and len(doc[i]) > 1:
                at = draw(st.integers(1, len(doc[i]) - 1))
                orths = [doc[i].text[:at], doc[i].text[at:]]
                retokenizer.split(doc[i], orths, heads=[(doc[i], 0), (doc[i], 1)])
            i += 1


@given(grouped_docs(), st.data())
def test_spans_keep_characters_and_scores_after_retokenising(doc: Doc, data: st.DataObject) -> None:
    before = list(
        zip(characters(doc.spans["sc"]), doc.spans["sc"].attrs.get("scores", ()), strict=True)
    )
    for _ in range(data.draw(st.integers(1, 2))):
        retokenise(doc, data.draw)
        starts = {token.idx for token in doc}
        ends = {token.idx + len(token) for token in doc}
        before = [  # one that was lost does not come back
            ((start, end, label), score)
            for (start, end, label), score in before
            if start in starts and end in ends
        ]
        way = data.draw(st.sampled_from(["len", "item", "iter"]))  # which is asked first
        group = doc.spans["sc"]
        if way == "len":
            assert len(group) == len(before)
        elif way == "item" and before:
            assert group[-1].start_char == before[-1][0][0]
        assert characters(group) == [span for span, _ in before]
        assert texts(group) == [doc.text[start:end] for (start, end, _), _ in before]
        assert list(group.attrs.get("scores", ())) == [score for _, score in before]
        assert layers_of(group) == [score + 1 for _, score in before]


def test_layers_are_of_all_spans_or_of_none() -> None:
    doc = Doc(Vocab(), ["a", "b"])
    group = ScoredGroup(doc, spans=[doc[:], doc[1:]], attrs={"layers": [2, None]})
    assert layers_of(group) == [2, None]
    group.append(doc[:1])
    assert layers_of(group) == [None, None, None]
    assert layers_of(SpanGroup(doc, spans=[doc[:1]], attrs={"layers": ["x"]})) == [None]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS_ON)
@given(grouped_docs(), st.data())
def test_retokenised_docs_go_on_whole(way: str, doc: Doc, data: st.DataObject) -> None:
    retokenise(doc, data.draw)
    kept = [
        (span.start_char, span.end_char, span.label_)
        for span in (doc.char_span(*c[:2], label=c[2]) for c in characters(doc.spans["sc"]))
    ]
    again = WAYS_ON[way](doc)
    assert characters(again.spans["sc"]) == kept
    assert texts(again.spans["sc"]) == [again.text[start:end] for start, end, _ in kept]
    assert [span.text for span in doc.spans["sc"]] == texts(again.spans["sc"])


def merged_doc() -> Doc:
    """In "a b c d", "a b" has become one word. The group has "b c" no more, but "a b" and "d"."""
    doc = Doc(Vocab(), ["a", "b", "c", "d"])
    spans = [doc[0:2], doc[1:3], doc[3:4]]
    doc.spans["sc"] = ScoredGroup(doc, name="sc", spans=spans, scores=[0.5, 0.6, 0.7])
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:2])
    return doc


def test_copy_for_another_doc_holds_on_as_well() -> None:
    doc = merged_doc()
    other = Doc(doc.vocab, ["a", "b", "c", "d"])
    copy = doc.spans["sc"].copy(doc=other)
    assert texts(copy) == ["a b", "d"] and list(copy.attrs["scores"]) == [0.5, 0.7]
    other.spans["sc"] = copy
    with other.retokenize() as retokenizer:
        retokenizer.merge(other[2:4])
    assert texts(copy) == ["a b"] and list(copy.attrs["scores"]) == [0.5]


def test_spans_can_be_added_after_a_merge() -> None:
    doc = merged_doc()
    group = doc.spans["sc"]
    group += [doc[1:2]]
    assert texts(group) == ["a b", "d", "c"]
    assert texts(group + group) == ["a b", "d", "c"] * 2
    assert texts(doc.spans["sc"].copy()) == ["a b", "d", "c"]


def test_group_with_a_score_unknown_has_none() -> None:
    doc = Doc(Vocab(), ["a", "b"])
    group = ScoredGroup(doc, name="sc", spans=[doc[0:1], doc[1:2]], scores=[0.5, None])
    assert "scores" not in group.attrs


def test_loop_that_merges_its_spans() -> None:
    doc = Doc(Vocab(), ["a", "b", "c", "d", "e"])
    doc.spans["sc"] = ScoredGroup(doc, name="sc", spans=[doc[0:2], doc[2:4], doc[4:5]])
    seen = []
    for span in doc.spans["sc"]:
        seen.append(span.text)
        with doc.retokenize() as retokenizer:
            retokenizer.merge(span)
    assert seen == ["a b", "c d", "e"] == [token.text for token in doc]
