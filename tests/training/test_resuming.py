"""Whole runs, killed for real, against runs that were not."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.util import registry
from thinc.api import Adam

from spacy_ner_plus import train
from spacy_ner_plus.support import durable
from spacy_ner_plus.training import checkpoint, loop, output
from spacy_ner_plus.training.snapshot import Snapshot, read_snapshot, write_snapshot
from tests.pipeline.samples import make_nlp
from tests.training.runs import (
    command,
    finish,
    read_log,
    read_tree,
    run,
    run_spacy,
    start,
    write_config,
)

pytestmark = pytest.mark.slow

KILLED = -signal.SIGKILL

# Epochs are streams of examples, which are chosen, put in order and changed by chance.
STREAMED = {
    "max_epochs = 0": "max_epochs = -1",
    '@readers = "spacy.Corpus.v1"\npath = "{folder}/train.spacy"': """\
@readers = "spacy_ner_plus.Corpus.v1"
path = "{folder}/train.spacy"
oversample = 0.9
shuffle = true

[corpora.train.augmenter]
@augmenters = "spacy_ner_plus.InTurn.v1"

[corpora.train.augmenter.*.lower]
@augmenters = "spacy.lower_case.v1"
level = 0.5

[corpora.train.augmenter.*.typos]
@augmenters = "spacy_ner_plus.KeyboardTypos.v1"
level = 0.5
p = 0.1""",
}


def die_at_call(
    owner: object, name: str, n_calls: int, *, when: Callable[..., bool] = lambda *_, **__: True
) -> Callable[[], None]:
    """Something to do in a run: have it killed when a function is called for the nth time.

    when: Which calls count, by their arguments.
    """

    def prepare() -> None:
        original = getattr(owner, name)
        calls: list[int] = []

        def counted(*arguments: object, **named: object) -> object:
            if when(*arguments, **named):
                calls.append(1)
            if len(calls) == n_calls:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **named)

        setattr(owner, name, counted)

    return prepare


def is_checkpoint(path: Path) -> bool:
    return path.name.isdecimal()


@pytest.mark.whole_english
def test_unbroken_run_is_that_of_spacy_and_resumed_one_too(
    tmp_path: Path, dropout_encoder: Path
) -> None:
    """Killed by another process, wherever it is, then resumed by the documented command."""
    config = write_config(tmp_path, dropout_encoder)
    log = tmp_path / "log.txt"
    assert run_spacy(config, tmp_path / "whole", log=log) == 0
    rows = read_log(tmp_path / "log.jsonl")
    assert [row["step"] for row in rows] == [0, 6, 12, 18, 24]

    parts = tmp_path / "parts"
    arguments = [config, "--output", parts, "--checkpoint-every", 2, "--resume"]
    for n_steps in (2, 12):
        process = start(command(*arguments), log)
        while not any(int(p.name) >= n_steps for p in (parts / "checkpoint").glob("[0-9]*")):
            assert process.is_alive(), log.read_text()
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.05))
        process.kill()
        assert finish(process) == KILLED
    subprocess.run(
        [sys.executable, "-m", "spacy", "ner-plus", "train", *map(str, arguments)],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert read_tree(parts) == read_tree(tmp_path / "whole")
    assert read_log(tmp_path / "log.jsonl") == rows


def test_kill_at_any_moment_leaves_a_checkpoint_that_leads_to_the_same_end(
    tmp_path: Path, dropout_encoder: Path
) -> None:
    config = write_config(tmp_path, dropout_encoder, shared=True)
    log = tmp_path / "log.txt"
    assert run_spacy(config, tmp_path / "whole", log=log) == 0
    rows = read_log(tmp_path / "log.jsonl")
    parts = tmp_path / "parts"
    arguments = [config, "--output", parts, "--checkpoint-every", 3, "--resume"]
    n_steps, n_found = [], []
    for prepare in [
        die_at_call(checkpoint, "_write_manifest", 1),  # while the first one is written
        die_at_call(loop, "subdivide_batch", 6),
        die_at_call(output.shutil, "copytree", 1),  # to model-best
        die_at_call(durable, "sync", 30),
        die_at_call(durable.shutil, "rmtree", 1, when=is_checkpoint),
        die_at_call(checkpoint.Path, "rename", 3),
        die_at_call(loop, "save_pipeline", 1),
    ]:
        assert run(*arguments, log=log, before=prepare) == KILLED, log.read_text()
        n_found.append(len(list((parts / "checkpoint").glob("[0-9]*"))))
        newest = checkpoint.CheckpointFolder(parts / "checkpoint").newest()
        n_steps.append(int(newest.name) if newest else 0)
        if newest:
            checkpoint.verify(newest)
    assert n_steps == sorted(n_steps)
    assert n_steps[0] == 0
    assert max(n_found) == 2  # killed when one was to be removed
    assert run(*arguments, log=log) == 0
    assert read_tree(parts) == read_tree(tmp_path / "whole")
    assert read_log(tmp_path / "log.jsonl") == rows


def test_streamed_corpus_with_augmenter_resumes(tmp_path: Path, dropout_encoder: Path) -> None:
    changes = {
        old.format(folder=tmp_path): new.format(folder=tmp_path) for old, new in STREAMED.items()
    }
    config = write_config(tmp_path, dropout_encoder, changes=changes)
    log = tmp_path / "log.txt"
    assert run_spacy(config, tmp_path / "whole", log=log) == 0
    arguments = [config, "--output", tmp_path / "parts", "--checkpoint-every", 10, "--resume"]
    killed = run(*arguments, log=log, before=die_at_call(loop, "subdivide_batch", 23))
    assert killed == KILLED, log.read_text()
    assert run(*arguments, log=log) == 0
    assert "Resumed after 20 steps" in log.read_text()
    assert read_tree(tmp_path / "parts") == read_tree(tmp_path / "whole")


def test_bilstm_resumes(tmp_path: Path) -> None:
    """The head and the BiLSTM under it have an optimizer each."""
    config = write_config(tmp_path, None)
    log = tmp_path / "log.txt"
    assert run_spacy(config, tmp_path / "whole", log=log) == 0
    arguments = [config, "--output", tmp_path / "parts", "--checkpoint-every", 10, "--resume"]
    killed = run(*arguments, log=log, before=die_at_call(loop, "subdivide_batch", 23))
    assert killed == KILLED, log.read_text()
    assert run(*arguments, log=log) == 0
    assert "Resumed after 20 steps" in log.read_text()
    assert read_tree(tmp_path / "parts") == read_tree(tmp_path / "whole")


def test_averages_of_weights_resume(tmp_path: Path, dropout_encoder: Path) -> None:
    """Of torch modules and of thinc's layers: evaluated, and in model-best and model-last."""
    averaged = {
        '@optimizers = "Adam.v1"\nuse_averages = true': (
            '@optimizers = "spacy_ner_plus.AveragedAdam.v1"\naverage_over = 0.5'
        )
    }
    config = write_config(tmp_path, dropout_encoder, shared=True, changes=averaged)
    log = tmp_path / "log.txt"
    assert run_spacy(config, tmp_path / "whole", log=log) == 0, log.read_text()
    rows = read_log(tmp_path / "log.jsonl")
    arguments = [config, "--output", tmp_path / "parts", "--checkpoint-every", 10, "--resume"]
    killed = run(*arguments, log=log, before=die_at_call(loop, "subdivide_batch", 23))
    assert killed == KILLED, log.read_text()
    assert run(*arguments, log=log) == 0, log.read_text()
    assert "Resumed after 20 steps" in log.read_text()
    assert read_tree(tmp_path / "parts") == read_tree(tmp_path / "whole")
    assert read_log(tmp_path / "log.jsonl") == rows


def test_sourced_and_frozen_components_resume(tmp_path: Path, dropout_encoder: Path) -> None:
    """One that is trained further, and one that only annotates."""
    log = tmp_path / "log.txt"
    source = tmp_path / "source"
    few = {"max_steps = 24": "max_steps = 3"}
    config = write_config(source, dropout_encoder, shared=True, changes=few)
    assert run(config, "--output", source, log=log) == 0
    text = (source / "config.cfg").read_text()
    components = text[text.index("[components]") : text.index("[corpora]")]
    sourced = f"""[components]

[components.tagger]
source = "{source}/model-last"
replace_listeners = ["model.tok2vec"]

[components.ner_plus]
source = "{source}/model-last"

"""
    changes = {
        components: sourced,
        '["tok2vec","tagger","ner","ner_plus"]': '["tagger","ner_plus"]',
        "max_steps = 3": 'max_steps = 12\nfrozen_components = ["tagger"]\n'
        'annotating_components = ["tagger"]',
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    config.write_text(text)
    assert run_spacy(config, tmp_path / "whole", log=log) == 0
    arguments = [config, "--output", tmp_path / "parts", "--checkpoint-every", 5, "--resume"]
    killed = run(*arguments, log=log, before=die_at_call(loop, "subdivide_batch", 8))
    assert killed == KILLED, log.read_text()
    assert run(*arguments, log=log) == 0, log.read_text()
    assert read_tree(tmp_path / "parts") == read_tree(tmp_path / "whole")


FAILING = {"at": 5, "seen": []}


@registry.callbacks("test_fails_before_update.v1")
def make_failing_callback() -> Callable[[Language, dict[str, int]], None]:
    def before_update(nlp: Language, info: dict[str, int]) -> None:
        FAILING["seen"].append(info["step"])
        if info["step"] == FAILING["at"]:
            raise RuntimeError("no luck")

    return before_update


def test_run_that_fails_is_saved_and_goes_on(
    tmp_path: Path,
    dropout_encoder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block = '[training.before_update]\n@callbacks = "test_fails_before_update.v1"\n\n'
    changes = {
        "max_steps = 24": "max_steps = 8",
        "[training.batcher]": block + "[training.batcher]",
    }
    config = write_config(tmp_path, dropout_encoder, changes=changes)
    monkeypatch.setitem(FAILING, "seen", [])
    with pytest.raises(RuntimeError, match="no luck"):
        train(config, tmp_path / "parts", checkpoint_every=2)
    said = (
        "Aborting and saving the final best model. Encountered exception: RuntimeError('no luck')"
    )
    assert said in " ".join(capsys.readouterr().out.split())
    assert spacy.load(tmp_path / "parts" / "model-last").get_pipe("ner_plus").labels
    assert (tmp_path / "parts" / "checkpoint" / "4").is_dir()
    monkeypatch.setitem(FAILING, "at", -1)
    assert train(config, tmp_path / "parts", resume=True)
    assert FAILING["seen"] == [*range(6), *range(4, 9)]
    assert train(config, tmp_path / "whole")
    assert read_tree(tmp_path / "parts") == read_tree(tmp_path / "whole")


def test_checkpoint_of_other_components_is_named(tmp_path: Path, dropout_encoder: Path) -> None:
    nlp, other = make_nlp(dropout_encoder), spacy.blank("en")
    snapshot = Snapshot(run={"n_steps": 0}, config={}, packages={}, data={}, random={})
    write_snapshot(tmp_path, snapshot, nlp, Adam(0.01))
    assert read_snapshot(tmp_path, nlp, Adam(0.01)).run == {"n_steps": 0}
    with pytest.raises(ValueError, match=rf"{tmp_path} has .*'ner_plus', 0, 0.*at \[\].*--code"):
        read_snapshot(tmp_path, other, Adam(0.01))
