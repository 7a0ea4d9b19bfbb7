"""Choosing the texts to annotate next: what `ner-plus rank` does, for Python."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..data.formats.record_files import output_format, write_counted
from ..data.sources.document_batches import document_batches
from ..data.sources.inputs import open_input
from ..data.sources.rows import Fields, Input, SourceDocument
from ..data.splitting.near_duplicates import duplicates
from ..models.architectures.row_vectors import row_vectors
from ..pipeline.capabilities import KnowsUncertainty, components
from ..pipeline.entity_sources import source_of_component
from ..pipeline.preparing import load_pipeline
from ..support.output_folder import check_output_folder
from .k_centre import k_centre, letter_vectors
from .ranked_units import DOCUMENT, RankedUnit, UnitCutter, as_task, within_budget
from .strategies import NAMES, RANDOM, score

# Documents that are read at once.
_BATCH = 64
# So many times as many candidates as are wanted are looked at for duplicates and diversity.
POOL = 10


@dataclass(frozen=True)
class RankedTexts:
    """What was chosen.

    texts, output (str): What was read and written.
    strategy (str), unit (str): How, and what.
    documents, units, tokens (int): What there was to choose from.
    chosen, chosen_tokens (int): What was chosen.
    duplicates (int): Candidates that were left out, as they are nearly the same as others.
    vectors (str): What unlikeness was measured by: "encoder", "letters", or "" where it was not.
    mean_score (float): Of those that were chosen. all_score (float): Of all.
    warnings (List[str]): What is to be known of the choice.
    """

    texts: str
    output: str
    strategy: str
    unit: str
    documents: int
    units: int
    tokens: int
    chosen: int
    chosen_tokens: int
    duplicates: int
    vectors: str
    mean_score: float
    all_score: float
    warnings: list[str] = field(default_factory=list)


def rank(
    model: Language | str | Path,
    texts: str | Path,
    output: str | Path,
    *,
    n: int | None = 100,
    tokens: int | None = None,
    strategy: str = "mnlp",
    unit: str = DOCUMENT,
    diverse: bool = False,
    seed: int = 0,
    component: str | None = None,
    to: str | None = None,
    input_format: str | None = None,
    text_field: str = "text",
    id_field: str = "id",
) -> RankedTexts:
    """Choose the texts whose annotation a pipeline would learn most from.

    They are written as tasks, best first, with the entities that the pipeline finds, in any format
    of annotation. Of texts that are nearly the same one is chosen. The same input gives the same
    bytes.

    model (Union[Language, str, Path]): The pipeline, or its name or folder.
    texts (Union[str, Path]): The texts, in any form that `predict` reads.
    output (Union[str, Path]): The file of tasks.
    n (int): How many, at most; None for as many as there are tokens for.
    tokens (int): How many tokens they may have in all. Sums over a text are then divided by its
        tokens: see strategies.
    strategy (str): One of strategies.NAMES.
    unit (str): What is annotated at once: "document" or "sentence".
    diverse (bool): Choose those that are unlike each other out of ten times as many: the greedy
        k-centre on the means of the encoder's vectors.
    seed (int): Of random choice, and of nothing else.
    component (str): The component that is asked, if there are several.
    to (str): Format of the output: see `write`. None for what its name says.
    input_format, text_field, id_field (str): As those of predict.
    RETURNS (RankedTexts): What was chosen.
    RAISES ValueError: What is given can't be read or done.
    """
    output = Path(output)
    _check_wishes(strategy, n, tokens)
    to = output_format(output, to)
    check_output_folder(output.parent)
    cutter = UnitCutter(unit)
    source = open_input(Path(texts), input_format, Fields(text_field, id_field))
    nlp = load_pipeline(model)
    ner = _component(nlp, component)
    reader = _Reader(nlp, ner, cutter)
    units = _Candidates(n, tokens)
    for batch in document_batches(source, _BATCH):
        units.add(reader.scored(batch, strategy, seed, per_token=tokens is not None))
    pool = units.best()
    if not pool:
        raise ValueError(f"There is no text in {texts} to choose.")
    found = reader.read_again(source, pool)
    groups, has_near = duplicates([one.text for one in found])
    kept = [i for i, first in enumerate(groups.tolist()) if first == i]
    n_duplicates, vectors = len(pool) - len(kept), ""
    if diverse and len(kept) > 1:
        wanted = len(within_budget([pool[i] for i in kept], n, tokens))
        vectors, matrix = reader.vectors(found, kept)
        order = k_centre(matrix, len(kept) if tokens is not None else wanted)
        kept = [kept[i] for i in order]
    chosen = [kept[place] for place in within_budget([pool[i] for i in kept], n, tokens)]
    if not chosen:
        raise ValueError(f"--tokens {tokens} is less than any of the best texts has: raise it.")
    tasks = (
        as_task(
            found[i].doc,
            pool[i],
            found[i].id,
            {"place": place, "strategy": strategy, "score": round(pool[i].score, 6)},
            source=source_of_component(ner),
            is_whole=unit == DOCUMENT,
        )
        for place, i in enumerate(chosen, start=1)
    )
    write_counted(tasks, output, to)
    return RankedTexts(
        texts=str(texts),
        output=str(output),
        strategy=strategy,
        unit=unit,
        documents=reader.n_documents,
        units=units.n_units,
        tokens=units.n_tokens,
        chosen=len(chosen),
        chosen_tokens=sum(pool[i].n_tokens for i in chosen),
        duplicates=n_duplicates,
        vectors=vectors,
        mean_score=float(np.mean([pool[i].score for i in chosen])),
        all_score=units.total / max(units.n_units, 1),
        warnings=_warnings(vectors, has_near=has_near),
    )


def _check_wishes(strategy: str, n: int | None, tokens: int | None) -> None:
    if strategy not in NAMES:
        raise ValueError(f"--strategy {strategy}: use one of {', '.join(NAMES)}.")
    if n is None and tokens is None:
        raise ValueError("Say how many texts are wanted: -n, or --tokens for a budget.")
    if (n is not None and n < 1) or (tokens is not None and tokens < 1):
        raise ValueError(f"-n {n} and --tokens {tokens} must be at least 1.")


def _warnings(vectors: str, *, has_near: bool) -> list[str]:
    found = []
    if not has_near:
        found.append("texts that are nearly the same were not looked for: install rensa")
    if vectors == "letters":
        found.append("the model has no vectors to compare texts by: their letters were taken")
    return found


def _component(nlp: Language, name: str | None) -> KnowsUncertainty:
    """The component that is asked. RAISES ValueError: There is none, or several."""
    able: dict[str, KnowsUncertainty] = {
        one.name: one for one in components(nlp) if isinstance(one, KnowsUncertainty)
    }
    if name is None and len(able) == 1:
        [name] = able
    if name not in able:
        one = "exactly one component" if name is None else f"a component {name!r}"
        raise ValueError(
            f"The pipeline must have {one} that knows how undecided it is about a text; it has "
            f"{', '.join(able) or 'none'}. Name one with --component."
        )
    return able[name]


class _Candidates:
    """Keeps the best units, so many that duplicates and likeness can be seen to.

    n, tokens (int): What is wanted.
    """

    def __init__(self, n: int | None, tokens: int | None) -> None:
        self._n, self._tokens = n, tokens
        self._heap: list[tuple[float, int, int, RankedUnit]] = []  # the worst first
        self._held = 0
        self.n_units = self.n_tokens = 0
        self.total = 0.0

    def add(self, units: Sequence[RankedUnit]) -> None:
        """Add some units; of equally good ones the first is the best."""
        for unit in units:
            self.n_units += 1
            self.n_tokens += unit.n_tokens
            self.total += unit.score
            entry = (unit.score, -unit.document, -unit.start, unit)
            heapq.heappush(self._heap, entry)
            self._held += unit.n_tokens
            while self._is_too_much():
                self._held -= heapq.heappop(self._heap)[-1].n_tokens

    def _is_too_much(self) -> bool:
        """Whether there are more than enough without the worst one."""
        worst = self._heap[0][-1].n_tokens if self._heap else 0
        too_many = self._n is not None and len(self._heap) > POOL * self._n
        too_long = self._tokens is not None and self._held - worst > POOL * self._tokens
        return too_many or too_long

    def best(self) -> list[RankedUnit]:
        """The best first."""
        return [entry[-1] for entry in sorted(self._heap, reverse=True)]


@dataclass(frozen=True)
class _Found:
    """A candidate that was read again."""

    doc: Doc
    id: Any
    text: str
    unit: RankedUnit


class _Reader:
    """Runs the pipeline over documents."""

    def __init__(self, nlp: Language, ner: KnowsUncertainty, cutter: UnitCutter) -> None:
        self._nlp, self._ner, self._cutter = nlp, ner, cutter
        self.n_documents = 0

    def scored(
        self, documents: Sequence[SourceDocument], strategy: str, seed: int, *, per_token: bool
    ) -> list[RankedUnit]:
        """All units of some documents."""
        docs = self._docs(documents)
        parts = [self._cutter.cut(doc) for doc in docs]
        known = self._ner.uncertainties(docs, parts)
        random = np.random.default_rng([seed, self.n_documents])
        units = []
        for i, (spans, own) in enumerate(zip(parts, known, strict=True), self.n_documents):
            for span, its in zip(spans, own, strict=True):
                value = random.random()
                if strategy != RANDOM:
                    value = score(strategy, its, per_token=per_token)
                units.append(RankedUnit(i, span.start, span.end, its.n_tokens, value))
        self.n_documents += len(docs)
        return units

    def read_again(self, source: Input, pool: Sequence[RankedUnit]) -> list[_Found]:
        """The documents of candidates, in the order of these."""
        wanted = {unit.document for unit in pool}
        docs: dict[int, tuple[Doc, Any]] = {}
        number = 0
        for batch in document_batches(source, _BATCH):
            own = [(number + i, one) for i, one in enumerate(batch) if number + i in wanted]
            number += len(batch)
            made = self._docs([one for _, one in own])
            docs |= {i: (doc, one.id) for (i, one), doc in zip(own, made, strict=True)}
        found = []
        for unit in pool:
            doc, id = docs[unit.document]
            found.append(_Found(doc, id, doc[unit.start : unit.end].text, unit))
        return found

    def vectors(self, found: Sequence[_Found], kept: Sequence[int]) -> tuple[str, np.ndarray]:
        """A vector of each candidate that is kept, and what they are made of."""
        rows = []
        for first in range(0, len(kept), _BATCH):
            some = [found[i] for i in kept[first : first + _BATCH]]
            matrices = row_vectors(self._ner.model, [one.doc for one in some])
            if matrices is None:
                return "letters", letter_vectors([found[i].text for i in kept])
            rows += [
                matrix[one.unit.start : one.unit.end].mean(axis=0)
                for one, matrix in zip(some, matrices, strict=True)
            ]
        return "encoder", np.stack(rows)

    def _docs(self, documents: Sequence[SourceDocument]) -> list[Doc]:
        made = []
        for one in documents:
            if one.tokens is None:
                made.append(self._nlp.make_doc(one.text))
            else:
                words, spaces = one.tokens.words, one.tokens.spaces
                made.append(Doc(self._nlp.vocab, words=words, spaces=spaces))
        return list(self._nlp.pipe(made))
