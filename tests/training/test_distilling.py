"""Trainings with teachers."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from thinc.api import Config
from typer.testing import CliRunner

from spacy_ner_plus import distil, train
from spacy_ner_plus.cli import app
from spacy_ner_plus.tags import TagScheme
from spacy_ner_plus.training import loop
from spacy_ner_plus.training.distillation import lesson_book
from spacy_ner_plus.training.distillation.callback import make_distillation_v1
from spacy_ner_plus.training.distillation.lesson_book import LessonBook
from spacy_ner_plus.training.distillation.teacher import Teacher
from spacy_ner_plus.training.randomness import capture
from tests import tiny
from tests.training.runs import finish, read_tree, start, write_config, write_corpora
from tests.training.test_resuming import KILLED, die_at_call

# The callback


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weight": 1.5}, "weight = 1.5 must be from 0 to 1"),
        ({"temperature": 0}, "temperature = 0.0 must be over 0"),
        ({"teachers": []}, r"teachers = \[\] must name at least one"),
        ({"sha256": ["a", "b"]}, "sha256 has 2 values for 1 teachers"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_distillation_v1(**{"teachers": ["a"], "cache": "b", **settings})


def test_pipeline_that_can_not_learn_is_refused(teachers: list[Path], tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    with pytest.raises(ValueError, match=r"must have exactly one component .* it has none"):
        make_distillation_v1([str(teachers[0])], str(tmp_path))(nlp)
    nlp = spacy.load(teachers[0])
    with pytest.raises(ValueError, match=r"a component 'other' .* it has ner_plus"):
        make_distillation_v1([str(teachers[0])], str(tmp_path), component="other")(nlp)
    nlp.config["training"]["frozen_components"] = ["ner_plus"]
    with pytest.raises(ValueError, match="is in frozen_components"):
        make_distillation_v1([str(teachers[0])], str(tmp_path))(nlp)


def test_callback_leaves_chance_as_it_was_and_calls_another(
    teachers: list[Path], tmp_path: Path
) -> None:
    nlp = spacy.load(teachers[1])
    write_corpora(tmp_path)
    nlp.config["corpora"] = {
        part: {"@readers": "spacy_ner_plus.Corpus.v1", "path": f"{tmp_path}/{part}.spacy"}
        for part in ("train", "dev")
    }
    called: list[Language] = []
    before = capture()
    made = make_distillation_v1(
        [str(teachers[0])],
        str(tmp_path / "cache"),
        report=str(tmp_path / "r.json"),
        first=called.append,
    )
    assert made(nlp) is nlp
    assert called == [nlp]
    for name, state in capture().items():
        np.testing.assert_array_equal(state, before[name])
    assert json.loads((tmp_path / "r.json").read_text())["docs"] == 60
    assert nlp.get_pipe("ner_plus")._teaching is not None


def test_without_a_seed_teachers_read_all_texts(teachers: list[Path], tmp_path: Path) -> None:
    """As nobody knows which of them the training will draw."""
    nlp = spacy.load(teachers[0])
    write_corpora(tmp_path)
    train = {"@readers": "spacy_ner_plus.Corpus.v1", "path": f"{tmp_path}/train.spacy"}
    texts = {"texts": [str(raw_texts(tmp_path / "raw.txt"))], "share": 0.1, "corpus": train}
    nlp.config["corpora"] = {
        "train": {"@readers": "spacy_ner_plus.CorpusWithTexts.v1", **texts},
        "dev": train,
    }
    for seed, n_texts in ((0, 7), (None, 40)):
        nlp.config["training"]["seed"] = seed
        report = tmp_path / "report.json"
        make_distillation_v1([str(teachers[1])], str(tmp_path / "cache"), report=str(report))(nlp)
        assert json.loads(report.read_text())["docs"] == 60 + n_texts


# Whole trainings

FEW = {"max_steps = 24": "max_steps = 6", "eval_frequency = 6": "eval_frequency = 3"}


def raw_texts(path: Path) -> Path:
    path.write_text("\n".join(tiny.sample_texts()[100:140]) + "\n", encoding="utf8")
    return path


@pytest.mark.slow
def test_distil_command_trains_a_student(teachers: list[Path], tmp_path: Path) -> None:
    """Of teachers with other encoders and schemes, into a BiLSTM, with one type in its data."""
    config, raw = write_config(tmp_path / "c", None, changes=FEW), raw_texts(tmp_path / "raw.txt")
    arguments = ["distil", teachers[0], config, "--output", tmp_path / "out", "--texts", raw]
    arguments += ["--and", teachers[2], "--temperature", 2, "--share", 0.25, "--weight", 0.75]
    result = CliRunner().invoke(app, [*map(str, arguments), "--training.max_steps", "4"])
    assert result.exit_code == 0, result.output
    assert "Lessons of 2 teachers about 80 documents" in result.output
    assert "cut: not all models tag them" in result.output
    nlp = spacy.load(tmp_path / "out" / "model-last")
    assert nlp.get_pipe("ner_plus").labels == ("Chemical", "Disease")
    block = nlp.config["initialize"]["after_init"]
    assert (block["weight"], block["temperature"], len(block["sha256"])) == (0.75, 2.0, 2)
    assert nlp.config["training"]["max_steps"] == 4
    assert nlp.config["corpora"]["train"]["corpus"]["path"] == f"{tmp_path / 'c'}/train.spacy"


@pytest.mark.slow
def test_first_pass_of_a_changed_corpus_has_its_lessons(
    teachers: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is drawn and changed by chance is the same when the lessons are made."""
    reader = '@readers = "spacy.Corpus.v1"'
    augmenter = (
        '\n[corpora.train.augmenter]\n@augmenters = "spacy_ner_plus.KeyboardTypos.v1"\n'
        "level = 0.9\np = 0.2\n"
    )
    path = f'path = "{tmp_path / "c"}/train.spacy"\n'
    changes = {**FEW, path: path + augmenter}
    config = write_config(tmp_path / "c", None, changes=changes)
    text = config.read_text().replace(reader, '@readers = "spacy_ner_plus.Corpus.v1"', 1)
    config.write_text(text)
    asked: list[int] = []
    original = LessonBook._ask

    def counted(self: LessonBook, *arguments: Any, **named: Any) -> Any:
        found = original(self, *arguments, **named)
        asked.append(len(found))
        return found

    monkeypatch.setattr(LessonBook, "_ask", counted)
    done = distil(
        teachers[0], config, tmp_path / "out", texts=[raw_texts(tmp_path / "raw.txt")], share=0.3
    )
    assert done.has_ended
    assert done.lessons.asked == done.lessons.docs == 60 + 26
    assert sum(asked) == done.lessons.asked
    assert len(asked) > 2


@pytest.mark.slow
def test_texts_that_are_drawn_in_later_passes_have_their_lessons(
    teachers: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path / "c", None, changes={"max_epochs = 0": "max_epochs = -1"})
    monkeypatch.setattr(Teacher, "unload", lambda teacher: monkeypatch.setattr(
        Teacher, "emissions", None  # nobody may ask after that
    ))  # fmt: skip
    raw = raw_texts(tmp_path / "raw.txt")
    done = distil(teachers[0], config, tmp_path / "out", texts=[raw], share=0.1)
    assert done.lessons.docs == 60 + 40


def without_writers(tree: dict[str, bytes]) -> dict[str, bytes]:
    """Files of lessons have the writing, one of many that may be at once, in their names."""
    return {re.sub(r"-[0-9a-f]{8}\.lessons$", ".lessons", k): data for k, data in tree.items()}


@pytest.mark.slow
def test_killed_distillation_goes_on_to_the_same_end(teachers: list[Path], tmp_path: Path) -> None:
    """Killed while lessons are made, and while it learns; resumed, also by plain training."""
    config, raw = write_config(tmp_path / "c", None), raw_texts(tmp_path / "raw.txt")
    log, out = tmp_path / "log.txt", tmp_path / "out"
    arguments = ["distil", teachers[0], config, "--output", out, "--texts", raw]
    arguments += ["--checkpoint-every", 5, "--resume"]

    def run(before: Any = None) -> int:
        def target() -> None:
            lesson_book._FILE = 16
            if before is not None:
                before()
            app(list(map(str, arguments)), prog_name="ner-plus")

        return finish(start(target, log))

    assert run() == 0, log.read_text()
    whole = without_writers(read_tree(out))
    shutil.rmtree(out)
    for prepare in (
        die_at_call(lesson_book.LessonCache, "add", 4),
        die_at_call(loop, "subdivide_batch", 9),
        die_at_call(loop, "subdivide_batch", 7),
    ):
        assert run(prepare) == KILLED, log.read_text()
    assert len(list((out / "lessons").rglob("*.lessons"))) >= 7
    assert run() == 0, log.read_text()
    assert "Resumed after 10 steps" in log.read_text()
    parts = without_writers(read_tree(out))
    report = json.loads(parts.pop("distillation.json"))
    assert report["asked"] == 0  # by the last run
    assert {**json.loads(whole.pop("distillation.json")), "asked": 0} == report
    assert parts == whole
    trained = tmp_path / "trained"
    assert train(out / "model-last" / "config.cfg", trained)
    own = {name: data for name, data in whole.items() if name.startswith("model-last/ner_plus")}
    assert own
    found = read_tree(trained)
    assert all(found[name] == data for name, data in own.items())


@pytest.mark.slow
def test_distil_refuses_before_it_begins(teachers: list[Path], tmp_path: Path) -> None:
    config, raw = write_config(tmp_path / "c", None, changes=FEW), raw_texts(tmp_path / "raw.txt")
    out = tmp_path / "out"
    for settings, message in (
        ({"share": 0.5}, "share = 0.5 is of texts, and there are none"),
        ({"texts": [tmp_path / "none.txt"]}, "There is no file or folder"),
        ({"texts": [tmp_path / "c" / "config.cfg"]}, "give --input-format"),
        ({"texts": [raw], "share": 2.0}, "share = 2.0 must be over 0"),
        ({"weight": -1}, "weight = -1.0 must be from 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            distil(teachers[0], config, out, **settings)
    with pytest.raises(ValueError, match="There is no teacher"):
        distil([], config, out)
    more = Config().from_disk(config)
    labels = {"labels": ["Chemical", "Disease", "Place"]}
    more["initialize"] = {"components": {"ner_plus": labels}}
    with pytest.raises(ValueError, match=r"types of entities differ: the teacher lacks Place"):
        distil(teachers[0], more, out)
    other = tmp_path / "other"
    nlp = spacy.load(teachers[0])
    nlp.get_pipe("ner_plus").add_label("Place")
    nlp.to_disk(other)
    with pytest.raises(ValueError, match=f"{teachers[0]} lacks Place of the teacher {other}"):
        distil([teachers[0], other], config, out)
    assert not any(path.name.startswith("model") for path in out.rglob("*"))


def test_corpus_within_the_reader_of_texts_is_looked_at(tmp_path: Path) -> None:
    config = Config().from_disk(write_config(tmp_path, None))
    config["corpora"]["train"] = {
        "@readers": "spacy_ner_plus.CorpusWithTexts.v1",
        "texts": ["texts.txt"],
        "corpus": {"@readers": "spacy_ner_plus.Corpus.v1", "path": str(tmp_path / "none.spacy")},
    }
    with pytest.raises(ValueError, match=r"\[corpora\.train\] path: .*none\.spacy"):
        train(config, tmp_path / "out")


@pytest.mark.slow
def test_changed_teacher_is_refused_when_a_run_goes_on(
    teachers: list[Path], tmp_path: Path
) -> None:
    teacher, log = tmp_path / "teacher", tmp_path / "log.txt"
    shutil.copytree(teachers[0], teacher)
    config = write_config(tmp_path / "c", None, changes=FEW)

    def killed() -> None:
        die_at_call(loop, "subdivide_batch", 3)()
        distil(teacher, config, tmp_path / "out", checkpoint_every=1)

    assert finish(start(killed, log)) == KILLED, log.read_text()
    shutil.rmtree(teacher)
    shutil.copytree(teachers[2], teacher)
    with pytest.raises(ValueError, match=r"initialize\.after_init\.sha256: .* then, .* now"):
        distil(teacher, config, tmp_path / "out", resume=True)


def test_callback_that_is_there_is_called_first() -> None:
    """But not that of an earlier distillation, in the config that it left."""
    from spacy_ner_plus.training.distillation import distil as module

    own = {"@callbacks": "spacy_ner_plus.add_labels.v1"}
    config = Config({"initialize": {"after_init": own}})
    for teachers in (["a"], ["b"]):
        module._add_callback(config, {"teachers": teachers})
        assert config["initialize"]["after_init"] == {
            "@callbacks": "spacy_ner_plus.Distillation.v1",
            "teachers": teachers,
            "first": own,
        }


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, ["X", "Y"]), ({"labels": None}, ["X", "Y"]), ({"labels": ["Z"]}, ["Z"])],
)
def test_student_without_labels_gets_those_of_its_teacher(
    given: dict[str, Any], expected: list[str]
) -> None:
    from spacy_ner_plus.training.distillation import distil as module

    config = Config(
        {
            "components": {"ner_plus": {"factory": "ner_plus"}},
            "initialize": {"components": {"ner_plus": given}},
        }
    )
    teacher = Teacher("a", "ner_plus", TagScheme("BIO", ["X", "Y"]), "")
    module._add_labels(config, teacher, None)
    assert config["initialize"]["components"]["ner_plus"]["labels"] == expected
