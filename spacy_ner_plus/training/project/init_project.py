"""A spaCy project for the user's own data: from annotated texts to a wheel and a report."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...data.blank_pipeline import blank_pipeline
from ...data.splitting.parts import Part, read_parts
from ...support.full_disk import told_if_full
from ...support.output_folder import check_output_folder
from ...text.token_exceptions import exceptions_text, read_exceptions
from .encoder_wheel import ENCODER_FOLDER
from .encoders import Encoder, choose_encoder, copy_encoder
from .facts import data_facts, device_facts
from .notes import make_notes
from .planning import TrainingPlan, make_plan
from .rendering import render, render_config

# Names of the copies, by how many files are given.
ASSETS = {1: ("texts",), 2: ("train", "test"), 3: ("train", "dev", "test")}
EXCEPTIONS = "assets/tokenizer_exceptions.json"
TEMPLATES = {"project.yml": "project.yml", "README.md": "README.md", "gitignore": ".gitignore"}


@dataclass(frozen=True)
class NewProject:
    """A project that was written.

    folder (Path): Where it is.
    parts (Dict[str, Part]): "train", "dev" and "test": the documents and what file each is from.
    notes (List[str]): What is odd about the data.
    plan (TrainingPlan): The numbers of its config, and why they are so.
    """

    folder: Path
    parts: dict[str, Part]
    notes: list[str]
    plan: TrainingPlan


def init_project(
    folder: str | Path,
    data: str | Path | Sequence[str | Path],
    *,
    encoder: str | Path | None = None,
    lang: str = "en",
    name: str | None = None,
    device: str = "auto",
    group: int | None = None,
    exceptions: str | Path | None = None,
) -> NewProject:
    """Write a spaCy project that trains, evaluates and packages a pipeline of annotated texts.

    The folder holds all that it needs, copies of the texts and of an encoder's folder too, so it
    can be moved. `python -m spacy project run all` in it leaves a wheel and a report.

    folder (str / Path): The folder to write; not there yet, or empty.
    data (str / Path / Sequence[str / Path]): Annotated texts, in any format that `read` knows: one
        file, which is divided into 80 % train, 10 % dev and 10 % test data with like shares of each
        label; or two, train and test, where a ninth of train becomes dev; or three, train, dev and
        test.
    encoder (str / Path): Hub name or folder of the encoder to start from; None for the default
        one, which the project's first step fetches.
    lang (str): The language, as spaCy abbreviates it ("xx" for any); its tokenizer cuts the texts.
    name (str): Name of the pipeline, without the language; None for that of the folder.
    device (str): What will train: "cpu", "cuda", or "auto" for what this machine has.
    group (int): Sentences a document, in column files that mark no documents; None for one. An
        encoder uses the context.
    exceptions (str / Path): A file of tokenizer exceptions, as `convert` writes it with
        misaligned="split". The project's pipeline makes the same tokens.
    RETURNS (NewProject): What is in it, and why its numbers are as they are.
    RAISES (ValueError): The folder is not empty; the data can't be used (with file and place);
        there is no such encoder, language or device; the name can't be that of a package.
    """
    folder = Path(folder)
    paths = [Path(path) for path in ([data] if isinstance(data, str | Path) else data)]
    _check_folder(folder)
    name = package_name(folder.resolve().name) if name is None else _checked_name(name)
    pieces = None if exceptions is None else read_exceptions(exceptions)
    nlp, chosen = blank_pipeline(lang, pieces), choose_encoder(encoder)
    device_found = device_facts(device)
    parts, files = read_parts(paths, nlp, group=group)
    facts = data_facts(parts["train"].docs, parts["dev"].docs, chosen.tokenizer)
    plan = make_plan(facts, chosen.facts, device_found)
    with told_if_full(folder, to_go_on=f"Make room, remove {folder} and do the same again."):
        assets = _copy_assets(paths, folder)
        name_there = _place_encoder(chosen, folder)
        kept = None
        if pieces:
            kept = EXCEPTIONS
            _write(folder / EXCEPTIONS, exceptions_text(pieces))
        corpus = {part: f"corpus/{part}.spacy" for part in ("train", "dev")}
        config = render_config(
            plan, nlp, **corpus, encoder=name_there, device=device, exceptions=kept
        )
        _write(folder / "config.cfg", config)
        values = {
            "name": name,
            "lang": lang,
            "encoder": name_there,
            "is_default": chosen.is_default,
            "is_folder": name_there == ENCODER_FOLDER,
            "assets": assets,
            "group": group,
            "exceptions": kept,
            "sources": [path.name for path in paths],
            "labels": sorted(parts["train"].entities),
        }
        for template, file in TEMPLATES.items():
            _write(folder / file, render(template, **values))
    return NewProject(folder, parts, make_notes(parts, files), plan)


def package_name(text: str) -> str:
    """What of a text can be a package's name."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "ner"


def _checked_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(
            f"{name!r} can't be the name of a package: use letters, digits and _, for example "
            f"{package_name(name)}."
        )
    return name


def _check_folder(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there already and not empty: name another folder.")
    check_output_folder(folder)


def _copy_assets(paths: Sequence[Path], folder: Path) -> list[str]:
    """Copy the data. RETURNS (List[str]): Where they are in the project."""
    (folder / "assets").mkdir(parents=True)
    copies = []
    for path, name in zip(paths, ASSETS[len(paths)], strict=True):
        suffix = path.suffix if re.fullmatch(r"\.\w+", path.suffix) else ""
        copies.append(f"assets/{name}{suffix}")
        copy: Callable[..., object] = shutil.copytree if path.is_dir() else shutil.copyfile
        copy(path, folder / copies[-1])
    return copies


def _place_encoder(encoder: Encoder, folder: Path) -> str:
    """Copy an encoder that is a folder. RETURNS (str): The encoder's name in the project."""
    if encoder.is_default or not Path(encoder.name).is_dir():
        return encoder.name
    copy_encoder(Path(encoder.name), folder / ENCODER_FOLDER)
    return ENCODER_FOLDER


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf8", newline="\n")
