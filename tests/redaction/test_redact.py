"""Files in, redacted files out, and the way back."""

import json
import os
import stat
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner, Result

from spacy_ner_plus import read, redact, unredact
from spacy_ner_plus.cli import app
from spacy_ner_plus.prediction.journal import Journal
from tests import tiny
from tests.pipeline.samples import initialized_nlp
from tests.prediction.samples import read_lines, write_input
from tests.redaction.samples import KEY

TEXTS = [
    "Anna Berg met Bob in Ulm. ANNA BERG left.",
    "",
    "Bob 😀 knows José,\nand jose\u0301 Bob.",
    "Nothing here.",
]


@Language.component("redaction_test_failing")
def failing(doc: Doc) -> Doc:
    if "boom" in doc.text:
        raise RuntimeError(f"can't read {doc.text}")
    return doc


def names_nlp(*, fails: bool = False) -> Language:
    nlp = spacy.blank("en")
    if fails:
        nlp.add_pipe("redaction_test_failing")
    ruler = nlp.add_pipe("entity_ruler")
    names = {"Anna Berg": "PERSON", "Bob": "PERSON", "José": "PERSON", "Ulm": "LOC"}
    ruler.add_patterns([{"label": label, "pattern": name} for name, label in names.items()])
    return nlp


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    return write_input(tmp_path / "texts.jsonl", "jsonl", TEXTS)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    path.chmod(0o600)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def rows_of(path: Path) -> list[str]:
    return [record.text for record in read(path)]


def names_file(folder: Path) -> Path:
    path = folder / "names.csv"
    path.write_text("phrase,label\nMia,PERSON\nOtto Tal,PERSON\nRom,LOC\n", encoding="utf8")
    return path


def test_labels_stand_in_the_place_of_names(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = redact(names_nlp(), texts, out, method="label")
    assert rows_of(out) == [
        "[PERSON] met [PERSON] in [LOC]. [PERSON] left.",
        "",
        "[PERSON] 😀 knows [PERSON],\nand [PERSON] [PERSON].",
        "Nothing here.",
    ]
    [first, *_] = read(out)
    assert first.id == "a0" and first.other == {"row": 1}
    assert [first.text[span.start : span.end] for span in first.spans or ()] == [
        "[PERSON]", "[PERSON]", "[LOC]", "[PERSON]"
    ]  # fmt: skip
    kinds = [span.meta["redaction"] for span in first.spans or ()]
    assert kinds == ["found", "found", "found", "repeated"]
    person = done.types["PERSON"]
    assert (person.found, person.repeated, person.likely) == (5, 2, 0)
    assert done.types["LOC"].characters == 3
    assert (done.counts.documents, done.counts.entities, done.counts.rejects) == (4, 8, 0)
    assert "number" not in out.read_text(encoding="utf8")  # a field of the input


@pytest.mark.parametrize("method", ["mask", "label", "hash", "surrogate"])
def test_the_way_back_restores_every_character(
    method: str, texts: Path, tmp_path: Path, key_file: Path
) -> None:
    out, way, back = (tmp_path / name for name in ("out.jsonl", "map.jsonl", "back.jsonl"))
    settings: dict[str, Path] = {}
    if method in ("hash", "surrogate"):
        settings["key_file"] = key_file
    if method == "surrogate":
        settings["phrases"] = names_file(tmp_path)
    redact(names_nlp(), texts, out, method=method, map=way, chunk_size=2, **settings)
    assert not any(name in out.read_text(encoding="utf8") for name in ("Anna", "BERG", "Ulm"))
    before = os.umask(0)
    try:
        done = unredact(out, way, back)
    finally:
        os.umask(before)
    assert rows_of(back) == TEXTS
    for path in (way, back):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert done.documents == 4 and done.replacements == 8
    names = [r.text[s.start : s.end] for r in read(back) for s in r.spans or ()]
    assert names == ["Anna Berg", "Bob", "Ulm", "ANNA BERG", "Bob", "José", "jose\u0301", "Bob"]


def test_changed_texts_are_not_restored(texts: Path, tmp_path: Path) -> None:
    out, way, back = (tmp_path / name for name in ("out.jsonl", "map.jsonl", "back.jsonl"))
    redact(names_nlp(), texts, out, map=way)
    whole = out.read_text(encoding="utf8")
    lines = whole.splitlines(keepends=True)
    for wrong in (whole.replace("left", "came"), "".join(lines[:-1]), "".join(lines[::-1])):
        out.write_text(wrong, encoding="utf8")
        with pytest.raises(ValueError, match="Both must be of one run") as error:
            unredact(out, way, back)
        assert "Nothing" not in str(error.value) and "met" not in str(error.value)
        assert not back.exists()
    out.write_text(whole, encoding="utf8")
    way.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        unredact(out, way, back)


def test_every_run_gives_the_same(texts: Path, tmp_path: Path, key_file: Path) -> None:
    outs = [tmp_path / f"{i}.jsonl" for i in range(2)]
    for out, size in zip(outs, (1, 1000), strict=True):
        redact(
            names_nlp(), texts, out, method="surrogate", key_file=key_file, chunk_size=size,
            phrases=names_file(tmp_path),
        )  # fmt: skip
    assert outs[0].read_bytes() == outs[1].read_bytes()
    one, _, other, _ = rows_of(outs[0])
    bob = one.split(" met ")[1].split(" in ")[0]
    assert other.startswith(bob) and other.endswith(f"{bob}.")


def test_texts_that_fail_are_not_written_nor_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    texts = tmp_path / "texts.jsonl"
    lines = [{"text": "Bob went boom"}, {"text": "Bob"}, {"secret Bob": 1}]
    texts.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"Bob', encoding="utf8")
    done = redact(names_nlp(fails=True), texts, tmp_path / "out.jsonl")
    assert rows_of(tmp_path / "out.jsonl") == ["███"]
    assert done.counts.rejects == 3 and done.rejects is not None
    rejected = read_lines(done.rejects)
    assert [row["row"] for row in rejected] == [1, 3, 4]
    assert rejected[0]["reason"] == "RuntimeError"
    told = done.rejects.read_text(encoding="utf8") + caplog.text + "".join(capsys.readouterr())
    assert "Bob" not in told and "boom" not in told


def test_an_interrupted_run_goes_on(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, way = tmp_path / "out.jsonl", tmp_path / "map.jsonl"
    whole = Journal.commit

    def stops(self: Journal, number: int, fill: object) -> object:
        if number == 2:
            raise KeyboardInterrupt
        return whole(self, number, fill)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "commit", stops)
    with pytest.raises(KeyboardInterrupt):
        redact(names_nlp(), texts, out, map=way, chunk_size=1)
    folder = Journal(out).folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not way.exists() and not out.exists()
    monkeypatch.undo()
    with pytest.raises(ValueError, match="began otherwise"):
        redact(names_nlp(), texts, out, map=way, chunk_size=1, method="label")
    done = redact(names_nlp(), texts, out, map=way, chunk_size=1)
    assert done.before.documents == 2 and done.types["PERSON"].found == 5
    unredact(out, way, tmp_path / "back.jsonl")
    assert rows_of(tmp_path / "back.jsonl") == TEXTS
    assert not folder.exists()
    with pytest.raises(ValueError, match="is there already"):
        redact(names_nlp(), texts, tmp_path / "other.jsonl", map=way)


def test_only_some_types_go(texts: Path, tmp_path: Path) -> None:
    redact(names_nlp(), texts, tmp_path / "out.jsonl", labels=["LOC"], mask_char="*", mask_length=2)
    assert rows_of(tmp_path / "out.jsonl")[0] == "Anna Berg met Bob in **. ANNA BERG left."


def test_offsets_are_written_if_asked_for(texts: Path, tmp_path: Path) -> None:
    redact(names_nlp(), texts, tmp_path / "out.jsonl", method="label", offsets=True)
    [first, *_] = read(tmp_path / "out.jsonl")
    places = [span.meta["original"] for span in first.spans or ()]
    assert [TEXTS[0][start:end] for start, end in places] == [
        "Anna Berg",
        "Bob",
        "Ulm",
        "ANNA BERG",
    ]


def test_names_may_be_those_of_annotated_texts(texts: Path, tmp_path: Path, key_file: Path) -> None:
    doc = spacy.blank("en")("Mia saw Zoe")
    doc.ents = [Span(doc, 0, 1, "PERSON"), Span(doc, 2, 3, "PERSON")]
    DocBin(docs=[doc]).to_disk(tmp_path / "train.spacy")
    done = redact(
        names_nlp(), texts, tmp_path / "out.jsonl", method="surrogate", key_file=key_file,
        names_of=tmp_path / "train.spacy",
    )  # fmt: skip
    [first, *_] = rows_of(tmp_path / "out.jsonl")
    assert first.split()[0] in ("Mia", "Zoe") and "[LOC]" in first
    assert done.types["LOC"].without_surrogate == 1
    assert "LOC 1" in done.warnings[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "sha256"}, "use one of mask, label, hash, surrogate"),
        ({"method": "hash"}, "needs a secret key"),
        ({"method": "surrogate", "key_env": "REDACTION_KEY"}, "no names to choose"),
        ({"method": "label", "key_env": "REDACTION_KEY"}, "needs no key"),
        ({"method": "hash", "key_env": "NO_SUCH_KEY"}, "no environment variable NO_SUCH_KEY"),
        ({"method": "hash", "key_env": "SHORT_KEY"}, "has 5 bytes"),
        ({"phrases": "names.csv"}, "Names are for surrogates"),
        ({"threshold": 1.5}, "must be a probability"),
        ({"map": "out.jsonl"}, "are both"),
        ({"chunk_size": 0}, "must be at least 1"),
    ],
)
def test_wrong_calls_are_refused_at_once(
    settings: dict[str, object],
    message: str,
    texts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDACTION_KEY", KEY.decode())
    monkeypatch.setenv("SHORT_KEY", "short")
    with pytest.raises(ValueError, match=message) as error:
        redact(names_nlp(), texts, "out.jsonl", **settings)  # type: ignore[arg-type]
    assert "short" not in str(error.value).replace("short ones", "")
    assert not (tmp_path / "out.jsonl").exists()
    with pytest.raises(ValueError, match=r"must be a \.jsonl file"):
        redact(names_nlp(), texts, "out.parquet")


def test_low_threshold_takes_what_was_not_found(texts: Path, tmp_path: Path) -> None:
    """Of an untrained tagger, which finds little, and thinks everything possible."""
    nlp = initialized_nlp(tiny.save_encoder(tmp_path / "encoder"), threshold=1.0)
    done = redact(nlp, texts, tmp_path / "out.jsonl", threshold=0.0, map=tmp_path / "map.jsonl")
    assert not any(char.isalnum() for text in rows_of(tmp_path / "out.jsonl") for char in text)
    assert sum(its.likely for its in done.types.values()) > 0
    unredact(tmp_path / "out.jsonl", tmp_path / "map.jsonl", tmp_path / "back.jsonl")
    assert rows_of(tmp_path / "back.jsonl") == TEXTS
    done = redact(nlp, texts, tmp_path / "none.jsonl", threshold=1.0)
    assert rows_of(tmp_path / "none.jsonl") == TEXTS and not done.types


def test_texts_are_not_written_if_nobody_looks_for_entities(tmp_path: Path) -> None:
    """Also where the first chunk has no words."""
    texts = write_input(tmp_path / "texts.jsonl", "jsonl", ["", "Bob"])
    with pytest.raises(ValueError, match=r"No component of the pipeline sets doc\.ents"):
        redact(spacy.blank("en"), texts, tmp_path / "out.jsonl", chunk_size=1)
    assert not (tmp_path / "out.jsonl").exists()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != texts]
    assert not any(b"Bob" in path.read_bytes() for path in written)


def test_misspelt_types_are_no_silent_leak(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    for wrong in ({"labels": ["PERSN"]}, {"threshold": {"PERSN": 0.1}}):
        with pytest.raises(ValueError, match=r"finds no 'PERSN', .* its types are 'LOC', 'PERSON'"):
            redact(names_nlp(), texts, out, **wrong)  # type: ignore[arg-type]
    # a component that does not say what it writes
    done = redact(names_nlp(fails=True), texts, out, labels=["PERSN", "LOC"])
    assert "'PERSN'" in done.warnings[0] and list(done.types) == ["LOC"]


def test_key_that_others_may_read_is_refused(texts: Path, tmp_path: Path, key_file: Path) -> None:
    key_file.chmod(0o640)
    with pytest.raises(ValueError, match="mode 0640"):
        redact(names_nlp(), texts, tmp_path / "out.jsonl", method="hash", key_file=key_file)


@pytest.mark.parametrize("format", ["text", "text folder", "csv", "parquet", "spacy"])
def test_all_forms_of_texts_are_read(format: str, tmp_path: Path) -> None:
    texts = ["Anna Berg left.", "Bob"]
    suffix = "" if "folder" in format else {"text": ".txt"}.get(format, f".{format}")
    source = write_input(tmp_path / f"texts{suffix}", format, texts)
    redact(names_nlp(), source, tmp_path / "out.jsonl", method="label")
    assert rows_of(tmp_path / "out.jsonl") == ["[PERSON] left.", "[PERSON]"]


def test_commands(texts: Path, tmp_path: Path, key_file: Path) -> None:
    names_nlp().to_disk(tmp_path / "model")
    out, way, back = (tmp_path / name for name in ("out.jsonl", "map.jsonl", "back.jsonl"))
    given = ("redact", tmp_path / "model", texts, out, "--method", "hash", "--map", way)
    result = run(*given, "--key-file", key_file, "--threshold", "PERSON=0.1")
    assert result.exit_code == 0, result.output
    assert "PERSON" in result.output and "Anna" not in result.output
    result = run("unredact", out, way, back)
    assert result.exit_code == 0, result.output
    assert "Put back 8 names in 4 texts" in result.output
    assert rows_of(back) == TEXTS
    for wrong in ("0.1 x", "PERSON=x"):
        result = run(*given, "--threshold", wrong)
        assert result.exit_code == 1 and "--threshold wants" in result.output
