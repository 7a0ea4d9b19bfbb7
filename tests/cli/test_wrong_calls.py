"""Wrong calls of the commands that train: each ends with one message, before anything is done."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from tests import tiny
from tests.training.runs import write_config

pytestmark = pytest.mark.slow

SHORT = {"max_steps = 24": "max_steps = 2", "eval_frequency = 6": "eval_frequency = 2"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, data and an encoder, and damaged ones of each."""
    folder = tmp_path_factory.mktemp("wrong")
    encoder = tiny.save_encoder(folder / "encoder")
    write_config(folder, encoder, changes=SHORT)
    (folder / "nothing").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "file.txt").write_text("hello world\n")
    (folder / "file.txt").write_text("hello world\n")
    (folder / "empty.spacy").write_bytes(b"")
    (folder / "text.spacy").write_text("hello world\n")
    write_docs(folder)
    damage_encoder(encoder)
    return folder


@pytest.fixture(autouse=True)
def no_output(place: Path) -> None:
    """What a test that fails has left is not for the next one to find."""
    shutil.rmtree(place / "out", ignore_errors=True)


def write_docs(folder: Path) -> None:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc("Nothing to see here .") for _ in range(9)]
    DocBin().to_disk(folder / "no_documents.spacy")
    DocBin(docs=[Doc(nlp.vocab)] * 3).to_disk(folder / "no_words.spacy")
    DocBin(docs=docs).to_disk(folder / "unknown.spacy")
    for doc in docs:
        doc.ents = []
    DocBin(docs=docs).to_disk(folder / "no_entities.spacy")


def damage_encoder(encoder: Path) -> None:
    def damaged(name: str, file: str, content: bytes | None) -> None:
        copy = encoder.parent / name
        shutil.copytree(encoder, copy)
        (copy / file).unlink()
        if content is not None:
            (copy / file).write_bytes(content)

    damaged("no_weights", "model.safetensors", None)
    damaged("bad_weights", "model.safetensors", b"xx")
    damaged("no_config", "config.json", None)
    damaged("bad_config", "config.json", b"{")
    damaged("other_type", "config.json", b'{"model_type": "nope"}')


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def train(place: Path, *options: object, config: str | Path = "config.cfg") -> Result:
    return invoke("train", place / config, "--output", place / "out", *options)


def cross_validate(place: Path, *options: object, config: str | Path = "config.cfg") -> Result:
    data = place / "train.spacy"
    return invoke("cross-validate", place / config, data, "--output", place / "out", *options)


def learning_curve(place: Path, *options: object, config: str | Path = "config.cfg") -> Result:
    data = (place / "train.spacy", place / "dev.spacy")
    return invoke("learning-curve", place / config, *data, "--output", place / "out", *options)


ALL = {"train": train, "cross-validate": cross_validate, "learning-curve": learning_curve}
Command = Callable[..., Result]


def check(result: Result, message: str, place: Path) -> None:
    """One message, nothing else, and nothing was made."""
    assert result.exit_code in (1, 2), result.output
    assert isinstance(result.exception, SystemExit), result.exception  # no traceback
    assert "Traceback" not in result.output
    assert re.search(message, result.stderr), result.stderr
    assert len(re.findall("^Error:", result.stderr, re.MULTILINE)) == 1
    assert not (place / "out").exists()


# Configs: what is replaced in the text of a good one by what, and the message.
CONFIGS: dict[str, tuple[str, str, str]] = {
    "no nlp": (r"(?s)\[nlp\].*?(?=\n\[)", "", r"a\.cfg has no section \[nlp\]"),
    "no components": (
        r"\[components\]",
        "",
        r"a\.cfg: components.*Section 'components' is not def",
    ),
    "no component": (
        r"\[components.ner_plus\]\nfactory = .*",
        "",
        r"a\.cfg: components\.ner_plus\.model: Section 'ner_plus' is not defined",
    ),
    "no training": (r"(?s)\[training\].*?(?=\n\[)", "", r"a\.cfg: training.*Section 'training'"),
    "no batcher": (r"(?s)\[training\.batcher\].*?(?=\n\[)", "", r"a\.cfg: training\.batcher\.size"),
    "reader": (r"spacy\.Corpus\.v1", "spacy.Corpsu.v1", r"'spacy\.Corpsu\.v1' in .*'readers'"),
    "architecture": (r"Tagger\.v1", "Taggre.v1", r"spacy_ner_plus\.TransformerTaggre\.v1"),
    "argument": (r"window = 64", "windw = 64", r"a\.cfg: ner_plus\.model\.windw: unexpected"),
    "type": (r"window = 64", 'window = "big"', r"a\.cfg: ner_plus\.model\.window: .*'big'"),
    "factory": (r'factory = "ner_plus"', 'factory = "ner_pluss"', r"find factory for 'ner_pluss'"),
    "no factory": (r'factory = "ner_plus"', "", r"'ner_plus': component block needs"),
    "pipeline": (r'\["ner_plus"\]', '["ner_plus","x"]', r"Can't find component 'x'"),
    "no pipeline": (r'\["ner_plus"\]', "[]", r"a\.cfg: nothing would be trained"),
    "rules alone": (
        r'factory = "ner_plus"\n\n\[components\.ner_plus\.model\]\n(.*\n)*?\n',
        'factory = "ner_plus_rules"\n\n',
        r"a\.cfg: nothing would be trained.*rules, needs no training.*ner-plus evaluate",
    ),
    "language": (r'"en"', '"qq"', r"Can't import language qq"),
    "corpus": (r'"corpora\.train"', '"corpora.trian"', r"corpora.trian"),
    "variable": (r'path = ".*"', "path = ${paths.a}", r"a\.cfg: .*'corpora\.train'.*paths\.a"),
    "frozen": (
        r"\[training\]",
        '[training]\nfrozen_components = ["ner_plus"]',
        r"a\.cfg: nothing would be trained.*frozen_components = \['ner_plus'\]",
    ),
    "frozen, misspelt": (
        r"\[training\]",
        '[training]\nfrozen_components = ["ner_pluss"]',
        r"a\.cfg: \[training\] frozen_components names \['ner_pluss'\]",
    ),
    "annotating, misspelt": (
        r"\[training\]",
        '[training]\nannotating_components = ["ner_pluss"]',
        r"a\.cfg: \[training\] annotating_components names \['ner_pluss'\]",
    ),
    "source": (
        r'factory = "ner_plus"\n\n\[components\.ner_plus\.model\]\n(.*\n)*?\n',
        'source = "/nowhere"\n\n',
        r"a\.cfg: \[components\.ner_plus\] source: There is no pipeline /nowhere",
    ),
    "twice": (r"\[nlp\]", '[nlp]\nlang = "en"', r"a\.cfg is no config: .*'lang' .* already exists"),
    "no section": (r"(?s).*", "hello world", r"a\.cfg: .*File contains no section headers"),
    "nothing": (r"(?s).*", "", r"a\.cfg has no section \[nlp\]"),
}


@pytest.mark.parametrize("command", ALL.values(), ids=ALL)
@pytest.mark.parametrize(("pattern", "by", "message"), CONFIGS.values(), ids=CONFIGS)
def test_wrong_config(
    place: Path, tmp_path: Path, command: Command, pattern: str, by: str, message: str
) -> None:
    text = (place / "config.cfg").read_text()
    changed, n_changes = re.subn(pattern, lambda found: by, text)
    assert n_changes
    (tmp_path / "a.cfg").write_text(changed)
    check(command(place, config=tmp_path / "a.cfg"), message, place)


@pytest.mark.parametrize("command", ALL.values(), ids=ALL)
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("nowhere.cfg", r"nowhere\.cfg' does not exist"),
        ("nothing", r"Could not read config file from .*nothing"),
        ("no_entities.spacy", r"no_entities\.spacy.* is no config|codec can't decode"),
    ],
)
def test_no_config(place: Path, command: Command, config: str, message: str) -> None:
    check(command(place, config=config), message, place)


# Options and overrides.
OPTIONS: dict[str, tuple[list[str], str]] = {
    "steps, text": (["--training.max_steps", "many"], r"max_steps = 'many' must be a whole number"),
    "steps, half": (["--training.max_steps", "2.5"], r"max_steps = 2\.5 must be a whole number"),
    "steps, negative": (["--training.max_steps", "-1"], r"max_steps = -1 must .* 0 or more"),
    "steps, left out": (["--training.max_steps"], r"max_steps = True must be a whole number"),
    "misspelt": (["--training.maxsteps", "3"], r"no setting 'maxsteps': did you mean max_steps"),
    "no section": (
        ["--max_steps", "3"],
        r"no option or argument --max_steps.*--training\.max_steps 3",
    ),
    "another section": (["--components.ner.x", "1"], r"components -> ner -> x|components\.ner\.x"),
    "dropout": (["--training.dropout", "2"], r"dropout = 2\.0 must be a number from 0 to 1"),
    "dropout, bool": (
        ["--training.dropout", "true"],
        r"dropout = True must be a number from 0 to 1",
    ),
    "dropout, text": (["--training.dropout", "x"], r"dropout = 'x' must be a number from 0 to 1"),
    "evaluation": (["--training.eval_frequency", "0"], r"eval_frequency = 0 must .* 1 or more"),
    "gradient": (["--training.accumulate_gradient", "0"], r"accumulate_gradient = 0 must"),
    "seed": (["--training.seed", "x"], r"seed = 'x' must be a whole number"),
    "rate": (["--training.optimizer.learn_rate", "x"], r"Invalid schedule for 'learn_rate'"),
    "score": (
        ["--training.score_weights.ents_f", "x"],
        r"\[training\.score_weights\] ents_f = 'x'",
    ),
    "batch": (["--training.batcher.size", "x"], r"batcher\.size\.?.*'x'"),
    "pipeline": (["--nlp.pipeline", "x"], r"pipeline: Input should be a valid list"),
    "scheme": (["--components.ner_plus.tag_scheme", "BIOE"], r"scheme 'BIOE'"),
    "threshold": (["--components.ner_plus.threshold", "2"], r"threshold = 2 must be a probability"),
    "pooling": (["--components.ner_plus.model.pooling", "avg"], r"pooling = 'avg' is unknown"),
    "code": (["--code", "nowhere.py"], r"--code nowhere\.py: there is no such file"),
    "gpu": (["--gpu-id", "0"], r"--gpu-id 0: .*leave it out"),
    "word": (["word"], r"no option or argument word"),
}


@pytest.mark.parametrize("command", ALL.values(), ids=ALL)
@pytest.mark.parametrize(("options", "message"), OPTIONS.values(), ids=OPTIONS)
def test_wrong_option(
    place: Path,
    command: Command,
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("thinc.util.has_gpu", False)
    check(command(place, *options), message, place)


def test_code_that_cannot_be_imported(place: Path, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("1 / 0")
    message = r"--code .*code\.py can't be imported: ZeroDivisionError"
    check(train(place, "--code", tmp_path / "code.py"), message, place)


CORPORA = [
    ("nowhere.spacy", r"There is no corpus at .*nowhere\.spacy"),
    ("nothing", r"There is no corpus at .*nothing"),
    ("file.txt", r"file\.txt is no \.spacy file"),
    ("empty.spacy", r"empty\.spacy is no \.spacy file"),
    ("text.spacy", r"text\.spacy is no \.spacy file"),
]


@pytest.mark.parametrize("part", ["train", "dev"])
@pytest.mark.parametrize(
    ("data", "message"), [*CORPORA, ("no_documents.spacy", r"no_documents\.spacy has no documents")]
)
def test_wrong_corpus(place: Path, part: str, data: str, message: str) -> None:
    result = train(place, f"--corpora.{part}.path", place / data)
    check(result, rf"config\.cfg: \[corpora\.{part}\] path: .*{message}", place)


@pytest.mark.parametrize("part", ["train", "dev"])
@pytest.mark.parametrize("path", ["", "null"])
@pytest.mark.parametrize("reader", ["spacy.Corpus.v1", "spacy_ner_plus.Corpus.v1"])
def test_no_corpus(place: Path, tmp_path: Path, part: str, path: str, reader: str) -> None:
    text = (place / "config.cfg").read_text().replace("spacy.Corpus.v1", reader)
    (tmp_path / "a.cfg").write_text(text)
    result = train(place, f"--corpora.{part}.path", path, config=tmp_path / "a.cfg")
    message = rf"\[corpora\.{part}\] path = (''|None) must name a \.spacy file.*command line"
    check(result, message, place)


def test_dev_data_without_entities_are_told(place: Path, tmp_path: Path) -> None:
    path = place / "no_entities.spacy"
    result = invoke(
        "train", place / "config.cfg", "--output", tmp_path / "out", "--corpora.dev.path", path
    )
    assert result.exit_code == 0
    assert "no_entities.spacy has no entities, so no checkpoint scores higher" in result.output


def test_training_data_without_entities_are_named(place: Path, tmp_path: Path) -> None:
    path = place / "no_entities.spacy"
    result = invoke(
        "train", place / "config.cfg", "--output", tmp_path / "out", "--corpora.train.path", path
    )
    assert "no_entities.spacy has no entities to learn" in result.output
    check(result, r"found no entities in the 9 training documents \(9 are annotated\)", place)


@pytest.mark.parametrize(("data", "message"), CORPORA)
def test_wrong_data_of_experiments(place: Path, data: str, message: str) -> None:
    config, out, good = place / "config.cfg", ("--output", place / "out"), place / "train.spacy"
    check(invoke("cross-validate", config, place / data, *out), message, place)
    check(invoke("learning-curve", config, place / data, good, *out), message, place)
    check(invoke("learning-curve", config, good, place / data, *out), message, place)


@pytest.mark.parametrize("data", ["no_documents", "no_words", "unknown", "no_entities"])
def test_data_without_entities(place: Path, data: str) -> None:
    config, out, path = place / "config.cfg", ("--output", place / "out"), place / f"{data}.spacy"
    message = rf"{data}\.spacy has no annotated entities"
    check(invoke("cross-validate", config, path, *out), message, place)
    check(invoke("learning-curve", config, path, place / "dev.spacy", *out), message, place)


ENCODERS = [
    ("/nowhere/encoder", r"'/nowhere/encoder' does not exist"),
    ("no_config", r"no_config' holds no encoder|no_config.* no weights"),
    ("no_weights", r"no_weights"),
    ("bad_weights", r"bad_weights.*Error while deserializing header"),
    ("bad_config", r"bad_config.*not a valid JSON file"),
    ("other_type", r"model type `nope`"),
    ("file.txt", r"file\.txt"),
]


@pytest.mark.parametrize(("name", "message"), ENCODERS)
def test_wrong_encoder(place: Path, tmp_path: Path, name: str, message: str) -> None:
    option = ("--components.ner_plus.model.name", place / name)
    out = ("--output", tmp_path / "out")
    check(invoke("train", place / "config.cfg", *option, *out), message, place)
    data = place / "train.spacy"
    check(
        invoke("init-config", data, tmp_path / "a.cfg", "--encoder", place / name), message, place
    )
    project = ("--data", data, "--encoder", place / name)
    check(invoke("init-project", tmp_path / "project", *project), message, place)
    assert not (tmp_path / "a.cfg").exists()
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize("name", ["file.txt", "file.txt/inside"])
def test_output_that_cannot_be(place: Path, name: str) -> None:
    config, data, out = place / "config.cfg", place / "train.spacy", place / name
    message = r"file\.txt (is a file|is there already)|as .*file\.txt is a file"
    check(invoke("train", config, "--output", out), message, place)
    check(invoke("cross-validate", config, data, "--output", out), message, place)
    curve = ("learning-curve", config, data, place / "dev.spacy")
    check(invoke(*curve, "--output", out), message, place)
    encoder = ("--encoder", place / "encoder")
    check(invoke("init-project", out, "--data", data, *encoder), message, place)
    check(invoke("init-config", data, out, *encoder), message, place)
    calibrate = ("calibrate", place / "no_model", data)
    check(invoke(*calibrate, "--output", out), message, place)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("nowhere.spacy", r"There is no file .*nowhere\.spacy"),
        ("nothing", r"nothing"),
        ("file.txt", r"file\.txt"),
        ("empty.spacy", r"empty\.spacy is empty"),
        ("text.spacy", r"text\.spacy is no \.spacy file"),
        ("no_documents.spacy", r"no_documents\.spacy is empty"),
        ("no_words.spacy", r"None of the 3 texts in .*no_words\.spacy is annotated"),
        ("unknown.spacy", r"None of the 9 texts in .*unknown\.spacy is annotated.*doc\.ents"),
        ("no_entities.spacy", r"no_entities\.spacy has no annotated entities"),
    ],
)
def test_wrong_data_of_new_projects(place: Path, tmp_path: Path, data: str, message: str) -> None:
    encoder, path = ("--encoder", place / "encoder"), place / data
    check(invoke("init-project", tmp_path / "new", "--data", path, *encoder), message, place)
    check(invoke("init-config", path, tmp_path / "a.cfg", *encoder), message, place)
    dev = ("--dev", path, *encoder)
    check(invoke("init-config", place / "train.spacy", tmp_path / "a.cfg", *dev), message, place)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lang", "qq"], r"--lang qq: spaCy has no such language"),
        (["--device", "tpu"], r"device 'tpu' is unknown"),
        (["--name", "a/b"], r"'a/b' can't be the name of a package"),
        (["--nonsense"], r"[Nn]o such option"),
    ],
)
def test_wrong_option_of_new_projects(
    place: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    data = ("--data", place / "train.spacy", "--encoder", place / "encoder")
    check(invoke("init-project", tmp_path / "new", *data, *options), message, place)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--folds", "1"], r"folds"),
        (["--folds", "999"], r"999 folds .* only 60 in .*train\.spacy: take fewer --folds"),
        (["--dev-share", "1"], r"--dev-share must be between 0 and 1"),
        (["--dev-share", "0"], r"--dev-share must be between 0 and 1"),
    ],
)
def test_wrong_folds(place: Path, options: list[str], message: str) -> None:
    check(cross_validate(place, *options), message, place)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shares", "x"], r"--shares must be numbers"),
        (["--shares", "0,1"], r"[Ss]hares"),
        (["--shares", "2"], r"[Ss]hares"),
        (["--repeats", "0"], r"repeats"),
        (["--dev-share", "1"], r"--dev-share must be between 0 and 1"),
    ],
)
def test_wrong_shares(place: Path, options: list[str], message: str) -> None:
    check(learning_curve(place, *options), message, place)
