"""`ner-plus rank`: which texts are chosen, and what is written of them."""

import json
import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from typer.testing import CliRunner

from spacy_ner_plus import rank, read
from spacy_ner_plus.cli import app
from spacy_ner_plus.pipeline.capabilities import SURE, Uncertainty
from spacy_ner_plus.ranking.k_centre import k_centre, letter_vectors
from spacy_ner_plus.ranking.strategies import NAMES, score
from tests.pipeline.samples import initialized_nlp


class Oracle:
    """As undecided about a text as its numbers say; finds its capitals."""

    def __init__(self, name: str) -> None:
        self.name, self.model = name, NoVectors()

    def __call__(self, doc: Doc) -> Doc:
        doc.ents = [Span(doc, t.i, t.i + 1, "CAP") for t in doc if t.text.isupper()]
        return doc

    def uncertainties(
        self, docs: Sequence[Doc], parts: Sequence[Sequence[Doc | Span]]
    ) -> list[list[Uncertainty]]:
        return [[self._of(part) for part in own] for own in parts]

    def _of(self, part: Doc | Span) -> Uncertainty:
        worth = sum(int(token.text) for token in part if token.text.isdigit())
        log_prob = -float(worth)
        return Uncertainty(len(part), log_prob, log_prob - 1.0, float(worth), float(worth))


class NoVectors:
    """A model without any."""

    shims: tuple[()] = ()
    layers: tuple[()] = ()


@Language.factory("rank_test_oracle")
def make_oracle(nlp: Language, name: str) -> Oracle:
    return Oracle(name)


TEXTS = [
    "A rare thing 9 .",
    "nothing to see here",
    "a common thing 1 and B 2 .",
    "a rare thing 9  .",  # as the first but for case and white space
    "C long long long long long long long long long long 5 .",
    "",
]


@pytest.fixture
def nlp() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("rank_test_oracle", name="oracle")
    return nlp


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    rows = [{"id": f"t{i}", "text": text} for i, text in enumerate(TEXTS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return path


def chosen(path: Path) -> list[str]:
    return [str(record.id) for record in read(path)]


def test_the_best_are_tasks_without_near_duplicates(
    nlp: Language, texts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tasks.jsonl"
    done = rank(nlp, texts, out, n=3, strategy="entropy")
    assert chosen(out) == ["t0", "t4", "t2"]
    assert (done.documents, done.units, done.chosen, done.duplicates) == (6, 5, 3, 1)
    assert done.mean_score == pytest.approx((9 + 5 + 3) / 3)
    assert done.all_score == pytest.approx((9 + 0 + 3 + 9 + 5) / 5)
    first, _, third = read(out)
    assert first.meta["rank"] == {"place": 1, "strategy": "entropy", "score": 9.0}
    assert third.unknown == ((0, len(TEXTS[2])),)
    assert [(span.start, span.end, span.label) for span in third.spans or ()] == [(21, 22, "CAP")]
    before = out.read_bytes()
    rank(nlp, texts, out, n=3, strategy="entropy")
    assert out.read_bytes() == before


def test_a_budget_of_tokens_is_kept_and_sums_are_by_the_token(
    nlp: Language, texts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tasks.jsonl"
    done = rank(nlp, texts, out, n=None, tokens=14, strategy="expected-errors")
    assert chosen(out) == ["t0", "t2"]  # 9 of 5 tokens, 3 of 8; 5 of 13 do not fit
    assert done.chosen_tokens == 13
    with pytest.raises(ValueError, match="--tokens 3 is less than any of the best"):
        rank(nlp, texts, out, n=None, tokens=3)


def test_sentences_say_where_they_are(nlp: Language, tmp_path: Path) -> None:
    path, out = tmp_path / "texts.txt", tmp_path / "tasks.jsonl"
    path.write_text("It is 1 . That is 7 in X .\nNo . \n", encoding="utf8")
    done = rank(nlp, path, out, n=1, unit="sentence", strategy="least-confidence")
    [record] = read(out)
    assert (record.text, done.units) == ("That is 7 in X .", 3)
    assert record.id is None
    assert record.meta["rank"]["start"] == 10
    assert [(span.start, span.end) for span in record.spans or ()] == [(13, 14)]


def test_random_choice_follows_from_the_seed(nlp: Language, texts: Path, tmp_path: Path) -> None:
    found = set()
    for seed in range(6):
        out = tmp_path / f"{seed}.jsonl"
        rank(nlp, texts, out, n=2, strategy="random", seed=seed)
        again = tmp_path / "again.jsonl"
        rank(nlp, texts, again, n=2, strategy="random", seed=seed)
        assert out.read_bytes() == again.read_bytes()
        found.add(tuple(chosen(out)))
    assert len(found) > 1


def test_diverse_texts_by_letters_and_by_an_encoder(
    nlp: Language, texts: Path, tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    out = tmp_path / "tasks.jsonl"
    done = rank(nlp, texts, out, n=2, strategy="entropy", diverse=True)
    assert done.vectors == "letters" and "t0" in chosen(out)
    assert "no vectors to compare texts by" in done.warnings[-1]
    own = initialized_nlp(tiny_encoder_dir)
    done = rank(own, texts, out, n=3, diverse=True, to="prodigy")
    assert (done.vectors, done.chosen) == ("encoder", 3)
    assert all("answer" not in json.loads(line) for line in out.read_text().splitlines())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random"])
def test_the_less_sure_the_higher_the_score(name: str) -> None:
    sure = Uncertainty(10, math.log(0.9), math.log(0.05), 0.3, 0.1)
    unsure = Uncertainty(10, math.log(0.4), math.log(0.3), 1.5, 1.2)
    assert score(name, SURE, per_token=True) < score(name, sure, per_token=False)
    assert score(name, sure, per_token=False) < score(name, unsure, per_token=False)
    is_sum = name in ("entropy", "expected-errors")
    expected = score(name, unsure, per_token=False) / (10 if is_sum else 1)
    assert score(name, unsure, per_token=True) == pytest.approx(expected)


def test_k_centre_is_at_most_twice_as_far_as_the_best_choice() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        vectors = rng.normal(size=(9, 3))
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        chords = np.sqrt(np.maximum(2.0 - 2.0 * unit @ unit.T, 0.0))  # a metric of the same order

        def reach(rows: Sequence[int], chords: np.ndarray = chords) -> float:
            return float(chords[:, list(rows)].min(axis=1).max())

        found = k_centre(vectors, 3)
        assert found[0] == 0 and len(set(found)) == 3
        best = min(reach([0, *others]) for others in combinations(range(1, 9), 2))
        assert reach(found) <= 2 * best + 1e-9
    assert k_centre(np.zeros((3, 2)), 5) == [0, 1, 2]
    assert k_centre(np.zeros((0, 2)), 5) == []


def test_letter_vectors_are_alike_where_texts_are() -> None:
    vectors = letter_vectors(["Anna saw Oslo", "anna  saw oslo", "quite another thing", ""])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[0] @ unit[1] == pytest.approx(1.0)
    assert unit[0] @ unit[2] < 0.3


def test_wrong_calls(nlp: Language, texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "tasks.jsonl"
    for options, message in (
        ({"strategy": "bald"}, "--strategy bald: use one of least-confidence"),
        ({"unit": "page"}, "--unit page: use one of document, sentence"),
        ({"n": None}, "Say how many texts are wanted"),
        ({"n": 0}, "must be at least 1"),
        ({"component": "ner"}, "must have a component 'ner' that knows"),
    ):
        with pytest.raises(ValueError, match=message):
            rank(nlp, texts, out, **options)
    with pytest.raises(ValueError, match="exactly one component that knows"):
        rank(spacy.blank("en"), texts, out)
    texts.write_text('{"text": " "}\n', encoding="utf8")
    with pytest.raises(ValueError, match="There is no text"):
        rank(nlp, texts, out)
    result = CliRunner().invoke(app, ["rank", "blank:en", str(texts), str(out)])
    assert result.exit_code == 1 and "exactly one component" in result.output
