import shutil
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_ner_plus import calibrate
from spacy_ner_plus.cli import app
from spacy_ner_plus.cli.calibrate import _print_agreement
from spacy_ner_plus.metrics.reliability import agreement
from spacy_ner_plus.models.decoding.calibration import Calibration
from tests import tiny
from tests.pipeline.samples import initialized_nlp, make_examples
from tests.small_files import no_file_over
from tests.training.runs import read_tree


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that finds much and is mostly wrong."""
    encoder = tiny.save_encoder(tmp_path_factory.mktemp("encoder"))
    nlp = initialized_nlp(encoder, n=20)
    folder = tmp_path_factory.mktemp("model")
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "dev.spacy"
    examples = make_examples(spacy.blank("en"), 40)
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    return path


@pytest.mark.slow
def test_calibrate_saves_a_calibrated_pipeline(model: Path, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "calibrated"
    arguments = ["calibrate", model, data, "--output", output, "--test", data]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    calibration = spacy.load(output).get_pipe("ner_plus").shim.calibration
    assert calibration != Calibration()
    assert f"temperature {calibration.temperature:.3f}" in " ".join(result.output.split())
    assert "development:" in result.output
    assert "test:" in result.output
    assert result.output.count("before") == result.output.count("after") == 2
    assert spacy.load(model).get_pipe("ner_plus").shim.calibration == Calibration()


@pytest.mark.slow
def test_full_disk_leaves_the_pipeline_that_is_calibrated(
    model: Path, data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(model, tmp_path / "model")
    before = read_tree(folder)
    with no_file_over(50_000):
        result = CliRunner().invoke(
            app, ["calibrate", str(folder), str(data), "--output", str(folder)]
        )
    assert result.exit_code == 1
    assert "can't be written: the disk is full" in result.stderr
    assert read_tree(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
def test_calibrate_saves_as_it_is_if_there_is_not_enough(
    model: Path, data: Path, tmp_path: Path
) -> None:
    [doc, *_] = DocBin().from_disk(data).get_docs(spacy.blank("en").vocab)
    DocBin(docs=[doc]).to_disk(tmp_path / "few.spacy")
    output = tmp_path / "calibrated"
    command = ["calibrate", str(model), str(tmp_path / "few.spacy"), "--output", str(output)]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "too few to calibrate" in refused.stderr
    assert not output.exists()
    result = CliRunner().invoke(app, [*command, "--if-enough"])
    assert result.exit_code == 0, result.output
    assert "Not calibrated" in result.output
    assert spacy.load(output).get_pipe("ner_plus").shim.calibration == Calibration()


@pytest.mark.slow
def test_calibrate_leaves_out_types_that_the_data_is_not_annotated_for(
    model: Path, data: Path, tmp_path: Path
) -> None:
    docs = list(DocBin().from_disk(data).get_docs(spacy.blank("en").vocab))
    for doc in docs:
        doc.ents = [ent for ent in doc.ents if ent.label_ == "Disease"]
    DocBin(docs=docs).to_disk(tmp_path / "one.spacy")
    [all_types, some] = [
        calibrate(model, tmp_path / "one.spacy", labels=labels, if_enough=True)
        for labels in (None, ["Disease", "Gene"])  # of which the component has one
    ]
    assert all_types.without_gold == ("Chemical",)
    assert some.without_gold == ()
    n_all, n_some = (done.after["development"].n for done in (all_types, some))
    assert 0 < n_some < n_all
    command = [
        "calibrate",
        str(model),
        str(tmp_path / "one.spacy"),
        "--output",
        str(tmp_path / "x"),
    ]
    result = CliRunner().invoke(app, [*command, "--if-enough"])
    assert "as wrong: Chemical." in " ".join(result.output.split())
    result = CliRunner().invoke(app, [*command, "--labels", "Disease"])
    assert f"development: {n_some} predicted" in result.output
    assert "as wrong" not in result.output


def test_no_agreement_is_printed_where_nothing_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = agreement(np.zeros(0), np.zeros(0, dtype=bool))
    _print_agreement("test", nothing, nothing)
    assert "0.00" not in (output := capsys.readouterr().out)
    assert "Nothing is found" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels", "Gene"], "that the component lacks: Gene. It has: Chemical, Disease."),
        (["--component", "ner"], "has no component 'ner' that can be calibrated. It has: ner_plus"),
        (["--tokens", "both"], "tokens = 'both' is unknown"),
    ],
)
def test_calibrate_says_what_is_wrong(
    arguments: list[str], message: str, model: Path, data: Path, tmp_path: Path
) -> None:
    command = ["calibrate", str(model), str(data), "--output", str(tmp_path / "x"), *arguments]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "x").exists()
