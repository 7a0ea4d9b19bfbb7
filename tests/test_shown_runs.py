"""Commands and blocks of Python in README, CONTRIBUTING.md and the docs, run as they stand there.

The folder in which they run holds what the docs name; test_shown_commands.py says what is left out.
"""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import spacy
from spacy.tokens import DocBin

from spacy_ner_plus import convert
from tests import tiny
from tests.annotated_texts import make_nested_rows, make_rows, write_rows
from tests.forked import python
from tests.killing import needs_fork
from tests.pipeline.samples import initialized_nlp, make_examples, read_sentences
from tests.shown import ROOT, blocks
from tests.test_benchmark_runs import AMOUNT, PERCENT, SHARE, check, rows
from tests.test_shown_commands import ALL, OURS, RUN, is_run, way

# Rows that those print, of which README has figures.
PRINTED = {
    OURS + "calibrate .* --test": rows(
        "before", "after", figures=(PERCENT, PERCENT, AMOUNT, SHARE)
    ),
    OURS + "evaluate .* --train": rows("micro", figures=(*5 * [PERCENT], AMOUNT, AMOUNT)),
}
# Blocks of Python that other tests run, or that can't be, by page and a word in them.
ELSEWHERE = {
    ("api.md", ""): "tests/test_face.py",
    ("learning.md", "def add_type"): "tests/pipeline/test_learning_over_time.py",
    ("encoders.md", "replace_listeners"): "tests/pipeline/test_shared.py",
    ("processes.md", "n_process"): "tests/pipeline/test_processes.py",
    ("CONTRIBUTING.md", "def pool"): "an example of a docstring",
}
PYTHON = list(blocks("python"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the docs name."""
    folder = tmp_path_factory.mktemp("docs")
    tiny.save_encoder(folder / "encoder", max_position_embeddings=300)
    nlp = initialized_nlp(folder / "encoder", n=20)
    nlp.to_disk(folder / "model")
    tags = ["O", "B-PER", "I-PER"]
    tiny.save_token_classifier(folder / "checkpoint", tags, max_position_embeddings=300)
    write_rows(folder / "texts.jsonl", make_rows(60))
    (folder / "rules.jsonl").write_text('{"label": "LOC", "phrase": "Paris"}\n', encoding="utf8")
    docs = [example.reference for example in make_examples(nlp, 50)]
    DocBin(docs=docs[:40]).to_disk(folder / "data.spacy")
    DocBin(docs=docs[10:]).to_disk(folder / "other.spacy")
    sentences = ("".join(f"{w}\t{t}\n" for w, t in zip(*one, strict=True)) for one in
                 read_sentences(20))  # fmt: skip
    (folder / "data.tsv").write_text("\n".join(sentences), encoding="utf8")
    (folder / "eng.train").write_text(CONLL, encoding="utf8")
    (folder / "NER-de-train.tsv").write_text(GERMEVAL, encoding="utf8")
    write_rows(folder / "genia.jsonl", [GENIA])
    write_rows(folder / "nested-texts.jsonl", make_nested_rows(60))
    convert(folder / "genia.jsonl", folder / "nested.spacy", spans_key="sc")
    convert(folder / "NER-de-train.tsv", folder / "layered.spacy", spans_key="sc")
    (folder / "glove.6B.50d.txt").write_text(GLOVE, encoding="utf8")
    np.save(folder / "glove_6B_50d_emb.npy", np.eye(2, dtype=np.float32))
    words = pyarrow.table({"index": ["the", "paris"]})
    pyarrow.parquet.write_table(words, folder / "glove_6B_index.parquet")
    (folder / "config.cfg").write_text(small_config(), encoding="utf8")
    for source, names in NAMED.items():
        for name in names.split():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copy if (folder / source).is_file() else shutil.copytree
            copy(folder / source, folder / name)
    return folder


CONLL = "-DOCSTART- -X- -X- O\n\nAnn NNP B-NP B-PER\nleft VBD B-VP O\n"
GERMEVAL = "#\tsource\n1\tBerlin\tB-ORG\tB-LOC\n2\tUniversity\tI-ORG\tO\n3\twon\tO\tO\n"
GENIA = {
    "tokens": ["IL", "2", "receptor"],
    "doc_id": "1",
    "entity_mentions": [
        {"start": 0, "end": 3, "entity_type": "protein"},
        {"start": 0, "end": 2, "entity_type": "protein"},
    ],
}
GLOVE = "the 0.5 1 -2\n. 1.5 0 3e-2\nparis 0 1 2\nsmith 1 1 1\n"
NAMED = {
    "model": "en_ner_plus_demo training/model-best training/model-calibrated MODEL MODEL_A MODEL_B"
    " released-model new-model my_pipeline exported-int8",
    "encoder": "assets/encoder roberta-base",
    "checkpoint": "path/or/hub-name",
    "data.spacy": "train.spacy corpus/train.spacy corpus/all.spacy corpus/bc5cdr/train.spacy"
    " corpus/bc5cdr-columns/train.spacy",
    "other.spacy": "dev.spacy test.spacy corpus/dev.spacy corpus/test.spacy"
    " corpus/bc5cdr/dev.spacy",
    "data.tsv": "train.tsv dev.tsv test.tsv",
    "texts.jsonl": "anna.jsonl ben.jsonl annotated.jsonl",
    "config.cfg": "configs/cpu.cfg",
}


def small_config() -> str:
    """configs/cpu.cfg with two steps."""
    text = (ROOT / "configs" / "cpu.cfg").read_text(encoding="utf8")
    smaller = {"size": 100, "max_steps": 2, "total_steps": 2, "warmup_steps": 1}
    for name, value in {**smaller, "eval_frequency": 1}.items():
        text, n_found = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
        assert n_found == 1, name
    return text


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    dict.fromkeys(command.text for command in ALL if is_run(command)),
    ids=lambda t: t[24:60],
)
def test_command_runs(text: str, prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    shutil.copytree(prepared, folder)
    for old, new in RUN[way(text)[0]].items():
        text = text.replace(old, new)
    words = shlex.split(text)[1:]
    take_away(folder, words)
    status, printed = python(words, cwd=folder)
    assert status == 0, printed
    for pattern, expected in PRINTED.items():
        if re.match(pattern, text):
            check(printed, expected)


def take_away(folder: Path, words: list[str]) -> None:
    """Remove what a command is going to write."""
    written = [words[i + 1] for i, word in enumerate(words) if word == "--output"]
    if words[3] == "init-config":
        written.append(words[5])
    for path in (folder / name for name in written):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def is_elsewhere(page: str, block: str) -> tuple[str, str] | None:
    """The line of ELSEWHERE for a block."""
    return next((line for line in ELSEWHERE if line[0] == page and line[1] in block), None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "block"), [one for one in PYTHON if not is_elsewhere(*one)], ids=lambda text: text[:20]
)
def test_block_of_python_runs(
    page: str, block: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(prepared, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    nlp = spacy.load("my_pipeline")
    given = {"nlp": nlp, "examples": make_examples(nlp, 40), "texts": ["Aspirin helps."]}
    exec(compile(block, page, "exec"), {"__name__": "block", "spacy": spacy, **given})


def test_every_line_of_the_table_is_of_use() -> None:
    assert {is_elsewhere(*block) for block in PYTHON} - {None} == set(ELSEWHERE)
    files = [test for test in ELSEWHERE.values() if test.startswith("tests/")]
    assert [test for test in files if not (ROOT / test).exists()] == []
