"""Texts to a language model, and what it says of them back: pieces, prompts, samples, places."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...support.choices import check_choice
from .answer_confidence import FoundSpan, without_overlaps
from .asking.completions_protocol import CHAT, FORMS, Sampling, request_body
from .asking.llm_client import LlmClient, Outcome
from .chunk_answers import ChunkReading, GroundingSettings, read_chunk
from .prompting.example_choice import ExampleChoice
from .prompting.label_guides import LabelGuide
from .prompting.prompt_writing import Prompt, answer_schema, write_prompt
from .read_text import ReadSpan, ReadText, merged
from .text_chunks import TextChunk, TokenisedText, text_chunks

AUTO, ALWAYS, NEVER = "auto", "always", "never"
SCHEMAS = (AUTO, ALWAYS, NEVER)


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What a language model is asked, and how its answers are read.

    model (str): Its name on the server.
    form (str): "chat", or "completion" for base models.
    sampling (Sampling), grounding (GroundingSettings): See there.
    n_samples (int): Answers to each question. Of several, the share that has an entity is its
        probability; it needs a temperature above 0.
    least_share (float): Entities that fewer samples have are left out.
    seed (int): Of the first sample; the others have those that follow.
    schema (str): "auto" and "always" send the JSON schema of answers, "never" does not.
    chunk_tokens, chunk_overlap (int): See text_chunks.
    RAISES ValueError: If a setting is unknown or out of range.
    """

    model: str
    form: str = CHAT
    sampling: Sampling = field(default_factory=Sampling)
    grounding: GroundingSettings = field(default_factory=GroundingSettings)
    n_samples: int = 1
    least_share: float = 0.5
    seed: int = 0
    schema: str = AUTO
    chunk_tokens: int = 400
    chunk_overlap: int = 40

    def __post_init__(self) -> None:
        check_choice("form", self.form, tuple(FORMS))
        check_choice("schema", self.schema, SCHEMAS)
        if not self.model:
            raise ValueError("model must be the name of a model on the server.")
        if self.n_samples < 1 or self.sampling.max_tokens < 1:
            raise ValueError(
                f"n_samples = {self.n_samples} and max_tokens = {self.sampling.max_tokens} must be "
                "at least 1."
            )
        if self.n_samples > 1 and not self.sampling.temperature > 0:
            raise ValueError(
                f"{self.n_samples} samples at temperature {self.sampling.temperature:g} would all "
                "be the same: give one above 0, such as 0.7."
            )


@dataclass(frozen=True, slots=True)
class _Question:
    """A piece of a text, and what is asked about it."""

    text: TokenisedText
    chunk: TextChunk
    bodies: tuple[Mapping[str, Any], ...]
    n_words: int


class LlmReader:
    """Asks a language model for the entities of texts.

    guides (Sequence[LabelGuide]): The types to find. client (LlmClient): Asks the server.
    settings (ReaderSettings): How. choice (ExampleChoice): The examples that it is shown.
    """

    def __init__(
        self,
        guides: Sequence[LabelGuide],
        client: LlmClient,
        settings: ReaderSettings,
        choice: ExampleChoice,
    ) -> None:
        self.guides = tuple(guides)
        self.client = client
        self.settings = settings
        self.choice = choice

    def read(
        self, texts: Sequence[TokenisedText], tick: Callable[[], None] = lambda: None
    ) -> list[ReadText]:
        """The entities of some texts. All their requests are sent together.

        tick (Callable): Called after each request, in any thread.
        RAISES ServerError: If the server answers no request.
        """
        questions = [[self._question(text, chunk) for chunk in self.chunks(text)] for text in texts]
        bodies = [body for own in questions for one in own for body in one.bodies]
        outcomes = iter(self.client.ask(bodies, tick) if bodies else [])
        return [
            self._joined([self._read(one, [next(outcomes) for _ in one.bodies]) for one in own])
            for own in questions
        ]

    def chunks(self, text: TokenisedText) -> list[TextChunk]:
        """The pieces in which a text is read."""
        return text_chunks(text, self.settings.chunk_tokens, self.settings.chunk_overlap)

    def prompt(self, text: str) -> Prompt:
        """What is asked about a text."""
        return write_prompt(self.guides, text, self.choice.shots(text))

    def _question(self, text: TokenisedText, chunk: TextChunk) -> _Question:
        settings = self.settings
        prompt = self.prompt(text.text[chunk.start : chunk.end])
        schema = None
        if settings.schema != NEVER:
            schema = answer_schema([guide.label for guide in self.guides])
        bodies = tuple(
            request_body(
                settings.form,
                settings.model,
                prompt.messages() if settings.form == CHAT else prompt.plain(),
                settings.sampling,
                seed=settings.seed + i,
                schema=schema,
            )
            for i in range(settings.n_samples)
        )
        return _Question(text, chunk, bodies, len(prompt.plain().split()))

    def _read(self, question: _Question, outcomes: Sequence[Outcome]) -> ChunkReading:
        return read_chunk(
            question.text.text,
            question.chunk,
            question.n_words,
            outcomes,
            [guide.label for guide in self.guides],
            self.settings.grounding,
        )

    def _joined(self, readings: Sequence[ChunkReading]) -> ReadText:
        spans = [span for one in readings for span in one.spans]
        kept, left_out = self._selected(spans)
        return ReadText(
            spans=tuple(kept),
            left_out=tuple(left_out),
            lost=tuple(lost for one in readings for lost in one.lost),
            unknown=merged(stretch for one in readings for stretch in one.unknown),
            counts=sum((one.counts for one in readings), Counter[str]()),
            other_labels=sum((one.other_labels for one in readings), Counter[str]()),
            errors=tuple(error for one in readings for error in one.errors),
            is_unpaid=any(one.is_unpaid for one in readings),
            models=tuple(sorted({model for one in readings for model in one.models})),
        )

    def _selected(self, spans: Sequence[ReadSpan]) -> tuple[list[ReadSpan], list[ReadSpan]]:
        """The spans that stay, and those that do not."""
        by_key = {span.key: span for span in spans}
        weights = {key: _weight(span) for key, span in by_key.items()}
        is_rare = self.settings.n_samples > 1
        rare = [key for key in by_key if is_rare and weights[key] < self.settings.least_share]
        likely = [(key, weights[key]) for key in by_key if key not in set(rare)]
        kept, others = sorted(key for key, _ in likely), list[FoundSpan]()
        if not self.settings.grounding.may_nest:
            kept, others = without_overlaps(likely)
        return [by_key[key] for key in kept], [by_key[key] for key in sorted([*others, *rare])]


def _weight(span: ReadSpan) -> float:
    return 1.0 if span.probability is None else span.probability
