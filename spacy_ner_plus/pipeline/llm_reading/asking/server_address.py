"""Where a server is."""

import logging
from urllib.parse import urlsplit

from .api_key import ApiKey
from .completions_protocol import FORMS

logger = logging.getLogger("spacy_ner_plus")

_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def endpoint(base_url: str, form: str) -> str:
    """The address that requests of a form go to.

    base_url (str): Such as http://127.0.0.1:8000/v1.
    RAISES ValueError: If it is no such address, or holds a password or key.
    """
    try:
        parts = urlsplit(base_url)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises, if it is none
    except ValueError:
        is_sound = False
    if not is_sound or any(char.isspace() or not char.isprintable() for char in base_url):
        raise ValueError(
            f"base_url = {base_url!r:.100} is no address of a server, such as "
            "http://127.0.0.1:8000/v1."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "The base URL has a user, a password or a query in it, which would be saved and shown: "
            "leave them out, and put the key into the environment."
        )
    return f"{base_url.rstrip('/')}/{FORMS[form]}"


def warn_of_open_key(url: str, key: ApiKey) -> None:
    """Say so in the log if a key goes over a network where others can read it."""
    parts = urlsplit(url)
    if key.is_set and parts.scheme == "http" and parts.hostname not in _OWN_MACHINE:
        logger.warning(
            "The key in %s goes to %s without encryption: others on the way can read it. Use https"
            " where the server has it.",
            key.variable,
            parts.netloc,
        )
