"""The commands init-project, init-config and project split: what they print, and where they end."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from tests.annotated_texts import make_rows, write_rows


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "texts.jsonl", make_rows(60))


def test_init_project_says_what_each_file_became_and_why_the_numbers_are_so(
    tmp_path: Path, texts: Path
) -> None:
    result = run("init-project", tmp_path / "my ner", "--data", texts)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    counts = {row[0]: row[1:4] for row in lines if row and row[0] in ("train", "dev", "test")}
    n_words = {
        name: sum(len(doc) for doc in docs)
        for name, docs in read_split(tmp_path / "split", texts).items()
    }
    assert counts == {
        "train": ["texts.jsonl", "48", f"{n_words['train']:,}"],
        "dev": ["texts.jsonl", "6", f"{n_words['dev']:,}"],
        "test": ["texts.jsonl", "6", f"{n_words['test']:,}"],
    }
    assert ["From", "Documents", "Words", "Disease", "Drug"] in lines
    assert "30 passes over" in result.output
    assert "! The dev data have" in result.output
    assert f'cd "{tmp_path / "my ner"}"' in result.output
    assert "python -m spacy project run all" in result.output


def read_split(folder: Path, *files: Path) -> dict[str, list[spacy.tokens.Doc]]:
    result = run("project", "split", *files, "--output", folder)
    assert result.exit_code == 0, result.output
    vocab = spacy.blank("en").vocab
    return {
        name: list(DocBin().from_disk(folder / f"{name}.spacy").get_docs(vocab))
        for name in ("train", "dev", "test")
    }


def test_split_takes_files_in_the_order_given(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / f"{i}.jsonl", make_rows(20 + i, seed=i)) for i in range(3)]
    assert [len(docs) for docs in read_split(tmp_path / "three", *files).values()] == [20, 21, 22]
    assert [len(docs) for docs in read_split(tmp_path / "two", *files[:2]).values()] == [18, 2, 21]


def test_init_config_prints_the_numbers(
    tmp_path: Path, texts: Path, tiny_encoder_dir: Path
) -> None:
    read_split(tmp_path / "corpus", texts)
    train, dev = tmp_path / "corpus/train.spacy", tmp_path / "corpus/dev.spacy"
    config = tmp_path / "config.cfg"
    result = run("init-config", train, config, "--dev", dev, "--encoder", tiny_encoder_dir)
    assert result.exit_code == 0, result.output
    assert "max_steps" in result.output
    assert config.exists()
    assert "project encoder" not in result.output
    default = run("init-config", train, tmp_path / "default.cfg")
    assert "ner-plus project encoder assets/encoder" in " ".join(default.output.split())


def test_kind_of_model_is_told_with_its_reason(tmp_path: Path, texts: Path) -> None:
    result = run(
        "init-project", tmp_path / "auto", "--data", texts,
        "--model", "auto", "--words-per-second", 1e9,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Model: rules\nNone reads 1,000,000,000 words/s here; of all, rules" in result.output
    read_split(tmp_path / "corpus", texts)
    config = tmp_path / "config.cfg"
    result = run("init-config", tmp_path / "corpus/train.spacy", config, "--model", "features")
    assert result.exit_code == 0, result.output
    assert "Model: features\n" in result.output
    assert "For " not in result.output  # which is said above its numbers, and there are none
    assert "default encoder" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["init-project", "new", "--data=nowhere.jsonl"], "There is no file nowhere.jsonl"),
        (["init-project", "new", "--data=texts.jsonl", "--encoder=./nowhere"], "does not exist"),
        (["init-project", "new", "--data=texts.jsonl", "--model=bert"], "bert is unknown"),
        (
            ["init-project", "new", "--data=texts.jsonl", "--model=bilstm", "--vectors=nowhere"],
            "nowhere is no folder of word vectors",
        ),
        (["init-config", "nowhere.spacy", "new.cfg"], "There is no file nowhere.spacy"),
        (["project", "split", "nowhere.jsonl", "--output", "new"], "There is no file"),
    ],
)
def test_errors_are_messages(
    tmp_path: Path,
    texts: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["texts.jsonl"]
