"""The body of a request as it comes in: unpacked, and never more than is allowed."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

from starlette.requests import Request

from ..serve_settings import RequestLimits
from .error_answers import ApiError
from .held_bytes import Account

_GZIP = zlib.MAX_WBITS | 16
_PIECE = 65_536
# Text is packed to a fifth or so; what gets far smaller was made to become large here.
_MAX_RATIO = 100


class ClientGoneError(Exception):
    """The client has closed the connection before its request was whole."""


async def read_body(request: Request, limits: RequestLimits, account: Account) -> bytes:
    """All of a body.

    RAISES ApiError: If it is too large, too slow, or not what its headers say. ClientGoneError.
    """
    found = bytearray()
    _check_length(request, limits.max_body)
    async for piece in pieces(request, limits):
        account.take(len(piece))
        found += piece
        if len(found) > limits.max_body:
            raise too_large(limits.max_body)
    return bytes(found)


async def read_lines(
    request: Request, limits: RequestLimits, account: Account
) -> AsyncIterator[bytes]:
    """The lines of a body without their ends, one by one, those too that are empty.

    RAISES ApiError: If a line is too long, or as read_body. ClientGoneError.
    """
    rest = b""
    async for piece in pieces(request, limits, is_stream=True):
        *lines, rest = (rest + piece).split(b"\n")
        account.take(len(rest) - account.held)  # what is held is what is left of the last piece
        for line in lines:
            yield line.removesuffix(b"\r")
        if len(rest) > limits.max_body:
            raise too_large(limits.max_body, "A line")
    if rest:
        yield rest


async def pieces(
    request: Request, limits: RequestLimits, *, is_stream: bool = False
) -> AsyncIterator[bytes]:
    """A body as it comes in, unpacked.

    is_stream (bool): It may be of any length, and so may what it is unpacked to, but not out of
        proportion.
    RAISES ApiError: If nothing comes for too long, or it can't be unpacked. ClientGoneError.
    """
    unpack = _unpacker(request)
    n_packed = n_unpacked = 0
    async for packed in _received(request, limits.idle_seconds):
        n_packed += len(packed)
        for piece in unpack.feed(packed):
            n_unpacked += len(piece)
            if is_stream and n_unpacked > _MAX_RATIO * n_packed + _PIECE:
                raise too_large(_MAX_RATIO * n_packed, "What it is unpacked to")
            yield piece
            if is_stream:
                await asyncio.sleep(0)
    unpack.finish()


async def _received(request: Request, idle_seconds: float) -> AsyncIterator[bytes]:
    is_more = True
    while is_more:
        try:
            async with asyncio.timeout(idle_seconds):
                message = await request.receive()
        except TimeoutError:
            raise ApiError(
                408, "too_slow", "The request did not come in.", headers={"Connection": "close"}
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        is_more = message.get("more_body", False)
        if body := message.get("body", b""):
            yield body


def check_type(request: Request, wanted: tuple[str, ...]) -> None:
    """RAISES ApiError: If a body is of another type, as forms are that a page may send unasked."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in wanted:
        raise ApiError(
            415, "wrong_type", f"Send it as {' or '.join(wanted)}: Content-Type: {wanted[0]}."
        )


def too_large(limit: int, what: str = "The request") -> ApiError:
    """That a body is too large. The rest of it is not read."""
    return ApiError(
        413,
        "too_large",
        f"{what} has more than {limit:,} bytes: send it in parts.",
        headers={"Connection": "close"},
    )


def _check_length(request: Request, limit: int) -> None:
    """RAISES ApiError: If the headers say already that it is too large."""
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > limit:
        raise too_large(limit)


def _unpacker(request: Request) -> "_Plain | _Gzip":
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return _Plain()
    if encoding == "gzip":
        return _Gzip()
    raise ApiError(415, "wrong_encoding", "Content-Encoding must be gzip, or left out.")


class _Plain:
    """What is not packed."""

    def feed(self, packed: bytes) -> Iterator[bytes]:
        yield packed

    def finish(self) -> None:
        pass


class _Gzip:
    """Unpacks in pieces of a bounded size."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP)

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """YIELDS (bytes): What comes of it, a piece at a time."""
        is_full = False  # more may come out without anything going in
        while packed or is_full:
            try:
                piece = self._zlib.decompress(packed, _PIECE)
            except zlib.error:
                raise self._fault() from None
            packed = self._zlib.unconsumed_tail
            if self._zlib.eof and self._zlib.unused_data:
                raise self._fault()
            is_full = len(piece) == _PIECE
            if piece:
                yield piece

    def finish(self) -> None:
        """RAISES ApiError: If its end lacks."""
        if not self._zlib.eof:
            raise self._fault()

    def _fault(self) -> ApiError:
        return ApiError(400, "not_gzip", "The body is not gzip.", headers={"Connection": "close"})
