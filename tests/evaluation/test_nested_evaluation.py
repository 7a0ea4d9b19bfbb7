"""Evaluating and comparing pipelines whose entities are inside of others."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner, Result

from spacy_ner_plus import compare, convert, evaluate, predict
from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.annotation.nested_gold import GoldSources
from spacy_ner_plus.cli import app
from spacy_ner_plus.evaluation.entity_types import labels_of
from tests.pipeline.lookup_pipelines import add_lookup
from tests.pipeline.nested_toy import GOLD, KEY, TEXT, add_nested, nested_doc, write_nested

FEW = {"samples": 20}
N = 4


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_nested(tmp_path / "nested.spacy", N)


@pytest.fixture
def nested() -> Language:
    nlp = spacy.blank("en")
    add_nested(nlp)
    return nlp


@pytest.fixture
def flat() -> Language:
    """Finds the outermost entities, all but the campus, and no others."""
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    patterns = {"University of California at Berkeley": "ORG", "California": "LOC"}
    ruler.add_patterns([{"label": label, "pattern": text} for text, label in patterns.items()])
    return nlp


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output + result.stderr
    return result


def test_a_pipeline_with_nested_entities_needs_no_flag(nested: Language, data: Path) -> None:
    found = evaluate(nested, data, **FEW)
    metrics = found.metrics
    assert (metrics.spans_key, metrics.predicted_key) == (KEY, KEY)
    assert metrics.counts.documents_without_annotation == 1
    micro = metrics.exact.micro
    assert (micro.tp, micro.fp, micro.fn) == (4 * N, N, N)
    assert metrics.partial.strict.correct == micro.tp
    assert [row["meta"]["kind"] for row in found.errors] == ["inner_missed", "label_spurious"] * N
    nesting = metrics.nesting
    assert nesting is not None
    assert (nesting.outer.f1, nesting.outer.gold) == (1.0, 2 * N)
    assert (nesting.inner.recall, nesting.inner.precision) == (2 / 3, 2 / 3)
    assert [its.gold for its in nesting.depths] == [2 * N, 2 * N, N]
    assert metrics.confidence is not None
    levels = metrics.confidence.levels
    assert {name: its.n for name, its in levels.items()} == {
        "outermost": 2 * N,
        "inside others": 3 * N,
    }
    assert levels["inside others"].mean_probability == pytest.approx((0.8 + 0.7 + 0.2) / 3)
    assert sorted(metrics.types.shared) == ["LOC", "ORG"]
    assert metrics.types.predicted_only == {"PER": N}


def test_a_flag_overrides_what_the_pipeline_says(nested: Language, data: Path) -> None:
    with pytest.raises(
        ValueError, match=r"sets doc\.ents.*doc\.spans\['nested'\].*--predicted-key"
    ):
        evaluate(nested, data, spans_key="doc.ents", **FEW)
    found = evaluate(nested, data, spans_key="doc.ents", predicted_key=KEY, **FEW).metrics
    assert (found.spans_key, found.predicted_key) == (None, KEY)
    assert found.counts.gold == 2 * N
    with pytest.raises(ValueError, match=r"None of the 5 documents .* doc\.spans\['other'\]"):
        evaluate(nested, data, spans_key="other", **FEW)


def test_flat_entities_are_compared_with_nested_ones_if_told(flat: Language, data: Path) -> None:
    assert evaluate(flat, data, **FEW).f1 == 1.0
    found = evaluate(flat, data, spans_key=KEY, predicted_key="doc.ents", **FEW).metrics
    micro = found.exact.micro
    assert (micro.tp, micro.fp, micro.fn) == (2 * N, 0, 3 * N)
    assert found.nesting is not None and found.nesting.inner.f1 == 0.0
    assert found.confidence is None


def test_a_flat_component_beside_is_none_of_it(nested: Language, data: Path) -> None:
    """Neither its entities, nor its types and thresholds."""
    alone = evaluate(nested, data, **FEW).metrics
    lookup = add_lookup(nested, {"Berkeley": ("Place", 0.9)})
    lookup.threshold = {"Place": 0.5}
    assert labels_of(nested, EntitySource(KEY)) == {"ORG", "LOC", "PER"}
    assert labels_of(nested) == {"Place"}
    both = evaluate(nested, data, **FEW).metrics
    assert both.exact == alone.exact
    assert both.confidence == alone.confidence
    assert both.types == alone.types
    ents = evaluate(nested, data, spans_key="doc.ents", **FEW).metrics
    assert ents.types.predicted_only == {"Place": N}


def test_types_that_get_one_name_are_one_entity(nested: Language, data: Path) -> None:
    metrics = evaluate(nested, data, label_map={"PER": "LOC"}, **FEW).metrics
    assert (metrics.exact.micro.tp, metrics.exact.micro.fp) == (4 * N, 0)
    assert metrics.counts.repeated == N


def test_the_commands_say_where_entities_are(nested: Language, data: Path, tmp_path: Path) -> None:
    nested.to_disk(tmp_path / "model")
    out = tmp_path / "out"
    result = run("evaluate", tmp_path / "model", data, "--samples", 20, "--output", out)
    assert "Entities are those in doc.spans['nested']." in result.output
    assert "Entities inside of others" in result.output
    assert "further type spurious" in result.output
    page = (out / "report.html").read_text(encoding="utf8")
    assert 'id="nesting"' in page and "inside another of their own type" in page
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf8"))
    assert metrics["nesting"]["gold"]["nested_in_own_label"] == N
    assert "inside others" in run("report", out).output


def test_predictions_of_overlapping_spans_go_to_files_and_back(
    nested: Language, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    assert predict(nested, data, out).counts.entities == 5 * N
    rows = [json.loads(line) for line in out.read_text(encoding="utf8").splitlines()]
    assert [len(row["spans"]) for row in rows] == [5] * N + [0]
    assert {span["probability"] for span in rows[0]["spans"]} == {0.9, 0.8, 0.7, 0.2}
    direct = evaluate(nested, data, **FEW).metrics
    read = evaluate(out, data, spans_key=KEY, **FEW).metrics
    assert (read.exact, read.nesting) == (direct.exact, direct.nesting)
    assert read.errors == direct.errors and read.partial == direct.partial
    with pytest.raises(ValueError, match="leave out where those of a pipeline are"):
        evaluate(out, data, predicted_key=KEY, **FEW)
    convert(out, tmp_path / "back.spacy", spans_key=KEY)
    docs = list(DocBin().from_disk(tmp_path / "back.spacy").get_docs(Vocab()))
    expected = nested(TEXT)
    for doc in docs[:N]:
        assert EntitySource(KEY).spans(doc) == EntitySource(KEY).spans(expected)
        assert sorted(doc.spans[KEY].attrs["scores"]) == [0.2, 0.7, 0.8, 0.8, 0.9]


def test_flat_gold_and_overlapping_predictions_are_told(
    nested: Language, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    run_of_file = ("evaluate", out, data, "--samples", 20)
    predict(nested, data, out)
    assert "--spans-key KEY takes those in doc.spans." in run(*run_of_file).output
    assert "overlap each other" not in run(*run_of_file, "--spans-key", KEY).output


def test_predict_takes_doc_ents_if_told(flat: Language, data: Path, tmp_path: Path) -> None:
    add_nested(flat)
    assert predict(flat, data, tmp_path / "nested.jsonl").counts.entities == 5 * N
    found = predict(flat, data, tmp_path / "flat.jsonl", spans_key="doc.ents")
    assert found.counts.entities == 2 * N
    found = predict(flat, data, tmp_path / "all.spacy")
    [doc, *_] = DocBin().from_disk(tmp_path / "all.spacy").get_docs(Vocab())
    assert len(doc.spans[KEY]) == 5 and len(doc.ents) == 2


def test_flat_and_nested_pipelines_are_compared_on_nested_gold(
    flat: Language, nested: Language, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The flat one runs again for that, unless a flag says it beforehand."""
    found = compare(flat, nested, data, samples=20, swaps=20).metrics
    assert "A runs again: gold entities are those in doc.spans['nested']" in capsys.readouterr().out
    told = compare(
        flat, nested, data, spans_key=KEY, key_a="doc.ents", samples=20, swaps=20
    ).metrics
    assert "again" not in capsys.readouterr().out
    assert (found.exact, found.nesting, found.errors) == (told.exact, told.nesting, told.errors)
    assert (found.spans_key, found.a.spans_key, found.b.spans_key) == (KEY, None, KEY)
    assert (found.exact.micro.a.tp, found.exact.micro.b.tp) == (2 * N, 4 * N)
    assert found.nesting is not None
    inner = found.nesting.inner
    assert (inner.a.f1, inner.b.f1, inner.difference) == pytest.approx((0.0, 2 / 3, 2 / 3))
    assert inner.interval == pytest.approx((2 / 3, 2 / 3))
    assert found.nesting.outer.interval == (0.0, 0.0)
    back = compare(nested, flat, data, samples=20, swaps=20).metrics
    assert back.nesting is not None and back.nesting.inner.difference == pytest.approx(-2 / 3)


def test_gold_of_doc_ents_counts_where_the_component_learns_it(
    flat: Language, nested: Language, tmp_path: Path
) -> None:
    """Of a flat corpus nothing would be scored else."""
    docs = [nested_doc(nested.vocab, key="other") for _ in range(N)]
    DocBin(docs=docs).to_disk(tmp_path / "flat.spacy")
    with pytest.raises(ValueError, match=r"None of the 4 documents .* in doc.spans\['nested'\]"):
        evaluate(nested, tmp_path / "flat.spacy", samples=20)
    toy: Any = nested.get_pipe("nested_lookup")
    toy.gold_sources = GoldSources(KEY)
    counts = evaluate(nested, tmp_path / "flat.spacy", samples=20).metrics.exact.micro
    assert (counts.tp, counts.fn) == (2 * N, 0)
    found = compare(flat, nested, tmp_path / "flat.spacy", samples=20, swaps=20).metrics
    assert (found.exact.micro.a.tp, found.exact.micro.b.tp) == (2 * N, 2 * N)
    assert (found.a.spans_key, found.b.spans_key) == (None, KEY)
    assert found.gold_in_ents


def test_annotation_that_is_on_no_tokens_counts_where_doc_ents_is_learned(
    nested: Language, tmp_path: Path
) -> None:
    text = {"text": "Annual", "spans": [{"start": 0, "end": 3, "label": "PER"}]}
    (tmp_path / "in.jsonl").write_text(json.dumps(text), encoding="utf8")
    convert(tmp_path / "in.jsonl", tmp_path / "flat.spacy", misaligned="missing")
    toy: Any = nested.get_pipe("nested_lookup")
    toy.gold_sources = GoldSources(KEY)
    found = evaluate(nested, tmp_path / "flat.spacy", samples=20).metrics
    assert (found.counts.off_tokens, found.exact.micro.fn) == (1, 1)


def test_a_file_is_compared_with_a_nested_pipeline(
    nested: Language, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    predict(nested, data, out)
    found = compare(out, nested, data, samples=20, swaps=20)
    assert not found.differences
    assert found.metrics.spans_key == KEY
    assert found.metrics.exact.micro.a == found.metrics.exact.micro.b


def test_pipelines_with_entities_at_different_keys_need_a_flag(
    nested: Language, data: Path, tmp_path: Path
) -> None:
    other = spacy.blank("en")
    add_nested(other, nested_key="other")
    docs = [nested_doc(other.vocab) for _ in range(2)]
    for doc in docs:
        doc.spans["other"] = list(doc.spans[KEY])[:2]
    DocBin(docs=docs).to_disk(tmp_path / "both.spacy")
    with pytest.raises(ValueError, match=r"A in doc\.spans\['nested'\] and B in .*--key-a"):
        compare(nested, other, tmp_path / "both.spacy", samples=20, swaps=20)
    found = compare(
        nested, other, tmp_path / "both.spacy", spans_key=KEY, key_b="other", samples=20, swaps=20
    )
    assert found.metrics.a.spans_key == KEY and found.metrics.b.spans_key == "other"
    assert not found.differences
    assert found.metrics.counts.gold == 2 * len(GOLD)


def test_compare_prints_entities_inside_of_others(
    flat: Language, nested: Language, data: Path, tmp_path: Path
) -> None:
    for name, nlp in (("flat", flat), ("nested", nested)):
        nlp.to_disk(tmp_path / name)
    options = ("--samples", 20, "--swaps", 20, "--spans-key", KEY, "--key-a", "doc.ents")
    output = run("compare", tmp_path / "flat", tmp_path / "nested", data, *options).output
    assert "Gold entities are those in doc.spans['nested']." in output
    assert "Those of A are in doc.ents." in output
    [row] = [line for line in output.splitlines() if line.startswith("inside others")]
    assert row.split()[2:] == [
        "12",
        "0.00",
        "66.67",
        "0.00",
        "66.67",
        "+66.67",
        "+66.67",
        "to",
        "+66.67",
    ]
