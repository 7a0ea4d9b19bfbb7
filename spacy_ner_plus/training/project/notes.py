"""What the user should know about the data before training with them."""

from collections.abc import Iterator, Mapping, Sequence

from ...data.splitting.annotated_file import AnnotatedFile, listed
from ...data.splitting.parts import Part, repeated_texts
from ...pipeline.judged_entities import LEAST_ENTITIES

FEW_TO_LEARN_FROM = 20


def make_notes(parts: Mapping[str, Part], files: Sequence[AnnotatedFile]) -> list[str]:
    """What is odd about the data, one note each.

    parts (Dict[str, Part]): Training, development and test data.
    files (Sequence[AnnotatedFile]): What they were read from.
    """
    return [*notes_on_files(files), *_notes_on_labels(parts), *_notes_on_parts(parts)]


def notes_on_files(files: Sequence[AnnotatedFile]) -> Iterator[str]:
    """What of the files can't be used, or was left out."""
    for file in files:
        yield from (f"{file.path}: {warning}." for warning in file.warnings)
        if file.n_left_out:
            yield (
                f"Left out: {file.n_left_out:,} text(s) of {file.path} that are empty or have no "
                '"spans", so that nothing is known about their entities.'
            )
        if file.n_overlapping:
            yield (
                f"Left out: {file.n_overlapping:,} entities of {file.path} that overlap longer "
                "ones. --nested finds them, too."
            )
        if file.misaligned:
            yield listed(
                f"{len(file.misaligned):,} entities of {file.path} do not start and end where "
                "tokens do. They can't be learned; the tokens that they touch count as not "
                "annotated:",
                file.misaligned,
            )


def _notes_on_labels(parts: Mapping[str, Part]) -> Iterator[str]:
    counts = {name: part.entities for name, part in parts.items()}
    labels = sorted(set().union(*counts.values()))
    numbers = {label: counts["train"][label] for label in labels}
    rare = [f"{label} ({n})" for label, n in numbers.items() if n < FEW_TO_LEARN_FROM]
    if rare:
        yield f"Little to learn from, entities in the train data: {', '.join(rare)}."
    for name in ("dev", "test"):
        missing = [label for label in labels if not counts[name][label]]
        if missing:
            yield f"The {name} data have no {', '.join(missing)}: they say nothing about it."


def _notes_on_parts(parts: Mapping[str, Part]) -> Iterator[str]:
    n_repeated = repeated_texts(parts)
    if n_repeated:
        yield (
            f"{n_repeated:,} dev and test documents have a text that is in the train data too: "
            "scores will flatter."
        )
    n_entities = parts["dev"].entities.total()
    if n_entities < LEAST_ENTITIES:
        yield (
            f"The dev data have {n_entities} entities: scores are rough (`ner-plus cross-validate` "
            f"says more), and under {LEAST_ENTITIES} are too few to calibrate probabilities."
        )
