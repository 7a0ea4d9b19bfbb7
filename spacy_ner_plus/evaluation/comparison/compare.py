"""A candidate beside a baseline on the same documents: what `ner-plus compare` does, for Python."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy.language import Language

from ...annotation.entity_source import DOC_ENTS, EntitySource
from ...data.doc_files import check_files
from ...pages.telling import say
from ..documents import Document
from ..entity_types import chosen, entity_types, labels_of
from ..label_choice import ALL, LabelChoice, choose
from ..predictions import check_model, is_file, model_name, predict
from ..result_files import write_result, write_rows
from .comparison_measures import System, compare_systems
from .comparison_schema import ComparisonMetrics
from .differences import ComparedDocument, compare_documents, difference_rows
from .gate import Gate, judge_gate

COMPARISON_FILE, DIFFERENCES_FILE = "comparison.json", "differences.jsonl"
# How often documents are swapped for p-values, and drawn for intervals.
SWAPS = 10_000
SAMPLES = 2000


@dataclass(frozen=True, repr=False)
class Comparison:
    """What a comparison found.

    metrics (ComparisonMetrics): All figures, as in comparison.json.
    differences (List[Dict[str, Any]]): The entities on which the two differ in context, as in
        differences.jsonl.
    """

    metrics: ComparisonMetrics
    differences: list[dict[str, Any]]

    def __repr__(self) -> str:
        """In short: there may be thousands of differences."""
        its, micro = self.metrics, self.metrics.exact.micro
        return (
            f"<Comparison of {its.a.model} and {its.b.model} on {its.data}: "
            f"F1 {micro.a.f1:.4f} and {micro.b.f1:.4f}, {len(self.differences):,} differences>"
        )

    def passed(self, gate: Gate) -> bool:
        """Whether the candidate keeps to a gate, and so may take the baseline's place."""
        return judge_gate(self.metrics, gate).passed

    def with_gate(self, gate: Gate) -> "Comparison":
        """The comparison with what a gate says in its metrics, to be written with them.

        gate (Gate): One that is open, which lets everything pass, says nothing.
        """
        result = None if gate.is_open else judge_gate(self.metrics, gate)
        return replace(self, metrics=replace(self.metrics, gate=result))

    def write(self, folder: Path | str) -> None:
        """Write comparison.json and differences.jsonl.

        folder (Union[Path, str]): Is made if it is not there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_result(folder / COMPARISON_FILE, self.metrics)
        write_rows(folder / DIFFERENCES_FILE, self.differences)


def compare(
    a: Language | str | Path,
    b: Language | str | Path,
    data: Path | str,
    *,
    tokens: str = "reference",
    spans_key: str | None = None,
    key_a: str | None = None,
    key_b: str | None = None,
    samples: int = SAMPLES,
    swaps: int = SWAPS,
    seed: int = 0,
    labels: Iterable[str] | None = None,
    label_map: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare a candidate with a baseline.

    This gives scores of both, differences with intervals and p-values, errors by kind, and the
    entities that one finds and the other misses.

    a (Union[Language, str, Path]): The baseline: any pipeline that sets doc.ents or a group of
        doc.spans, or its name or folder, or a .jsonl file with predictions for the same documents
        in the same order, as `ner-plus predict` writes them.
    b (Union[Language, str, Path]): The candidate, likewise. Of two names, the first pipeline is let
        go of before the second is loaded.
    data (Union[Path, str]): .spacy file with gold annotation, or a folder of such files.
    tokens (str): Which tokens the pipelines get: "reference" for those of the data, "pipeline" for
        what their tokenizers make of the text.
    spans_key (str): Where entities are, gold and predicted ones: a key of doc.spans, where they may
        nest and overlap, or "doc.ents". None: those of each pipeline are where its component says
        that it writes entities that nest, else in doc.ents; gold ones are there where they may
        nest, if that is so of one of them.
    key_a, key_b (str): Where those of A or B are, likewise, if they are elsewhere.
    samples (int): Bootstrap samples for the intervals.
    swaps (int): Random swaps of documents for the p-values.
    seed (int): Of both.
    labels (Iterable[str]): The types that count, in the annotation and in what both predict, by the
        names that label_map gives; None for all.
    label_map (Mapping[str, str]): New names of types of the annotation and of both systems, so that
        all call the same by the same name. An empty name drops the type.
    RETURNS (Comparison): docs/compare.md says what the figures mean.
    RAISES ValueError: If the data can't be read or has no annotation, or a pipeline sets no such
        entities, with the one that it is about.
    """
    choice = choose(labels, label_map)
    system_a, system_b = run_both(
        a,
        b,
        Path(data),
        tokens=tokens,
        spans_key=spans_key,
        predicted_keys={"A": key_a, "B": key_b},
        choice=choice,
    )
    documents = compare_all(system_a.found.documents, system_b.found.documents)
    metrics = compare_systems(
        system_a,
        system_b,
        documents,
        data=str(data),
        tokens=tokens,
        samples=samples,
        swaps=swaps,
        seed=seed,
    )
    rows = [row for document in documents for row in difference_rows(document)]
    return Comparison(metrics, rows)


def run_both(
    a: Language | str | Path,
    b: Language | str | Path,
    data: Path,
    *,
    tokens: str = "reference",
    spans_key: str | None = None,
    predicted_keys: Mapping[str, str | None] | None = None,
    choice: LabelChoice = ALL,
) -> tuple[System, System]:
    """Run two models over the same annotated data, one after the other.

    The first is let go of before the second is loaded. Files of predictions are read before a
    pipeline runs. If nobody says where gold entities are, and those of one pipeline are where they
    may nest, the other one is compared with gold ones there too, and runs again for that.

    predicted_keys (Mapping[str, Optional[str]]): Where the entities of "A" and "B" are.
    choice (LabelChoice): Which types count. The other arguments are those of compare.
    RAISES ValueError: As predictions.predict does, with the model that it is about; or both
        pipelines say that entities are at different keys.
    """
    check_files(data)
    sides = {"A": a, "B": b}
    for side, model in sides.items():
        with _naming(side, model):
            check_model(model)
    keys = dict.fromkeys(sides) | dict(predicted_keys or {})

    def run(side: str, gold: EntitySource | None = None) -> System:
        return _run(side, sides[side], data, tokens, (spans_key, keys[side]), choice, gold)

    order = sorted(sides, key=lambda side: not is_file(sides[side]))
    systems = {side: run(side) for side in order}
    gold = _gold_of_both(systems)
    for side in order:
        if systems[side].found.sources.gold != gold:
            say.info(f"{side} runs again: gold entities are those in {gold.where}, as of the other")
            systems[side] = run(side, gold)
    return systems["A"], systems["B"]


def _run(
    side: str,
    model: Language | str | Path,
    data: Path,
    tokens: str,
    keys: tuple[str | None, str | None],
    choice: LabelChoice,
    gold: EntitySource | None = None,
) -> System:
    """Run one of both.

    keys (Tuple[Optional[str], Optional[str]]): Where gold and where predicted entities are.
    gold (EntitySource): Where gold ones are, whatever else is said; None for what is.
    """
    with _naming(side, model):
        found = predict(
            model,
            data,
            tokens=tokens,
            spans_key=keys[0],
            predicted_key=keys[1],
            gold=gold,
            uncalibrated=False,
            choice=choice,
        )
        types = entity_types(found.documents, choice, labels_of(found.nlp, found.sources.predicted))
    components = list(found.nlp.pipe_names) if found.nlp is not None else []
    found = replace(found, nlp=None, documents=chosen(found.documents, choice))
    gc.collect()  # a pipeline refers to itself
    return System(found, components, types)


def _gold_of_both(systems: Mapping[str, System]) -> EntitySource:
    """Where gold entities are: where they may nest, if a pipeline says so.

    Of two that learn them at one place, and one of them in doc.ents too, they are in both.

    RAISES ValueError: If both say it, of different places.
    """
    places = {side: system.found.sources.gold for side, system in systems.items()}
    nested = {source for source in places.values() if source.may_nest}
    if len({source.spans_key for source in nested}) > 1:
        said = " and ".join(f"{side} in {source.where}" for side, source in places.items())
        raise ValueError(
            f"The pipelines find entities at different places, {said}: say where gold ones are "
            "with --spans-key, and where those of each are with --key-a and --key-b."
        )
    return max(nested, key=lambda source: source.with_ents, default=DOC_ENTS)


@contextmanager
def _naming(side: str, model: Language | str | Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{side} ({model_name(model)}): {error}") from error


def compare_all(a: Sequence[Document], b: Sequence[Document]) -> list[ComparedDocument]:
    """Put the predictions of two systems for the same documents side by side."""
    return [compare_documents(*pair) for pair in zip(a, b, strict=True)]
