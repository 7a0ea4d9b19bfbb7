"""From the answers about one piece of a text to spans of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...records import Stretch
from .answer_confidence import FoundSpan, probability_of, shares
from .asking.completions_protocol import CUT_OFF, REFUSED, LlmAnswer
from .asking.llm_client import NoAnswer, Outcome
from .asking.request_errors import BudgetError
from .grounding.ground_mentions import ground_mentions
from .grounding.mentions import GROUNDINGS
from .prompting.answer_reading import ReadAnswer, read_answer
from .prompting.tolerant_json import CUT
from .read_text import LostMention, ReadSpan
from .text_chunks import TextChunk

REFUSAL, PROMPT_CUT, UNANSWERED, UNPAID = "refused", "prompt_cut", "unanswered", "unpaid"
ANSWER_FAULTS = {
    REFUSAL: "answers that the model or its server refused",
    PROMPT_CUT: "prompts that the server cut, by its count of tokens",
    UNANSWERED: "requests without an answer",
    UNPAID: "requests that were not sent, as the budget is spent",
}
"""What may be wrong beside answer_reading.FAULTS, and what is counted."""


@dataclass(frozen=True, slots=True)
class GroundingSettings:
    """How mentions are found in a text: see ground_mentions.

    checks_prompt_length (bool): Whether an answer is not used if the server counted fewer tokens in
        its prompt than that has words.
    """

    repeats: str = "in_order"
    least_similarity: float | None = 0.75
    may_nest: bool = False
    checks_prompt_length: bool = True


@dataclass(slots=True)
class ChunkReading:
    """What is known of a piece. Places are those of the whole text.

    spans (List[ReadSpan]), lost (List[LostMention]), unknown (List[Stretch]), counts
    (Counter[str]), other_labels (Counter[str]), errors (List[str]), is_unpaid (bool), models
    (Set[str]): See ReadText.
    """

    spans: list[ReadSpan] = field(default_factory=list)
    lost: list[LostMention] = field(default_factory=list)
    unknown: list[Stretch] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    other_labels: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    is_unpaid: bool = False
    models: set[str] = field(default_factory=set)


def read_chunk(
    text: str,
    chunk: TextChunk,
    n_prompt_words: int,
    outcomes: Sequence[Outcome],
    labels: Sequence[str],
    settings: GroundingSettings,
) -> ChunkReading:
    """Read the answers about a piece.

    Of several, the share of those that have a span is its probability.

    text (str): The whole text. n_prompt_words (int): Words of the prompt.
    outcomes (Sequence[Outcome]): Of each sample. labels (Sequence[str]): Those asked for.
    """
    reading = ChunkReading()
    samples = []
    is_whole = False
    for outcome in outcomes:
        answer = _usable(outcome, n_prompt_words, reading, settings)
        if answer is None:
            continue
        read = read_answer(answer.text, labels)
        if answer.finish == CUT_OFF and CUT not in read.faults:
            read.faults[CUT] += 1
        reading.counts += read.faults
        reading.other_labels += read.other_labels
        if read.is_usable:
            samples.append(_ground(text, chunk, answer, read, reading, settings))
            is_whole |= read.is_whole
    if not is_whole:
        reading.unknown.append((max(chunk.start, chunk.own[0]), min(chunk.end, chunk.own[1])))
    if samples:
        reading.spans = _joined(samples) if len(outcomes) > 1 else list(samples[0].values())
    return reading


def _usable(
    outcome: Outcome, n_prompt_words: int, reading: ChunkReading, settings: GroundingSettings
) -> LlmAnswer | None:
    if isinstance(outcome, NoAnswer):
        is_unpaid = isinstance(outcome.error, BudgetError)
        reading.is_unpaid |= is_unpaid
        reading.counts[UNPAID if is_unpaid else UNANSWERED] += 1
        reading.errors.append(str(outcome.error))
        return None
    if outcome.model:
        reading.models.add(outcome.model)
    n_tokens = outcome.prompt_tokens
    if settings.checks_prompt_length and n_tokens is not None and n_tokens < n_prompt_words:
        reading.counts[PROMPT_CUT] += 1
        reading.errors.append(
            f"The server counted {n_tokens:,} tokens in a prompt of {n_prompt_words:,} words, so it"
            " has cut it: give the server a longer context (num_ctx of Ollama, -c of llama.cpp) or "
            "the chunks fewer tokens."
        )
        return None
    if outcome.finish == REFUSED:
        reading.counts[REFUSAL] += 1
        return None
    return outcome


def _ground(
    text: str,
    chunk: TextChunk,
    answer: LlmAnswer,
    read: ReadAnswer,
    reading: ChunkReading,
    settings: GroundingSettings,
) -> dict[FoundSpan, ReadSpan]:
    """The spans of one answer that are the piece's own."""
    grounding = ground_mentions(
        text[chunk.start : chunk.end],
        chunk.tokens,
        read.mentions,
        repeats=settings.repeats,
        least_similarity=settings.least_similarity,
        may_nest=settings.may_nest,
    )
    spans = {}
    for one in grounding.found:
        start, end = one.start + chunk.start, one.end + chunk.start
        if _is_own(chunk, start):
            place = read.places[one.index]
            probability = (
                None if place is None else probability_of(answer.text, answer.scores, place)
            )
            label = read.mentions[one.index].label
            span = ReadSpan(start, end, label, one.how, probability)
            spans[span.key] = span
            reading.counts[one.how] += 1
    for lost in grounding.lost:
        places = [(start + chunk.start, end + chunk.start) for start, end in lost.places]
        own = [place for place in places if _is_own(chunk, place[0])]
        if places and not own:
            continue  # a neighbour's
        mention = read.mentions[lost.index]
        known = LostMention(mention.text, mention.label, lost.reason, chunk.start, chunk.end)
        reading.unknown += own
        reading.counts[lost.reason] += 1
        if known not in reading.lost:
            reading.lost.append(known)
    return spans


def _is_own(chunk: TextChunk, start: int) -> bool:
    return chunk.own[0] <= start < chunk.own[1]


def _joined(samples: Sequence[dict[FoundSpan, ReadSpan]]) -> list[ReadSpan]:
    """The spans of all samples, each with its share and the best of its groundings."""
    found = shares([list(sample) for sample in samples])
    spans = []
    for key, share in sorted(found.items()):
        own = [sample[key].grounding for sample in samples if key in sample]
        spans.append(ReadSpan(*key, min(own, key=GROUNDINGS.index), share))
    return spans
