"""Teachers, and the lessons that are made of what they say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from thinc.api import Config

from spacy_ner_plus.models.architectures.tagged_tokens import tagged_tokens
from spacy_ner_plus.models.decoding.lessons import MeansLesson, ScoresLesson, common_rows
from spacy_ner_plus.training.distillation import lesson_book
from spacy_ner_plus.training.distillation.course import ScoresCourse, make_course, to_arrays
from spacy_ner_plus.training.distillation.lesson_book import LessonBook
from spacy_ner_plus.training.distillation.lesson_cache import LessonCache
from spacy_ner_plus.training.distillation.teacher import Teacher
from tests.killing import killed_at_each_step, needs_fork
from tests.training.runs import write_config

TEXTS = [
    "Severe heart failure followed.",
    "A zero\u200bwidth space \u200b\u200b and more .",
    "",
    "  ",
    "hypotension \u200b \u200b",
    "Severe heart failure followed.",
]


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
