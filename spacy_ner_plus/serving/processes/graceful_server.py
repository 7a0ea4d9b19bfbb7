"""A server that leaves signals to its process, and nobody who has knocked without an answer."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from ..serve_settings import ServeSettings
from .guarded_protocol import protocol_with

BACKLOG = 1024


class GracefulServer(uvicorn.Server):
    """What accepts connections and reads requests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: answer all that was accepted, and all that waits to be."""
        waiting = [one.dup() for one in sockets or ()]
        for server in self.servers:
            server.close()
        for one in waiting:
            await self.accept_waiting(one)
            one.close()
        await super().shutdown(sockets)

    async def accept_waiting(self, listening: socket.socket) -> None:
        """Take the connections that the system has accepted for us already."""
        loop = asyncio.get_running_loop()
        listening.setblocking(False)
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.setblocking(False)
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return protocol


def make_server(app: ASGIApp, settings: ServeSettings) -> GracefulServer:
    """A server for an application, with the bounds of its settings."""
    config = uvicorn.Config(
        app,
        http=protocol_with(settings.requests),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=max(1, int(settings.requests.idle_seconds)),
        timeout_graceful_shutdown=max(1, int(settings.stop_seconds)),
    )
    return GracefulServer(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. RAISES OSError: If there is no such address, or it is in use."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise OSError(f"Can't listen on {host}, port {port}: {error.strerror or error}.") from error
    return made


def address_of(listening: socket.socket) -> str:
    """Where a socket listens, as people open it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
