"""What several sections say of the same text is one task."""

from dataclasses import replace
from pathlib import Path

from spacy_ner_plus import SpanRecord, audit_data
from spacy_ner_plus.audit.inconsistency import find_inconsistency
from spacy_ner_plus.audit.inconsistency_review import SECTION, inconsistency_tasks
from spacy_ner_plus.audit.review_tasks import AUDIT, ReviewTask, review_records
from spacy_ner_plus.records import TextRecord
from tests.audit.corpora import make_corpus, record, write_parts

SOUND = [f"{word} [the Rhine](LOC) {word}ly" for word in ("slow", "wide", "deep", "quick", "cold")]
RULES = '```toml\nkind = "edge"\nlabel = "LOC"\nside = "left"\nwords = ["the"]\nrule = "%s"\n```\n'


def test_a_text_of_two_sections_is_one_task(tmp_path: Path) -> None:
    """The decision's entities are in it, and what the other section says of those that stay."""
    texts = [*SOUND, "see [the Rhine](ORG) and [Ann](LOC) by the [Ulm](LOC)", "nothing"]
    path = write_parts(tmp_path, {"train": texts})["train"]
    rules = tmp_path / "rules.md"
    rules.write_text(RULES % "inside", encoding="utf8")
    chosen = ["inconsistency", "decisions"]
    [task] = audit_data(path, guidelines=rules, sections=chosen).review
    places = {(span.text or "", span.label): span for span in task.spans or ()}
    assert {(task.text[s.start : s.end], s.label) for s in places.values()} == {
        ("the Rhine", "ORG"),
        ("Ann", "LOC"),
        ("the Ulm", "LOC"),
    }
    said = task.meta[AUDIT]
    assert list(said) == ["part", "where", *chosen]
    assert [one["suggested"] for one in said["inconsistency"]] == ["LOC"]
    assert said["decisions"]["places"][0]["suggested"][0]["text"] == "the Ulm"
    noted = [span for span in task.spans or () if AUDIT in span.meta]
    assert [span.label for span in noted] == ["ORG"]


def test_a_suggestion_is_none_where_a_decision_made_an_entity() -> None:
    last = record("see the Rhine today")
    corpus = make_corpus({"train": [*SOUND, last]})

    def decide(its: TextRecord) -> TextRecord:
        return replace(its, spans=(*(its.spans or ()), SpanRecord(4, 13, "LOC")))

    tasks = {SECTION: list(inconsistency_tasks(find_inconsistency(corpus)))}
    [alone] = review_records(corpus, tasks)
    assert [span.status for span in alone.spans or ()] == ["ignored"]
    later = {**tasks, "decisions": [ReviewTask("train", len(SOUND), [], decide)]}
    [task] = review_records(corpus, later)
    assert [(span.start, span.end, span.status) for span in task.spans or ()] == [(4, 13, None)]


def test_what_an_earlier_audit_said_goes(tmp_path: Path) -> None:
    """Also where `audit` is something of the user's that is no object."""
    old = [SpanRecord(0, 3, "LOC", meta={AUDIT: "old", "by": "us"})]
    corpus = make_corpus({"train": [TextRecord("Ulm", meta={AUDIT: 3}, spans=tuple(old))]})
    task = ReviewTask("train", 0, ["new"], lambda its: its)
    [made] = review_records(corpus, {"counts": [task]})
    assert [span.meta for span in made.spans or ()] == [{"by": "us"}]
    assert made.meta[AUDIT]["counts"] == ["new"]
