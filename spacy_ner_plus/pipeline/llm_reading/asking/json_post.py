"""JSON to a server and back, with bounds on time and size, and a key that goes nowhere else."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from .api_key import ApiKey
from .request_errors import RequestError, ServerError

_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FOR_ALL = {
    401: "the key is refused",
    402: "it wants to be paid",
    403: "the key may not do this",
    404: "there is no such address or model",
    405: "it answers no POST there",
}
_SHOWN = 300  # characters of a server's message
_PIECE = 65536


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the key to whoever the server names."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class RequestBounds:
    """What one request may take.

    seconds (float): Until the answer is there. size (int): Bytes of the answer.
    """

    seconds: float = 120.0
    size: int = 4_000_000


def post_json(url: str, body: Mapping[str, Any], key: ApiKey, bounds: RequestBounds) -> Any:
    """Send JSON, and read the JSON that comes back.

    Proxies of the environment are used. Redirects are not followed.

    RAISES RequestError: If there is no answer to this request. ServerError: To none.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json", **key.headers()}
    request = Request(url, json.dumps(body).encode(), headers, method="POST")
    deadline = monotonic() + bounds.seconds
    try:
        with build_opener(_NoRedirects).open(request, timeout=bounds.seconds) as response:
            content = _read(response, bounds, deadline)
    except HTTPError as error:
        with error:
            raise _refusal(url, error, key, bounds, deadline) from None
    except (URLError, OSError, http.client.HTTPException) as error:
        raise _unreached(url, error, key, bounds) from None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise RequestError(
            f"{url} answers with something that is not JSON: {_shown(content, key)}", may_pass=True
        ) from None
    if isinstance(found, dict) and found.get("error"):
        raise RequestError(f"{url} answers with an error: {_shown(content, key)}", may_pass=True)
    return found


def _read(response: Any, bounds: RequestBounds, deadline: float) -> bytes:
    pieces, size = [], 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        if size > bounds.size:
            raise RequestError(
                f"The answer has more than {bounds.size:,} bytes: no answer to such a request has. "
                "Is max_tokens set?"
            )
        if monotonic() > deadline:
            raise TimeoutError
        pieces.append(piece)
    return b"".join(pieces)


def _refusal(
    url: str, error: HTTPError, key: ApiKey, bounds: RequestBounds, deadline: float
) -> ValueError:
    """What a status says that is no success."""
    status = error.code
    if 300 <= status < 400:
        target = urlsplit(str(error.headers.get("Location", "")))
        named = key.hidden_in(f"{target.scheme}://{target.netloc}{target.path}"[:_SHOWN])
        return ServerError(
            f"{url} sends its requests on to {named}, which is not followed, as the key would go "
            "there too: give that address as the base URL if you trust it."
        )
    try:
        said = _shown(_read(error, RequestBounds(bounds.seconds, _PIECE), deadline), key)
    except (ValueError, OSError, http.client.HTTPException):
        said = "(no message)"
    if status in _FOR_ALL:
        return ServerError(
            f"{url} answers {status}, {_FOR_ALL[status]}: {said} Is the base URL right, the model's"
            f" name, and the key in {key.variable}"
            f"{'' if key.is_set else ', which is not set'}?"
        )
    message = f"{url} answers {status}: {said}"
    wait = _seconds(error.headers.get("Retry-After"))
    return RequestError(message, may_pass=status in _PASSING, wait=wait, status=status)


def _unreached(url: str, error: Exception, key: ApiKey, bounds: RequestBounds) -> ValueError:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ServerError(f"{url} can't be trusted: {reason.verify_message}.")
    if isinstance(reason, TimeoutError):
        what = f"did not answer within {bounds.seconds:g} seconds"
    elif isinstance(reason, ConnectionRefusedError):
        what = "can't be reached: is the server running, and the base URL right?"
    else:
        told = key.hidden_in(str(reason))[:_SHOWN]
        what = f"could not be asked: {type(reason).__name__}: {told}"
    return RequestError(f"{url} {what}", may_pass=True)


def _shown(content: bytes, key: ApiKey) -> str:
    """The beginning of what a server says, in a line."""
    text = key.hidden_in(content.decode("utf8", "replace"))
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _seconds(header: str | None) -> float | None:
    """How long Retry-After asks to wait: a number of seconds, or a time."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header.strip()[:9])
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
