"""What a client is told if something is wrong: a status, a code for programs, words for people."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Send

JSON = "application/json"


class ApiError(Exception):
    """A request that is not answered as it was meant.

    status (int): Of HTTP. code (str): What programs go by. message (str): What is wrong, and what
        to do.
    where (str): The place in the request, such as "records[3].spans[0]".
    details: Further faults, each with message and where.
    headers (Mapping[str, str]): To be sent as well.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        where: str | None = None,
        details: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.where = where
        self.details = details
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error as JSON data."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.where:
            error["where"] = self.where
        if self.details:
            error["details"] = [dict(one) for one in self.details]
        return {"error": error}

    def response(self) -> Response:
        """The error as a response."""
        return Response(to_json(self.body()), self.status, headers=self.headers, media_type=JSON)


def busy(code: str, message: str, seconds: float, status: int = 429) -> ApiError:
    """That there is too much to do. seconds (float): After which it is worth to try again."""
    return ApiError(status, code, message, headers={"Retry-After": str(max(1, math.ceil(seconds)))})


async def send_error(error: ApiError, send: Send) -> None:
    """Answer with an error, outside of any route."""
    body = to_json(error.body())
    headers = {**error.headers, "Content-Type": JSON, "Content-Length": str(len(body))}
    pairs = [(name.lower().encode(), value.encode("latin1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
