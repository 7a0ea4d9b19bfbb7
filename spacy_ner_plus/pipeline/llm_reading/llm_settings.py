"""All settings of a language model that annotates, and what is built of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...support.choices import check_choice
from .asking.answer_cache import AnswerCache
from .asking.api_key import DEFAULT_VARIABLE, ApiKey
from .asking.completions_protocol import CHAT, Sampling
from .asking.json_post import RequestBounds
from .asking.llm_client import ClientSettings, LlmClient
from .asking.retrying import RetryPolicy
from .asking.server_address import endpoint
from .asking.spending import Budget, Spending
from .chunk_answers import GroundingSettings
from .grounding.ground_mentions import IN_ORDER, LEAST_SIMILARITY, REPEATS
from .llm_reader import ALWAYS, AUTO, LlmReader, ReaderSettings
from .prompting.example_choice import CHOICES, NEAREST, ExampleChoice, MakeSimilarity
from .prompting.label_guides import LabelSettings, read_label_guides
from .prompting.tf_idf import TfIdf
from .prompting.worked_examples import WorkedExample


@dataclass(frozen=True)
class LlmSettings:
    """What a language model is asked, where it is, and what it may cost.

    model (str): Its name on the server.
    base_url (str): The server's address, such as http://127.0.0.1:8000/v1.
    labels (LabelSettings): The types of entities: a list, or by label a description, or
        {"description": "...", "examples": [...]}.
    api (str): "chat", or "completion" for base models.
    key_variable (str): The environment variable with the key; servers of one's own need none.
    n_shots (int): Examples in a prompt, if there are any to choose from.
    shots_by (str): "nearest", "diverse" or "balanced": see ExampleChoice.
    max_example_tokens (int): Sentences that are longer are no examples.
    temperature (float), max_tokens (int), log_probabilities (bool), extra (Dict): See Sampling.
    samples (int): Answers to each question; see ReaderSettings, as for least_share, seed, schema,
        chunk_tokens and chunk_overlap.
    repeats (str), may_nest (bool): See ground_mentions, and for fuzzy its least_similarity.
    check_prompt_length (bool): Whether answers are thrown away whose prompts the server has cut.
    cache (str): A file that keeps all answers; None for none.
    workers (int): Requests at once. timeout (float): Seconds for one.
    max_attempts (int): For one. max_failures (int): Requests in a row that failed before all ends.
    max_bytes (int): Of an answer.
    prompt_price, completion_price (float): Of a million tokens.
    max_cost (float), max_total_tokens (int): The most that may be spent; None for no bound.
    RAISES ValueError: If a setting is unknown or out of range.
    """

    model: str
    base_url: str
    labels: LabelSettings
    api: str = CHAT
    key_variable: str = DEFAULT_VARIABLE
    n_shots: int = 5
    shots_by: str = NEAREST
    max_example_tokens: int = 100
    temperature: float = 0.0
    max_tokens: int = 1024
    log_probabilities: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    samples: int = 1
    least_share: float = 0.5
    seed: int = 0
    schema: str = AUTO
    chunk_tokens: int = 400
    chunk_overlap: int = 40
    repeats: str = IN_ORDER
    fuzzy: float | None = LEAST_SIMILARITY
    may_nest: bool = False
    check_prompt_length: bool = True
    cache: str | None = None
    workers: int = 4
    timeout: float = 120.0
    max_attempts: int = 5
    max_failures: int = 5
    max_bytes: int = 4_000_000
    prompt_price: float = 0.0
    completion_price: float = 0.0
    max_cost: float | None = None
    max_total_tokens: int | None = None

    def __post_init__(self) -> None:
        read_label_guides(self.labels)
        endpoint(self.base_url, self._reader.form)
        ApiKey(self.key_variable)
        _ = self._budget
        check_choice("shots_by", self.shots_by, CHOICES)
        check_choice("repeats", self.repeats, REPEATS)
        for name in ("workers", "max_attempts", "max_failures", "max_bytes", "chunk_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least 1.")
        if not 0 <= self.chunk_overlap < self.chunk_tokens:
            raise ValueError(
                f"chunk_overlap = {self.chunk_overlap} must be 0 or more, and less than "
                f"chunk_tokens = {self.chunk_tokens}."
            )
        if not 0 < self.timeout < float("inf") or self.n_shots < 0:
            raise ValueError(
                f"timeout = {self.timeout} must be over 0, and n_shots = {self.n_shots} at least 0."
            )
        for name in ("fuzzy", "least_share"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"{name} = {value} must be over 0 and at most 1.")

    def reader(
        self,
        examples: Sequence[WorkedExample] = (),
        make_similarity: MakeSimilarity = TfIdf,
        spending: Spending | None = None,
    ) -> LlmReader:
        """What asks the model. Nothing is sent yet.

        examples (Sequence[WorkedExample]): Those to choose from.
        make_similarity (Callable): What says how alike texts are, for "nearest" and "diverse".
        spending (Spending): Counts to go on with.
        """
        reader = self._reader
        client = LlmClient(
            endpoint(self.base_url, reader.form),
            ApiKey(self.key_variable),
            ClientSettings(
                n_workers=self.workers,
                bounds=RequestBounds(self.timeout, self.max_bytes),
                retries=RetryPolicy(self.max_attempts),
                max_failures=self.max_failures,
                needs_schema=self.schema == ALWAYS,
            ),
            Spending(self._budget) if spending is None else spending,
            None if self.cache is None else AnswerCache(Path(self.cache)),
        )
        choice = ExampleChoice(examples, self.shots_by, self.n_shots, make_similarity)
        return LlmReader(read_label_guides(self.labels), client, reader, choice)

    @property
    def _budget(self) -> Budget:
        prices = self.prompt_price, self.completion_price
        return Budget(*prices, self.max_cost, self.max_total_tokens)

    @property
    def _reader(self) -> ReaderSettings:
        return ReaderSettings(
            model=self.model,
            form=self.api,
            sampling=Sampling(
                self.max_tokens, self.temperature, self.log_probabilities, dict(self.extra)
            ),
            grounding=GroundingSettings(
                self.repeats, self.fuzzy, self.may_nest, self.check_prompt_length
            ),
            n_samples=self.samples,
            least_share=self.least_share,
            seed=self.seed,
            schema=self.schema,
            chunk_tokens=self.chunk_tokens,
            chunk_overlap=self.chunk_overlap,
        )
