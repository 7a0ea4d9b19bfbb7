"""HTTP as uvicorn speaks it, with bounds on what connections send and on how long they take."""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..serve_settings import RequestLimits

# For a request that was on its way when the server was told to stop.
_GRACE_SECONDS = 0.5
_TOO_LARGE = "Request header fields too large."
_RAW = {
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
    503: b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n",
}


class GuardedProtocol(HttpToolsProtocol):
    """A connection.

    The first line and headers of a request have a size and a time; so has what is left of a request
    that was answered before it was whole. Answers that nobody takes have a time, and a size in all.
    Connections have a number. When the server stops, one that was only just opened has a moment to
    send its request.

    limits (RequestLimits): The bounds.
    stalled (Dict[GuardedProtocol, int]): Bytes that connections don't take.
    """

    limits: ClassVar[RequestLimits] = RequestLimits()
    stalled: ClassVar[dict["GuardedProtocol", int]] = {}

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._is_in_head = True
        self._head_size = 0  # as it came in
        self._head_sum = 0  # of what was read of it
        self._has_asked = False
        self._timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin; with too many connections, end at once."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(503)
        else:
            self._expect_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._expect_nothing()
        self._end_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what has come in, up to a head that is too large."""
        if self._is_in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_size > self.limits.max_header:
            self._refuse(431)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_sum = 0
        self._expect_more()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count it."""
        self._head_sum += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count it."""
        self._head_sum += len(name) + len(value) + 4
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Have the request answered, if its head is not too large."""
        self._is_in_head, self._has_asked = False, True
        self._head_size = 0
        self._expect_nothing()
        if self._head_sum > self.limits.max_header:
            raise ValueError(_TOO_LARGE)  # the parser stops, and asks for send_400_response
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole; another may follow."""
        self._is_in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The rest of a request that is answered already must not take for ever."""
        super().on_response_complete()
        if not self._is_in_head:
            self._expect_more()

    def pause_writing(self) -> None:
        """The client does not take what it asked for."""
        super().pause_writing()
        self._end_stall()
        self.stalled[self] = self.transport.get_write_buffer_size()
        if sum(self.stalled.values()) > self.limits.max_held:
            self.transport.abort()
        else:
            seconds = self.limits.idle_seconds
            self._stall_timer = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        self._end_stall()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has too large a head."""
        if self._head_sum > self.limits.max_header:
            self._refuse(431)
        elif not self.transport.is_closing():
            super().send_400_response(msg)

    def shutdown(self) -> None:
        """Close, after what is being answered."""
        if self._has_asked:
            super().shutdown()
        elif not self.transport.is_closing():
            self.loop.call_later(_GRACE_SECONDS, self._close_unused)

    def _close_unused(self) -> None:
        if self.transport.is_closing():
            return
        if self._has_asked:
            super().shutdown()
        else:
            self.transport.close()

    def _end_stall(self) -> None:
        self.stalled.pop(self, None)
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _expect_more(self) -> None:
        self._expect_nothing()
        self._timer = self.loop.call_later(self.limits.header_seconds, self._give_up)

    def _expect_nothing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: int) -> None:
        if not self.transport.is_closing():
            end = b"content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(_RAW[status] + end)
            self.transport.close()


def protocol_with(limits: RequestLimits) -> type[GuardedProtocol]:
    """The protocol with bounds of its own."""
    return type("GuardedProtocol", (GuardedProtocol,), {"limits": limits, "stalled": {}})
