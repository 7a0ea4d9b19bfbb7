"""What a server is told: all of it plain data, so that it can be handed to its processes."""

from dataclasses import dataclass, field, fields
from pathlib import Path

from .batching.admission import DEFAULT_LIMITS, BatchLimits
from .pipelines.model_spec import ModelSpec, TrafficRule

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8000


@dataclass(frozen=True)
class RequestLimits:
    """What requests may be, at most.

    max_body (int): Bytes of a body, packed and unpacked, and of a line of a stream.
    max_text (int): Characters of a text; what a pipeline itself takes may be less.
    max_records (int): Records of a request.
    max_held (int): Bytes of all bodies that are being read or answered.
    max_header (int): Bytes of the first line and the headers of a request.
    max_connections (int): Connections of a process.
    header_seconds (float): Until the headers of a request are there.
    idle_seconds (float): Without a byte in the middle of a request or of an answer, and between two
        requests of a connection.
    request_seconds (float): Until a request is answered; clients may ask for less.
    RAISES ValueError: If one is not above 0.
    """

    max_body: int = 1_000_000
    max_text: int = 100_000
    max_records: int = 1_000
    max_held: int = 64_000_000
    max_header: int = 16_384
    max_connections: int = 2_000
    header_seconds: float = 10.0
    idle_seconds: float = 30.0
    request_seconds: float = 30.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not value > 0:
                raise ValueError(f"{one.name} = {value} must be above 0.")


@dataclass(frozen=True)
class ServeSettings:
    """A server.

    models (Tuple[ModelSpec, ...]): The pipelines; the first one is meant by who names none.
    rules (Tuple[TrafficRule, ...]): Canaries and shadows.
    host, port: Where it listens. workers (int): Processes.
    threads (int): That each process computes with; None for its share of the cores.
    keys (Path): The file of keys; None for no keys.
    allowed_hosts (Tuple[str, ...]): Names that the server is called by.
    requests (RequestLimits): Of requests. batches (BatchLimits): Of batches and queues.
    watch_seconds (float): How often folders of models are looked at; None for never.
    drain_seconds (float): For which it still takes requests after it was told to stop, while
        /readyz says so. stop_seconds (float): That it then takes, at most, to finish.
    log_texts (bool): Whether texts may be in the log.
    code (Path): A Python file to import. gpu_id (int): See LoadSettings.
    warms_up (bool): Whether pipelines are tried before they are used.
    """

    models: tuple[ModelSpec, ...]
    rules: tuple[TrafficRule, ...] = ()
    host: str = LOOPBACK
    port: int = DEFAULT_PORT
    workers: int = 1
    threads: int | None = None
    keys: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    requests: RequestLimits = field(default_factory=RequestLimits)
    batches: BatchLimits = DEFAULT_LIMITS
    watch_seconds: float | None = None
    drain_seconds: float = 1.0
    stop_seconds: float = 30.0
    log_texts: bool = False
    code: Path | None = None
    gpu_id: int = -1
    warms_up: bool = True
