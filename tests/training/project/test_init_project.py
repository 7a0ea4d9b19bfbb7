"""What init_project writes; tests/training/project/test_project.py runs it."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.tokens import DocBin, Span
from spacy.vocab import Vocab
from thinc.api import Config

from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.annotation.lying_spans import lying_spans
from spacy_ner_plus.data.conversion import convert
from spacy_ner_plus.data.formats.record_files import read
from spacy_ner_plus.data.splitting.parts import write_parts
from spacy_ner_plus.training.project.init_config import init_config
from spacy_ner_plus.training.project.init_project import init_project, package_name
from tests.annotated_texts import make_nested_rows, make_rows, read_brackets, write_rows
from tests.training.project.test_planning import values_of

MOST_LINES = {"project.yml": 60, "README.md": 16}


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "my texts" / "all of them.jsonl", make_rows(60))


def read_project(folder: Path) -> dict[str, Any]:
    project: dict[str, Any] = srsly.read_yaml(folder / "project.yml")
    return project


def scripts_of(folder: Path) -> dict[str, str]:
    return {c["name"]: " ".join(c["script"]) for c in read_project(folder)["commands"]}


def test_project_holds_the_texts_and_says_what_to_do(tmp_path: Path, texts: Path) -> None:
    folder = tmp_path / "My Project"
    project = init_project(folder, [texts])
    assert sorted(path.name for path in folder.iterdir()) == [
        ".gitignore", "README.md", "assets", "config.cfg", "project.yml"
    ]  # fmt: skip
    assert (folder / "assets" / "texts.jsonl").read_bytes() == texts.read_bytes()
    for name, most in MOST_LINES.items():
        assert len((folder / name).read_text(encoding="utf8").splitlines()) <= most
    assert read_project(folder)["vars"] | {"encoder": ""} == {
        "lang": "en", "name": "my_project", "version": "0.1.0", "gpu_id": -1, "encoder": ""
    }  # fmt: skip
    readme = (folder / "README.md").read_text(encoding="utf8")
    assert "finds Disease, Drug, learned from all of them.jsonl" in readme
    assert str(tmp_path) not in "".join(
        path.read_text(encoding="utf8") for path in folder.iterdir() if path.is_file()
    )
    assert project.folder == folder
    assert [len(part.docs) for part in project.parts.values()] == [48, 6, 6]


def test_config_has_the_plan_and_its_reasons(tmp_path: Path, texts: Path) -> None:
    project = init_project(tmp_path / "project", [texts])
    text = (tmp_path / "project" / "config.cfg").read_text(encoding="utf8")
    config = Config().from_str(text, interpolate=True)
    model, training = config["components"]["ner_plus"]["model"], config["training"]
    rate = training["optimizer"]["learn_rate"]
    written = {**model, **training, **rate, "batch_words": training["batcher"]["size"]}
    for name, value in values_of(project.plan).items():
        assert written[name] == value, name
    assert rate["total_steps"] == training["max_steps"]
    lines = " ".join(line.removeprefix("# ") for line in text.splitlines())
    for _, _, why in project.plan.rows():
        assert f"{why}." in lines
    assert project.plan.about in lines


@pytest.mark.parametrize(
    ("files", "assets"),
    [
        (1, ["texts.jsonl"]),
        (2, ["train.jsonl", "test.jsonl"]),
        (3, ["train.jsonl", "dev.jsonl", "test.jsonl"]),
    ],
)
def test_each_file_has_its_place(tmp_path: Path, files: int, assets: list[str]) -> None:
    given = [write_rows(tmp_path / f"{i}.jsonl", make_rows(30, seed=i)) for i in range(files)]
    folder = tmp_path / "project"
    init_project(folder, given)
    for path, name in zip(given, assets, strict=True):
        assert (folder / "assets" / name).read_bytes() == path.read_bytes()
    commands = {command["name"]: command for command in read_project(folder)["commands"]}
    assert commands["convert"]["deps"] == [f"assets/{name}" for name in assets]
    assert " ".join(commands["convert"]["deps"]) in commands["convert"]["script"][0]


@pytest.mark.parametrize("kind", ["list", "folder"])
def test_data_are_taken_as_they_are(kind: str, tmp_path: Path) -> None:
    rows, folder = make_rows(30), tmp_path / "project"
    data = tmp_path / "export.json"
    if kind == "list":
        data.write_text(json.dumps(rows, indent=1), encoding="utf8")
    else:
        write_rows(data / "a.jsonl", rows[:20])
        (data / "b.json").write_text(json.dumps(rows[20:]), encoding="utf8")
    project = init_project(folder, data)
    assert [len(part.docs) for part in project.parts.values()] == [24, 3, 3]
    copy = folder / "assets" / "texts.json"
    assert [record.text for record in read(copy)] == [row["text"] for row in rows]


def test_only_the_default_encoder_is_fetched(
    tmp_path: Path, texts: Path, tiny_encoder_dir: Path
) -> None:
    init_project(tmp_path / "default", [texts])
    init_project(tmp_path / "folder", [texts], encoder=tiny_encoder_dir)
    assert "encoder" in read_project(tmp_path / "default")["workflows"]["all"]
    assert "encoder" not in scripts_of(tmp_path / "folder")
    copied = {path.name for path in (tmp_path / "folder/assets/encoder").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= copied
    ignored = [
        "/assets/encoder/" in (tmp_path / name / ".gitignore").read_text(encoding="utf8")
        for name in ("default", "folder")
    ]
    assert ignored == [True, False]
    for name in ("default", "folder"):
        project = read_project(tmp_path / name)
        assert project["vars"]["encoder"] == "assets/encoder"
        assert set(project["workflows"]["all"]) == {c["name"] for c in project["commands"]}


def test_outputs_of_commands_are_what_later_ones_depend_on(tmp_path: Path, texts: Path) -> None:
    init_project(tmp_path / "project", [texts])
    there = {"config.cfg", "assets/texts.jsonl"}
    for command in read_project(tmp_path / "project")["commands"]:
        assert set(command.get("deps", [])) <= there
        there |= set(command.get("outputs", []))


def test_settings_reach_the_files(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    sentences = (f"Aspirin{i}\tB-Drug\n{i:08}\tO\n\n" for i in range(60))
    path.write_text("".join(sentences), encoding="utf8")
    folder = tmp_path / "project"
    init_project(folder, [path], lang="zh", name="Drugs", device="cpu", group=4)
    config = Config().from_disk(folder / "config.cfg", interpolate=True)
    assert config["nlp"]["lang"] == "zh"
    assert config["nlp"]["tokenizer"]["@tokenizers"] == "spacy.zh.ChineseTokenizer"
    assert config["components"]["ner_plus"]["model"]["device"] == "cpu"
    assert read_project(folder)["vars"]["name"] == "Drugs"
    assert scripts_of(folder)["convert"].endswith("--group 4")


def test_a_pipeline_trained_on_a_gpu_runs_without_one(tmp_path: Path, texts: Path) -> None:
    project = init_project(tmp_path / "project", [texts], device="cuda")
    config = Config().from_disk(tmp_path / "project" / "config.cfg", interpolate=True)
    assert config["components"]["ner_plus"]["model"]["device"] == "auto"
    assert project.plan.about.endswith("and a GPU")


def test_notes_tell_what_is_odd(tmp_path: Path) -> None:
    rows = make_rows(60)
    rows += [
        {"text": "Codeine helps.", "spans": [{"start": 1, "end": 7, "label": "Drug"}]},
        {"text": "Nobody has looked."},
        {"text": "Berlin is far.", "spans": [{"start": 0, "end": 6, "label": "City"}]},
    ]
    path = write_rows(tmp_path / "texts.jsonl", rows)
    notes = init_project(tmp_path / "project", [path]).notes
    wanted = [
        "2 texts are nearly the same as others",
        "Left out: 1 text(s) of",
        "1 entities of",
        "Little to learn from, entities in the train data: City (1)",
        "The dev data have no City",
        "The test data have no City",
        "are too few to calibrate",
    ]
    assert len(notes) == len(wanted)
    for note, start in zip(notes, wanted, strict=True):
        assert start in note
    assert f"{path}, line 61: Drug 'odeine'" in notes[2]


def test_notes_tell_what_the_reader_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nlp = spacy.blank("en")
    docs = [nlp(f"Codeine helps {i}.") for i in range(20)]
    for doc in docs:
        doc.set_ents([doc.char_span(0, 7, label="Drug")])
    docs[0].cats = {"A": 1.0}
    path = tmp_path / "texts.spacy"
    DocBin(docs=docs).to_disk(path)
    note = f"{path}: doc.cats of 1 documents left out."
    assert init_project(tmp_path / "project", [path]).notes[0] == note
    init_config(path, tmp_path / "config.cfg")
    assert caplog.messages == [note]


@pytest.mark.parametrize("model", ["rules", "features", "bilstm", "transformer"])
def test_project_has_what_its_kind_of_model_needs_and_no_more(
    model: str, tmp_path: Path, texts: Path
) -> None:
    folder = tmp_path / "project"
    project = init_project(folder, [texts], model=model)
    assert (project.plan.kind, project.plan.why) == (model, "")
    config = Config().from_disk(folder / "config.cfg", interpolate=True)
    [name] = config["nlp"]["pipeline"]
    assert name == project.plan.component
    assert config["components"][name]["factory"] == project.plan.factory
    commands = {command["name"]: command for command in read_project(folder)["commands"]}
    assert set(read_project(folder)["workflows"]["all"]) == set(commands)
    assert ("encoder" in commands) == (model == "transformer")
    assert ("calibrate" in commands) == (model != "rules")
    assert ("encoder" in config["paths"]) == (model == "transformer")
    phrases = folder / "assets" / "phrases.jsonl"
    assert phrases.exists() == (model == "rules")
    there = {"config.cfg", "assets/texts.jsonl", "assets/phrases.jsonl"}
    for command in commands.values():
        assert set(command["deps"] if command["name"] != "encoder" else []) <= there
        there |= set(command.get("outputs", []))
    readme = (folder / "README.md").read_text(encoding="utf8")
    assert f"**Model**: {model}." in readme
    assert ("--model" in readme) == (model != "transformer")


def test_rules_begin_with_the_entities_of_the_training_data(tmp_path: Path, texts: Path) -> None:
    project = init_project(tmp_path / "project", [texts], model="rules")
    assert project.parts["train"].entities
    lines = (tmp_path / "project/assets/phrases.jsonl").read_text(encoding="utf8").splitlines()
    found = {(row["phrase"], row["label"]) for row in map(json.loads, lines)}
    mentions = {(e.text, e.label_) for doc in project.parts["train"].docs for e in doc.ents}
    assert found == mentions  # which are nothing else anywhere


def test_model_is_chosen_and_the_reason_told(tmp_path: Path, texts: Path) -> None:
    folder = tmp_path / "project"
    project = init_project(folder, [texts], model="auto", words_per_second=1e9, device="cpu")
    assert project.plan.kind == "rules"
    assert project.plan.why.startswith("None reads 1,000,000,000 words/s here; of all, rules (")
    config = (folder / "config.cfg").read_text(encoding="utf8").replace("\n# ", " ")
    for text in ((folder / "README.md").read_text(encoding="utf8"), config):
        assert f"{project.plan.why}." in text


def test_word_vectors_are_copied(tmp_path: Path, texts: Path) -> None:
    vectors = tmp_path / "glove"
    with pytest.raises(ValueError, match=r"glove is no folder of word vectors.*ner-plus vectors"):
        init_project(tmp_path / "project", [texts], model="bilstm", vectors=vectors)
    vectors.mkdir()
    (vectors / "vectors.json").write_text("{}", encoding="utf8")
    folder = tmp_path / "project"
    init_project(folder, [texts], model="bilstm", vectors=vectors)
    assert (folder / "assets/vectors/vectors.json").exists()
    config = Config().from_disk(folder / "config.cfg", interpolate=True)
    assert config["components"]["ner_plus"]["model"]["tok2vec"]["vectors"] == "assets/vectors"
    commands = {command["name"]: command for command in read_project(folder)["commands"]}
    assert "assets/vectors" in commands["train"]["deps"]
    assert "--vectors assets/vectors" in (folder / "README.md").read_text(encoding="utf8")


def test_word_vectors_that_nothing_reads_are_not_copied(tmp_path: Path, texts: Path) -> None:
    vectors, folder = tmp_path / "glove", tmp_path / "project"
    vectors.mkdir()
    (vectors / "vectors.json").write_text("{}", encoding="utf8")
    project = init_project(
        folder, [texts], model="auto", vectors=vectors, words_per_second=1e9, device="cpu"
    )
    assert project.plan.kind == "rules"
    assert not (folder / "assets/vectors").exists()


def test_folders_and_names_that_cannot_be_used_are_refused_before_anything_is_written(
    tmp_path: Path, texts: Path, tiny_encoder_dir: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine", encoding="utf8")
    with pytest.raises(ValueError, match="full is there already and not empty"):
        init_project(tmp_path / "full", [texts])
    with pytest.raises(ValueError, match="is there already"):
        init_project(texts, [texts])
    folder = tmp_path / "project"
    for settings, message in (
        ({"name": "my-ner"}, "'my-ner' can't be the name of a package.* my_ner"),
        ({"lang": "english"}, "--lang english: spaCy has no such language"),
        ({"device": "tpu"}, "device 'tpu' is unknown"),
        ({"model": "bert"}, "--model bert is unknown"),
        ({"model": "features", "encoder": tmp_path}, "no use for --encoder"),
        ({"encoder": tmp_path / "full"}, "has no weights"),
        ({"encoder": "./nowhere"}, "does not exist"),
    ):
        with pytest.raises(ValueError, match=message):
            init_project(folder, [texts], **settings)
    with pytest.raises(ValueError, match=r"There is no file .*nowhere.jsonl"):
        init_project(folder, [tmp_path / "nowhere.jsonl"])
    assert not folder.exists()
    (tmp_path / "empty").mkdir()
    init_project(tmp_path / "empty", [texts])  # an empty folder will do


@pytest.mark.parametrize(
    ("folder", "name"), [("My NER (2)", "my_ner_2"), ("北京", "ner"), ("drugs", "drugs")]
)
def test_packages_are_named_after_the_folder(folder: str, name: str) -> None:
    assert package_name(folder) == name


def test_project_is_valid_yaml_of_the_kind_that_spacy_runs(tmp_path: Path, texts: Path) -> None:
    from weasel.schemas import ProjectConfigSchema, validate

    init_project(tmp_path / "project", [texts])
    assert validate(ProjectConfigSchema, read_project(tmp_path / "project")) == []
    json.dumps(read_project(tmp_path / "project"))


def test_project_makes_the_tokens_of_exceptions(tmp_path: Path) -> None:
    """Entities within tokens fit, and what is written and trained has the same tokens."""
    rows = make_rows(30)
    for row in rows:
        for span in row["spans"]:
            span["start"] += 2
    texts = write_rows(tmp_path / "texts.jsonl", rows)
    file = tmp_path / "exceptions.json"
    done = convert(texts, tmp_path / "all.spacy", misaligned="split", exceptions=file)
    folder = tmp_path / "project"
    project = init_project(folder, [texts], exceptions=file)
    found = sum(part.entities.total() for part in project.parts.values())
    assert found == done.entities.total() > 0
    kept = "assets/tokenizer_exceptions.json"
    assert (folder / kept).read_bytes() == file.read_bytes()
    config = Config().from_disk(folder / "config.cfg", interpolate=True)
    assert config["initialize"]["tokenizer"] == {"exceptions": kept}
    assert f"--exceptions {kept}" in scripts_of(folder)["convert"]
    for command in read_project(folder)["commands"]:
        assert (kept in command.get("deps", ())) == (command["name"] in ("convert", "train"))
    write_parts([texts], tmp_path / "corpus", exceptions=folder / kept)
    docs = DocBin().from_disk(tmp_path / "corpus/test.spacy").get_docs(Vocab())
    assert [doc.text for doc in docs] == [doc.text for doc in project.parts["test"].docs]


@pytest.fixture
def nested_texts(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "nested.jsonl", make_nested_rows(120))


def groups_of(path: Path) -> list[list[tuple[int, int, str]]]:
    docs = DocBin().from_disk(path).get_docs(Vocab())
    return [sorted((s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]) for doc in docs]


@pytest.mark.parametrize("model", ["transformer", "bilstm"])
def test_entities_within_others_get_a_project_that_finds_them(
    model: str, tmp_path: Path, nested_texts: Path
) -> None:
    folder = tmp_path / "project"
    project = init_project(folder, [nested_texts], model=model)
    lying = lying_spans(project.parts["train"].docs, EntitySource("sc")).counts
    assert lying.nested_in_own_label > 0
    spans = project.plan.spans
    assert spans is not None
    assert f"{lying.nested} are within others" in spans.why
    config = Config().from_disk(folder / "config.cfg", interpolate=True)
    assert config["nlp"]["pipeline"] == ["ner_plus_spans"]
    component = config["components"]["ner_plus_spans"]
    assert (component["factory"], component["spans_key"]) == ("ner_plus_spans", "sc")
    assert component["model"]["max_width"] == spans.max_width.value
    assert component["model"]["@architectures"].endswith("Spans.v1")
    assert config["training"]["score_weights"]["spans_sc_f"] == 1.0
    scripts = scripts_of(folder)
    readme = (folder / "README.md").read_text(encoding="utf8")
    assert 'doc.spans["sc"]' in readme
    assert " --nested" in readme
    assert scripts["convert"].endswith(" --spans-key sc")
    write_parts([nested_texts], tmp_path / "corpus", spans_key="sc")
    written = groups_of(tmp_path / "corpus" / "train.spacy")
    assert sum(map(len, written)) == lying.spans


def test_the_outermost_alone_are_a_flat_project(tmp_path: Path, nested_texts: Path) -> None:
    folder = tmp_path / "project"
    project = init_project(folder, [nested_texts], nested=False)
    assert project.plan.spans is None
    note = next(note for note in project.notes if "overlap longer ones" in note)
    assert "--nested finds them, too" in note
    n_found = sum(part.entities.total() for part in project.parts.values())
    n_given = sum(len(row["spans"]) for row in make_nested_rows(120))
    assert f"{n_given - n_found:,} entities" in note
    assert scripts_of(folder)["convert"].endswith(" --overlaps longest")
    assert " --flat" in (folder / "README.md").read_text(encoding="utf8")
    parts, _ = write_parts([nested_texts], tmp_path / "corpus", overlaps="longest")
    test = DocBin().from_disk(tmp_path / "corpus/test.spacy").get_docs(Vocab())
    docs = list(test)
    assert [len(doc.ents) for doc in docs] == [len(doc.ents) for doc in parts["test"].docs]
    assert not any(doc.user_data for doc in docs)  # nothing counts as missed that was left out


def test_phrases_of_a_flat_project_are_also_those_within_others(
    tmp_path: Path, nested_texts: Path
) -> None:
    project = init_project(tmp_path / "project", [nested_texts], model="rules", nested=False)
    train = project.parts["train"]
    hidden = {
        (text.record.text[its.start : its.end], its.label)
        for text in train.texts
        for its in text.hidden
    }
    outermost = {(e.text, e.label_) for doc in train.docs for e in doc.ents}
    assert hidden - outermost
    lines = (tmp_path / "project/assets/phrases.jsonl").read_text(encoding="utf8").splitlines()
    found = {(row["phrase"], row["label"]) for row in map(json.loads, lines)}
    assert found <= hidden | outermost and found & (hidden - outermost)


def test_flat_entities_can_be_a_nested_project(tmp_path: Path, texts: Path) -> None:
    project = init_project(tmp_path / "project", [texts], nested=True, spans_key="mine")
    assert project.plan.spans is not None
    assert "--flat" in project.plan.spans.why
    assert scripts_of(tmp_path / "project")["convert"].endswith(" --spans-key mine")
    readme = (tmp_path / "project/README.md").read_text(encoding="utf8")
    assert "--nested --spans-key mine" in readme


def test_docs_with_a_group_that_nests_are_seen(tmp_path: Path, nested_texts: Path) -> None:
    file = tmp_path / "nested.spacy"
    convert(nested_texts, file, spans_key="sc")
    project = init_project(tmp_path / "project", [file])
    assert project.plan.component == "ner_plus_spans"
    config = tmp_path / "nested.cfg"
    assert init_config(file, config).component == "ner_plus_spans"
    assert Config().from_disk(config, interpolate=True)["nlp"]["pipeline"] == ["ner_plus_spans"]
    assert init_config(file, tmp_path / "flat.cfg", nested=False).component == "ner_plus"
    nlp = spacy.blank("en")
    docs = [nlp(f"Bonn and Ulm {i}") for i in range(30)]
    for doc in docs:
        doc.spans["sc"] = [Span(doc, 0, 1, "City")]
    DocBin(docs=docs).to_disk(tmp_path / "group.spacy")  # as for spancat: nothing in doc.ents
    with pytest.raises(ValueError, match=r"nothing is known of their doc.ents \(--nested"):
        init_config(tmp_path / "group.spacy", tmp_path / "group.cfg")
    plan = init_config(tmp_path / "group.spacy", tmp_path / "group.cfg", nested=True)
    assert plan.component == "ner_plus_spans"


def test_what_overlaps_in_few_texts_is_asked_about(tmp_path: Path) -> None:
    odd = read_brackets("[[Bonn](City) University](Org)")
    path = write_rows(tmp_path / "few.jsonl", [*make_rows(300), odd])
    message = r"overlap in 1 of \d+ texts.*--nested.*--flat.*\n  .*few.jsonl, line 301"
    with pytest.raises(ValueError, match=message):
        init_project(tmp_path / "project", [path])
    assert not (tmp_path / "project").exists()
    assert init_project(tmp_path / "project", [path], nested=False).plan.spans is None


@pytest.mark.parametrize("model", ["rules", "features"])
def test_models_of_flat_entities_are_refused_for_nested_ones(
    model: str, tmp_path: Path, nested_texts: Path
) -> None:
    with pytest.raises(
        ValueError, match=f"--model {model} finds no entities within others.*--flat"
    ):
        init_project(tmp_path / "project", [nested_texts], model=model)
    assert not (tmp_path / "project").exists()
    assert init_project(tmp_path / "flat", [nested_texts], model=model, nested=False).plan.kind
