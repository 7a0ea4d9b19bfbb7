"""Teachers, their lessons, and trainings with them."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config
from typer.testing import CliRunner

from spacy_ner_plus import distil, train
from spacy_ner_plus.cli import app
from spacy_ner_plus.models.architectures.tagged_tokens import tagged_tokens
from spacy_ner_plus.models.decoding.lessons import MeansLesson, ScoresLesson, common_rows
from spacy_ner_plus.tags import TagScheme
from spacy_ner_plus.training import loop
from spacy_ner_plus.training.distillation import lesson_book
from spacy_ner_plus.training.distillation.callback import make_distillation_v1
from spacy_ner_plus.training.distillation.course import ScoresCourse, make_course, to_arrays
from spacy_ner_plus.training.distillation.lesson_book import LessonBook
from spacy_ner_plus.training.distillation.lesson_cache import LessonCache
from spacy_ner_plus.training.distillation.teacher import Teacher
from spacy_ner_plus.training.randomness import capture
from tests import tiny
from tests.killing import killed_at_each_step, needs_fork
from tests.pipeline.samples import initialized_nlp
from tests.training.runs import finish, read_tree, start, write_config, write_corpora
from tests.training.test_resuming import KILLED, die_at_call

TEXTS = [
    "Severe heart failure followed.",
    "A zero\u200bwidth space \u200b\u200b and more .",
    "",
    "  ",
    "hypotension \u200b \u200b",
    "Severe heart failure followed.",
]


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> list[Path]:
    """Three pipelines: the second has another tag scheme, the third another tokenizer."""
    folder = tmp_path_factory.mktemp("teachers")
    other = tiny.save_encoder(folder / "encoder", tokenizer="byte-bpe")
    made = [
        initialized_nlp(tiny_encoder_dir, n=70, seed=1),
        initialized_nlp(tiny_encoder_dir, n=70, seed=2, tag_scheme="BIO"),
        initialized_nlp(other, n=70, seed=3),
    ]
    for number, nlp in enumerate(made):
        nlp.to_disk(folder / str(number))
    return [folder / str(number) for number in range(3)]


def docs_of(texts: Sequence[str] = TEXTS) -> list[Doc]:
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in texts]


def solid(docs: Sequence[Doc]) -> list[np.ndarray]:
    return [np.array([t.i for t in doc if not t.is_space], dtype=np.int64) for doc in docs]


# Teachers


def test_teacher_is_described_by_its_files(teachers: list[Path]) -> None:
    found = Teacher.find(str(teachers[1]), None)
    assert found.component == "ner_plus"
    assert found.scheme == spacy.load(teachers[1]).get_pipe("ner_plus").shim.scheme
    assert Teacher.find(str(teachers[1]), "ner_plus", found.sha256) == found
    with pytest.raises(ValueError, match=r"not the one that it was: the SHA-256 .* should be abc"):
        Teacher.find(str(teachers[1]), None, "abc")
    with pytest.raises(ValueError, match=r"must have a component 'ner' .* it has ner_plus"):
        Teacher.find(str(teachers[1]), "ner")


def test_what_gives_no_distribution_is_no_teacher(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus_rules")
    nlp.to_disk(tmp_path / "rules")
    with pytest.raises(ValueError, match=r"it has none.*annotation, and no distribution"):
        Teacher.find(str(tmp_path / "rules"), None)
    for name in ("nobody", "blank:en"):
        with pytest.raises(ValueError, match=name):
            Teacher.find(name, None)


def test_teacher_reads_the_tokens_that_it_is_given(teachers: list[Path]) -> None:
    """In those of another vocabulary, without annotation that is on them."""
    nlp = spacy.load(teachers[0])
    doc = Doc(spacy.blank("de").vocab, words=["Se", "vere", "heart"], spaces=[False, True, False])
    doc.ents = []
    found = Teacher.find(str(teachers[0]), None).emissions([doc])
    own = Doc(nlp.vocab, words=["Se", "vere", "heart"], spaces=[False, True, False])
    expected = nlp.get_pipe("ner_plus").model.predict([own])
    torch.testing.assert_close(found.scores, expected.scores)
    assert [rows.tolist() for rows in found.row_tokens] == [[0, 1, 2]]


def test_teacher_hears_of_what_comes_before_its_component(
    tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    config = write_config(tmp_path, None, shared=True)
    text = config.read_text().replace(
        '[components.ner_plus.model.tok2vec]\n@architectures = "spacy_ner_plus.BiLSTM.v1"\n'
        "hidden_size = 16\nlearned_width = 16",
        '[components.ner_plus.model.tok2vec]\n@architectures = "spacy.Tok2VecListener.v1"\n'
        "width = 16",
    )
    nlp = spacy.util.load_model_from_config(Config().from_str(text), auto_fill=True)
    nlp.initialize(
        lambda: list(
            spacy.util.resolve_dot_names(nlp.config.interpolate(), ["corpora.train"])[0](nlp)
        )
    )
    nlp.to_disk(tmp_path / "teacher")
    [doc] = docs_of(["Severe heart failure followed."])
    found = Teacher.find(str(tmp_path / "teacher"), None).emissions([doc])
    with nlp.select_pipes(enable=["tok2vec"]):
        expected = nlp.get_pipe("ner_plus").model.predict([nlp(doc.text)])
    torch.testing.assert_close(found.scores, expected.scores)
    assert found.scores.std() > 0


def test_tagged_tokens_are_those_of_the_emissions(
    teachers: list[Path], tiny_encoder_dir: Path
) -> None:
    docs = docs_of()
    features = spacy.blank("en").add_pipe("ner_plus_features")
    features.initialize(lambda: initialized_examples(), labels=["X"])
    models = [spacy.load(path).get_pipe("ner_plus").model for path in teachers]
    for model in [*models, features.model]:
        found = tagged_tokens(model, docs)
        expected = model.predict(docs).row_tokens
        assert [rows.tolist() for rows in found] == [rows.tolist() for rows in expected]


def initialized_examples() -> list[Any]:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["a", "b"], ents=["B-X", "O"])
    return [spacy.training.Example(doc.copy(), doc)]


def test_teacher_that_overflows_is_named_with_the_text(teachers: list[Path]) -> None:
    teacher = Teacher.find(str(teachers[0]), None)
    docs = docs_of(["", "Severe heart failure followed."])
    pipe = teacher._loaded.get_pipe("ner_plus")
    with torch.no_grad():
        next(pipe.shim.module.parameters())[:] = torch.nan
    with pytest.raises(ValueError, match=rf"{teachers[0]} has scores .* no numbers on 'Severe"):
        teacher.emissions(docs)


# Lessons


def test_lesson_of_one_teacher_is_what_it_scores(teachers: list[Path]) -> None:
    teacher = Teacher.find(str(teachers[1]), None)
    docs, course = docs_of(), make_course([teacher], teacher.scheme, 1.0)
    lessons = course.make(docs, solid(docs))
    emissions = teacher.emissions(docs)
    scores = emissions.scores.split(emissions.lengths.tolist())
    for lesson, tokens, own in zip(lessons, emissions.row_tokens, scores, strict=True):
        assert isinstance(lesson, ScoresLesson)
        assert lesson.tokens.tolist() == tokens.tolist()
        np.testing.assert_array_equal(lesson.scores, own.numpy())


def test_lesson_of_several_teachers_is_about_the_rows_of_all(teachers: list[Path]) -> None:
    """Of one document or of a batch the same; the student is the one that lacks a row, too."""
    found = [Teacher.find(str(path), None) for path in teachers]
    docs = docs_of()
    tokens = solid(docs)
    tokens[0] = np.array([0, 2, 3, 4])  # it does not tag the second one
    course = make_course(found, found[1].scheme, 2.0)
    sides = [tokens, *(teacher.emissions(docs).row_tokens for teacher in found)]
    lessons = course.make(docs, tokens)
    for i, (doc, lesson) in enumerate(zip(docs, lessons, strict=True)):
        assert isinstance(lesson, MeansLesson)
        common = common_rows(*(side[i] for side in sides))
        assert lesson.rows.tolist() == common.positions[0].tolist()
        assert lesson.lengths.tolist() == common.lengths.tolist()
        assert lesson.n_cut.tolist() == [common.n_cut]
        np.testing.assert_allclose(lesson.marginals.sum(1), 1.0, rtol=1e-5)
        n_pairs = lesson.transitions.sum((1, 2))
        np.testing.assert_allclose(n_pairs, lesson.lengths - 1, rtol=1e-5, atol=1e-6)
        [alone] = course.make([doc], [tokens[i]])
        for name, array in to_arrays(alone).items():
            np.testing.assert_allclose(array, to_arrays(lesson)[name], atol=2e-4)
    assert lessons[0].lengths.tolist() == [1, 3]
    assert sum(int(lesson.n_cut[0]) for lesson in lessons) > 2  # those without pieces, too


def test_teachers_of_other_types_are_refused_by_name(teachers: list[Path]) -> None:
    teacher = Teacher.find(str(teachers[0]), None)
    scheme = type(teacher.scheme)("BIO", ["Disease", "Place"])
    with pytest.raises(ValueError, match=rf"{teachers[0]}: .*student lacks Chemical.*lacks Place"):
        make_course([teacher], scheme, 1.0)


class CountedTeacher(ScoresCourse):
    """Counts what it is asked."""

    asked: list[int]

    def make(self, docs: Sequence[Doc], row_tokens: Sequence[np.ndarray]) -> Any:
        type(self).asked.append(len(docs))
        return super().make(docs, row_tokens)


@pytest.fixture
def course(teachers: list[Path]) -> CountedTeacher:
    CountedTeacher.asked = []
    teacher = Teacher.find(str(teachers[0]), None)
    return CountedTeacher(teacher, teacher.scheme, 1.0)


def test_lessons_are_made_once_and_counted(course: CountedTeacher, tmp_path: Path) -> None:
    docs = docs_of()
    for asked in (5, 0):
        book = LessonBook(course, tmp_path / "lessons", 0.5, {})
        counts = book.prepare(docs, solid)
        assert CountedTeacher.asked == [5]  # one is there twice
        assert (counts.docs, counts.words, counts.asked) == (6, sum(map(len, docs)), asked)
        emissions = course.teacher.emissions(docs)
        common = [common_rows(*own) for own in zip(solid(docs), emissions.row_tokens, strict=True)]
        assert counts.rows == sum(int(its.lengths.sum()) for its in common)
        assert counts.rows_cut == sum(its.n_cut for its in common) > 0
        assert counts.sequences_split == sum(len(its.lengths) > 1 for its in common) > 0
        assert counts.cache_bytes == book.cache.n_bytes > 0
    [first, other] = book.lessons(docs[:2], solid(docs[:2]))
    np.testing.assert_array_equal(first.scores, course.make(docs[:1], [])[0].scores)
    assert len(other.tokens)


def test_lessons_are_found_by_tokens_and_white_space(
    course: CountedTeacher, teachers: list[Path]
) -> None:
    """In any vocabulary; of means, by the student's rows, too."""
    words = (["a", "b"], ["ab"], ["a", "b", "c"], ["b", "a"])
    docs = [Doc(spacy.blank("en").vocab, words=own) for own in words]
    docs.append(Doc(spacy.blank("en").vocab, words=["a", "b"], spaces=[False, True]))
    keys = [course.key(doc, np.arange(len(doc))) for doc in docs]
    assert len(set(keys)) == len(docs)
    again = Doc(spacy.blank("de").vocab, words=["a", "b"])
    assert course.key(again, np.arange(1)) == keys[0]
    means = make_course([course.teacher] * 2, course.student, 1.0)
    assert means.key(again, np.arange(2)) == means.key(docs[0], np.arange(2))
    assert means.key(again, np.arange(1)) != means.key(docs[0], np.arange(2))


def test_lesson_about_an_unknown_text_is_made_and_not_kept(
    course: CountedTeacher, tmp_path: Path
) -> None:
    book = LessonBook(course, tmp_path, 0.5, {})
    docs = docs_of(["Something new.", "Something new.", "Something else."])
    n_before = len(book.cache)
    for _ in range(2):
        assert len(book.lessons(docs, solid(docs))) == 3
    assert CountedTeacher.asked == [2, 2]
    assert len(book.cache) == n_before


def test_several_files_of_lessons(
    course: CountedTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson_book, "_FILE", 2)
    monkeypatch.setattr(lesson_book, "_BATCH", 1)
    docs = docs_of()
    counts = LessonBook(course, tmp_path, 0.5, {}).prepare(docs, solid)
    assert counts.docs == 6
    assert CountedTeacher.asked == [1] * 5
    assert LessonBook(course, tmp_path, 0.5, {}).prepare(docs, solid).asked == 0


@needs_fork
@pytest.mark.slow
def test_killed_at_any_step_lessons_are_whole(tmp_path: Path) -> None:
    """And those of before are there."""
    key, other = b"1" * 16, b"2" * 16
    arrays = {"scores": np.ones((3, 2), dtype=np.float32)}
    before = tmp_path / "before"
    LessonCache(before, {}, {}).add({key: arrays})

    def work(folder: Path) -> None:
        LessonCache(folder, {}, {}).add({other: arrays})

    n_written = 0
    for folder in killed_at_each_step(before, work):
        cache = LessonCache(folder, {}, {})
        np.testing.assert_array_equal(cache.read(key)["scores"], arrays["scores"])
        if other in cache:
            n_written += 1
            np.testing.assert_array_equal(cache.read(other)["scores"], arrays["scores"])
    assert n_written


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
