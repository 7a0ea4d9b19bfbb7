"""Texts in files through a language model to annotated texts, by function and by command."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from spacy_ner_plus import annotate_llm, read, write
from spacy_ner_plus.cli import app
from spacy_ner_plus.records import SpanRecord, TextRecord
from tests.pipeline.llm_reading.fake_server import FakeServer, finds, rows, says

LEXICON = {"aspirin": "Chemical", "fever": "Disease", "rash": "Disease"}
TEXTS = ["aspirin for fever", "nothing here", "a rash . Then aspirin"]
SECRET = "sk-very-secret-0123456789"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    lines = [json.dumps({"id": f"t{i}", "text": text}) for i, text in enumerate(TEXTS)]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    (tmp_path / "labels.yml").write_text(
        "labels:\n  Chemical: a substance\n  Disease:\n    description: an illness\n"
        "    examples: [flu, gout]\n",
        encoding="utf8",
    )
    return tmp_path


def annotate(folder: Path, server: FakeServer, name: str = "out.jsonl", **settings: Any) -> Any:
    return annotate_llm(
        folder / "texts.jsonl",
        folder / name,
        labels=folder / "labels.yml",
        base_url=server.url,
        model="tiny",
        **{"schema": "never", "max_attempts": 1} | settings,
    )


def command(folder: Path, server: FakeServer, *more: str) -> Result:
    return CliRunner().invoke(
        app,
        [
            "annotate-llm", str(folder / "texts.jsonl"), str(folder / "out.jsonl"),
            "--labels", str(folder / "labels.yml"), "--base-url", server.url, "--model", "tiny",
            *more,
        ],
    )  # fmt: skip


def test_records_say_what_was_found_and_how(folder: Path) -> None:
    with FakeServer(finds(LEXICON)) as server:
        summary = annotate(folder, server)
    records = list(read(folder / "out.jsonl"))
    assert [record.id for record in records] == ["t0", "t1", "t2"]
    assert [[(s.text, s.label) for s in r.spans or ()] for r in records] == [
        [("aspirin", "Chemical"), ("fever", "Disease")],
        [],
        [("rash", "Disease"), ("aspirin", "Chemical")],
    ]
    span = (records[0].spans or ())[0]
    assert (span.status, span.grounding, span.probability) == ("accepted", "exact", None)
    assert records[0].annotated_labels == ("Chemical", "Disease")
    provenance = records[0].meta["llm"]
    assert (provenance["model"], provenance["served_as"]) == ("tiny", ["tiny-1"])
    assert summary.entities == {"Chemical": 2, "Disease": 2}
    assert summary.counts == {"exact": 4}
    assert "(such as flu, gout)" in server.requests[0]["messages"][0]["content"]


def test_nothing_of_the_key_is_kept(folder: Path) -> None:
    with FakeServer(finds(LEXICON)) as server:
        annotate(folder, server)
    assert f"Bearer {SECRET}" in server.headers[0]["Authorization"]
    for path in folder.iterdir():
        assert SECRET not in path.read_text(encoding="utf8")


def test_what_has_no_place_is_in_the_meta(folder: Path) -> None:
    with FakeServer(lambda _: says(rows(("gout", "Disease"), ("rash", "Gene")))) as server:
        summary = annotate(folder, server)
    records = list(read(folder / "out.jsonl"))
    assert all(not record.spans for record in records)
    assert records[0].meta["ungrounded"] == [
        {"text": "gout", "label": "Disease", "reason": "absent", "start": 0, "end": 17}
    ]
    assert summary.counts == {"absent": 3, "other_label": 3}
    assert summary.other_labels == {"Gene": 3}
    lines = "\n".join(summary.lines())
    assert "3 absent: the text does not have it" in lines
    assert "Labels that were not asked for: 'Gene'" in lines


def test_where_nobody_answered_nothing_is_known(folder: Path) -> None:
    with FakeServer(lambda _: says("I can't.")) as server:
        annotate(folder, server)
    assert [record.unknown for record in read(folder / "out.jsonl")] == [
        ((0, len(text)),) for text in TEXTS
    ]


def test_a_budget_keeps_what_is_done_and_the_same_call_goes_on(folder: Path) -> None:
    with FakeServer(finds(LEXICON)) as server:
        first = annotate(folder, server, max_total_tokens=1500, workers=1)
        assert first.not_asked
        assert [record.id for record in read(folder / "out.jsonl")] == ["t0", "t1"]
        with pytest.raises(ValueError, match="is there already"):
            annotate(folder, server)
        second = annotate(folder, server, overwrite=True)
    assert not second.not_asked
    assert second.requests["cached"] == 2
    assert len(server.requests) == 3
    assert len(list(read(folder / "out.jsonl"))) == 3


def test_without_a_cache_there_is_none(folder: Path) -> None:
    with FakeServer(finds(LEXICON)) as server:
        annotate(folder, server, use_cache=False)
        assert not list(folder.glob("*.answers"))
        annotate(folder, server, name="other.jsonl", cache=folder / "kept")
    assert (folder / "kept").stat().st_mode & 0o077 == 0


def test_examples_are_taken_from_annotated_texts(folder: Path) -> None:
    spans = (SpanRecord(0, 9, "Chemical"),)
    write(
        [
            TextRecord("Ibuprofen for fever . No rash", spans=spans),
            TextRecord("unknown"[:7], spans=None),
        ],
        folder / "train.jsonl",
    )
    with FakeServer(finds(LEXICON)) as server:
        summary = annotate(folder, server, examples=folder / "train.jsonl", n_shots=2)
        assert summary.examples == 2
        assert summary.examples_left_out == {"not_annotated": 1}
        write([TextRecord("unknown", spans=None)], folder / "none.jsonl")
        with pytest.raises(ValueError, match="No sentence of"):
            annotate(folder, server, name="x.jsonl", examples=folder / "none.jsonl")
    turns = [one["content"] for one in server.requests[0]["messages"][1:-1]]
    assert any("Ibuprofen for fever ." in turn for turn in turns)


def test_spacy_files_can_be_trained_on(folder: Path) -> None:
    with FakeServer(finds(LEXICON)) as server:
        annotate(folder, server, name="out.spacy")
    records = list(read(folder / "out.spacy"))
    assert [len(record.spans or ()) for record in records] == [2, 0, 2]
    assert records[0].annotated_labels == ("Chemical", "Disease")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": "none.yml"}, "can't be read"),
        ({"extra": "["}, "no JSON"),
        ({"extra": "[]"}, "object of fields"),
        ({"lang": "qq"}, "--lang qq"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"name": "out.what"}, "does not tell"),
        ({"chunk_tokens": 5}, "less than chunk_tokens"),
    ],
)
def test_wrong_arguments_are_refused_before_anybody_is_asked(
    folder: Path, settings: dict[str, Any], message: str
) -> None:
    with FakeServer(finds(LEXICON)) as server, pytest.raises(ValueError, match=message):
        own = {"labels": folder / "labels.yml", "name": "out.jsonl"} | settings
        annotate_llm(
            folder / "texts.jsonl",
            folder / own.pop("name"),
            base_url=server.url,
            model="tiny",
            **own,
        )
    assert not server.requests


@pytest.mark.parametrize("content", ["[", "3", "labels: {}", "- 1", "A: [x]"])
def test_wrong_labels_are_refused(folder: Path, content: str) -> None:
    (folder / "labels.yml").write_text(content, encoding="utf8")
    with FakeServer(finds(LEXICON)) as server, pytest.raises(ValueError, match=r"labels\.yml"):
        annotate(folder, server)


def test_the_command_tells_what_came_of_it(folder: Path) -> None:
    with (folder / "texts.jsonl").open("a", encoding="utf8") as file:
        file.write('{"no": "text"}\n')
    with FakeServer(finds(LEXICON)) as server:
        result = command(folder, server, "--extra", '{"top_k": 3, "seed": null}')
        again = command(folder, server)
    assert result.exit_code == 0, result.output
    assert "3 documents with 4 entities (2 Chemical, 2 Disease)" in result.stdout
    assert "Requests: 3 answered, 0 from the cache" in result.stdout
    assert "1 rows are no texts" in result.stderr
    assert server.requests[0]["top_k"] == 3
    assert "seed" not in server.requests[0]
    assert again.exit_code == 1
    assert "is there already" in again.stderr


def test_the_command_says_when_a_budget_is_spent(folder: Path) -> None:
    with FakeServer(finds(LEXICON)) as server:
        prices = ("--prompt-price", "1000", "--max-cost", "1.5", "--workers", "1")
        result = command(folder, server, *prices)
    assert result.exit_code == 1
    assert "Stopped: the budget is spent" in result.stderr
    assert "cost 2.0000" in result.stdout
