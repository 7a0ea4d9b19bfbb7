"""The model of labels: probabilities by hand, and nothing of a place itself in them."""

from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.audit.form_places import FormPlaces, places_of_forms
from spacy_ner_plus.audit.label_model import LabelModel, smoothed
from tests.audit.corpora import make_corpus


def test_smoothing_is_that_of_witten_and_bell() -> None:
    assert smoothed([3, 1, 0], [0.2, 0.2, 0.6]) == pytest.approx(
        [(3 + 2 * 0.2) / 6, (1 + 2 * 0.2) / 6, (2 * 0.6) / 6]
    )
    assert smoothed([0, 0], [0.25, 0.75]) == [0.25, 0.75]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 1)), min_size=1, max_size=6),
)
def test_smoothed_shares_add_up_to_one(pairs: list[tuple[int, float]]) -> None:
    counts = [n for n, _ in pairs]
    total = sum(weight for _, weight in pairs)
    shares = smoothed(counts, [weight / total for _, weight in pairs])
    assert sum(shares) == pytest.approx(1)
    assert all(share > 0 for share in shares)


def forms_of(texts: list[str]) -> dict[str, FormPlaces]:
    return {its.text: its for its in places_of_forms(make_corpus({"train": texts}))}


def test_probability_by_hand(tmp_path: Path) -> None:
    """Every step of a place of a form in four texts, with another form beside the same words."""
    forms = forms_of(
        [
            "in [Ulm](L) now",
            "in [Ulm](L) now",
            "by Ulm then",
            "in [Rom](L) then",
            "by [Rom](P) now",
        ],
    )
    model = LabelModel(list(forms.values()))
    assert model.labels == ["L", "P", None]
    # forms that have them: Ulm and Rom, Rom, Ulm
    prior = [2 / 4, 1 / 4, 1 / 4]
    # other forms of this length and casing: Rom
    of_casing = smoothed([1, 1, 0], prior)
    # the third place: the other places of Ulm, of which none is in its text
    expected = smoothed([2, 0, 0], of_casing)
    # beside other forms: lower case on both sides, "by" before P, "then" after L
    left = smoothed([0, 1, 0], smoothed([1, 1, 0], prior))
    right = smoothed([1, 0, 0], smoothed([1, 1, 0], prior))
    weights = [p * sqrt(a * b) / q for p, a, b, q in zip(expected, left, right, prior, strict=True)]
    assert model.probabilities(forms["Ulm"])[2] == pytest.approx(
        [weight / sum(weights) for weight in weights]
    )
    # the first place has a twin: the same words on both sides
    expected = smoothed([1, 0, 1], of_casing)
    left = smoothed([1, 0, 0], smoothed([1, 1, 0], prior))
    right = smoothed([0, 1, 0], smoothed([1, 1, 0], prior))
    weights = [p * sqrt(a * b) / q for p, a, b, q in zip(expected, left, right, prior, strict=True)]
    assert model.probabilities(forms["Ulm"])[0] == pytest.approx(
        smoothed([1, 0, 0], [weight / sum(weights) for weight in weights])
    )


def test_the_same_document_counts_more(tmp_path: Path) -> None:
    texts = ["[Ford](P) ran. So [Ford](P) won. Then Ford slept.", *["[Ford](O) sells."] * 3]
    its = forms_of(texts)["Ford"]
    model = LabelModel([its])
    [with_them, without] = [
        model.probabilities(its, with_documents=them)[2] for them in (True, False)
    ]
    person = model.labels.index("P")
    assert with_them[person] > without[person]
    assert max(with_them) == with_them[person]
    assert max(without) != without[person]
