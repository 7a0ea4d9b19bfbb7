"""Options that several commands have."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.cli._util import parse_config_overrides

from ..pipeline.preparing import import_user_code, use_gpu

CodePath = Annotated[
    Path | None,
    typer.Option("--code", "-c", help="Python file with registered functions to import"),
]
GpuId = Annotated[
    int,
    typer.Option(
        "--gpu-id",
        "-g",
        help="GPU for components that need CuPy, or -1; ner_plus finds a GPU by itself",
    ),
]
TextsFormat = Annotated[
    str | None,
    typer.Option(
        "--input-format", help="text, jsonl, csv, tsv, parquet or spacy, if not the suffix's"
    ),
]
TextField = Annotated[str, typer.Option("--text-field", help="Field or column with the text")]
IdField = Annotated[
    str,
    typer.Option("--id-field", help="Field or column that names the document, if there is one"),
]
SpansKey = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="Take doc.spans[KEY], where entities may nest, or doc.ents; without it, what the "
        "pipeline's component says that finds nested entities, else doc.ents",
    ),
]
PredictedKey = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="Where the pipeline's entities are, if not where gold ones are: doc.spans[KEY], or "
        "doc.ents",
    ),
]
Tokens = Annotated[
    str,
    typer.Option(
        help="Which tokens the pipeline gets: 'reference' for those of the corpus, as published "
        "results are scored, 'pipeline' for what its tokenizer makes of the text"
    ),
]

LabelMap = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OLD=NEW", help="Rename an entity type, or drop it: OLD=; repeatable"
    ),
]
MapOfBothSides = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="OLD=NEW",
        help="Rename an entity type, of the data and of what is predicted alike, or drop it: OLD=; "
        "repeatable",
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Only these entity types count, of the data and of what is predicted; with --map, by "
        "their new names",
    ),
]
RedactionLabels = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="The entity types that are taken out; without it, all"),
]


def parse_labels(text: str | None) -> list[str] | None:
    """Types parted by commas. RAISES ValueError: If one is empty."""
    if text is None:
        return None
    labels = [part.strip() for part in text.split(",")]
    if not all(labels):
        raise ValueError(f"--labels must be types parted by commas, such as A,B, got {text!r}.")
    return labels


def parse_thresholds(entries: Iterable[str] | None) -> float | dict[str, float] | None:
    """Read P for all types, or TYPE=P for each. RAISES ValueError: Both, or TYPE or P twice."""
    entries = list(entries or ())
    of_types: dict[str, float] = {}
    for entry in entries:
        label, equals, value = entry.rpartition("=")
        if not equals and len(entries) > 1:
            raise ValueError(
                "--threshold wants one value for all types, or TYPE=P for each: give either."
            )
        try:
            number = float(value)
        except ValueError:
            raise ValueError(
                f"--threshold wants P or TYPE=P, such as 0.2, got {entry!r}."
            ) from None
        if not equals:
            return number
        if label in of_types:
            raise ValueError(f"--threshold names {label!r} twice: leave one out.")
        of_types[label] = number
    return of_types or None


def parse_label_map(entries: Iterable[str] | None) -> dict[str, str]:
    """Read OLD=NEW entries; NEW may be empty. RAISES (ValueError): No "=", or OLD repeated."""
    label_map: dict[str, str] = {}
    for entry in entries or ():
        old, equals, new = entry.partition("=")
        if not old or not equals:
            raise ValueError(f"--map wants OLD=NEW, or OLD= to drop the type, got {entry!r}.")
        if old in label_map:
            raise ValueError(f"--map names {old!r} twice: leave one out.")
        label_map[old] = new
    return label_map


def prepare(gpu_id: int, code: Path | None) -> None:
    """What comes before a pipeline is loaded.

    RAISES ValueError: If there is no such GPU or file, or the file can't be imported.
    """
    use_gpu(gpu_id, silent=gpu_id < 0)
    import_user_code(code)


def config_overrides(arguments: list[str]) -> dict[str, Any]:
    """The values of a config that are given as options: --training.max_steps 3.

    RAISES ValueError: If one of them is no option, nor of this form.
    """
    rest = list(arguments)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or "." not in option.split("=")[0]:
            raise ValueError(
                f"There is no option or argument {option}; a setting of the config is given with "
                "its section: --training.max_steps 3."
            )
        if "=" not in option and rest and not rest[0].startswith("--"):
            rest.pop(0)
    return dict(parse_config_overrides(list(arguments)))
