"""Keeping access tokens out of messages."""

import os
import re

HIDDEN = "[hidden]"
_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN")
_PATTERNS = (
    re.compile(r"\bhf_[A-Za-z0-9_]{4,}|\bapi_org_[A-Za-z0-9]{4,}"),
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),  # user:password@host
    re.compile(r"(?i)(?<=bearer )[^\s'\"]+"),
    re.compile(r"(?i)(?<=[?&]token=)[^&\s'\"]+|(?<=[?&]access_token=)[^&\s'\"]+"),
    re.compile(r"(?i)(?<=[?&]signature=)[^&\s'\"]+|(?<=[?&]X-Amz-Signature=)[^&\s'\"]+"),
)


def redact(text: object) -> str:
    """A message without the access tokens of the hub, of URLs and of the environment."""
    shown = str(text)
    for variable in _VARIABLES:
        token = os.environ.get(variable, "").strip()
        if len(token) >= 4:  # shorter ones are no tokens, and would hide half of the message
            shown = shown.replace(token, HIDDEN)
    for pattern in _PATTERNS:
        shown = pattern.sub(HIDDEN, shown)
    return shown


def shown_cause(error: BaseException) -> BaseException | None:
    """The error as the cause of another one; None if a traceback would show a secret with it."""
    link: BaseException | None = error
    while link is not None:
        if redact(link) != str(link):
            return None
        link = link.__cause__ or link.__context__
    return error
