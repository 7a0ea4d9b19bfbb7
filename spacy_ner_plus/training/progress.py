"""A training logger that shows progress between evaluations: loss, speed, memory, time left."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import IO, Any, Literal, Protocol, runtime_checkable

import srsly
from spacy import registry
from spacy.language import Language
from tqdm import tqdm
from wasabi import row

from ..support.peak_memory import peak_memory

LogStep = Callable[[dict[str, Any] | None], None]
SetupLogger = Callable[[Language, IO[str], IO[str]], tuple[LogStep, Callable[[], None]]]

# Columns of the table: key in the scores, heading, factor. `training.score_weights` adds others.
# Where it weighs no score of doc.ents, but those of a group of doc.spans, these are shown instead.
SCORE_COLUMNS = (
    ("ents_p", "ENTS_P", 100.0),
    ("ents_r", "ENTS_R", 100.0),
    ("ents_f", "ENTS_F", 100.0),
    ("ents_macro_f", "MACRO_F", 100.0),
)
NESTED_COLUMNS = (
    ("p", "SPANS_P"),
    ("r", "SPANS_R"),
    ("f", "SPANS_F"),
    ("macro_f", "MACRO_F"),
    ("outer_f", "OUTER_F"),
    ("inner_f", "INNER_F"),
)
BAR_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
OPEN_BAR_FORMAT = "{desc}: {n_fmt} steps [{elapsed}{postfix}]"  # without max_steps


@runtime_checkable
class TrainingProgress(Protocol):
    """What a trainable component counts, in its attribute `progress`, for this logger to show.

    words (int): Words it was updated with since it was made.
    loss (float): Sum of the losses of these updates.
    """

    words: int
    loss: float


@registry.loggers("spacy_ner_plus.ProgressLogger.v1")
def make_progress_logger_v1(
    progress_bar: bool | Literal["auto"] = "auto",
    output_file: str | None = None,
    log_every_seconds: float = 10.0,
) -> SetupLogger:
    """Create a training logger that shows a progress bar and a table of scores.

    The bar is there from the first step on, or a line every few seconds where there is no terminal;
    the table has one row for each evaluation.

    Memory is what the process has taken at most so far.

    spaCy tells its loggers nothing between two evaluations, so the loss and the speed in between
    come from the components themselves: see `TrainingProgress`.

    progress_bar (Union[bool, str]): Whether to show a bar; "auto" shows one when stderr is a
        terminal. Without a bar, lines are written to stderr instead.
    output_file (Optional[str]): File for one JSON object a line and evaluation. It is written anew
        by every training.
    log_every_seconds (float): Time between two lines when there is no bar.
    RETURNS (Callable): Function that spaCy calls with the pipeline, stdout and stderr.
    """
    if log_every_seconds <= 0:
        raise ValueError(f"log_every_seconds must be greater than 0, but is {log_every_seconds}.")

    def setup_logger(
        nlp: Language, stdout: IO[str] = sys.stdout, stderr: IO[str] = sys.stderr
    ) -> tuple[LogStep, Callable[[], None]]:
        show_bar = stderr.isatty() if progress_bar == "auto" else progress_bar
        logger = ProgressLogger(
            nlp,
            stdout=stdout,
            stderr=stderr,
            show_bar=show_bar,
            output_file=Path(output_file) if output_file else None,
            log_every_seconds=log_every_seconds,
        )
        return logger.log_step, logger.finalize

    return setup_logger


class ProgressMeter:
    """Loss, speed and time left, from the counts of components and the times of steps.

    max_steps (Optional[int]): Number of the last step, the first being 0; None if it is not known.
    eval_frequency (int): Number of steps from one evaluation to the next.
    sources (Iterable[TrainingProgress]): The components' counts.
    clock (Callable[[], float]): Seconds since some moment.
    """

    def __init__(
        self,
        *,
        max_steps: int | None,
        eval_frequency: int,
        sources: Iterable[TrainingProgress],
        clock: Callable[[], float],
    ) -> None:
        self.sources = list(sources)
        self.max_steps = max_steps
        self.eval_frequency = eval_frequency
        self.clock = clock
        self.step = -1  # number of the last step done
        self.words_per_second: float | None = None
        self._last_time = clock()
        self._last_words = self._total("words")
        self._shown_loss, self._shown_step = self._total("loss"), self.step
        # Steps that an evaluation followed tell nothing about the speed of training.
        self._train_seconds = 0.0
        self._train_steps = 0
        self._train_words = 0.0
        self._eval_seconds = 0.0

    def _total(self, key: str) -> float:
        return sum(getattr(source, key) for source in self.sources)

    def advance(self, *, evaluated: bool) -> None:
        """Count one more step, and the evaluation that followed it, if any."""
        now, words = self.clock(), self._total("words")
        seconds = now - self._last_time
        if self.sources and words == self._last_words:
            self._shown_step += 1  # a step before a checkpoint, told again when training resumes
        elif evaluated:
            self._eval_seconds = max(seconds - self.seconds_per_step, 0.0)
        else:
            self._train_seconds += seconds
            self._train_words += words - self._last_words
            self._train_steps += 1
            if self.sources and self._train_seconds > 0:
                self.words_per_second = self._train_words / self._train_seconds
        self._last_time, self._last_words = now, words
        self.step += 1

    @property
    def seconds_per_step(self) -> float:
        """The time of a training step so far; 0 before the first one."""
        return self._train_seconds / self._train_steps if self._train_steps else 0.0

    def take_loss(self) -> float | None:
        """Mean loss of a step since the last call, None if there was no step or it is unknown."""
        loss, n_steps = self._total("loss"), self.step - self._shown_step
        mean = (loss - self._shown_loss) / n_steps if n_steps and self.sources else None
        self._shown_loss, self._shown_step = loss, self.step
        return mean

    def seconds_left(self) -> float | None:
        """Time to the last step with the evaluations on the way; None while it is not known."""
        if self.max_steps is None or not self._train_steps:
            return None
        n_steps_left = self.max_steps - self.step
        # spaCy evaluates at steps that the frequency divides, step 0 included.
        n_evals_left = self.max_steps // self.eval_frequency - self.step // self.eval_frequency
        return n_steps_left * self.seconds_per_step + n_evals_left * self._eval_seconds


class ProgressLogger:
    """Writes the bar or the lines, the table and the file. See `make_progress_logger_v1`."""

    def __init__(
        self,
        nlp: Language,
        *,
        stdout: IO[str],
        stderr: IO[str],
        show_bar: bool,
        output_file: Path | None,
        log_every_seconds: float,
    ) -> None:
        training = nlp.config["training"]
        max_steps = training["max_steps"] or None
        self.stdout, self.stderr = stdout, stderr
        self.log_every_seconds = log_every_seconds
        trainable: dict[str, Any] = {
            name: pipe for name, pipe in nlp.pipeline if getattr(pipe, "is_trainable", False)
        }
        self.pipe_names = list(trainable)
        self.columns = score_columns(training["score_weights"])
        self.meter = ProgressMeter(
            max_steps=max_steps,
            eval_frequency=training["eval_frequency"],
            sources=[
                pipe.progress
                for pipe in trainable.values()
                if isinstance(getattr(pipe, "progress", None), TrainingProgress)
            ],
            clock=perf_counter,
        )
        self._file: IO[str] | None = None
        if output_file is not None:
            output_file.parent.mkdir(parents=True, exist_ok=True)
            self._file = output_file.open("w", encoding="utf8")
        self._bar: tqdm | None = None
        self._row_step = -1  # step of the table's last row
        self._next_line = perf_counter() + log_every_seconds
        self._write_header()
        if show_bar:
            self._bar = tqdm(
                total=max_steps,
                desc="Training",
                file=stderr,
                leave=False,
                dynamic_ncols=True,
                bar_format=BAR_FORMAT if max_steps else OPEN_BAR_FORMAT,
            )

    def log_step(self, info: dict[str, Any] | None) -> None:
        """Called by spaCy after every step, with None unless the pipeline was just evaluated."""
        self.meter.advance(evaluated=info is not None)
        if info is not None:
            self._write_row(info)
        if self._bar is not None:
            # tqdm redraws at its own pace; loss and speed are worked out only then
            if self._bar.update(self.meter.step - self._bar.n) or info is not None:
                self._bar.set_postfix_str(", ".join(self._describe()))
        elif perf_counter() >= self._next_line:
            step, last = self.meter.step, self.meter.max_steps
            steps = f"step {step}/{last} ({step / last:.0%})" if last else f"step {step}"
            print("  ".join([steps, *self._describe()]), file=self.stderr, flush=True)
            self._next_line = perf_counter() + self.log_every_seconds

    def finalize(self) -> None:
        """Called by spaCy when training ends, also when it ends with an error."""
        if self._bar is not None:
            self._bar.close()
        if self._file is not None:
            self._file.close()

    def _describe(self) -> list[str]:
        loss, speed = self.meter.take_loss(), self.meter.words_per_second
        left = self.meter.seconds_left()
        parts = []
        if loss is not None:
            parts.append(f"loss {loss:.3f}")
        if speed is not None:
            parts.append(f"{speed:,.0f} words/s")
        parts += [f"{where} {peak / 1e9:.1f} GB" for where, peak in peak_memory().items()]
        if left is not None:
            parts.append(f"ETA {tqdm.format_interval(left)}")
        return parts

    def _write_header(self) -> None:
        names = [f"LOSS {name.upper()}" for name in self.pipe_names]
        names += [heading for _, heading, _ in self.columns]
        self.widths = [3, 6, *(max(len(name), 8) for name in names), 8, 6]
        header = ["E", "#", *names, "WORDS/S", "SCORE"]
        self._write_table_row(header)
        self._write_table_row(["-" * width for width in self.widths])

    def _write_row(self, info: dict[str, Any]) -> None:
        # spaCy adds up the losses of all steps since the last evaluation; the mean says more
        n_steps = info["step"] - self._row_step
        self._row_step = info["step"]
        summed = {name: float(info["losses"].get(name, 0.0)) for name in self.pipe_names}
        losses = {name: loss / n_steps for name, loss in summed.items()}
        scores = {key: info["other_scores"].get(key) for key, _, _ in self.columns}
        speed = self.meter.words_per_second
        cells = [f"{loss:.3f}" for loss in losses.values()]
        for key, _, factor in self.columns:
            cells.append("-" if scores[key] is None else f"{factor * scores[key]:.2f}")
        cells += ["-" if speed is None else f"{speed:,.0f}", f"{100 * info['score']:.2f}"]
        self._write_table_row([str(info["epoch"]), str(info["step"]), *cells])
        if self._file is not None:
            record = {
                "epoch": info["epoch"],
                "step": info["step"],
                "losses": losses,
                "scores": info["other_scores"],
                "score": info["score"],
                "words_per_second": speed,
                "peak_memory": peak_memory(),
                "seconds": info["seconds"],
            }
            self._file.write(srsly.json_dumps(record) + "\n")
            self._file.flush()

    def _write_table_row(self, cells: list[str]) -> None:
        text = row(cells, widths=self.widths, aligns=["r"] * len(cells), spacing=2)
        with tqdm.external_write_mode(file=self.stdout):  # takes the bar away for a moment
            print(text, file=self.stdout, flush=True)


def score_columns(score_weights: dict[str, float | None]) -> list[tuple[str, str, float]]:
    """The table's columns: scores of entities, then what else the config's score weights name.

    Entities are those of doc.ents, or of the only group of doc.spans that is scored.

    score_weights (Dict[str, Optional[float]]): The config's `training.score_weights`.
    RETURNS (List[Tuple[str, str, float]]): Key in the scores, heading and factor of each column.
    """
    columns = _entity_columns(score_weights)
    known = {key for key, _, _ in columns}
    for key, weight in score_weights.items():
        if weight is not None and key not in known:
            columns.append((key, key.upper(), 1.0 if key == "speed" else 100.0))
    return columns


def _entity_columns(score_weights: Iterable[str]) -> list[tuple[str, str, float]]:
    last = f"_{NESTED_COLUMNS[-1][0]}"
    groups = [key.removesuffix(last) for key in score_weights if key.endswith(last)]
    if len(groups) != 1 or any(key.startswith("ents_") for key in score_weights):
        return list(SCORE_COLUMNS)
    return [(f"{groups[0]}_{key}", heading, 100.0) for key, heading in NESTED_COLUMNS]
