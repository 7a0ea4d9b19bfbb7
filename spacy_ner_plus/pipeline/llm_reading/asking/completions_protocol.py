"""OpenAI's chat completions and completions, as most servers speak them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .request_errors import RequestError

CHAT, COMPLETION = "chat", "completion"
FORMS = {CHAT: "chat/completions", COMPLETION: "completions"}
_FINISHES = {"length": "length", "max_tokens": "length", "content_filter": "refused"}
STOPPED, CUT_OFF, REFUSED = "stop", "length", "refused"
# Where a base model would go on with a text of its own.
_STOPS = ["\n\n", "\n<"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model is asked to answer.

    max_tokens (int): Of an answer. temperature (float): 0 for the most probable.
    log_probabilities (bool): Whether to ask for those of tokens.
    extra (Mapping): Further fields of requests; those that are None are left out, also of ours.
    """

    max_tokens: int = 1024
    temperature: float = 0.0
    log_probabilities: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A token of an answer. piece (bytes): Its characters. log_probability (float): Natural log."""

    piece: bytes
    log_probability: float


@dataclass(frozen=True, slots=True)
class LlmAnswer:
    """An answer.

    text (str): What the model says. finish (str): STOPPED, CUT_OFF or REFUSED.
    prompt_tokens, completion_tokens (int): As the server counted; None if it did not.
    scores (Tuple[TokenScore, ...]): Its tokens, if the server gives them.
    model (str): What the server calls the model. is_cached (bool): Whether it was asked before.
    """

    text: str
    finish: str = STOPPED
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    scores: tuple[TokenScore, ...] = ()
    model: str = ""
    is_cached: bool = False

    def as_cached(self) -> "LlmAnswer":
        """The same, asked before."""
        return replace(self, is_cached=True)


def request_body(
    form: str,
    model: str,
    prompt: Sequence[Mapping[str, str]] | str,
    sampling: Sampling,
    *,
    seed: int | None = None,
    schema: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What is sent.

    form (str): CHAT, whose prompt is messages, or COMPLETION, whose prompt is text.
    seed (int): Of the sample. schema (Mapping): The JSON schema of the answer.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages" if form == CHAT else "prompt": prompt,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "seed": seed,
        "stream": False,
    }
    if form == COMPLETION:
        body["stop"] = _STOPS
    if sampling.log_probabilities:
        body["logprobs"] = True if form == CHAT else 1
    if schema is not None:
        named = {"name": "entities", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    body |= sampling.extra
    return {key: value for key, value in body.items() if value is not None}


def read_response(response: Any) -> LlmAnswer:
    """What came back.

    RAISES RequestError: If it is no answer.
    """
    choice = _first_choice(response)
    message = choice.get("message")
    is_chat = isinstance(message, dict)
    content = message.get("content") if isinstance(message, dict) else choice.get("text")
    refusal = message.get("refusal") if isinstance(message, dict) else None
    finish = _FINISHES.get(str(choice.get("finish_reason")), STOPPED)
    usage = response.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    model = response.get("model")
    return LlmAnswer(
        text=_text_of(content, is_chat=is_chat),
        finish=REFUSED if isinstance(refusal, str) and refusal else finish,
        prompt_tokens=_count(counts.get("prompt_tokens")),
        completion_tokens=_count(counts.get("completion_tokens")),
        scores=_scores(choice.get("logprobs")),
        model=model[:200] if isinstance(model, str) else "",
    )


def _first_choice(response: Any) -> dict[str, Any]:
    choices = response.get("choices") if isinstance(response, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    raise RequestError(
        "The server's answer has no choices: is it one that speaks OpenAI's protocol?",
        may_pass=True,
    )


def _text_of(content: Any, *, is_chat: bool) -> str:
    if is_chat and isinstance(content, list):
        parts = (one.get("text") for one in content if isinstance(one, dict))
        content = "".join(part for part in parts if isinstance(part, str))
    if content is None:
        return ""
    if not isinstance(content, str):
        raise RequestError("The server's answer has no text.", may_pass=True)
    return content.encode("utf8", "replace").decode("utf8")


def _count(value: Any) -> int | None:
    """Tokens; servers that don't count say nothing, or 0."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value < 10**12 else None


def _scores(found: Any) -> tuple[TokenScore, ...]:
    """The tokens in either of the forms that servers give; none if one of them is unsound."""
    if not isinstance(found, dict):
        return ()
    if isinstance(found.get("content"), list):
        rows = [one if isinstance(one, dict) else {} for one in found["content"]]
        pairs = [(one.get("bytes") or one.get("token"), one.get("logprob")) for one in rows]
    elif isinstance(found.get("tokens"), list) and isinstance(found.get("token_logprobs"), list):
        pairs = list(zip(found["tokens"], found["token_logprobs"], strict=False))
    else:
        return ()
    scores = [_score(*pair) for pair in pairs]
    return tuple(one for one in scores if one is not None) if None not in scores else ()


def _score(piece: Any, value: Any) -> TokenScore | None:
    try:
        own = bytes(piece) if isinstance(piece, list) else str(piece).encode("utf8", "replace")
        number = float(value)
    except (TypeError, ValueError):
        return None
    return TokenScore(own, min(number, 0.0)) if not math.isnan(number) else None
