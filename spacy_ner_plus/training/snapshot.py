"""What a checkpoint consists of, and its files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.numpy
from spacy.language import Language
from thinc.api import Optimizer

from ..models.storage.files import named_errors
from .optimizer_state import optimizer_from_arrays, optimizer_to_arrays, walk_shims
from .randomness import Arrays

STATE, ARRAYS, PIPELINE, OPTIMIZERS = "state.json", "arrays.safetensors", "pipeline", "optimizers"
# Training leaves these as `initialize` made them, and word vectors can be large.
UNCHANGED = ("config", "tokenizer", "vectors", "lookups")


@dataclass(frozen=True)
class Snapshot:
    """Everything of a run but its weights and optimizers.

    run (dict): RunState as JSON.
    config (dict): The interpolated config.
    packages (Dict[str, str]): Versions of packages.
    data (Dict[str, dict]): What the corpora consist of, by name.
    random (Dict[str, Dict[str, ndarray]]): States of random generators: "start", before the first
        batch; "jumps" of the BatchStream; and "now".
    """

    run: dict[str, Any]
    config: dict[str, Any]
    packages: dict[str, str]
    data: dict[str, dict[str, Any]]
    random: dict[str, Arrays]


def write_snapshot(folder: Path, snapshot: Snapshot, nlp: Language, optimizer: Optimizer) -> None:
    """Write all files of a checkpoint into an empty folder."""
    nlp.to_disk(folder / PIPELINE, exclude=_left_out(nlp))
    (folder / OPTIMIZERS).mkdir()
    positions: list[list[Any]] = []
    for position, shim in walk_shims(nlp):
        (folder / OPTIMIZERS / f"{len(positions)}.bin").write_bytes(shim.optimizer_to_bytes())
        positions.append(position)
    optimizer_state, arrays = optimizer_to_arrays(nlp, optimizer)
    groups = {"optimizer": arrays, **snapshot.random}
    named = {f"{group}/{name}": a for group, items in groups.items() for name, a in items.items()}
    with named_errors(folder / ARRAYS):
        safetensors.numpy.save_file(named, folder / ARRAYS)
    state = {
        "run": snapshot.run,
        "config": snapshot.config,
        "packages": snapshot.packages,
        "data": snapshot.data,
        "optimizer": optimizer_state,
        "shims": positions,
    }
    (folder / STATE).write_text(json.dumps(state, indent=2, default=str), encoding="utf8")


def read_state(folder: Path) -> dict[str, Any]:
    """The part of a checkpoint that is JSON."""
    state: dict[str, Any] = json.loads((folder / STATE).read_text(encoding="utf8"))
    return state


def read_snapshot(folder: Path, nlp: Language, optimizer: Optimizer) -> Snapshot:
    """Bring a newly initialised pipeline and a new optimizer into the saved state.

    RAISES ValueError: If the saved state does not fit the pipeline.
    """
    state = read_state(folder)
    arrays = safetensors.numpy.load_file(folder / ARRAYS)
    nlp.from_disk(folder / PIPELINE, exclude=_left_out(nlp))
    shims = list(walk_shims(nlp))
    positions = [position for position, _ in shims]
    if positions != state["shims"]:
        raise ValueError(
            f"The checkpoint {folder} has optimizers at {state['shims']}, the pipeline at "
            f"{positions} (component, layer, module): its components are made in another way. "
            "Give the --code that it was trained with, or start anew with --overwrite."
        )
    for number, (_, shim) in enumerate(shims):
        shim.optimizer_from_bytes((folder / OPTIMIZERS / f"{number}.bin").read_bytes())
    n_steps = state["run"]["n_steps"]
    moments = _group(arrays, "optimizer")
    optimizer_from_arrays(nlp, optimizer, state["optimizer"], moments, n_steps=n_steps)
    for _, shim in shims:
        shim.share_averages(optimizer)
    return Snapshot(
        run=state["run"],
        config=state["config"],
        packages=state["packages"],
        data=state["data"],
        random={name: _group(arrays, name) for name in ("start", "jumps", "now")},
    )


def _left_out(nlp: Language) -> list[str]:
    # spaCy takes these names for components, too
    return [name for name in UNCHANGED if name not in nlp.component_names]


def _group(arrays: Arrays, group: str) -> Arrays:
    prefix = f"{group}/"
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
