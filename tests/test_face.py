"""The public face: what is there, what importing it loads, and the examples of its page."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from inspect import Parameter, signature
from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin

import spacy_ner_plus
from spacy_ner_plus import cli
from tests import tiny
from tests.pipeline.llm_reading.fake_server import FakeServer, finds
from tests.pipeline.samples import make_examples, make_nlp, overfit
from tests.training.runs import write_config

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf8")
EXAMPLES = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE)
SHOWN = re.findall(r"(?m)^::: spacy_ner_plus\.(\w+)$", PAGE)
PUBLIC = set(spacy_ner_plus.__all__) - {"__version__"}
# Commands that are functions of another name, or options of one.
OTHER_NAMES = {
    "audit": "audit_data",
    "export": "export_onnx",
    "report": "read_metrics",
    "vectors": "convert_vectors",
}
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def name_of(example: str) -> str:
    return "-".join(re.findall(r"from spacy_ner_plus import (.*)", example)).replace(", ", "-")


def test_every_public_name_is_on_the_page_once() -> None:
    assert sorted(SHOWN) == sorted(PUBLIC)


def test_every_public_name_has_an_example() -> None:
    imports = "\n".join(re.findall(r"(?m)^from spacy_ner_plus import (.*)$", "\n".join(EXAMPLES)))
    assert {name for line in imports.splitlines() for name in line.split(", ")} == PUBLIC


def test_every_command_is_a_public_function() -> None:
    names = {command.name for command in cli.app.registered_commands}
    functions = {OTHER_NAMES.get(name, name.replace("-", "_")) for name in names}
    assert functions <= PUBLIC


def test_commands_and_functions_have_the_same_defaults() -> None:
    """Where commands have any, but for shares: text on the command line, made of the function's."""
    differing = set()
    for command in cli.app.registered_commands:
        name = str(command.name).replace("-", "_")
        function = getattr(spacy_ner_plus, OTHER_NAMES.get(name, name))
        ours = signature(command.callback).parameters  # type: ignore[arg-type]
        theirs = signature(function).parameters
        common = {key for key in ours if key in theirs and ours[key].default is not Parameter.empty}
        differing |= {(name, key) for key in common if ours[key].default != theirs[key].default}
    assert differing == {("learning_curve", "shares")}


def test_names_are_at_home_where_types_say() -> None:
    """Type checkers and documentation read the imports, Python reads `_HOMES`."""
    source = Path(spacy_ner_plus.__file__).read_text(encoding="utf8")
    seen = re.findall(r"(?m)^    from \.([\w.]+) import (\w+) as (\w+)$", source)
    typed = {name: f"spacy_ner_plus.{module}" for module, name, same in seen if name == same}
    assert typed == spacy_ner_plus._HOMES
    assert set(dir(spacy_ner_plus)) >= set(typed)


def test_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'evalute'"):
        _ = spacy_ner_plus.evalute


def test_importing_loads_no_other_package() -> None:
    code = "import sys; before = set(sys.modules); import spacy_ner_plus; "
    code += "print({name.split('.')[0] for name in set(sys.modules) - before})"
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    loaded = set(re.findall(r"'(\w+)'", output))
    assert "spacy_ner_plus" in loaded
    assert loaded <= {"spacy_ner_plus", *sys.stdlib_module_names}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> Path:
    """The folder that the page speaks of."""
    folder = tmp_path_factory.mktemp("api")
    shutil.copytree(tiny_encoder_dir, folder / "encoder")
    tiny.save_token_classifier(folder / "checkpoint", tags=list(TAGS), max_position_embeddings=512)
    write_config(folder, tiny_encoder_dir)
    (folder / "glove.6B.50d.txt").write_text("the 0.5 -2\n. 1 3e-2\nparis 0 1\n", encoding="utf8")
    nlp = make_nlp(tiny_encoder_dir)
    examples = make_examples(nlp, 40)
    nlp.initialize(lambda: examples)
    overfit(nlp, examples)
    nlp.to_disk(folder / "model")
    docs = [example.reference for example in examples]
    DocBin(docs=docs).to_disk(folder / "dev.spacy")
    (folder / "rules.jsonl").write_text('{"label": "LOC", "phrase": "Paris"}\n', encoding="utf8")
    (folder / "texts.jsonl").write_text("".join(map(as_row, docs)), encoding="utf8")
    return folder


def as_row(doc: Doc) -> str:
    entities = [[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents]
    return json.dumps({"text": doc.text, "entities": entities}) + "\n"


@pytest.fixture
def folder(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(prepared, tmp_path / "folder")
    monkeypatch.chdir(tmp_path / "folder")
    yield tmp_path / "folder"


# these train, compare or export
SLOW = (
    "export_onnx", "learning_curve", "cross_validate", "Gate-compare", "evaluate", "Folds",
    "distil",
)  # fmt: skip


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(one, id=name_of(one), marks=[pytest.mark.slow] * name_of(one).startswith(SLOW))
        for one in EXAMPLES
    ],
)
def test_example_runs(example: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeServer(finds({"Paris": "LOC"})) as server:
        example = example.replace("http://127.0.0.1:8000/v1", server.url)
        exec(compile(example, "docs/api.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out or "print" not in example
