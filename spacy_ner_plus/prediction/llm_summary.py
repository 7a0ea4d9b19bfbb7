"""How texts came out that a language model annotated."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..pipeline.llm_reading.asking.spending import (
    ASKED,
    CACHED,
    COMPLETION_TOKENS,
    FAILED,
    PROMPT_TOKENS,
    RETRIED,
)
from ..pipeline.llm_reading.chunk_answers import ANSWER_FAULTS
from ..pipeline.llm_reading.doc_texts import DOC_LEFT_OUT
from ..pipeline.llm_reading.grounding.mentions import GROUNDINGS, REASONS
from ..pipeline.llm_reading.prompting.answer_reading import FAULTS
from ..pipeline.llm_reading.prompting.worked_examples import LEFT_OUT

_MOST_LABELS = 10


@dataclass
class LlmSummary:
    """What was done, and what it cost.

    output (Path): The file that was written.
    documents (int): In it. not_asked (bool): Whether documents follow that nobody asked about, as
        the budget was spent.
    rejects (int): Rows of the input that are no texts. rejects_file (Path): Where they are.
    examples (int): Sentences that prompts could choose from.
    examples_left_out (Counter[str]): Others, by reason.
    entities (Counter[str]): By label. undecided (int): Entities that are there as "ignored".
    counts (Counter[str]): Of groundings, reasons and faults.
    other_labels (Counter[str]): Labels that were not asked for.
    requests (Counter[str]): Of requests and tokens, in this run: see Spending.
    cost (float): Of these. errors (List[str]): Why requests failed, the first few.
    """

    output: Path
    documents: int = 0
    not_asked: bool = False
    rejects: int = 0
    rejects_file: Path | None = None
    examples: int = 0
    examples_left_out: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    undecided: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    other_labels: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    cost: float = 0.0
    errors: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The summary in words, a line for each thing that there is to say."""
        labels = ", ".join(f"{n:,} {label}" for label, n in self.entities.most_common())
        yield (
            f"Wrote {self.output}: {self.documents:,} documents with {self.entities.total():,} "
            f"entities{f' ({labels})' if labels else ''}"
        )
        if self.undecided:
            yield f'Beside them as "ignored", to be decided: {self.undecided:,}'
        found = ", ".join(f"{self.counts[how]:,} {how}" for how in GROUNDINGS)
        yield f"Found in the texts: {found}"
        for reason, meaning in REASONS.items():
            if n := self.counts[reason]:
                yield f"Not found: {n:,} {reason}: {meaning}"
        for fault, meaning in (FAULTS | ANSWER_FAULTS).items():
            if n := self.counts[fault]:
                yield f"Counted: {n:,} {meaning}"
        if self.other_labels:
            named = ", ".join(f"{one!r}" for one, _ in self.other_labels.most_common(_MOST_LABELS))
            yield f"Labels that were not asked for: {named}"
        yield from self._examples()
        yield from self._requests()
        yield from (f"Failed: {error}" for error in self.errors)

    def _examples(self) -> Iterator[str]:
        if self.examples or self.examples_left_out:
            yield f"Examples to choose from: {self.examples:,}"
        for reason, meaning in (LEFT_OUT | DOC_LEFT_OUT).items():
            if n := self.examples_left_out[reason]:
                yield f"No examples: {n:,} sentences: {meaning}"

    def _requests(self) -> Iterator[str]:
        counts = self.requests
        yield (
            f"Requests: {counts[ASKED]:,} answered, {counts[CACHED]:,} from the cache, "
            f"{counts[FAILED]:,} failed, {counts[RETRIED]:,} tried again"
        )
        cost = f", cost {self.cost:.4f}" if self.cost else ""
        yield (
            f"Tokens: {counts[PROMPT_TOKENS]:,} of prompts, {counts[COMPLETION_TOKENS]:,} of "
            f"answers{cost}"
        )
