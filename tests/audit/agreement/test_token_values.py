"""Values of tokens and alpha on them, against a labelling of each token by hand."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.audit.agreement.shared_texts import SharedText, Voice
from spacy_ner_plus.audit.agreement.token_alpha import pair_alpha, token_alphas
from spacy_ner_plus.audit.agreement.token_values import TokenValues, token_values
from spacy_ner_plus.audit.audited import AuditedText
from tests.audit.agreement.annotated import real_texts, record, second_annotator

krippendorff = pytest.importorskip("krippendorff")
NLP = spacy.blank("en")


def shared(number: int, text: str, voices: dict[int, TextRecord]) -> SharedText:
    first = next(iter(voices.values()))
    words = text.split(" ")
    doc = Doc(NLP.vocab, words, [True] * (len(words) - 1) + [False])
    audited = AuditedText("", number, "", first, doc)
    return SharedText(audited, {i: Voice(one) for i, one in voices.items()}, is_tokenized=True)


def shown(tokens: TokenValues) -> list[list[str]]:
    names = ["+".join(sorted(one)) or "O" for one in tokens.label_sets]
    return [["." if v < 0 else names[v] for v in row] for row in tokens.values.tolist()]


def test_tokens_have_the_labels_of_the_entities_that_touch_them() -> None:
    voices = {
        0: record((0, 7, "PER"), (22, 37, "ORG"), (30, 37, "LOC")),
        2: record((1, 2, "PER"), (24, 28, "ORG"), text=record().text),
    }
    words = record().text.split(" ")
    tokens = token_values([shared(0, record().text, voices)], 3, ["LOC", "ORG", "PER"])
    first, second, third = shown(tokens)
    assert dict(zip(words, first, strict=True)) == {
        **dict.fromkeys(words, "O"), "Anna": "PER", "Ek": "PER", "Bank": "ORG", "of": "ORG",
        "America": "LOC+ORG",
    }  # fmt: skip
    assert {*second} == {"."}
    assert third == ["PER" if w == "Anna" else "ORG" if w in ("Bank", "of") else "O" for w in words]


def test_what_is_not_known_is_missing() -> None:
    """Unknown stretches and undecided spans, but not what an entity holds."""
    ignored = SpanRecord(8, 13, "PER", status="ignored")
    rejected = SpanRecord(18, 21, "ORG", status="rejected")
    spans = (SpanRecord(0, 4, "PER"), ignored, rejected)
    one = TextRecord(record().text, spans=spans, unknown=((0, 6), (38, 39)))
    [[*found], _] = shown(token_values([shared(0, one.text, {0: one, 1: record()})], 2, ["PER"]))
    assert found == ["PER", ".", ".", *"OOOOO", ".", "O", "O", "O"]


def test_types_that_nobody_asked_for_are_missing_where_others_have_them() -> None:
    asked = record((0, 7, "PER"), annotated_labels=("PER",))
    others = record((0, 7, "ORG"), (22, 37, "ORG"), (41, 44, "PER"))
    tokens = token_values([shared(0, asked.text, {0: asked, 1: others})], 2, ["ORG", "PER"])
    changed = (tokens.comparable != tokens.values).tolist()
    assert changed == [[False] * 5 + [True] * 3 + [False] * 4, [False] * 12]
    assert (tokens.of_label("ORG", 0)[0] == -1).all()
    assert tokens.of_label("ORG", 0)[1].sum() == 5
    assert tokens.of_label("PER", 1).tolist() == [
        [1, 1, *[0] * 10],
        [*[0] * 9, 1, 0, 0],
    ]


def test_alphas_are_those_of_a_labelling_token_by_token() -> None:
    records = real_texts(60)
    annotators = [records, second_annotator(records, 1), second_annotator(records[:30], 2)]
    texts = [
        shared(i, one.text, {j: own[i] for j, own in enumerate(annotators) if i < len(own)})
        for i, one in enumerate(records)
    ]
    labels = sorted({span.label for own in annotators for one in own for span in one.spans or ()})
    tokens = token_values(texts, 3, labels)
    found = token_alphas(tokens, labels, len(texts), 50, 0)
    table = np.array(
        [list(map(labelled, own)) for own in padded(annotators, records)], dtype=object
    )
    rows = np.array([[label for text in own for label in text] for own in table])
    is_known, is_marked = rows != "", (rows != "") & (rows != "O")
    any_marked, all_marked = is_marked.any(axis=0), (is_marked | ~is_known).all(axis=0)
    assert found.all.alpha == pytest.approx(expected(rows))
    assert found.all.tokens == rows.shape[1]
    assert found.marked_by_any.alpha == pytest.approx(expected(rows[:, any_marked]))
    assert found.marked_by_any.tokens == any_marked.sum()
    assert found.marked_by_all.alpha == pytest.approx(expected(rows[:, all_marked]))
    for label in labels:
        binary = np.where(is_known, rows == label, "")
        assert found.labels[label].alpha == pytest.approx(expected(binary))
    for i, j in combinations(range(3), 2):
        alpha, n = pair_alpha(tokens, i, j)
        assert alpha == pytest.approx(expected(rows[[i, j]]))
        assert n == is_known[[i, j]].all(axis=0).sum()
    low, high = found.all.interval or (1.0, 0.0)
    assert low < found.all.alpha < high


def padded(annotators: list[list[TextRecord]], records: list[TextRecord]) -> list[list[TextRecord]]:
    """With records of which nothing is known where an annotator has none."""
    bare = [TextRecord(one.text, spans=None) for one in records]
    return [[*own, *bare[len(own) :]] for own in annotators]


def labelled(one: TextRecord) -> list[str]:
    """The label of each word; "" where there is none."""
    found, at = [], 0
    for word in one.text.split(" "):
        end = at + len(word)
        here = [s.label for s in one.spans or () if s.start < end and at < s.end]
        found.append("" if one.spans is None else "+".join(sorted({*here})) or "O")
        at = end + 1
    return found


def expected(rows: np.ndarray) -> float:
    places = {value: float(i) for i, value in enumerate(sorted({*rows.ravel()} - {""}))}
    numbers = [[places.get(value, np.nan) for value in row] for row in rows]
    return float(krippendorff.alpha(reliability_data=numbers, level_of_measurement="nominal"))


def test_white_space_is_no_token(tmp_path: Path) -> None:
    one = record((0, 1, "X"), text="a \n b")
    doc = NLP(one.text)
    assert len(doc) == 3
    text = SharedText(
        AuditedText("", 0, "", one, doc), {0: Voice(one), 1: Voice(one)}, is_tokenized=True
    )
    tokens = token_values([text], 2, ["X"])
    assert shown(tokens) == [["X", "O"]] * 2
    alphas = token_alphas(tokens, ["X"], 1, 10, 0)
    assert (alphas.all.alpha, alphas.all.interval, alphas.all.tokens) == (1.0, None, 2)
    assert alphas.marked_by_all.alpha is None
