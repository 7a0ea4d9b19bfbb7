"""spaCy's training loop (spacy/training/loop.py, 3.8), which can begin in the middle.

spaCy's own functions do the parts: batches, updates, evaluation, files. What is done in which order
is as there, so that a run gives the weights that `spacy train` gives.
"""

from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from timeit import default_timer
from typing import IO, Any

from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training.loop import (
    DIR_MODEL_LAST,
    clean_output_dir,
    create_before_to_disk_callback,
    create_evaluation_callback,
    create_train_batches,
    subdivide_batch,
    update_meta,
)
from spacy.util import registry, resolve_dot_names
from thinc.api import fix_random_seed, set_gpu_allocator

from ..pages.telling import UnbrokenPrinter
from ..support.package_versions import package_versions
from .checkpoint import CheckpointFolder
from .data import Batch, BatchStream, RecordedCorpus, check_data, record_corpus
from .output import recover, save_pipeline
from .randomness import Arrays, capture, restore
from .settings import warn_of_versions
from .signals import StopSignals
from .snapshot import Snapshot, read_snapshot, write_snapshot
from .state import RunState

CHECKPOINT = "checkpoint"
_PRINTER = UnbrokenPrinter(no_print=True)

LogStep = Callable[[dict[str, Any] | None], None]


class TrainingRun:
    """A pipeline in training, from the first step or from a checkpoint on.

    nlp (Language): The initialised pipeline with the whole config, as spaCy's init_nlp gives it.
    output (Path): Folder for model-last, model-best and the checkpoint.
    config (dict): The interpolated config that the pipeline was made from; kept in checkpoints.
    checkpoint_every (Optional[int]): Number of steps from one checkpoint to the next; None for one
        after every evaluation.
    use_gpu (int): Number of the GPU, -1 for the CPU.
    stdout, stderr (IO): Where messages go.
    """

    def __init__(
        self,
        nlp: Language,
        output: Path,
        *,
        config: dict[str, Any],
        checkpoint_every: int | None,
        use_gpu: int,
        stdout: IO[str],
        stderr: IO[str],
    ) -> None:
        self.nlp = nlp
        self.output = output
        self.config = config
        self.checkpoint_every = checkpoint_every
        self.stdout, self.stderr = stdout, stderr
        self.checkpoints = CheckpointFolder(output / CHECKPOINT)
        self.state = RunState()
        full = nlp.config.interpolate()
        if full["training"]["seed"] is not None:
            fix_random_seed(full["training"]["seed"])
        if use_gpu >= 0 and full["training"]["gpu_allocator"]:
            set_gpu_allocator(full["training"]["gpu_allocator"])
        # as spaCy does, apart from init_nlp: schedules must be at their start
        self.settings = registry.resolve(full["training"], schema=ConfigSchemaTraining)
        names = [self.settings["train_corpus"], self.settings["dev_corpus"]]
        train_corpus, self.dev_corpus = resolve_dot_names(full, names)
        self.train_corpus = RecordedCorpus(train_corpus)
        self.optimizer = self.settings["optimizer"]
        self.frozen = self.settings["frozen_components"]
        dropout = self.settings["dropout"]
        is_number = isinstance(dropout, int | float)
        self.dropouts = repeat(float(dropout)) if is_number else dropout
        self.evaluate = create_evaluation_callback(
            nlp, self.dev_corpus, self.settings["score_weights"]
        )
        self.before_to_disk = create_before_to_disk_callback(self.settings["before_to_disk"])
        self._start_data(capture())

    def _start_data(self, start: Arrays) -> None:
        self._start = start  # the random state
        batches = create_train_batches(
            self.nlp, self.train_corpus, self.settings["batcher"], self.settings["max_epochs"]
        )
        self.batches = BatchStream(batches, start)
        self._dev_record: dict[str, Any] | None = None

    # Checkpoints

    def restore(self, checkpoint: Path) -> None:
        """Continue from a checkpoint, whose files and config are known to be right.

        RAISES ValueError: If the data or the schedules are not those of the checkpoint.
        """
        snapshot = read_snapshot(checkpoint, self.nlp, self.optimizer)
        warn_of_versions(snapshot.packages)
        self.state = RunState.from_json(snapshot.run)
        self._start_data(snapshot.random["start"])
        self.batches.skip(self.state.n_steps, snapshot.random["jumps"])
        check_data(snapshot.data, self._data_records())
        for _ in range(self.state.n_steps):
            next(self.dropouts)
        restore(snapshot.random["now"])

    def _data_records(self) -> dict[str, dict[str, Any]]:
        if self._dev_record is None:
            self._dev_record = record_corpus(self.dev_corpus, self.nlp, start=self._start)
        return {"training data": self.train_corpus.record(), "development data": self._dev_record}

    def _write_checkpoint(self) -> None:
        self.state.seconds = default_timer() - self._started
        snapshot = Snapshot(
            run=self.state.to_json(),
            config=self.config,
            packages=package_versions(),
            data=self._data_records(),
            random={
                "start": self._start,
                "jumps": self.batches.jumps,
                "now": capture(cuda=True),
            },
        )
        self.checkpoints.write(
            self.state.n_steps,
            lambda folder: write_snapshot(folder, snapshot, self.nlp, self.optimizer),
        )

    # The run

    def run(self) -> bool:
        """Train to the end, or until a signal asks to stop.

        RETURNS (bool): Whether training has ended; if not, there is a checkpoint.
        """
        recover(self.output)
        if self.state.n_steps == 0:
            clean_output_dir(self.output)
        self._print_settings()
        self._started = default_timer() - self.state.seconds
        with self.nlp.select_pipes(disable=self.frozen):
            log_step, finalize_log = self.settings["logger"](self.nlp, self.stdout, self.stderr)
        try:
            self._show_past(log_step)
            with StopSignals() as signals:
                has_ended = self._train(log_step, signals)
        except Exception as error:
            message = "Aborting and saving the final best model. Encountered exception: "
            self.stdout.write(_PRINTER.warn(f"{message}{error!r}") + "\n")
            raise
        finally:
            finalize_log()
            self._save(is_best=False)
        if has_ended:
            self.checkpoints.remove()
        return has_ended

    def _print_settings(self) -> None:
        lines = [f"Pipeline: {self.nlp.pipe_names}"]
        if self.frozen:
            lines.append(f"Frozen components: {self.frozen}")
        if self.settings["annotating_components"]:
            names = self.settings["annotating_components"]
            lines.append(f"Set annotations on update for: {names}")
        rate = "Initial learn rate" if self.state.n_steps == 0 else "Learn rate"
        lines.append(f"{rate}: {self.optimizer.learn_rate}")
        for line in lines:
            self.stdout.write(_PRINTER.info(line) + "\n")

    def _show_past(self, log_step: LogStep) -> None:
        """Tell the logger of the steps before the checkpoint, as it would know of them."""
        numbers = {row["step"]: number for number, row in enumerate(self.state.rows, 1)}
        for step in range(self.state.n_steps):
            log_step(self.state.info(numbers[step]) if step in numbers else None)

    def _train(self, log_step: LogStep, signals: StopSignals) -> bool:
        # a checkpoint may be past the end, when max_steps was lowered
        if self._is_over():
            return True
        for epoch, batch in self.batches:
            step = self.state.n_steps
            self._update(batch, epoch=epoch, step=step)
            is_evaluated = step % self.settings["eval_frequency"] == 0
            scores = self._score() if is_evaluated else None
            self.state.words += sum(len(example) for example in batch)
            self.state.n_steps += 1
            if scores is not None:
                log_step(self._record(scores, epoch=epoch, step=step))
            else:
                log_step(None)
            if self._is_over():
                break
            if signals.received or self._is_checkpoint_due(is_evaluated):
                self._write_checkpoint()
            if signals.received:
                return False
        return True

    def _is_over(self) -> bool:
        return self.state.is_over(
            patience=self.settings["patience"], max_steps=self.settings["max_steps"]
        )

    def _is_checkpoint_due(self, is_evaluated: bool) -> bool:
        if self.checkpoint_every is None:
            return is_evaluated
        return self.state.n_steps % self.checkpoint_every == 0

    def _update(self, batch: Batch, *, epoch: int, step: int) -> None:
        if self.settings["before_update"]:
            self.settings["before_update"](self.nlp, {"step": step, "epoch": epoch})
        dropout = next(self.dropouts)
        for part in subdivide_batch(batch, self.settings["accumulate_gradient"]):
            self.nlp.update(
                part,
                drop=dropout,
                losses=self.state.losses,
                sgd=False,  # type: ignore[arg-type]  # False: the optimizer is called below
                exclude=self.frozen,
                annotates=self.settings["annotating_components"],
            )
        for name, pipe in self.nlp.pipeline:
            has_model = getattr(pipe, "model", None) not in (True, False, None)
            if name not in self.frozen and getattr(pipe, "is_trainable", False) and has_model:
                pipe.finish_update(self.optimizer)  # type: ignore[attr-defined]
        self.optimizer.step_schedules()

    def _score(self) -> tuple[float, dict[str, Any]]:
        with self.nlp.use_params(self.optimizer.averages):
            return self.evaluate()

    def _record(
        self, scores: tuple[float, dict[str, Any]], *, epoch: int, step: int
    ) -> dict[str, Any]:
        """Note an evaluation and save the pipeline. RETURNS (dict): What the logger gets."""
        score, other_scores = scores
        row = {
            "epoch": epoch,
            "step": step,
            "score": score,
            "other_scores": other_scores,
            "losses": self.state.losses,
            "seconds": int(default_timer() - self._started),
            "words": self.state.words,
        }
        self.state.rows.append(row)
        self.state.losses = {}
        info = self.state.info(len(self.state.rows))
        with self.nlp.select_pipes(disable=self.frozen):
            update_meta(self.settings, self.nlp, info)
        self._save(is_best=self.state.is_best())
        return {**info, "output_path": str(self.output / DIR_MODEL_LAST)}

    def _save(self, *, is_best: bool) -> None:
        save_pipeline(
            self.nlp,
            self.output,
            optimizer=self.optimizer,
            before_to_disk=self.before_to_disk,
            is_best=is_best,
        )
