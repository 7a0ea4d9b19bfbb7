"""`ner-plus serve` as a process of its own, and clients that count what becomes of requests."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

LIMIT = 120


class RealServer:
    """Started with any free port; its log is read as it comes."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-m", "spacy", "ner-plus", "serve", *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [*command, "--port", "0"], stderr=subprocess.PIPE, text=True, env=environment
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "RealServer":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT)
        self._reader.join(LIMIT)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def said(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]

    def wait_for(self, is_so: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + LIMIT
        while not is_so():
            assert time.monotonic() < deadline, (what, self.lines)
            assert self.process.poll() is None or is_so(), (what, self.lines)
            time.sleep(0.02)

    def wait_until_ready(self, n: int = 1) -> None:
        self.wait_for(lambda: len(self.said("ready")) >= n, "ready")

    @property
    def port(self) -> int:
        self.wait_for(lambda: self.said("listening"), "listening")
        return int(self.said("listening")[0]["address"].rpartition(":")[2])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)

    def get(self, path: str) -> tuple[int, str]:
        connection = self.connect()
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


class Load:
    """Clients that send texts as fast as they are answered, until the server is gone."""

    def __init__(self, server: RealServer, texts: list[str], n: int = 6) -> None:
        self.answered = 0
        self.statuses: set[int] = set()
        self.lost: list[str] = []
        self.is_over = threading.Event()
        self._server, self._texts = server, texts
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(i,)) for i in range(n)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, n: int) -> None:
        """Until that many more are answered."""
        goal = self.answered + n
        self._server.wait_for(lambda: self.answered >= goal, f"{n} answers")

    def join(self) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join(LIMIT)
            assert not thread.is_alive()

    def _send(self, i: int) -> None:
        connection = self._server.connect()
        while not self.is_over.is_set():
            i += 1
            text = f"{i} {self._texts[i % len(self._texts)]}"
            body = json.dumps({"text": text})
            try:
                connection.connect() if connection.sock is None else None
            except OSError:
                return  # nobody listens any more: nothing was accepted
            try:
                connection.request(
                    "POST", "/v1/entities", body, {"Content-Type": "application/json"}
                )
                response = connection.getresponse()
                found = json.loads(response.read())
                with self._lock:
                    self.statuses.add(response.status)
                    self.answered += 1
                assert found["records"][0]["text"] == text
            except Exception as error:
                self.lost.append(repr(error))
                connection.close()
