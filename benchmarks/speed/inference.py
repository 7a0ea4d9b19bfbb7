"""Inference: every system reads the same texts in turn; F1 and where ner_plus's time goes."""

import shutil
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spacy.util import load_config
from transformers import AutoConfig

from benchmarks.speed.bare import BareEncoder
from benchmarks.speed.readers import HuggingFacePipeline, SpacyPipeline, UnpackedPipeline
from benchmarks.speed.rounds import Pass, as_json, summarise, take_turns
from benchmarks.speed.settings import Run
from benchmarks.speed.stages import ProfiledPipeline
from benchmarks.speed.texts import SHAPES, Counted
from benchmarks.speed.training import (
    SPACY_NER,
    can_run_spacy_ner,
    model_folder,
    ner_plus_name,
    plain_name,
    start_workers,
)
from benchmarks.speed.workers import Worker, WorkerError, stop_all

HUGGINGFACE = "transformers.pipeline"
PRECISION = "components.ner_plus.model.precision"
DEVICE = "components.ner_plus.model.device"
# ner_plus on ONNX Runtime: name of the system, and what is added to the export command.
ONNX = {"ner_plus onnx fp32": (), "ner_plus onnx int8": ("--quantize", "int8")}


def limit_name(precision: str) -> str:
    return f"limit {precision}"


def window_limit_name(precision: str, window: int) -> str:
    """The limit in ner_plus's own window: it reads no more context than others do."""
    return f"limit {precision}, window {window}"


def unpacked_name(precision: str) -> str:
    """ner_plus with torch's own linear layers: what packing gains."""
    return f"{ner_plus_name(precision)} unpacked"


def read_all(run: Run) -> dict[str, Any]:
    """Let all systems read, and return the figures as plain data."""
    run.progress.start("inference")
    workers = start_workers(run, systems(run))
    shapes = {}
    for shape in SHAPES:
        run.progress.start(f"inference, {shape}")
        shapes[shape] = _read_shape(run, workers, shape)
    stop_all(workers.values())
    return {"model": ner_plus_source(run).name, "shapes": shapes}


def systems(run: Run) -> dict[str, tuple[Any, dict[str, Any]]]:
    s = run.settings
    source = ner_plus_source(run)
    window = window_of(source)
    builds: dict[str, tuple[Any, dict[str, Any]]] = {}
    for precision in s.precisions:
        builds[limit_name(precision)] = (
            BareEncoder,
            {"encoder": s.encoder, "precision": precision, "device": s.device},
        )
        builds[window_limit_name(precision, window)] = (
            BareEncoder,
            {"encoder": s.encoder, "precision": precision, "device": s.device, "window": window},
        )
    for precision in s.precisions:
        overrides = {PRECISION: precision, DEVICE: s.device}
        settings = {"path": source, "overrides": overrides, "device": s.device}
        builds[ner_plus_name(precision)] = SpacyPipeline, settings
        if s.device == "cpu":  # elsewhere nothing is packed
            builds[unpacked_name(precision)] = UnpackedPipeline, settings
    if source not in run.exported:
        run.exported[source] = _export(run, source)
    for name, folder in run.exported[source].items():
        builds[name] = SpacyPipeline, {"path": folder, "overrides": {}, "device": s.device}
    plain = model_folder(run, plain_name(s.precisions[-1]))
    if plain.exists():
        builds[HUGGINGFACE] = HuggingFacePipeline, {"path": plain, "device": s.device}
    peer = model_folder(run, SPACY_NER)
    if peer.exists() and can_run_spacy_ner(run):
        settings = {"path": peer, "overrides": {}, "device": s.device, "needs_cupy": True}
        builds[SPACY_NER] = SpacyPipeline, settings
    return builds


def ner_plus_source(run: Run) -> Path:
    """The ner_plus pipeline that reads. RAISES ValueError: If there is none, or it has another
    encoder than the limit.
    """
    s = run.settings
    trained = model_folder(run, ner_plus_name(s.precisions[-1]))
    source = s.model or trained
    if not source.exists():
        raise ValueError(f"There is no pipeline at {source}: run the part `training` before.")
    if s.model is not None:
        _check_encoder(source, s.encoder)
    return source


def window_of(source: Path) -> int:
    """The window that a pipeline reads with."""
    config = load_config(source / "config.cfg")
    window: int = config["components"]["ner_plus"]["model"]["window"]
    return window


def _check_encoder(model: Path, encoder: str) -> None:
    import spacy

    component: Any = spacy.load(model).get_pipe("ner_plus")
    its = component.model.shims[0].module.encoder.config
    other = AutoConfig.from_pretrained(encoder).to_dict()
    for name in ("model_type", "hidden_size", "num_hidden_layers", "intermediate_size"):
        if its.get(name) != other.get(name):
            raise ValueError(
                f"The encoder of {model.name} has {name} = {its.get(name)!r}, but that of the "
                f"limit, {encoder}, has {other.get(name)!r}: name its encoder with --encoder."
            )


def _export(run: Run, source: Path) -> dict[str, Path]:
    """ner_plus for ONNX Runtime on a CPU, written by the package's own command."""
    if run.settings.device != "cpu":
        return {}
    if not find_spec("onnxruntime"):
        run.progress.say("left out: ner_plus on ONNX Runtime: onnxruntime is not installed")
        return {}
    folders = {}
    for name, options in ONNX.items():
        folder = model_folder(run, name)
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "spacy", "ner-plus", "export", source, folder]
        words = [*map(str, command), "--format", "onnx", *options]
        result = subprocess.run(words, capture_output=True, text=True, check=False)
        if result.returncode:
            reason = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            run.progress.say(f"left out: {name}: {' '.join(reason)}")
        else:
            folders[name] = folder
    return folders


def _read_shape(run: Run, workers: dict[str, Worker], shape: str) -> dict[str, Any]:
    amounts = run.settings.amounts
    scored = run.test(shape, amounts.score_words)
    timed = run.test(shape, amounts.words, again=True)
    run.progress.say(
        f"{len(timed.texts):,} texts, {timed.n_words:,} words, {timed.n_pieces:,} pieces a turn; "
        f"F1 on {scored.n_entities:,} entities in {scored.n_words:,} words"
    )
    extras: dict[str, dict[str, Any]] = {}
    able = {}
    for name, worker in workers.items():
        try:
            extras[name] = _warm_up(name, worker, scored, timed)
        except WorkerError as error:
            run.progress.say(f"left out: {error}")
            continue
        able[name] = worker
        run.progress.say(f"warm: {name}: {extras[name]}")
    one_pass = partial(_one_pass, texts=timed)
    turns = take_turns(able, one_pass, rounds=amounts.rounds, progress=run.progress)
    baselines = [name for name in able if name.startswith("limit") or name.endswith("unpacked")]
    figures = as_json(turns, summarise(turns, {name: name for name in baselines}))
    return {
        "texts": len(timed.texts),
        "words": timed.n_words,
        "pieces": timed.n_pieces,
        "scored_words": scored.n_words,
        "scored_entities": scored.n_entities,
        "systems": {name: {**extras[name], **figures[name]} for name in figures},
    }


def _warm_up(name: str, worker: Worker, scored: Counted, timed: Counted) -> dict[str, Any]:
    """The pass that is not counted; it gives F1 of all systems that find entities."""
    if name.startswith("limit"):
        chosen = worker.call("prepare", timed.raw).value
        worker.call("read")
        return {"chosen": chosen}
    worker.call("prepare", scored.raw)
    found = worker.call("read", scored.raw).value
    chosen = worker.call("prepare", timed.raw).value
    return {"chosen": chosen, "f1": scored.f1(found), "entities": sum(map(len, found))}


def _one_pass(worker: Worker, texts: Counted) -> Pass:
    given = [] if worker.name.startswith("limit") else [texts.raw]
    reply = worker.call("read", *given)
    return Pass(
        reply.seconds, texts.n_words, texts.n_pieces, reply.memory, reply.others, reply.gpu_use
    )


# Where the time goes


def profile_all(run: Run) -> dict[str, Any]:
    """Seconds of ner_plus by stage, for each shape and precision, as plain data."""
    run.progress.start("profile")
    s = run.settings
    shapes: dict[str, Any] = {}
    for precision in s.precisions:
        worker = Worker(
            "profile",
            ProfiledPipeline,
            threads=s.threads,
            path=ner_plus_source(run),
            overrides={PRECISION: precision, DEVICE: s.device},
            device=s.device,
        )
        worker.wait()
        for shape in SHAPES:
            texts = run.test(shape, s.amounts.words)
            worker.call("prepare", texts.raw)
            worker.call("profile", texts.raw)  # warm-up
            stages = worker.call("profile", texts.raw).value
            shapes.setdefault(shape, {})[precision] = {"words": texts.n_words, "seconds": stages}
            run.progress.say(f"{shape}, {precision}: {sum(stages.values()):.1f} s")
        worker.stop()
    return shapes
