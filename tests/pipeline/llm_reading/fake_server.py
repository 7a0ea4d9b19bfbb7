"""A server on this machine that speaks OpenAI's protocol, as well or as badly as a test wants."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

Body = dict[str, Any]


@dataclass
class Reply:
    """What the server sends.

    body: An object, or bytes as they are. delay (float): Seconds before it.
    missing (int): Bytes that it promises and does not send.
    """

    body: Body | bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    missing: int = 0


class FakeServer:
    """Answers requests while it is open.

    reply (Callable): Says what to send to a request's body.

    Attributes:
        requests: The bodies that came, and headers those of each.
    """

    def __init__(self, reply: Callable[[Body], Reply]) -> None:
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        lock = Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.requests.append(body)
                    outer.headers.append(dict(self.headers))
                    outer.paths.append(self.path)
                found = reply(body)
                time.sleep(found.delay)
                raw = (
                    found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
                )
                try:
                    self.send_response(found.status)
                    for name, value in found.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(raw) + found.missing))
                    self.end_headers()
                    self.wfile.write(raw)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client has had enough

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "FakeServer":
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def says(
    text: str,
    finish: str = "stop",
    usage: tuple[int, int] | None = (1000, 10),
    logprobs: Any = None,
    **message: Any,
) -> Reply:
    """A sound answer. usage: Tokens of the prompt and of the answer."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "text": text,
        "finish_reason": finish,
        "logprobs": logprobs,
    }
    body: Body = {"model": "tiny-1", "choices": [choice]}
    if usage is not None:
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return Reply(body)


def asked_text(body: Body) -> str:
    """The text that a request is about: what is in the last fence."""
    prompt = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
    found = re.findall(r"(?s)<(text(?:-\d+)?)>\n(.*?)\n</\1>", prompt)
    return str(found[-1][1])


def rows(*pairs: tuple[str, str]) -> str:
    """An answer with texts and labels."""
    return json.dumps({"entities": [{"text": text, "label": label} for text, label in pairs]})


def finds(lexicon: Mapping[str, str]) -> Callable[[Body], Reply]:
    """A model that knows some words, and their labels."""

    def reply(body: Body) -> Reply:
        words = re.findall(r"\w+", asked_text(body))
        return says(rows(*((word, lexicon[word]) for word in words if word in lexicon)))

    return reply
