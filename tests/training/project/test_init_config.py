"""A config whose numbers are computed."""

from pathlib import Path

import pytest
import spacy
from spacy.training.initialize import init_nlp
from spacy.util import load_config
from thinc.api import Config

from spacy_ner_plus.data.splitting.parts import read_parts
from spacy_ner_plus.training.project.init_config import init_config
from tests.annotated_texts import make_nested_rows, make_rows, write_rows
from tests.training.project.test_planning import values_of

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path)


def write_corpus(tmp_path: Path, *, nested: bool = False) -> Path:
    rows = make_nested_rows(120) if nested else make_rows(60)
    texts = write_rows(tmp_path / "texts.jsonl", rows)
    parts, _ = read_parts([texts], spacy.blank("en"), spans_key="sc" if nested else None)
    for name, part in parts.items():
        part.write(tmp_path / "corpus" / f"{name}.spacy")
    return tmp_path / "corpus"


@pytest.mark.parametrize(
    ("model", "file", "nested"),
    [
        ("transformer", "cpu", False),
        ("bilstm", "bilstm_crf", False),
        ("features", "features", False),
        ("transformer", "spans", True),
    ],
)
def test_config_has_all_settings_of_the_one_in_the_repository(
    model: str, file: str, nested: bool, tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    corpus = write_corpus(tmp_path, nested=nested)
    path = tmp_path / "new" / "config.cfg"
    train, dev = corpus / "train.spacy", corpus / "dev.spacy"
    encoder = tiny_encoder_dir if model == "transformer" else None
    plan = init_config(train, path, dev=dev, encoder=encoder, model=model)
    config = Config().from_disk(path, interpolate=False)
    expected = Config().from_disk(CONFIGS / f"{file}.cfg", interpolate=False)
    own = {
        "transformer": {"encoder": tiny_encoder_dir.as_posix()},
        "bilstm": {"vectors": None},
        "features": {},
    }
    assert config["paths"] == {"train": train.as_posix(), "dev": dev.as_posix(), **own[model]}
    steps = config["training"]["max_steps"]
    assert steps == (1 if model == "features" else values_of(plan)["max_steps"])
    component = plan.component
    for changed in (config, expected):
        del changed["paths"]
        del changed["nlp"]["tokenizer"]  # the language's by name, for the language is chosen
        del changed["initialize"]["tokenizer"]  # of the repository's, which may have exceptions
        for block, names in (
            (
                changed["components"][component]["model"],
                ("window", "overlap", "max_batch_pieces", "max_width"),
            ),
            (changed["components"][component]["model"].get("tok2vec", {}), ("vectors",)),
            (changed["training"], ("max_steps", "eval_frequency")),
            (changed["training"]["batcher"], ("size",)),
            (
                changed["training"]["optimizer"]["learn_rate"],
                ("initial_rate", "warmup_steps", "total_steps"),
            ),
        ):
            for name in names:
                block.pop(name, None)
    assert config.to_str() == expected.to_str()


def test_pipeline_can_be_made_of_it(corpus: Path, tmp_path: Path, tiny_encoder_dir: Path) -> None:
    path = tmp_path / "config.cfg"
    init_config(corpus / "train.spacy", path, dev=corpus / "dev.spacy", encoder=tiny_encoder_dir)
    nlp = spacy.util.load_model_from_config(load_config(path), auto_fill=False)
    assert nlp.pipe_names == ["ner_plus"]


def test_dev_data_may_be_named_later(corpus: Path, tmp_path: Path) -> None:
    init_config(corpus / "train.spacy", tmp_path / "config.cfg")
    config = Config().from_disk(tmp_path / "config.cfg", interpolate=True)
    assert config["paths"]["dev"] is None
    assert config["paths"]["encoder"] == "assets/encoder"
    assert "--paths.dev" in (tmp_path / "config.cfg").read_text(encoding="utf8")


def test_what_is_there_is_kept_and_other_formats_are_refused(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "config.cfg").write_text("mine", encoding="utf8")
    with pytest.raises(ValueError, match="is there already"):
        init_config(corpus / "train.spacy", tmp_path / "config.cfg")
    assert (tmp_path / "config.cfg").read_text(encoding="utf8") == "mine"
    with pytest.raises(ValueError, match=r"texts.jsonl is no .spacy file.*ner-plus init-project"):
        init_config(tmp_path / "texts.jsonl", tmp_path / "new.cfg")
    with pytest.raises(ValueError, match="There is no file"):
        init_config(corpus / "nowhere.spacy", tmp_path / "new.cfg")
    assert not (tmp_path / "new.cfg").exists()


def test_pipeline_makes_the_tokens_of_the_exceptions_without_their_file(
    corpus: Path, tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    path, file = tmp_path / "config.cfg", tmp_path / "exceptions.json"
    file.write_text('{"Aspirin": ["Asp", "irin"]}', encoding="utf8")
    train, dev = corpus / "train.spacy", corpus / "dev.spacy"
    init_config(train, path, dev=dev, encoder=tiny_encoder_dir, exceptions=file)
    config = load_config(path)
    assert config["paths"]["exceptions"] == file.as_posix()
    nlp = init_nlp(config)
    file.unlink()
    nlp.to_disk(tmp_path / "model")
    for loaded in (nlp, spacy.load(tmp_path / "model")):
        assert [token.text for token in loaded.make_doc("Aspirin, now")] == [
            "Asp", "irin", ",", "now"
        ]  # fmt: skip
    with pytest.raises(ValueError, match="no file of tokenizer exceptions"):
        init_config(train, tmp_path / "other.cfg", exceptions=file)
