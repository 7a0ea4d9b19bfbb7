"""The work folder of a run, without a pipeline, killed at every step."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from spacy_ner_plus.prediction.journal import ChunkCounts, Journal
from spacy_ner_plus.prediction.outputs import concatenate
from tests.killing import killed_at_each_step, needs_fork
from tests.training.runs import read_tree

IDENTITY = {"chunk size": 1}
COUNTS = ChunkCounts(documents=1, words=2, entities=1, rejects=1)


def fill(part: Path, rejects: Path) -> ChunkCounts:
    part.write_text("a result\n")
    rejects.write_text("a reject\n")
    return COUNTS


def join_files(parts: Sequence[Path], path: Path) -> None:
    path.mkdir()
    for number, part in enumerate(parts):
        (path / f"{number}.spacy").write_bytes(part.read_bytes())


def go_on(output: Path, n_chunks: int) -> int:
    """Write chunks that are not there yet. RETURNS (int): How many were there."""
    with Journal(output) as journal:
        counts = journal.open(IDENTITY, overwrite=False)
        done = len(journal.chunks())
        assert counts.documents == done  # each was verified
        for number in range(done, n_chunks):
            journal.commit(number, fill)
    return done


def finish(output: Path) -> None:
    with Journal(output) as journal:
        journal.open(IDENTITY, overwrite=False)
        journal.finish(join_files if output.suffix == "" else concatenate)


def read(folder: Path) -> dict[str, bytes]:
    return {name: text for name, text in read_tree(folder).items() if not name.endswith("lock")}


@pytest.mark.slow
@needs_fork
def test_kill_at_each_step_leaves_whole_chunks_only(tmp_path: Path) -> None:
    before, whole = tmp_path / "before", tmp_path / "whole"
    before.mkdir()
    go_on(whole / "out.jsonl", 3)
    found = []
    for folder in killed_at_each_step(before, lambda folder: go_on(folder / "out.jsonl", 2)):
        found.append(go_on(folder / "out.jsonl", 3))
        assert read(folder) == read(whole)
    assert set(found) == {0, 1, 2}
    assert found == sorted(found)


@pytest.mark.slow
@needs_fork
@pytest.mark.parametrize("name", ["out.jsonl", "out"])
def test_kill_at_each_step_of_the_end_leads_to_the_same_output(name: str, tmp_path: Path) -> None:
    before, whole = tmp_path / "before", tmp_path / "whole"
    go_on(before / name, 2)
    go_on(whole / name, 2)
    finish(whole / name)
    results = b"a result\n" * 2
    parts = {"out/0.spacy": b"a result\n", "out/1.spacy": b"a result\n"}
    expected = {f"{name}.rejects.jsonl": b"a reject\n" * 2}
    expected |= {name: results} if name == "out.jsonl" else parts
    assert read(whole) == expected
    n_unfinished = 0
    for folder in killed_at_each_step(before, lambda folder: finish(folder / name)):
        if (folder / f"{name}.unfinished").exists():
            n_unfinished += 1
            finish(folder / name)
        found = read(folder)
        removed = {path for path in found if path.startswith(f"{name}.removed/")}
        assert {path: found[path] for path in found.keys() - removed} == expected
    assert n_unfinished > 10


def test_chunks_of_earlier_versions_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "out.jsonl.unfinished"
    (folder / "00000000").mkdir(parents=True)
    (folder / "run.json").write_text('{"chunk size": 1}')
    fill(folder / "00000000" / "part", folder / "00000000" / "rejects.jsonl")
    part, rejects = (hashlib.sha256(f"a re{s}\n".encode()).hexdigest() for s in ("sult", "ject"))
    (folder / "00000000" / "chunk.json").write_text(
        '{"counts": {"documents": 1, "words": 2, "entities": 1, "rejects": 1}, '
        f'"sha256": {{"part": "{part}", "rejects.jsonl": "{rejects}"}}}}'
    )
    with Journal(tmp_path / "out.jsonl") as journal:
        assert journal.open(IDENTITY, overwrite=False) == COUNTS
        journal.commit(1, fill)
    written = [(folder / name / "chunk.json").read_text() for name in ("00000000", "00000001")]
    assert written[0] == written[1]
