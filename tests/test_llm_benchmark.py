"""benchmarks/llm.py at its smallest, with a model that knows some words."""

import json
import re
from pathlib import Path

import pytest

from spacy_ner_plus import write
from spacy_ner_plus.records import SpanRecord, TextRecord
from tests import tiny
from tests.forked import python
from tests.killing import needs_fork
from tests.pipeline.llm_reading.fake_server import FakeServer, finds

ROOT = Path(__file__).parent.parent
LEXICON = {"aspirin": "Chemical", "fever": "Disease"}
TEXT = "Some aspirin against fever came ."


def gold() -> TextRecord:
    places = [(TEXT.index(word), word, label) for word, label in LEXICON.items()]
    spans = tuple(SpanRecord(at, at + len(word), label) for at, word, label in places)
    return TextRecord(TEXT, spans=spans)


@needs_fork
@pytest.mark.slow
def test_all_its_tables_are_printed(tmp_path: Path) -> None:
    tiny.save_encoder(tmp_path / "encoder", max_position_embeddings=300)
    write([gold()] * 12, tmp_path / "train.jsonl")
    write([gold()] * 4, tmp_path / "test.jsonl")
    (tmp_path / "labels.yml").write_text(json.dumps(["Chemical", "Disease"]), encoding="utf8")
    with FakeServer(finds(LEXICON)) as server:
        code, printed = python(
            [
                str(ROOT / "benchmarks" / "llm.py"), "train.jsonl", "test.jsonl",
                "--labels", "labels.yml", "--base-url", server.url, "--pool", "4",
                "--sentences", "4", "--steps", "1", "--encoder", "encoder",
            ],
            cwd=tmp_path,
        )  # fmt: skip
    assert code == 0, printed
    for way in ("zero-shot", "nearest", "diverse", "balanced"):
        assert re.search(rf"(?m)^{way} +100\.00 +100\.00 +100\.00 +8 +0 +0 +0 +0 +0 ", printed)
    assert "of 8 entities 0 removed, 0 added" in printed
    assert re.search(r"(?m)^language model +\d+\.\d\d$", printed)
    assert re.search(r"(?m)^gold +\d+\.\d\d$", printed)
