import gc
import json
import re
import weakref
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin, Span

from spacy_ner_plus.evaluation import predictions as sources
from spacy_ner_plus.evaluation.comparison.compare import compare, compare_all, run_both
from spacy_ner_plus.evaluation.comparison.comparison_measures import System, compare_systems
from spacy_ner_plus.evaluation.comparison.comparison_schema import ComparisonMetrics, GateResult
from spacy_ner_plus.evaluation.comparison.comparison_terminal import (
    gate_message,
    print_comparison,
    print_examples,
    verdict,
)
from spacy_ner_plus.evaluation.comparison.differences import (
    DIFFERENCES,
    compare_documents,
    difference_rows,
)
from spacy_ner_plus.evaluation.comparison.gate import Gate, judge_gate
from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.errors import ERRORS, NAMES, find_errors
from spacy_ner_plus.evaluation.exact import document_counts, exact_scores
from spacy_ner_plus.evaluation.predictions import Predictions
from spacy_ner_plus.evaluation.score_types import MeasureIntervals, Measures
from spacy_ner_plus.support.typed_json import from_json, to_json
from tests.evaluation.docs import make_document, overlapping_spans, real_documents
from tests.record_schema import read_row


@st.composite
def document_pairs(draw: st.DrawFn) -> tuple[Document, Document]:
    gold = draw(overlapping_spans)
    # some of the gold, so that much is right
    some = st.lists(st.sampled_from(gold), unique=True) if gold else st.just([])
    a, b = (make_document(gold, [*draw(some), *draw(overlapping_spans)]) for _ in range(2))
    return a, b


def systems(documents: list[tuple[Document, Document]]) -> tuple[System, System]:
    a, b = (
        System(Predictions(name, [pair[i] for pair in documents], 12 * len(documents), 0), [])
        for i, name in enumerate(["models/a", "models/b"])
    )
    return a, b


def comparison_of(documents: list[tuple[Document, Document]]) -> ComparisonMetrics:
    """A comparison that survives JSON."""
    a, b = systems(documents)
    compared = compare_all(a.found.documents, b.found.documents)
    result = compare_systems(a, b, compared, data="test.spacy", samples=100, swaps=200, seed=1)
    as_json = json.loads(json.dumps(to_json(result), allow_nan=False))
    assert from_json(ComparisonMetrics, as_json, "comparison") == result
    return result


@cache
def real_pairs() -> list[tuple[Document, Document]]:
    """Two untidy annotators of the same sentences."""
    documents = real_documents("bc5cdr", 150)
    # the other one sees what the first sees in half of the sentences, and everything in the rest
    return [
        (doc, replace(doc, predicted=doc.predicted if doc.index % 2 else doc.gold))
        for doc in documents
    ]


@pytest.mark.slow
@given(document_pairs())
@settings(max_examples=100, deadline=None)
def test_compare_documents_accounts_for_each_entity(documents) -> None:
    a, b = documents
    compared = compare_documents(a, b)
    gold = Counter(doc_span(a, "gold"))
    right = [gold & Counter(doc_span(doc, "predicted")) for doc in documents]
    wrong = [
        Counter(doc_span(doc, "predicted")) - n for doc, n in zip(documents, right, strict=True)
    ]
    kinds = Counter(kind for kind, _ in compared.differences())
    assert len(compared.gold) == gold.total()
    assert kinds["found_by_a_only"] == (right[0] - right[1]).total()
    assert kinds["found_by_b_only"] == (right[1] - right[0]).total()
    assert len(compared.wrong) == (wrong[0] | wrong[1]).total()
    assert kinds["wrong_in_a_only"] == (wrong[0] - wrong[1]).total()
    assert kinds["wrong_in_b_only"] == (wrong[1] - wrong[0]).total()
    assert len(compared.errors_a) == sum(f.kind in NAMES for f in find_errors(a))


def doc_span(document: Document, side: str) -> list[tuple[int, int, str]]:
    return [entity.span for entity in getattr(document, side)]


@given(document_pairs())
@settings(max_examples=100, deadline=None)
def test_compare_documents_mirrors_when_they_change_places(documents) -> None:
    a, b = documents
    mirror = str.maketrans("ab", "ba")

    def spans(kind: str, compared) -> list[Any]:
        return sorted(v.entity.span for k, v in compared.differences() if k == kind)

    forth, back = compare_documents(a, b), compare_documents(b, a)
    for who in "ab":
        for kind in (f"found_by_{who}_only", f"wrong_in_{who}_only"):
            stem, end = kind.rsplit("_", 2)[0], who.translate(mirror)
            assert spans(kind, forth) == spans(f"{stem}_{end}_only", back)


@given(document_pairs())
@settings(max_examples=100, deadline=None)
def test_difference_rows_give_the_text_of_each_entity(documents) -> None:
    a, b = documents
    rows = difference_rows(compare_documents(a, b))
    assert len({row["meta"]["id"] for row in rows}) == len(rows)
    for row in rows:
        meta = row["meta"]
        assert read_row(row).id == meta["id"]
        assert a.text[meta["offset"] :].startswith(row["text"])
        about = [meta["entity"]]
        for side in filter(None, (meta["a"], meta["b"])):
            about += [*side["gold"], *side["predicted"]]
        for span in about:
            assert span["text"] == row["text"][span["start"] : span["end"]] != ""
        for span in (*row["spans"], *row["predicted_a"], *row["predicted_b"]):
            assert 0 <= span["start"] < span["end"] <= len(row["text"])
        where = [meta["entity"][key] for key in ("start", "end", "label")]
        sides = {
            "found_by_a_only": ("spans", "predicted_a"),
            "found_by_b_only": ("spans", "predicted_b"),
            "wrong_in_a_only": ("predicted_a",),
            "wrong_in_b_only": ("predicted_b",),
        }
        for side in sides[meta["kind"]]:
            assert where in [[s[key] for key in ("start", "end", "label")] for s in row[side]]


def test_difference_rows_say_what_each_system_makes_of_it() -> None:
    a = make_document([(2, 5, "A")], [(3, 5, "A"), (8, 9, "B")], probability=0.5)
    b = make_document([(2, 5, "A")], [(2, 5, "A"), (8, 9, "B")], probability=0.9)
    found, wrong = difference_rows(compare_documents(a, b))
    assert found["meta"]["kind"] == "found_by_b_only"
    assert found["meta"]["name"] == "found by B only"
    assert found["meta"]["entity"] == {"start": 4, "end": 9, "label": "A", "text": "t t t"}
    assert found["meta"]["a"]["kind"] == "too_short"
    assert found["meta"]["a"]["predicted"] == [
        {"start": 6, "end": 9, "label": "A", "text": "t t", "probability": 0.5}
    ]
    assert found["meta"]["b"]["kind"] == "correct"
    assert [span["probability"] for span in found["predicted_b"]] == [0.9, 0.9]
    assert wrong["meta"]["kind"] == "wrong_in_a_only"  # both predict the other wrong one
    assert wrong["meta"]["entity"]["probability"] == 0.5
    assert wrong["meta"]["b"] is None


@pytest.mark.slow
def test_compare_gives_the_scores_of_both() -> None:
    pairs = real_pairs()
    result = comparison_of(pairs)
    exact = result.exact
    for side, documents in zip("ab", zip(*pairs, strict=True), strict=True):
        alone = exact_scores(*document_counts(documents))
        assert getattr(exact.micro, side) == alone.micro
        assert getattr(exact.macro, side) == alone.macro
        assert {label: getattr(its, side) for label, its in exact.types.items()} == alone.types
    for row in (exact.micro, exact.macro, *exact.types.values()):
        for measure in ("precision", "recall", "f1"):
            difference = getattr(row.b, measure) - getattr(row.a, measure)
            assert getattr(row.difference, measure) == pytest.approx(difference)
            low, high = getattr(row.interval, measure)
            assert low <= difference <= high
    assert exact.micro.p.f1 < 0.05
    assert verdict(result).startswith("B is better than A by ")


def test_compare_counts_who_finds_what() -> None:
    pairs = real_pairs()
    result = comparison_of(pairs)
    micro, entities = result.exact.micro, result.entities
    gold, wrong = entities.gold, entities.wrong
    assert sum(vars(gold).values()) == result.counts.gold == micro.a.support > 100
    assert gold.both + gold.a_only == micro.a.tp
    assert gold.both + gold.b_only == micro.b.tp
    assert wrong.both + wrong.a_only == micro.a.fp
    assert wrong.both + wrong.b_only == micro.b.fp
    for who, n in vars(gold).items():
        assert n == sum(getattr(of.gold, who) for of in entities.types.values())
    for who, n in vars(wrong).items():
        assert n == sum(getattr(of.wrong, who) for of in entities.types.values())
    kinds = result.errors.kinds
    assert [kind.kind for kind in kinds] == list(ERRORS)
    assert sum(kind.found_by_b for kind in kinds) == gold.b_only > 0
    assert sum(kind.found_by_a for kind in kinds) == gold.a_only
    assert sum(kind.a for kind in kinds) == result.errors.a > result.errors.b
    n_different = sum(a.predicted != b.predicted for a, b in pairs)
    assert 0 < result.counts.documents_that_differ <= n_different


def test_compare_of_equal_systems_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    result = comparison_of([(a, a) for a, _ in real_pairs()])
    assert result.exact.micro.p == Measures(1.0, 1.0, 1.0)
    assert result.exact.micro.interval == MeasureIntervals(*[(0.0, 0.0)] * 3)
    assert result.counts.documents_that_differ == 0
    print_comparison(result)
    assert capsys.readouterr().out.endswith("Micro F1 of A and B is the same.\n")


def test_compare_takes_systems_with_different_labels() -> None:
    gold = [(0, 1, "A"), (3, 4, "B")]
    a, b = make_document(gold, [(0, 1, "A")]), make_document(gold, [(0, 1, "X"), (3, 4, "B")])
    result = comparison_of([(a, b)] * 3)
    types = result.exact.types
    assert list(types) == ["A", "B", "X"]
    assert set(vars(types["X"].a).values()) == {0}
    assert types["X"].b.fp == 3
    # a type that a system does not know, and that is not in gold, does not lower its mean
    assert result.exact.macro.a.f1 == pytest.approx(1 / 2)
    assert result.exact.macro.b.f1 == pytest.approx(1 / 3)


def test_compare_corrects_p_of_types_alone() -> None:
    result = comparison_of(real_pairs())
    types = result.exact.types.values()
    assert all(row.p_corrected.f1 >= row.p.f1 for row in types)
    smallest = min(row.p.f1 for row in types)
    assert min(row.p_corrected.f1 for row in types) == min(1.0, len(types) * smallest)
    assert "p_corrected" not in to_json(result.exact.micro)


def test_compare_takes_one_document_and_no_entities(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = make_document([], [])
    result = comparison_of([(nothing, nothing)])
    assert result.bootstrap is None
    assert result.exact.micro.interval is None
    assert result.exact.micro.p.f1 == 1.0
    assert result.exact.types == {}
    print_comparison(result)
    assert "none from a single document" in capsys.readouterr().out


def test_print_comparison_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = real_pairs()
    print_comparison(comparison_of(pairs))
    rows = [row for pair in pairs for row in difference_rows(compare_documents(*pair))]
    print_examples(rows, 2)
    out = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out)
    assert max(map(len, out.splitlines())) <= 80
    assert "A, the baseline:   models/a" in out
    assert "Gold entities that only B finds: 2 of " in out


def test_print_comparison_says_what_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    def system(name: str, n_not_judged: int) -> System:
        document = make_document([(0, 1, "A")], [(0, 1, "A")])
        document = replace(
            document,
            not_judged=document.predicted * n_not_judged,
            gold_not_judged=document.gold,
        )
        return System(Predictions(name, [document], 12, n_without_annotation=1200), [])

    a, b = system("a", 1), system("b", 3)
    compared = compare_all(a.found.documents, b.found.documents)
    print_comparison(compare_systems(a, b, compared, data="d", samples=10, swaps=10, seed=1))
    out = capsys.readouterr().out
    assert "Left out: 1,200 without annotation.\n" in out
    said = (
        "Neither right nor wrong, for lack of annotation: predicted entities, 1 of A\nand 3 of B."
    )
    assert said in out
    assert "Not among the gold entities, for lack of annotation: 1.\n" in out
    print_comparison(comparison_of(real_pairs()[:4]))
    out = capsys.readouterr().out
    assert "Left out" not in out and "lack of annotation" not in out


def test_print_examples_shows_as_many_as_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    a = make_document([(2, 5, "A")], [(3, 5, "A"), (8, 9, "B")])
    b = make_document([(2, 5, "A")], [(2, 5, "A")])
    rows = difference_rows(compare_documents(a, b))
    assert [row["meta"]["kind"] for row in rows] == list(DIFFERENCES)[:1] + ["wrong_in_a_only"] * 2
    print_examples(rows, 5)
    out = capsys.readouterr().out
    assert "Gold entities that only B finds: 1 of 1" in out
    assert "A: boundary: too short, t t (A); B: correct" in out
    # the span that is too short is shown above
    assert "Spurious entities that only A predicts: 1 of 1" in out
    assert "B. A: spurious" in out
    print_examples(rows, 0)
    assert capsys.readouterr().out == ""


def gated(a: int, b: int, n: int = 40, **settings: Any) -> GateResult:
    """Of n documents with an entity each of A, finds the first a and b; B in all."""
    gold = [(0, 1, "A"), (2, 3, "B")]
    pairs = [
        tuple(make_document(gold, gold if i < right else gold[1:]) for right in (a, b))
        for i in range(n)
    ]
    return judge_gate(comparison_of(pairs), Gate(**settings))  # type: ignore[arg-type]


def test_gate_fails_on_a_drop_of_micro_f1() -> None:
    # 80 entities: F1 of 1 and of 2 * 76 / (80 + 76)
    result = gated(40, 36, max_drop=2.5)
    assert not result.passed
    assert gate_message(result) == (
        "Gate failed: micro F1 drops by 2.56 points, from 100.00 to 97.44 (2.5 allowed; "
        f"p = {result.drops[0].p:.4f})."
    )
    passed = gated(40, 36, max_drop=2.6)
    assert passed.passed
    assert gate_message(passed) == "Gate passed: micro F1 drops by no more than 2.6 points."
    assert gated(36, 40, max_drop=0).passed
    assert gated(36, 36, max_drop=0).passed
    assert not gated(36, 35, max_drop=0).passed


def test_types_without_gold_do_not_count_among_those_that_are_tested() -> None:
    def pairs(spurious: str) -> list[tuple[Document, Document]]:
        found = [(i, i + 1, label) for i, label in enumerate(spurious, start=2)]
        gold = [(0, 1, "A")]
        return [(make_document(gold, gold), make_document(gold, found)) for _ in range(8)]

    alone, among_many = comparison_of(pairs("")), comparison_of(pairs("BCDE"))
    assert alone.exact.types["A"].p_corrected == among_many.exact.types["A"].p_corrected
    assert alone.exact.types["A"].p_corrected.f1 < 0.05
    assert among_many.exact.types["B"].p_corrected == Measures(1.0, 1.0, 1.0)


def test_gate_fails_on_a_drop_of_a_type() -> None:
    result = gated(40, 36, max_drop=5, max_type_drop=5)
    assert not result.passed
    assert result.types == ["A", "B"]
    [drop] = result.drops
    assert (drop.type, drop.allowed) == ("A", 5)
    assert gate_message(result).startswith("Gate failed: F1 of A drops by 5.26 points")
    rare = gated(40, 36, max_type_drop=5, min_support=41)
    assert rare.passed
    assert "no type has 41 gold entities, so none was looked at" in gate_message(rare)


def test_gate_excuses_what_may_be_chance() -> None:
    # 4 of 4 documents in one direction: p = 2 / 2 ** 4
    result = gated(40, 36, max_drop=1, significant=True)
    assert result.passed
    assert result.drops[0].p == 0.125
    assert gate_message(result).startswith("Gate passed, not significant: micro F1 drops by 2.56")
    clear = gated(40, 20, max_drop=1, significant=True)
    assert not clear.passed


@pytest.mark.slow
def test_run_both_lets_go_of_the_first_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "A", "pattern": "fever"}])
    nlp.to_disk(tmp_path / "model")
    doc = nlp.make_doc("Some fever.")
    doc.set_ents([Span(doc, 1, 2, "A")])
    DocBin(docs=[doc]).to_disk(tmp_path / "dev.spacy")
    loaded: list[weakref.ref[Any]] = []
    load_pipeline = sources.load_pipeline

    def load(name: str) -> Any:
        gc.disable()  # run_both is to collect by itself
        assert all(ref() is None for ref in loaded)
        model = load_pipeline(name)
        loaded.append(weakref.ref(model))
        return model

    monkeypatch.setattr(sources, "load_pipeline", load)
    try:
        a, b = run_both(str(tmp_path / "model"), str(tmp_path / "model"), tmp_path / "dev.spacy")
    finally:
        gc.enable()
    assert len(loaded) == 2
    assert a.components == b.components == ["entity_ruler"]
    assert a.found.nlp is None
    assert a.found.documents == b.found.documents


def rules(patterns: dict[str, str]) -> spacy.language.Language:
    nlp = spacy.blank("en")
    rows = [{"label": label, "pattern": word} for word, label in patterns.items()]
    nlp.add_pipe("entity_ruler").add_patterns(rows)
    nlp.meta["name"] = f"knows_{len(rows)}"
    return nlp


@pytest.mark.slow
def test_compare_takes_pipelines_and_their_folders(tmp_path: Path) -> None:
    good, poor = rules({"fever": "A", "pain": "B"}), rules({"fever": "A"})
    DocBin(docs=[good("Some fever and pain .")] * 6).to_disk(tmp_path / "dev.spacy")
    poor.to_disk(tmp_path / "poor")
    comparison = compare(good, tmp_path / "poor", str(tmp_path / "dev.spacy"), samples=20)
    metrics = comparison.metrics
    assert (metrics.a.model, metrics.b.model) == ("en_knows_2", str(tmp_path / "poor"))
    assert metrics.a.components == ["entity_ruler"]
    assert (metrics.exact.micro.a.f1, metrics.exact.micro.b.recall) == (1.0, 0.5)
    assert [row["meta"]["kind"] for row in comparison.differences] == ["found_by_a_only"] * 6
    assert repr(comparison) == (
        f"<Comparison of en_knows_2 and {tmp_path / 'poor'} on {tmp_path / 'dev.spacy'}: "
        "F1 1.0000 and 0.6667, 6 differences>"
    )
    strict, lenient = Gate(max_drop=1.0), Gate(max_drop=50.0)
    assert not comparison.passed(strict)
    assert comparison.passed(lenient)
    assert comparison.with_gate(Gate()) == comparison
    assert metrics.gate is None
    comparison.with_gate(strict).write(tmp_path / "new" / "folder")
    written = json.loads((tmp_path / "new" / "folder" / "comparison.json").read_text("utf8"))
    assert not written["gate"]["passed"]
    assert from_json(ComparisonMetrics, written | {"gate": None}, "comparison") == metrics
    rows = (tmp_path / "new" / "folder" / "differences.jsonl").read_text("utf8").splitlines()
    assert [json.loads(row) for row in rows] == comparison.differences


def test_compare_says_which_of_two_pipelines_is_wrong(tmp_path: Path) -> None:
    good = rules({"fever": "A"})
    DocBin(docs=[good("Some fever .")]).to_disk(tmp_path / "dev.spacy")
    with pytest.raises(ValueError, match=r"B \(en_pipeline\): No component .* sets doc.ents"):
        compare(good, spacy.blank("en"), tmp_path / "dev.spacy")
