"""What requests have used, and whether there is more to spend."""

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from .completions_protocol import LlmAnswer
from .request_errors import BudgetError, ServerError

ASKED, CACHED, FAILED, RETRIED = "asked", "cached", "failed", "retried"
PROMPT_TOKENS, COMPLETION_TOKENS = "prompt_tokens", "completion_tokens"
UNCOUNTED = "uncounted"
_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Budget:
    """What tokens cost, and how much may be spent.

    prompt_price, completion_price (float): Of a million tokens, in any currency.
    cost (float): The most that may be spent, in the same; None for no bound.
    tokens (int): The most tokens, of prompts and answers; None for no bound.
    RAISES ValueError: If a number is negative, or costs are bounded that nothing costs.
    """

    prompt_price: float = 0.0
    completion_price: float = 0.0
    cost: float | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("prompt_price", "completion_price", "cost", "tokens"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{name} = {value} must be 0 or more.")
        if self.cost is not None and not (self.prompt_price or self.completion_price):
            raise ValueError(
                f"cost = {self.cost} bounds what is spent, but nothing costs anything: give the "
                "prices of a million tokens, prompt_price and completion_price."
            )

    @property
    def is_bounded(self) -> bool:
        """Whether there is a most of anything."""
        return self.cost is not None or self.tokens is not None


@dataclass
class Spending:
    """What was used in this process. Threads may share it.

    counts (Counter[str]): Of requests: ASKED and answered, CACHED, FAILED, RETRIED, and answers
        whose tokens are UNCOUNTED; PROMPT_TOKENS and COMPLETION_TOKENS.
    """

    budget: Budget = field(default_factory=Budget)
    counts: Counter[str] = field(default_factory=Counter)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"budget": self.budget, "counts": self.counts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"_lock": Lock()}

    @property
    def cost(self) -> float:
        """What all tokens cost."""
        spent = self.counts[PROMPT_TOKENS] * self.budget.prompt_price
        return (spent + self.counts[COMPLETION_TOKENS] * self.budget.completion_price) / _MILLION

    def check(self) -> None:
        """RAISES BudgetError: If nothing more may be asked."""
        budget = self.budget
        n_tokens = self.counts[PROMPT_TOKENS] + self.counts[COMPLETION_TOKENS]
        if budget.tokens is not None and n_tokens >= budget.tokens:
            raise BudgetError(f"{n_tokens:,} tokens of at most {budget.tokens:,} are used.")
        if budget.cost is not None and self.cost >= budget.cost:
            raise BudgetError(f"{self.cost:.4f} of at most {budget.cost:g} are spent.")

    def count(self, what: str, n: int = 1) -> None:
        """Count requests of a kind."""
        with self._lock:
            self.counts[what] += n

    def add(self, answer: LlmAnswer) -> None:
        """Count an answer that was paid for.

        RAISES ServerError: If there is a budget, and the server does not say what was used.
        """
        with self._lock:
            self.counts[ASKED] += 1
            self.counts[PROMPT_TOKENS] += answer.prompt_tokens or 0
            self.counts[COMPLETION_TOKENS] += answer.completion_tokens or 0
            is_counted = answer.prompt_tokens is not None
            self.counts[UNCOUNTED] += not is_counted
        if self.budget.is_bounded and not is_counted:
            raise ServerError(
                "The server does not say how many tokens it used, so no budget can be kept: leave "
                "the budget out."
            )
