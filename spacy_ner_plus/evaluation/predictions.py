"""Where the documents of an evaluation come from.

That is a pipeline that runs over annotated data, or predictions that it made before.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from tqdm import tqdm

from ..annotation.entity_source import DOC_ENTS, ENTS, FLAT, EntitySource, EntitySources
from ..annotation.unknown_group import entity_keys
from ..data.corpus import make_corpus_v1
from ..data.formats.json_lines import JsonLinesRecords
from ..data.refused_annotations import refused_annotations
from ..pipeline.entity_sources import source_of, sources_of
from ..pipeline.preparing import check_pipeline_exists, load_pipeline
from ..pipeline.run_counts import RunCounts, run_counts
from ..records import SpanRecord, TextRecord
from ..support.peak_memory import peak_memory
from .documents import Document, Entity, entities_of, from_example, from_offsets
from .entity_types import labels_of
from .label_choice import ALL, LabelChoice
from .schema import RunCost
from .uncalibrated import calibrated_component, uncalibrated_probabilities

PREDICTIONS = ".jsonl"


@dataclass(frozen=True)
class Predictions:
    """Gold and predicted entities of the annotated documents of some data.

    name (str): Of the pipeline or file that predicted.
    documents (List[Document]): The annotated ones.
    n_words (int): Tokens of the reference in them.
    n_without_annotation (int): Documents that were left out because nothing is known about them.
    nlp (Language): The pipeline; None for predictions that were read.
    speed (RunCost): None for predictions that were read.
    counted (RunCounts): What the pipeline left out, or did not decide in the best way.
    sources (EntitySources): Where the entities of both are.
    """

    name: str
    documents: list[Document]
    n_words: int
    n_without_annotation: int
    nlp: Language | None = None
    speed: RunCost | None = None
    counted: RunCounts = field(default_factory=RunCounts)
    sources: EntitySources = FLAT


def predict(
    model: Language | str | Path,
    data: Path,
    *,
    tokens: str = "reference",
    spans_key: str | None = None,
    predicted_key: str | None = None,
    gold: EntitySource | None = None,
    uncalibrated: bool = True,
    choice: LabelChoice = ALL,
) -> Predictions:
    """The entities of annotated data, as a model finds them, of all types and by their own names.

    model (Union[Language, str, Path]): Any pipeline that sets doc.ents or a group of doc.spans, or
        its name or folder, or a .jsonl file with predictions for the same documents in the same
        order, as `ner-plus predict` writes them.
    data (Path): .spacy file with gold annotation, or a folder of such files.
    tokens (str): Which tokens a pipeline gets: see make_corpus_v1.
    spans_key (str): Where entities are, gold and predicted ones: a key of doc.spans, or "doc.ents";
        None for what the pipeline says: see pipeline.entity_sources. The entities in a file are
        where they are, so with None gold ones are in doc.ents.
    predicted_key (str): Where the pipeline's are, if elsewhere.
    gold (EntitySource): Where gold ones are, whatever else is said; None for what is.
    uncalibrated (bool): Run a calibrated pipeline a second time, for the probabilities without its
        calibration.
    choice (LabelChoice): Which types will count, so that what can't be judged is known, and that
        there is anything to count.
    RAISES ValueError: If there is no annotated document, the pipeline sets no such entities, or
        predictions do not fit the data. That the data can be read is looked at beforehand, with
        check_files.
    """
    check_model(model)
    name = model_name(model)
    if is_file(model):
        if predicted_key is not None:
            raise ValueError(
                f"{name} has its entities where they are: leave out where those of a pipeline are, "
                f"{predicted_key!r}."
            )
        found = read_predictions(Path(name), data, gold or source_of(None, spans_key), choice)
    else:
        nlp = load_pipeline(model)
        sources = sources_of(nlp, spans_key, predicted_key)
        found = run(
            nlp,
            data,
            tokens=tokens,
            sources=sources if gold is None else replace(sources, gold=gold),
            name=name,
            uncalibrated=uncalibrated,
            choice=choice,
        )
    if not found.documents:
        raise ValueError(
            f"None of the {found.n_without_annotation} documents in {data} has annotation in "
            f"{found.sources.gold.where}, so there is nothing to evaluate."
        )
    return found


def check_model(model: Language | str | Path) -> None:
    """Look whether there is a model to evaluate, before it, or another one, is loaded.

    RAISES ValueError: If there is no such pipeline, or no such file of predictions.
    """
    if not is_file(model):
        check_pipeline_exists(model)
    elif not Path(str(model)).is_file():
        raise ValueError(f"There are no predictions at {model}.")


def is_file(model: Language | str | Path) -> bool:
    """Whether a model is a file of predictions, and no pipeline."""
    return not isinstance(model, Language) and str(model).endswith(PREDICTIONS)


def model_name(model: Language | str | Path) -> str:
    """What a model is called in results.

    It is its name or folder as given, or where it was loaded from; else the name in its meta.json.
    """
    if not isinstance(model, Language):
        return str(model)
    meta = model.meta
    return f"{meta['lang']}_{meta['name']}" if model.path is None else str(model.path)


def run(
    nlp: Language,
    data: Path,
    *,
    tokens: str = "reference",
    sources: EntitySources = FLAT,
    name: str = "",
    uncalibrated: bool = True,
    choice: LabelChoice = ALL,
) -> Predictions:
    """Run a pipeline over annotated data, with a progress bar on a terminal.

    Processed documents are let go of one by one: memory is taken by texts and entities only.
    """
    examples = dict(enumerate(make_corpus_v1(data, tokens)(nlp)))
    n_documents = len(examples)
    known = [i for i, eg in examples.items() if _is_known(eg.reference, sources.gold)]
    if choice.labels is not None and labels_of(nlp, sources.predicted):
        references = (examples[i].reference for i in known)
        gold = {entity.label for doc in references for entity in entities_of(doc, sources.gold)}
        choice.check(gold, labels_of(nlp, sources.predicted))
    n_words = sum(len(examples[i].reference) for i in known)
    counted_before = run_counts(nlp)
    documents, speed = _timed(nlp, examples, known, sources, choice)
    counted = run_counts(nlp).since(counted_before)
    ner = calibrated_component(nlp, sources.predicted) if uncalibrated else None
    if ner is not None:
        again = [eg.predicted for eg in make_corpus_v1(data, tokens)(nlp)]
        bare = uncalibrated_probabilities(nlp, ner, [again[i] for i in known])
        bar = _bar(bare, len(known), "Without calibration")
        documents = [_with_uncalibrated(*pair) for pair in zip(documents, bar, strict=True)]
    return Predictions(
        name=name,
        documents=documents,
        n_words=n_words,
        n_without_annotation=n_documents - len(known),
        nlp=nlp,
        speed=speed,
        counted=counted,
        sources=sources,
    )


def read_predictions(
    path: Path, data: Path, gold: EntitySource = DOC_ENTS, choice: LabelChoice = ALL
) -> Predictions:
    """Predictions that were made before, beside the annotated data that they are for.

    path (Path): JSONL, a row a document of the data, in their order: records, or rows as version
        0.4 of `ner-plus predict` wrote them. The probability of an entity may lack.
    data (Path), choice (LabelChoice): See predict.
    gold (EntitySource): Where the entities of the data are.
    RAISES ValueError: If a row is no such thing, or not of the document in its place.
    """
    records = _read(path)
    documents, n_skipped, n_words = [], 0, 0
    nlp = Language(Vocab())
    for i, example in enumerate(make_corpus_v1(data)(nlp)):
        reference = example.reference
        place, record = next(records, (None, None))
        if place is None or record is None:
            raise ValueError(
                f"{path} ends after {i} documents, but {data} has more: predict all of them, with "
                f"`ner-plus predict MODEL {data} {path}`."
            )
        if record.text != reference.text:
            raise ValueError(
                f"{place} is about another text than document {i} of {data}: "
                f"{record.text[:60]!r} instead of {reference.text[:60]!r}. Predictions must be of "
                "the same documents in the same order."
            )
        if _is_known(reference, gold):
            found = [_entity(span) for span in record.spans or () if span.is_accepted]
            documents.append(from_offsets(i, reference, found, gold, choice))
            n_words += len(reference)
        else:
            n_skipped += 1
    surplus = next(records, None)
    if surplus is not None:
        raise ValueError(f"{surplus[0]} is one document more than {data} has.")
    sources = EntitySources(gold, gold)
    return Predictions(str(path), documents, n_words, n_skipped, sources=sources)


def _is_known(doc: Doc, gold: EntitySource) -> bool:
    """Whether anything is said about entities, be it only of such as are not on tokens."""
    return gold.is_set(doc) or (gold.reads_ents and bool(refused_annotations(doc)))


def _timed(
    nlp: Language,
    examples: dict[int, Example],
    places: list[int],
    sources: EntitySources,
    choice: LabelChoice,
) -> tuple[list[Document], RunCost]:
    """Run a pipeline over the examples of some places.

    Each is taken out, and so let go of, when its entities are known.
    """
    documents = []
    n_words, sets_entities = 0, False
    where: set[str] = set()  # there are entities or spans
    start = perf_counter()
    docs = nlp.pipe(examples[place].predicted for place in places)
    for place, doc in zip(places, _bar(docs, len(places), "Evaluating"), strict=True):
        example = examples.pop(place)
        example.predicted = doc
        documents.append(from_example(place, example, sources, choice))
        n_words += len(doc)
        sets_entities |= sources.predicted.is_set(doc)
        where |= _places(doc)
    seconds = perf_counter() - start
    if documents and not sets_entities:
        raise ValueError(_nothing_there(nlp, sources.predicted, where))
    rate = n_words / seconds if seconds else 0.0
    return documents, RunCost(rate, seconds, n_words, peak_memory())


def _places(doc: Doc) -> set[str]:
    """The names of all places where a Doc has entities or spans."""
    return {*entity_keys(doc), *([ENTS] if DOC_ENTS.is_set(doc) else [])}


def _nothing_there(nlp: Language, source: EntitySource, places: set[str]) -> str:
    names = ", ".join(nlp.pipe_names) or "no components"
    message = f"No component of this pipeline sets {source.where}. It has: {names}."
    if not places:
        return message
    others = " and ".join(EntitySource.named(name).where for name in sorted(places))
    return (
        f"{message} Set are {others}: say which are meant with --predicted-key {min(places)} "
        "(compare: --key-a, --key-b)."
    )


def _with_uncalibrated(document: Document, bare: dict[tuple[int, int, str], float]) -> Document:
    predicted = tuple(
        replace(entity, uncalibrated=bare.get((entity.start_char, entity.end_char, entity.label)))
        for entity in document.predicted
    )
    return replace(document, predicted=predicted)


def _bar(stream: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    yield from tqdm(stream, total=total, desc=what, unit="docs", disable=None, leave=False)


def _read(path: Path) -> Iterator[tuple[str, TextRecord]]:
    """The records of a file of predictions, each with where it is."""
    for place, record in JsonLinesRecords(path).records():
        if record.spans is None:
            raise ValueError(
                f"{place}: nothing is said about entities. Give 'spans', an empty list where none "
                "are predicted."
            )
        if record.text:  # the corpus reader leaves empty documents out
            yield place, record


def _entity(span: SpanRecord) -> Entity:
    return Entity(0, 0, span.label, span.start, span.end, span.probability)
