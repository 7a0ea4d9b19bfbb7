import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language

from spacy_ner_plus.pipeline.scorer import nested_score_weights
from spacy_ner_plus.training import progress
from spacy_ner_plus.training.progress import (
    ProgressMeter,
    TrainingProgress,
    make_progress_logger_v1,
    score_columns,
)


@dataclass
class Counts:
    words: int = 0
    loss: float = 0.0


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Learner:
    """A trainable component that only counts."""

    is_trainable = True

    def __init__(self) -> None:
        self.progress = Counts()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@Language.factory("learner")
def make_learner(nlp: Language, name: str) -> Learner:
    return Learner()


@pytest.fixture(autouse=True)
def peaks(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = {"memory": 1_250_000_000, "GPU": 16_000_000_000}
    monkeypatch.setattr(progress, "peak_memory", lambda: peaks)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "perf_counter", clock)
    return clock


@pytest.fixture
def nlp() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("learner")
    nlp.config["training"] = {
        **nlp.config["training"],
        "max_steps": 10,
        "eval_frequency": 5,
        "score_weights": {"ents_f": 1.0, "speed": 0.0, "hidden": None},
    }
    return nlp


def evaluation(step: int, loss: float) -> dict[str, Any]:
    scores = {"ents_p": 0.5, "ents_r": 0.25, "ents_f": 1 / 3, "ents_macro_f": 0.3, "speed": 1234.0}
    return {
        "epoch": 0,
        "step": step,
        "score": 1 / 3,
        "other_scores": scores,
        "losses": {"learner": loss},
        "seconds": 9,
    }


def train(nlp: Language, clock: Clock, log_step: Callable[[dict | None], None]) -> None:
    """Ten seconds an evaluation, two a step with 100 words and a loss of 3."""
    learner = nlp.get_pipe("learner")
    loss = 0.0
    for step in range(11):
        learner.progress.words += 100
        learner.progress.loss += 3.0
        loss += 3.0
        evaluated = step % 5 == 0
        clock.time += 12 if evaluated else 2
        log_step(evaluation(step, loss) if evaluated else None)
        loss = 0.0 if evaluated else loss


def test_meter_leaves_evaluations_out_of_the_speed() -> None:
    clock, counts = Clock(), Counts(words=1000, loss=50.0)
    meter = ProgressMeter(max_steps=9, eval_frequency=5, sources=[counts], clock=clock)
    assert meter.seconds_left() is None
    counts.words += 100
    counts.loss += 4.0
    clock.time += 30  # the first step and an evaluation
    meter.advance(evaluated=True)
    assert meter.words_per_second is None
    for loss in (2.0, 3.0):
        counts.words += 100
        counts.loss += loss
        clock.time += 2
        meter.advance(evaluated=False)
    assert meter.words_per_second == 50.0
    assert meter.take_loss() == pytest.approx(3.0)  # a step, since the beginning
    assert meter.take_loss() is None
    assert meter.step == 2
    # seven steps of 2 s and the evaluation of step 5, which is taken to be as long as the first
    assert meter.seconds_left() == pytest.approx(7 * 2 + 30)


def test_meter_adds_up_components_and_knows_no_end_without_max_steps() -> None:
    clock, counts = Clock(), [Counts(), Counts()]
    meter = ProgressMeter(max_steps=None, eval_frequency=5, sources=counts, clock=clock)
    for _ in range(2):
        counts[0].words += 10
        counts[1].words += 30
        clock.time += 1
        meter.advance(evaluated=False)
    assert meter.words_per_second == 40.0
    assert meter.seconds_left() is None


def test_meter_leaves_out_the_steps_of_a_resumed_run() -> None:
    clock, counts = Clock(), Counts()
    meter = ProgressMeter(max_steps=9, eval_frequency=5, sources=[counts], clock=clock)
    for step in range(7):  # told again, without being done again
        meter.advance(evaluated=step % 5 == 0)
    assert meter.words_per_second is None
    counts.words += 100
    counts.loss += 4.0
    clock.time += 2
    meter.advance(evaluated=False)
    assert meter.step == 7
    assert meter.words_per_second == 50.0
    assert meter.take_loss() == 4.0
    assert meter.seconds_left() == 4.0


def test_logger_writes_lines_without_a_terminal(nlp: Language, clock: Clock) -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    log_step, finalize = make_progress_logger_v1(log_every_seconds=4)(nlp, stdout, stderr)
    train(nlp, clock, log_step)
    finalize()
    lines = stderr.getvalue().splitlines()
    assert lines[0] == "step 0/10 (0%)  loss 3.000  memory 1.2 GB  GPU 16.0 GB"
    assert lines[1] == (
        "step 2/10 (20%)  loss 3.000  50 words/s  memory 1.2 GB  GPU 16.0 GB  ETA 00:40"
    )
    assert lines[-1].startswith("step 10/10 (100%)")
    assert len(lines) == 7


def test_logger_prints_a_row_for_each_evaluation(nlp: Language, clock: Clock) -> None:
    stdout = io.StringIO()
    log_step, finalize = make_progress_logger_v1()(nlp, stdout, io.StringIO())
    train(nlp, clock, log_step)
    finalize()
    header, _, *rows = [line.split() for line in stdout.getvalue().splitlines()]
    names = " ".join(header)
    assert names == "E # LOSS LEARNER ENTS_P ENTS_R ENTS_F MACRO_F SPEED WORDS/S SCORE"
    expected = ["3.000", "50.00", "25.00", "33.33", "30.00", "1234.00"]
    assert rows == [
        ["0", "0", *expected, "-", "33.33"],
        ["0", "5", *expected, "50", "33.33"],
        ["0", "10", *expected, "50", "33.33"],
    ]


def test_logger_shows_a_bar_on_a_terminal_from_the_start(nlp: Language, clock: Clock) -> None:
    stderr = Terminal()
    log_step, finalize = make_progress_logger_v1()(nlp, io.StringIO(), stderr)
    assert "0/10" in stderr.getvalue()
    train(nlp, clock, log_step)
    finalize()
    assert "10/10" in stderr.getvalue()
    assert "loss 3.000" in stderr.getvalue()
    assert "50 words/s, memory 1.2 GB, GPU 16.0 GB, ETA 00:" in stderr.getvalue()
    assert "step 1" not in stderr.getvalue()


def test_logger_obeys_progress_bar(nlp: Language, clock: Clock) -> None:
    stderr = Terminal()
    log_step, finalize = make_progress_logger_v1(progress_bar=False)(nlp, io.StringIO(), stderr)
    train(nlp, clock, log_step)
    finalize()
    assert "\r" not in stderr.getvalue()
    stderr = io.StringIO()
    _, finalize = make_progress_logger_v1(progress_bar=True)(nlp, io.StringIO(), stderr)
    finalize()
    assert "0/10" in stderr.getvalue()


def test_logger_counts_steps_of_components_without_counts(nlp: Language, clock: Clock) -> None:
    del nlp.get_pipe("learner").progress
    nlp.config["training"]["max_steps"] = 0
    stderr = io.StringIO()
    log_step, _ = make_progress_logger_v1(log_every_seconds=1)(nlp, io.StringIO(), stderr)
    for _ in range(2):
        clock.time += 2
        log_step(None)
    assert stderr.getvalue().splitlines() == [
        f"step {step}  memory 1.2 GB  GPU 16.0 GB" for step in range(2)
    ]


def test_logger_writes_one_object_for_each_evaluation(
    nlp: Language, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "logs" / "training.jsonl"
    for _ in range(2):  # the second training replaces the first one's file
        setup = make_progress_logger_v1(output_file=str(path))
        log_step, finalize = setup(nlp, io.StringIO(), io.StringIO())
        train(nlp, clock, log_step)
        finalize()
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record["step"] for record in records] == [0, 5, 10]
    assert records[1]["losses"] == {"learner": 3.0}
    assert records[1]["scores"]["ents_f"] == pytest.approx(1 / 3)
    assert records[1]["words_per_second"] == 50.0
    assert records[1]["peak_memory"] == {"memory": 1_250_000_000, "GPU": 16_000_000_000}


def test_logger_refuses_no_time_between_lines() -> None:
    with pytest.raises(ValueError, match="log_every_seconds must be greater than 0"):
        make_progress_logger_v1(log_every_seconds=0)


def test_score_columns_adds_what_the_config_weighs() -> None:
    columns = score_columns({"ents_f": None, "tag_acc": 0.5, "speed": 0.0, "hidden": None})
    assert [heading for _, heading, _ in columns[-2:]] == ["TAG_ACC", "SPEED"]
    assert [factor for _, _, factor in columns[-2:]] == [100.0, 1.0]
    assert len(columns) == 6


def test_score_columns_are_those_of_the_group_that_is_scored() -> None:
    weights = nested_score_weights("genia")
    columns = score_columns(weights)
    headings = ["SPANS_P", "SPANS_R", "SPANS_F", "MACRO_F", "OUTER_F", "INNER_F"]
    assert [heading for _, heading, _ in columns] == headings
    assert {key for key, _, _ in columns} <= weights.keys()
    assert columns[2] == ("spans_genia_f", "SPANS_F", 100.0)
    both = score_columns({**weights, "ents_f": 0.5})  # a flat component beside it
    assert [key for key, _, _ in both[4:]] == ["spans_genia_f", "spans_genia_p", "spans_genia_r"]


def test_component_counts_what_the_logger_reads() -> None:
    from spacy_ner_plus.pipeline import updating

    assert isinstance(updating.UpdateCounts(), TrainingProgress)
