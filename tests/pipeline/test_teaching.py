"""What an update learns of annotation, and what of teachers."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.models.architectures.tagged_tokens import tagged_tokens
from spacy_ner_plus.models.decoding.lesson_losses import TaughtBatch, lesson_loss_and_gradient
from spacy_ner_plus.models.decoding.lessons import Lesson, LessonForm, ScoresForm, ScoresLesson
from spacy_ner_plus.models.decoding.tag_mapping import TaughtTags
from spacy_ner_plus.pipeline.capabilities import LearnsFromTeachers
from tests.pipeline.samples import initialized_nlp, make_examples


@dataclass
class Stub:
    """Knows the lessons of some texts."""

    form: LessonForm
    weight: float
    by_text: dict[str, Lesson]

    def lessons(self, docs: Sequence[Doc], row_tokens: Sequence[np.ndarray]) -> list[Lesson | None]:
        return [self.by_text.get(doc.text) for doc in docs]


def raw(nlp: Language, text: str) -> Example:
    return Example(nlp.make_doc(text), nlp.make_doc(text))


def lesson_of(nlp: Language, doc: Doc) -> ScoresLesson:
    emissions = nlp.get_pipe("ner_plus").model.predict([doc])
    return ScoresLesson(emissions.row_tokens[0], emissions.scores.numpy())


def teaching_of(nlp: Language, student: Language, examples: list[Example], weight: float) -> Stub:
    schemes = [one.get_pipe("ner_plus").shim.scheme for one in (nlp, student)]
    chain = nlp.get_pipe("ner_plus").shim.decoder.chain_scores()
    form = ScoresForm(TaughtTags(*schemes), chain, 2.0)
    return Stub(form, weight, {eg.predicted.text: lesson_of(nlp, eg.predicted) for eg in examples})


@pytest.fixture
def teacher(tiny_encoder_dir: Path) -> Language:
    return initialized_nlp(tiny_encoder_dir, seed=1, tag_scheme="BIO")


@pytest.fixture
def student(tiny_encoder_dir: Path) -> Language:
    return initialized_nlp(tiny_encoder_dir, seed=2)


def loss_of(nlp: Language, examples: list[Example]) -> tuple[float, Any]:
    pipe = nlp.get_pipe("ner_plus")
    emissions = pipe.model.predict([eg.predicted for eg in examples])
    pipe.shim.decoder.zero_grad()
    loss, gradient = pipe.get_loss(examples, emissions)
    return loss, [gradient, *(p.grad.clone() for p in pipe.shim.decoder.parameters())]


def lesson_loss(student: Language, stub: Stub, example: Example) -> float:
    pipe = student.get_pipe("ner_plus")
    emissions = pipe.model.predict([example.predicted])
    lessons = stub.lessons([example.predicted], emissions.row_tokens)
    taught = TaughtBatch.of(stub.form, lessons, emissions.row_tokens)
    losses, _ = lesson_loss_and_gradient(pipe.shim.decoder, emissions, taught, np.ones(1), 1)
    return float(losses[0])


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_loss_is_the_weighted_sum_of_annotation_and_lessons(
    teacher: Language, student: Language, weight: float
) -> None:
    """Of a document with both, one with its annotation alone, and one with a lesson alone."""
    both, annotated = make_examples(student, 2)
    plain = raw(student, "Nothing is annotated here.")
    pipe = student.get_pipe("ner_plus")
    parts = [loss_of(student, [one]) for one in (both, annotated)]
    n_rows = [
        len(rows) for rows in tagged_tokens(pipe.model, [both.predicted, annotated.predicted])
    ]
    stub = teaching_of(teacher, student, [both, plain], weight)
    taught = [lesson_loss(student, stub, one) for one in (both, plain)]
    assert min(taught) > 0
    total = (1 - weight) * parts[0][0] * n_rows[0] + parts[1][0] * n_rows[1]
    total += weight * taught[0] + taught[1]
    pipe.learn_from(stub)
    loss, _ = loss_of(student, [both, annotated, plain])
    assert loss == pytest.approx(total / (sum(n_rows) + 5), rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_spans_that_are_known_to_be_wrong_are_annotation(
    teacher: Language, student: Language, weight: float
) -> None:
    """Of two words of five something is known, and of all something is taught."""
    example = raw(student, "Severe heart failure followed.")
    wrong = [Span(example.reference, 1, 3, "Disease")]
    example.reference.spans["incorrect_spans"] = wrong
    alone, _ = loss_of(student, [example])
    assert alone > 0
    stub = teaching_of(teacher, student, [example], weight)
    student.get_pipe("ner_plus").learn_from(stub)
    loss, _ = loss_of(student, [example])
    taught = lesson_loss(student, stub, example)
    assert loss == pytest.approx(((1 - weight) * alone * 2 + weight * taught) / 5, rel=1e-5)


def test_each_row_that_is_known_or_taught_counts_once(teacher: Language, student: Language) -> None:
    """The lesson is about the first three words, and the annotation about the last three of 5."""
    example = raw(student, "Severe heart failure followed.")
    ents = ["", "", "O", "O", "O"]
    words = [token.text for token in example.reference]
    spaces = [bool(token.whitespace_) for token in example.reference]
    reference = Doc(student.vocab, words=words, spaces=spaces, ents=ents)
    example = Example(example.predicted, reference)
    alone, _ = loss_of(student, [example])
    stub = teaching_of(teacher, student, [example], 0.25)
    whole = stub.by_text[example.predicted.text]
    assert isinstance(whole, ScoresLesson)
    stub.by_text[example.predicted.text] = ScoresLesson(whole.tokens[:3], whole.scores[:3])
    student.get_pipe("ner_plus").learn_from(stub)
    loss, _ = loss_of(student, [example])
    taught = lesson_loss(student, stub, example)
    assert loss == pytest.approx((0.75 * alone * 3 + 0.25 * taught) / 5, rel=1e-5)


def test_gradient_is_that_of_the_loss(teacher: Language, student: Language) -> None:
    examples = [*make_examples(student, 2), raw(student, "Nothing is annotated here.")]
    pipe = student.get_pipe("ner_plus")
    pipe.learn_from(teaching_of(teacher, student, [examples[0], examples[2]], 0.3))
    emissions = pipe.model.predict([eg.predicted for eg in examples])
    direction = torch.randn(
        emissions.scores.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    found = []
    for step in (-1e-4, 1e-4):
        moved = type(emissions)(emissions.scores.double() + step * direction, emissions.row_tokens)
        found.append(pipe.get_loss(examples, moved)[0])
    _, gradient = pipe.get_loss(examples, emissions)
    slope = float((gradient.double() * direction).sum())
    assert (found[1] - found[0]) / 2e-4 == pytest.approx(slope, rel=1e-3)


def test_student_that_agrees_learns_nothing_from_raw_text(student: Language) -> None:
    example = raw(student, "Severe heart failure followed.")
    student.get_pipe("ner_plus").learn_from(teaching_of(student, student, [example], 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that nothing is annotated
        loss, gradients = loss_of(student, [example])
    assert loss == pytest.approx(0, abs=1e-6)
    for gradient in gradients:
        torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-6)


def test_annotation_without_weight_is_not_looked_at(teacher: Language, student: Language) -> None:
    [example] = make_examples(student, 1)
    assert example.reference.ents
    student.get_pipe("ner_plus").learn_from(teaching_of(teacher, student, [example], 1.0))
    annotated, _ = loss_of(student, [example])
    example.reference.ents = []
    assert loss_of(student, [example])[0] == pytest.approx(annotated)


def test_student_becomes_like_its_teacher_by_raw_text(teacher: Language, student: Language) -> None:
    examples = [raw(student, eg.predicted.text) for eg in make_examples(student, 4)]
    pipe = student.get_pipe("ner_plus")
    pipe.learn_from(teaching_of(teacher, student, examples, 0.5))
    optimizer = pipe.create_optimizer()
    optimizer.learn_rate = 4e-4
    losses = [pipe.update(examples, sgd=optimizer)["ner_plus"] for _ in range(30)]
    assert losses[-1] < 0.2 * losses[0]
    pipe.learn_from(None)
    with pytest.warns(UserWarning, match="learns nothing"):
        pipe.update(examples)


def test_teaching_is_not_saved(teacher: Language, student: Language, tmp_path: Path) -> None:
    pipe = student.get_pipe("ner_plus")
    before = pipe.to_bytes()
    pipe.learn_from(teaching_of(teacher, student, make_examples(student, 1), 0.5))
    assert pipe.to_bytes() == before


def test_features_learn_from_teachers_if_updates_learn(
    teacher: Language, student: Language
) -> None:
    stub = teaching_of(teacher, student, [], 0.5)
    for fine_tune in (False, True):
        nlp = spacy.blank("en")
        pipe: Any = nlp.add_pipe("ner_plus_features", config={"fine_tune": fine_tune})
        assert isinstance(pipe, LearnsFromTeachers)
        if fine_tune:
            pipe.learn_from(stub)
        else:
            with pytest.raises(ValueError, match="set fine_tune = true"):
                pipe.learn_from(stub)
        pipe.learn_from(None)
