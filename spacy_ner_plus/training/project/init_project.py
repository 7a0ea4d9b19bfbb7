"""A spaCy project for the user's own data: from annotated texts to a wheel and a report."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...data.blank_pipeline import blank_pipeline
from ...data.overlapping_texts import SPANS_KEY
from ...data.splitting.parts import Part, read_parts
from ...support.full_disk import told_if_full
from ...support.output_folder import check_output_folder
from ...text.token_exceptions import exceptions_text, read_exceptions
from .encoder_wheel import ENCODER_FOLDER
from .encoders import Encoder, choose_encoder, copy_encoder
from .facts import check_vectors, device_facts
from .model_choice import ModelWishes
from .model_plans import RulesPlan, plan_model
from .nesting_choice import NestingChoice, choose_nesting
from .notes import make_notes
from .phrase_list import phrases_of, phrases_text
from .planned import ModelPlan
from .rendering import ConfigPaths, render, render_config

# Names of the copies, by how many files are given.
ASSETS = {1: ("texts",), 2: ("train", "test"), 3: ("train", "dev", "test")}
EXCEPTIONS = "assets/tokenizer_exceptions.json"
PHRASES = "assets/phrases.jsonl"
VECTORS = "assets/vectors"
TEMPLATES = {"project.yml": "project.yml", "README.md": "README.md", "gitignore": ".gitignore"}


@dataclass(frozen=True)
class NewProject:
    """A project that was written.

    folder (Path): Where it is.
    parts (Dict[str, Part]): "train", "dev" and "test": the documents and what file each is from.
    notes (List[str]): What is odd about the data.
    plan (ModelPlan): Its kind of model, the numbers of its config, and why they are so.
    """

    folder: Path
    parts: dict[str, Part]
    notes: list[str]
    plan: ModelPlan


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
    model: str = "transformer",
    vectors: str | Path | None = None,
    words_per_second: float | None = None,
    nested: bool | None = None,
    spans_key: str = SPANS_KEY,
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
    model, vectors, words_per_second: See init_config. The vectors are copied. A project of rules
        begins with a list of the phrases that are entities in the training data.
    nested (bool): Whether the pipeline is to find entities within entities, with ner_plus_spans;
        False for the longest of those that overlap alone. None for what the data are.
    spans_key (str): Where in doc.spans entities that overlap are in .spacy files, and where the
        pipeline puts them.
    RETURNS (NewProject): What is in it, and why its numbers are as they are.
    RAISES (ValueError): The folder is not empty; the data can't be used (with file and place), or
        so few entities overlap that it may be by mistake; there is no such encoder, language,
        device or kind of model; the name can't be that of a package.
    """
    folder = Path(folder)
    paths = [Path(path) for path in ([data] if isinstance(data, str | Path) else data)]
    _check_folder(folder)
    name = package_name(folder.resolve().name) if name is None else _checked_name(name)
    wishes = ModelWishes(model, words_per_second, encoder is not None, vectors is not None, lang)
    wishes.check()
    check_vectors(vectors)
    pieces = None if exceptions is None else read_exceptions(exceptions)
    nlp, chosen = blank_pipeline(lang, pieces), choose_encoder(encoder)
    device_found = device_facts(device)
    nesting = choose_nesting(paths, nested, group=group, spans_key=spans_key)
    wishes = replace(wishes, spans_key=nesting.spans_key)
    wishes.check()
    parts, files = read_parts(
        paths, nlp, group=group, spans_key=nesting.spans_key, overlaps=nesting.overlaps
    )
    plan = plan_model(wishes, parts["train"].docs, parts["dev"].docs, chosen, device_found)
    copies_vectors = vectors is not None and plan.kind == "bilstm"
    with told_if_full(folder, to_go_on=f"Make room, remove {folder} and do the same again."):
        assets = _copy_assets(paths, folder)
        places = ConfigPaths(
            train="corpus/train.spacy",
            dev="corpus/dev.spacy",
            encoder=_place_encoder(chosen, folder) if plan.kind == "transformer" else chosen.name,
            exceptions=EXCEPTIONS if pieces else None,
            vectors=VECTORS if copies_vectors else None,
            phrases=PHRASES,
        )
        if vectors and copies_vectors:
            shutil.copytree(vectors, folder / VECTORS)
        if pieces:
            _write(folder / EXCEPTIONS, exceptions_text(pieces))
        if isinstance(plan, RulesPlan):
            train = parts["train"]
            phrases = phrases_of(train.docs, entities=[text.all_spans for text in train.texts])
            _write(folder / PHRASES, phrases_text(phrases))
        _write(folder / "config.cfg", render_config(plan, nlp, places, device=device))
        values = {
            "name": name,
            "lang": lang,
            "plan": plan,
            "paths": places,
            "inputs": _inputs(plan, places, chosen),
            "fetches_encoder": plan.kind == "transformer" and chosen.is_default,
            "calibrates": plan.kind != "rules",
            "model": f"training/model-{'best' if plan.kind == 'rules' else 'calibrated'}",
            "further": _further_options(plan, places, chosen, nesting),
            "reading": _reading_options(nesting),
            "assets": assets,
            "group": group,
            "sources": [path.name for path in paths],
            "labels": sorted(parts["train"].entities),
        }
        for template, file in TEMPLATES.items():
            _write(folder / file, render(template, **values))
    return NewProject(folder, parts, make_notes(parts, files), plan)


def _inputs(plan: ModelPlan, paths: ConfigPaths, encoder: Encoder) -> list[str]:
    """What a training reads besides the texts: if it changes, the training is done again."""
    found = [paths.exceptions]
    if plan.kind == "transformer" and encoder.is_default:
        found.append("training/encoder.json")
    elif plan.kind == "transformer" and paths.encoder == ENCODER_FOLDER:
        found.append(ENCODER_FOLDER)
    elif plan.kind == "bilstm":
        found.append(paths.vectors)
    elif plan.kind == "rules":
        found.append(paths.phrases)
    return [path for path in found if path is not None]


def _reading_options(nesting: NestingChoice) -> str:
    """What else `project split` has to be told to read the texts."""
    if nesting.spans_key is not None:
        return f" --spans-key {nesting.spans_key}"
    return "" if nesting.overlaps == "error" else f" --overlaps {nesting.overlaps}"


def _further_options(
    plan: ModelPlan, paths: ConfigPaths, encoder: Encoder, nesting: NestingChoice
) -> str:
    """What else `init-config` has to be told to make such a config again."""
    options = nesting.options(SPANS_KEY)
    options += "" if plan.kind == "transformer" else f" --model {plan.kind}"
    if plan.kind == "transformer" and not encoder.is_default:
        options += f" --encoder {paths.encoder}"
    if plan.kind == "bilstm" and paths.vectors:
        options += f" --vectors {paths.vectors}"
    return options


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
