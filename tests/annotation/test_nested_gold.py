import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.nested_gold import GoldSources, nested_gold
from spacy_ner_plus.annotation.unknown_group import set_unknown

VOCAB = spacy.blank("xx").vocab
KEY = "nested"
Spans = list[tuple[int, int, str]]
GROUP, ENTS, BOTH = GoldSources(KEY, with_ents=False), GoldSources(), GoldSources(KEY)


def make_doc(
    words: str,
    spans: Spans | None = None,
    ents: Spans | None = None,
    *,
    missing: tuple[int, ...] = (),
    unknown: tuple[int, ...] = (),
) -> Doc:
    """A Doc of words, split at "|", with spans under KEY, and entities.

    Tokens may be without annotation: missing ones for entities, unknown ones for spans.
    """
    doc = Doc(VOCAB, words=words.split("|"), spaces=[False] * len(words.split("|")))
    if spans is not None:
        doc.spans[KEY] = [Span(doc, *span) for span in spans]
        set_unknown(doc, KEY, np.isin(np.arange(len(doc)), unknown))
    if ents is not None:
        doc.set_ents(
            [Span(doc, *span) for span in ents],
            missing=[doc[i : i + 1] for i in missing],
            default="outside",
        )
    return doc


def places(spans: list[Span]) -> Spans:
    return [(span.start, span.end, span.label_) for span in spans]


def test_gold_of_the_key_may_nest_cross_and_repeat() -> None:
    spans = [(1, 2, "B"), (0, 3, "A"), (2, 4, "A"), (0, 3, "B"), (0, 3, "A")]
    gold = nested_gold(Example(make_doc("a|b|c|d"), make_doc("a|b|c|d", spans)), GROUP)
    assert places(gold.spans) == [(0, 3, "A"), (0, 3, "B"), (1, 2, "B"), (2, 4, "A")]
    assert all(span.doc[0].text == "a" for span in gold.spans)
    assert gold.known.all()
    assert gold.lost == []


def test_gold_of_both_counts_once_what_both_have() -> None:
    reference = make_doc("a|b|c", [(0, 3, "A"), (1, 2, "A")], [(0, 3, "A")])
    example = Example(make_doc("a|b|c"), reference)
    assert places(nested_gold(example, BOTH).spans) == [(0, 3, "A"), (1, 2, "A")]
    assert places(nested_gold(example, ENTS).spans) == [(0, 3, "A")]
    reference = make_doc("a|b|c", [(1, 2, "A")], [(0, 3, "B")])
    gold = nested_gold(Example(make_doc("a|b|c"), reference), BOTH)
    assert places(gold.spans) == [(0, 3, "B"), (1, 2, "A")]


@pytest.mark.parametrize(
    ("doc", "sources", "known"),
    [
        (make_doc("a|b|c"), GROUP, [False] * 3),
        (make_doc("a|b|c"), BOTH, [False] * 3),
        (make_doc("a|b|c", []), GROUP, [True] * 3),
        (make_doc("a|b|c", []), BOTH, [True] * 3),
        (make_doc("a|b|c", []), ENTS, [False] * 3),
        (make_doc("a|b|c", None, []), BOTH, [True] * 3),
        (make_doc("a|b|c", None, [(0, 1, "A")]), GROUP, [False] * 3),
        (make_doc("a|b|c", [], [(0, 1, "A")], missing=(2,)), BOTH, [True] * 3),
        (make_doc("a|b|c", None, [(0, 1, "A")], missing=(2,)), BOTH, [True, True, False]),
        (make_doc("a|b|c", [], [(0, 1, "A")], unknown=(1,)), BOTH, [True, False, True]),
        (make_doc("a|b|c", [(0, 3, "A")], unknown=(1,)), GROUP, [True, False, True]),
        (make_doc("a|b|c", [], [(0, 1, "A")], unknown=(1,)), ENTS, [True] * 3),
    ],
)
def test_tokens_are_known_where_what_is_read_says_so(
    doc: Doc, sources: GoldSources, known: list[bool]
) -> None:
    gold = nested_gold(Example(make_doc("a|b|c"), doc), sources)
    assert gold.known.tolist() == known


def test_spans_that_do_not_fit_the_tokens_are_reported_with_what_they_touch() -> None:
    spans = [(0, 3, "A"), (1, 2, "B"), (1, 3, "A"), (3, 4, "B")]
    reference = make_doc("x|New|York|z", spans)
    gold = nested_gold(Example(make_doc("x|NewYork|z"), reference), GROUP)
    assert places(gold.spans) == [(0, 2, "A"), (1, 2, "A"), (2, 3, "B")]
    [lost] = gold.lost
    assert lost.entity == reference.spans[KEY][1]
    assert "the nearest around it are 1-8 ('NewYork')" in str(lost)
    assert [tokens.tolist() for tokens in gold.lost_tokens] == [[1]]
    assert gold.known.all()


def test_tokens_that_touch_an_unknown_one_are_unknown() -> None:
    reference = make_doc("x|New|York|z|u|v", [(0, 1, "A")], unknown=(2, 4))
    gold = nested_gold(Example(make_doc("x|NewYork|z|u|v"), reference), GROUP)
    assert gold.known.tolist() == [True, False, True, False, True]


def test_spans_of_white_space_are_reported_and_edges_kept() -> None:
    gold = nested_gold(
        Example(make_doc("a| |b"), make_doc("a| |b", [(1, 2, "A"), (0, 2, "B")])), GROUP
    )
    assert places(gold.spans) == [(0, 2, "B")]
    assert [str(lost) for lost in gold.lost] == ["' ' (A) at characters 1-2: it is whitespace only"]


def test_a_span_that_both_have_and_that_is_lost_is_reported_once() -> None:
    reference = make_doc("a|b|c", [(0, 1, "A")], [(0, 1, "A")])
    gold = nested_gold(Example(make_doc("ab|c"), reference), BOTH)
    assert len(gold.lost) == len(gold.lost_tokens) == 1
    assert gold.spans == []
    assert [tokens.tolist() for tokens in gold.lost_tokens] == [[0]]
    assert gold.known.all()  # but for its label: see lost_tokens


def test_gold_of_empty_documents_is_empty() -> None:
    for sources in (GROUP, ENTS, BOTH):
        gold = nested_gold(Example(Doc(VOCAB), Doc(VOCAB)), sources)
        assert gold.spans == [] and gold.known.dtype == bool and len(gold.known) == 0
        assert np.array_equal(gold.known, np.zeros(0, dtype=bool))


def test_gold_from_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must come from a key of doc\.spans"):
        GoldSources(None, with_ents=False)
