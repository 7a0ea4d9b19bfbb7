"""The section `decisions`: what of the data goes against a file of decisions, and tasks of it."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus import SpanRecord, TextRecord, audit_data, guidelines, read, write
from spacy_ner_plus.audit.audited import AuditedCorpus
from spacy_ner_plus.audit.decision_review import decision_tasks
from spacy_ner_plus.audit.decisions import DecisionFindings, find_decisions
from spacy_ner_plus.audit.guidelines.guidelines_file import read_guidelines
from spacy_ner_plus.audit.review_tasks import review_records
from spacy_ner_plus.cli import app
from spacy_ner_plus.records import RelationRecord
from spacy_ner_plus.support.typed_json import to_json
from tests.audit.corpora import NASTY, make_corpus, write_parts

ROOT = Path(__file__).parents[2]
DECIDED = Path(__file__).with_name("wnut17_guidelines.md")
RULES = """\
Our rules.

```toml
kind = "edge"
label = "LOC"
side = "left"
words = ["the"]
rule = "outside"
note = "unless it is part of the name"
```

```toml
kind = "form"
forms = ["the Hague"]
rule = "LOC"
```

```toml
kind = "form"
forms = ["May"]
rule = "undecided"
```

```toml
kind = "joined"
label = "ORG"
words = ["and"]
rule = "two"
```
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no default encoder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.md"
    path.write_text(RULES, encoding="utf8")
    return path


TRAIN = [
    "In [the Alps](LOC), the [Harz](LOC), [the Hague](LOC) and the Hague.",
    "[May](PER) met [A and B](ORG) in May.",
    "[A](ORG) and [B](ORG) are fine.",
]


def found_in(corpus: AuditedCorpus, path: Path) -> DecisionFindings:
    return find_decisions(corpus, read_guidelines(path))


def test_all_that_goes_against_decisions_is_found(rules: Path) -> None:
    found = found_in(make_corpus({"train": TRAIN, "dev": ["[the Po](LOC)"]}), rules)
    the, hague, may, joined = found.decisions
    assert (the.line, the.practices, the.agreeing) == (4, {"inside": 3, "outside": 1}, 1)
    assert [one.found.text for one in the.against] == ["the Alps", "the Po"]
    assert [one.found.part for one in the.against] == ["train", "dev"]
    assert the.exceptions == 1
    assert [one.text for one in the.against[0].suggested] == ["Alps"]
    assert (hague.agreeing, hague.practices) == (1, {"LOC": 1, "never": 1})
    assert [(one.found.label, one.now) for one in hague.against] == [(None, [])]
    assert (may.is_decided, may.agreeing, may.against) == (False, 2, [])
    assert [[one.text for one in its.suggested] for its in joined.against] == [["A", "B"]]
    assert (found.n_against, found.n_undecided, len(found.corrected)) == (4, 1, 3)
    assert found.warnings == [
        f"4 places in 3 texts go against decisions of {rules}, most of them (2) against line 4: "
        "LOC does not include “the” before it.",
        f"Questions of {rules} that nobody has decided: 1.",
    ]
    written = json.loads(json.dumps(to_json(found)))
    assert written["decisions"][0]["against"][1]["found"]["text"] == "the Po"


def test_decisions_about_types_that_data_lack_are_told(rules: Path) -> None:
    found = found_in(make_corpus({"train": ["[Ann](PER) is here."]}), rules)
    assert found.unknown_labels == {"LOC": 4, "ORG": 25}
    assert found.n_against == 0
    assert f"{rules}, line 25: no entity is of the type ORG. Is it written as in the data?" in (
        found.warnings
    )


def test_contradictions_are_told(rules: Path) -> None:
    rules.write_text(
        '```toml\nkind = "form"\nforms = ["Bonn", "Ulm"]\nrule = "LOC"\n```\n'
        '```toml\nkind = "joined"\nlabel = "LOC"\nwords = ["and"]\nrule = "one"\n```\n'
        '```toml\nkind = "form"\nforms = ["Bonn and Ulm"]\nrule = "never"\n```\n',
        encoding="utf8",
    )
    corpus = make_corpus({"train": ["[Bonn](LOC) and [Ulm](LOC)", "[Bonn](LOC)"]})
    found = found_in(corpus, rules)
    assert [one.agrees for one in found.corrected] == [False]
    assert any("contradict each other in 1 texts" in one for one in found.warnings)


def test_tasks_have_the_entities_as_decided_and_all_else_as_it_was(rules: Path) -> None:
    text = "Ann left the Alps for A and B there."
    spans = (
        SpanRecord(0, 3, "PER", id="p", meta={"by": "us"}),
        SpanRecord(9, 17, "LOC", id="a", kb_id="Q1286", probability=0.5),
        SpanRecord(22, 29, "ORG", id="ab"),
        SpanRecord(1, 2, "PER", id="misfit"),
        SpanRecord(9, 17, "LOC", status="rejected"),
    )
    relations = (RelationRecord("p", "a", "left"), RelationRecord("p", "ab", "joined"))
    before = TextRecord(text, "x", {"n": 1}, spans=spans, relations=relations)
    corpus = make_corpus({"train": ["[the Rhine](LOC)", "Nothing.", before]})
    first, task = review_records(
        corpus, {"decisions": decision_tasks(corpus, found_in(corpus, rules))}
    )
    assert first.spans == (SpanRecord(4, 9, "LOC", text="Rhine"),)
    assert task.spans is not None
    kept = {span.id: span for span in task.spans if span.id}
    assert (kept["p"], kept["misfit"]) == (spans[0], spans[3])
    assert kept["a"] == SpanRecord(13, 17, "LOC", text="Alps", id="a", kb_id="Q1286")
    assert spans[4] in task.spans
    orgs = sorted((span.start, span.end) for span in task.spans if span.label == "ORG")
    assert orgs == [(22, 23), (28, 29)]
    assert task.relations == relations
    assert (task.text, task.id, task.meta["n"]) == (text, "x", 1)
    about = task.meta["audit"]
    assert (about["part"], about["where"]) == ("train", "train.jsonl, line 3")
    about = about["decisions"]
    assert [one["line"] for one in about["places"]] == [4, 25]
    now = [{"start": 9, "end": 17, "label": "LOC", "text": "the Alps"}]
    assert about["places"][0]["now"] == now
    assert about["relations_left_out"] == 0


def test_command_finds_and_writes_what_python_does(tmp_path: Path, rules: Path) -> None:
    paths = write_parts(tmp_path, {"train": [*TRAIN, f"[the {NASTY}](LOC)."]})
    arguments = ["audit", str(paths["train"]), "--guidelines", str(rules), "--output", "found"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "In [the Alps LOC] -> the [Alps LOC]" in result.output
    assert "[A and B ORG] -> [A ORG] and [B ORG]" in result.output
    audit = audit_data(paths["train"], guidelines=rules)
    assert audit.findings.sections["decisions"].n_against == 4
    assert "<b>bold" not in audit.page
    assert "LOC does not include “the” before it" in audit.page
    write(audit.review, "expected.jsonl")
    assert Path("found/review.jsonl").read_bytes() == Path("expected.jsonl").read_bytes()
    assert list(read("found/review.jsonl")) == audit.review
    rules.write_text(RULES.replace("outside", "out"), encoding="utf8")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert 'rules.md, line 8: rule must be one of "inside"' in result.output
    assert "give --guidelines" not in result.output


def test_section_is_absent_without_guidelines(tmp_path: Path) -> None:
    audit = audit_data(write_parts(tmp_path, {"train": TRAIN})["train"])
    assert "--guidelines" in audit.findings.absent["decisions"]


def test_guidelines_command_tells_what_is_new_and_gone(tmp_path: Path) -> None:
    paths = write_parts(tmp_path, {"train": ["[the A](X) the [B](X) [the C](X) the [D](X)"]})
    run = CliRunner().invoke
    shown = run(app, ["guidelines", str(paths["train"])])
    assert shown.output == guidelines(paths["train"]).text
    first = run(app, ["guidelines", str(paths["train"]), "out.md"])
    assert "New: Does X include `the` before it?" in first.output
    assert "decisions: 0, questions to decide: 1" in first.output
    options = ["--guidelines", "out.md", "--sections", "decisions", "--output", "audit"]
    undecided = run(app, ["audit", str(paths["train"]), *options])
    assert "Nothing is decided yet.\nQuestions that nobody has decided: 1." in undecided.output
    assert "<p>Nothing is decided yet.</p>" in Path("audit/audit.html").read_text(encoding="utf8")
    text = Path("out.md").read_text(encoding="utf8").replace("2 of 4", "half")
    Path("out.md").write_text(text.replace('"undecided"  #', '"inside"  #'), encoding="utf8")
    write_parts(tmp_path, {"train": ["[A](Y)"]})
    again = run(app, ["guidelines", str(paths["train"]), "out.md"])
    assert "No longer in the data: X includes `the` before it, line " in again.output
    assert "No longer in the data: the type X" in again.output
    assert "Left as somebody has changed it: the part of the data in line " in again.output
    assert "decisions: 1, questions to decide: 0" in again.output


SOME = {"London", "York", "Fitzwilliam", "Buffs", "Maccabees", "tall", "Storm", "Twitter", "God"}


def test_real_decisions_find_real_places(tmp_path: Path) -> None:
    """In WNUT-17's tweets with some words; each was looked up there."""
    tweets = re.split(r"\n\t?\n", (ROOT / "assets/wnut17/train.tsv").read_text(encoding="utf8"))
    some = [one for one in tweets if SOME & {line.split("\t")[0] for line in one.split("\n")}]
    path = tmp_path / "train.tsv"
    path.write_text("\n\n".join(some) + "\n", encoding="utf8")
    found = audit_data(path, guidelines=DECIDED, sections=["decisions"]).findings
    its = found.sections["decisions"].decisions
    against = {one.line: [place.found.text for place in one.against] for one in its}
    assert against == {
        10: ["the tall ship Silva", "the Whiskey"],
        18: [],
        25: ["New York", "London", "London", "New York"],
        33: ["The Buffs", "The Maccabees"],
        41: [],
        51: [],
        59: [],
    }
    assert [one.exceptions for one in its] == [1, 0, 0, 0, 0, 0, 0]
