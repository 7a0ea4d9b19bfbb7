"""`ner-plus weak-label`: texts and rules in, records with probabilities and statuses out."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from typer.testing import CliRunner

from spacy_ner_plus import convert, read, weak_label
from spacy_ner_plus.cli import app

CITIES, PEOPLE = ("Oslo", "Rome", "Bergen"), ("Anna", "Kari")
TEXTS = [f"{p} saw {c} ." for p in (*PEOPLE, "Rome") for c in CITIES] * 3 + ["Nothing here ."]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"text": text, "id": i} for i, text in enumerate(TEXTS)]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "cities.txt").write_text("".join(f"{city}\n" for city in CITIES))
    rules = [
        {"label": "LOC", "regex": r"(?<=saw )\w+", "rule": "after saw"},
        {"label": "PER", "regex": r"\w+(?= saw)", "rule": "before saw"},
        {"label": "PER", "phrase": "Anna", "rule": "names"},
        {"label": "PER", "phrase": "Kari", "rule": "names"},
        {"regex": r"\bBergen\b", "rule": "no city", "kind": "block"},
    ]
    (tmp_path / "rules.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rules))
    return tmp_path


@Language.component("weak_label_test_finder")
def find_oslo(doc: Doc) -> Doc:
    """A pipeline that knows one city."""
    doc.ents = [doc[i : i + 1] for i in range(0)]
    spans = [doc.char_span(t.idx, t.idx + len(t), label="LOC") for t in doc if t.text == "Oslo"]
    doc.ents = [span for span in spans if span is not None]
    return doc


def test_votes_of_rules_lists_and_pipelines_make_records(folder: Path) -> None:
    nlp = spacy.blank("en")
    nlp.meta["name"] = "finder"
    nlp.add_pipe("weak_label_test_finder")
    out = folder / "weak.jsonl"
    done = weak_label(
        folder / "texts.jsonl",
        out,
        rules=[folder / "rules.jsonl", folder / "cities.txt"],
        pipelines=[nlp],
        label="LOC",
    )
    names = [voter.name for voter in done.voters]
    assert sorted(names) == [
        "after saw", "before saw", "cities", "en_finder", "names", "no city"
    ]  # fmt: skip
    assert (done.documents, done.candidates) == (28, 54)
    by_name = {voter.name: voter for voter in done.voters}
    assert by_name["no city"].blocks == 9 and by_name["no city"].votes == 0
    assert by_name["before saw"].labels == ["PER"] and by_name["before saw"].votes == 27
    assert by_name["names"].votes == 18 and by_name["en_finder"].votes == 9
    pairs = {frozenset((pair.one, pair.other)): pair for pair in done.pairs}
    conflict = pairs[frozenset(("before saw", "cities"))]
    assert (conflict.conflict, conflict.agree) == (9, 0)
    assert conflict.example == f"Rome: {'PER, LOC' if conflict.one == 'before saw' else 'LOC, PER'}"
    assert pairs[frozenset(("after saw", "en_finder"))].agree == 9
    records = list(read(out))
    assert [(record.text, record.id) for record in records] == list(
        zip(TEXTS, range(28), strict=True)
    )
    first = {span.label: span for span in records[0].spans or ()}
    assert first["LOC"].status == "accepted" and first["LOC"].text is None
    assert first["LOC"].meta["votes"] == {"after saw": "LOC", "cities": "LOC", "en_finder": "LOC"}
    assert first["PER"].probability is not None
    assert records[-1].spans == ()
    totals = [sum(counts.values()) for counts in (done.accepted, done.rejected, done.ignored)]
    assert sum(totals) >= 54 and totals[0] > 20
    # the same again gives the same bytes
    before = out.read_bytes()
    weak_label(folder / "texts.jsonl", out, rules=[folder / "rules.jsonl", folder / "cities.txt"],
               pipelines=[nlp], label="LOC")  # fmt: skip
    assert out.read_bytes() == before
    convert(out, folder / "weak.spacy")


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["weak-label", *map(str, arguments)])
    return result.exit_code, result.output


def test_command(folder: Path) -> None:
    out = folder / "weak.jsonl"
    code, output = run(
        folder / "texts.jsonl", out, "--rules", folder / "rules.jsonl", "--label", "X", "--rules",
        folder / "cities.txt", "--threshold", 0.9, "--unknown-outside",
    )  # fmt: skip
    assert code == 0, output
    shown = " ".join(output.split())
    assert "28 texts, 54 candidates; accepted from 0.9 on, rejected up to 0.2." in shown
    assert "Voters that meet" in shown and f"Wrote {out}" in output.replace("\n", "")
    assert next(read(out)).unknown == ((0, len(TEXTS[0])),)
    code, output = run(
        folder / "texts.jsonl", out, "--rules", folder / "cities.txt", "--label", "LOC", "--json"
    )
    assert code == 0, output
    assert "Warning: only 1 voted for anything" in output
    assert json.loads(output[output.index("{") :])["voters"][0]["name"] == "cities"


def test_wrong_calls(folder: Path) -> None:
    texts, out = folder / "texts.jsonl", folder / "weak.jsonl"
    with pytest.raises(ValueError, match="nobody to vote: give --rules or --pipeline"):
        weak_label(texts, out)
    with pytest.raises(ValueError, match=r"must be a \.jsonl file"):
        weak_label(texts, folder / "weak.spacy", rules=[folder / "cities.txt"])
    (folder / "none.txt").write_text("Tokyo\n")
    with pytest.raises(ValueError, match="No voter votes for anything in the 28 texts"):
        weak_label(texts, out, rules=[folder / "none.txt"], label="LOC")
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match="Two voters are called 'en_pipeline'"):
        weak_label(texts, out, pipelines=[nlp, nlp])
    texts.write_text('{"text": "Oslo"}\n{"txt": 1}\n')
    with pytest.raises(
        ValueError, match=r"1 rows of .*can't be read:\n  texts\.jsonl, row 2: ther"
    ):
        weak_label(texts, out, rules=[folder / "cities.txt"], label="LOC")
    assert not out.exists()
