"""Connections: bounds on what they send and how long they take, and a stop that answers all."""

import asyncio
import gc
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus.serving.pipelines.model_spec import ModelSpec
from spacy_ner_plus.serving.processes import guarded_protocol
from spacy_ner_plus.serving.processes.graceful_server import (
    GracefulServer,
    address_of,
    listen,
    make_server,
)
from spacy_ner_plus.serving.processes.worker import Worker
from spacy_ner_plus.serving.routes.app import make_app
from spacy_ner_plus.serving.serve import check_settings, serve
from spacy_ner_plus.serving.serve_settings import RequestLimits, ServeSettings
from tests.serving.apps import make_serving
from tests.serving.test_in_flight import Engine, model_set

BODY = b'{"text": "abc"}'
HEAD = b"POST /v1/entities HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ASK = HEAD + b"Content-Length: 15\r\n\r\n" + BODY
WAIT = 30


class Running:
    """A server in a thread of its own."""

    def __init__(self, engine: Engine, server: GracefulServer, port: int, stop: Any) -> None:
        self.engine, self.server, self.port, self.stop = engine, server, port, stop

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)

    def ask(self, request: bytes) -> bytes:
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Until the server closes the connection."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def read_answer(connection: socket.socket) -> bytes:
    """Of a connection that stays open: up to the end of one answer."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += connection.recv(1)
    length = re.search(rb"content-length: (\d+)", found)
    assert length is not None
    end = len(found) + int(length[1])
    while len(found) < end:
        found += connection.recv(end - len(found))
    return found


@contextmanager
def running(engine: Engine | None = None, **limits: Any) -> Iterator[Running]:
    engine = engine or Engine()
    with model_set(engine) as models:
        settings = {"requests": RequestLimits(**limits), "stop_seconds": 20.0}
        serving = make_serving(models, **settings)
        server = make_server(make_app(serving), serving.settings)
        listening = listen("127.0.0.1", 0)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        port = listening.getsockname()[1]
        loop = asyncio.new_event_loop()
        thread = threading.Thread(
            target=loop.run_until_complete, args=(server.serve(sockets=[listening]),)
        )
        thread.start()

        def stop() -> None:
            loop.call_soon_threadsafe(serving.stopping.set)
            server.should_exit = True

        try:
            yield Running(engine, server, port, stop)
        finally:
            engine.go.set()
            stop()
            thread.join(WAIT)
            assert not thread.is_alive()
            loop.close()


def test_connection_is_used_again() -> None:
    with running() as server, server.connect() as connection:
        for _ in range(2):
            connection.sendall(ASK)
            answer = read_answer(connection)
            assert answer.startswith(b"HTTP/1.1 200") and b"server:" not in answer.lower()


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 5_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
        b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 5_000,  # and never ends
        b"GET /" + b"x" * 5_000,
    ],
)
def test_head_that_is_too_large_is_431(request_: bytes) -> None:
    with running(max_header=1_000) as server:
        assert server.ask(request_).startswith(b"HTTP/1.1 431 ")


def test_large_body_is_no_large_head() -> None:
    body = b'{"text": "' + b"x" * 900 + b'"}'
    request = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with running(max_header=400) as server:
        assert server.ask(request).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n"])
def test_what_is_no_http_is_400(request_: bytes) -> None:
    with running() as server:
        assert server.ask(request_).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("begin", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: a\r\n"])
def test_head_that_does_not_come_is_not_waited_for(begin: bytes) -> None:
    with running(header_seconds=0.2) as server:
        assert server.ask(begin) == b""


def test_body_that_does_not_come_is_408() -> None:
    with running(idle_seconds=0.2) as server:
        answer = server.ask(HEAD + b"Content-Length: 15\r\n\r\n" + BODY[:4])
        assert answer.startswith(b"HTTP/1.1 408 ") and b"too_slow" in answer


def test_body_that_comes_after_its_refusal_does_not_hold_the_connection() -> None:
    head = HEAD.replace(b"localhost", b"evil.com") + b"Content-Length: 1000\r\n\r\n"
    with running(header_seconds=0.3) as server, server.connect() as connection:
        connection.sendall(head)
        assert read_answer(connection).startswith(b"HTTP/1.1 421 ")
        connection.sendall(b"x")
        assert read_all(connection) == b""


def test_connections_have_a_number() -> None:
    with running(max_connections=2) as server:
        first, second = server.connect(), server.connect()
        for one in (first, second):
            one.sendall(ASK)
            assert read_answer(one).startswith(b"HTTP/1.1 200 ")
        assert server.ask(b"").startswith(b"HTTP/1.1 503 ")
        first.close()
        time.sleep(0.1)
        assert server.ask(ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))[:12] == (
            b"HTTP/1.1 200"
        )
        second.close()


def test_stopped_server_answers_what_it_has_and_what_has_knocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded_protocol, "_GRACE_SECONDS", 20.0)
    engine = Engine(is_held=True)
    with running(engine) as server:
        at_work, idle, silent = server.connect(), server.connect(), server.connect()
        at_work.sendall(ASK)
        assert engine.begun.wait(WAIT)
        idle.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"alive" in read_answer(idle)
        server.stop()
        assert read_all(idle) == b""
        silent.sendall(ASK)  # on its way when the signal came
        engine.go.set()
        for one in (at_work, silent):
            answer = read_all(one)
            assert answer.startswith(b"HTTP/1.1 200 ") and b"connection: close" in answer
            one.close()
        with pytest.raises(OSError):
            server.connect()
        idle.close()


def test_connections_that_the_system_took_for_a_server_are_answered() -> None:
    """It stops before it has come to them."""

    async def run(server: GracefulServer, listening: socket.socket) -> list[bytes]:
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        clients = [socket.create_connection(listening.getsockname(), WAIT) for _ in range(3)]
        for one in clients:
            one.sendall(ASK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        await server.accept_waiting(listening)
        await server.accept_waiting(listening)  # there is nobody left
        return [await asyncio.to_thread(read_all, one) for one in clients]

    with model_set(Engine()) as models, listen("127.0.0.1", 0) as listening:
        serving = make_serving(models)
        server = make_server(make_app(serving), serving.settings)
        answers = asyncio.run(run(server, listening))
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers) and len(answers) == 3


def test_probe_of_another_host_is_answered_and_pipelined_requests_too() -> None:
    probe = b"GET /readyz HTTP/1.1\r\nHost: 10.1.2.3.example\r\n\r\n"
    last = probe.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with running() as server:
        assert server.ask(probe * 2 + last).count(b"HTTP/1.1 200 ") == 3


def test_client_that_does_not_take_its_answers_is_cut_off() -> None:
    """It asks and asks, and never reads: what is kept for it has a size and a time."""
    body = b'{"records": [{"text": "a", "id": "' + b"x" * 90_000 + b'"}]}'
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for limits in ({"idle_seconds": 0.3}, {"max_held": 100_000}):
        with running(**limits) as server, server.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            connection.settimeout(WAIT)
            with pytest.raises(ConnectionError):
                while True:
                    connection.sendall(request)
            stalled = server.server.config.http_protocol_class.stalled  # type: ignore[union-attr]
            deadline = time.monotonic() + WAIT
            while stalled:
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_process_that_nobody_looks_after_stops(model: Path) -> None:
    listening = listen("127.0.0.1", 0)
    address = listening.getsockname()
    settings = ServeSettings((ModelSpec(str(model)),), drain_seconds=0.0, warms_up=False)
    worker = Worker(settings, listening, supervisor=os.getppid() + 1)
    thread = threading.Thread(target=worker.run)
    thread.start()
    thread.join(WAIT)
    gc.unfreeze()
    assert not thread.is_alive()
    with pytest.raises(OSError):
        socket.create_connection(address)


def test_addresses_are_shown_as_people_open_them() -> None:
    with listen("127.0.0.1", 0) as one:
        assert address_of(one) == f"http://127.0.0.1:{one.getsockname()[1]}"
        with pytest.raises(OSError, match=r"Can't listen on 127\.0\.0\.1"):
            listen("127.0.0.1", one.getsockname()[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"host": "0.0.0.0"}, "make one with ner-plus serve-key"),
        ({"host": ""}, "all addresses"),
        ({"workers": 0}, "workers = 0 must be above 0"),
        ({"threads": -1}, "threads = -1 must be above 0"),
        ({"port": 70_000}, "must be from 0 to 65535"),
        ({"keys": "nothing.json"}, "can't be read"),
        ({"drain_seconds": -1}, "must be 0 or more"),
        ({"max_body": 0}, "max_body = 0 must be above 0"),
        ({"canary": ["x"]}, "must be"),
        ({"watch": float("nan")}, "watch_seconds = nan must be above 0"),
        ({"models": []}, "Name at least one"),
        ({"models": "nowhere"}, "There is no pipeline nowhere"),
        ({"models": ["a b=blank:en"]}, "must be of up to 64 letters"),
    ],
)
def test_servers_that_cannot_be_are_refused_before_anything_is_loaded(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        serve(**{"models": "blank:en", **arguments})


def test_extra_that_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_ner_plus.serving.serve.PACKAGES", ("no_such_package",))
    with pytest.raises(ValueError, match=r"spacy_ner_plus\[serve\]"):
        check_settings(ServeSettings(models=()))
