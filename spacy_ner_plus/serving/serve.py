"""Pipelines as a server: what `ner-plus serve` does, for Python."""

import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..pipeline.preparing import check_pipeline_exists
from ..support.extras import check_installed
from .batching.admission import BatchLimits
from .pipelines.model_spec import ModelSpec, TrafficKind, TrafficRule
from .security.api_keys import read_keys
from .security.request_origin import is_loopback
from .serve_settings import DEFAULT_PORT, LOOPBACK, RequestLimits, ServeSettings

PACKAGES = ("fastapi", "uvicorn", "httptools", "prometheus_client")
_DEFAULT_REQUESTS = RequestLimits()
_DEFAULT_BATCHES = BatchLimits()


def serve(
    models: Sequence[str] | str,
    *,
    host: str = LOOPBACK,
    port: int = DEFAULT_PORT,
    workers: int = 1,
    threads: int | None = None,
    keys: str | Path | None = None,
    allowed_hosts: Iterable[str] | None = None,
    canary: Iterable[str] | None = None,
    shadow: Iterable[str] | None = None,
    watch: float | None = None,
    max_body: int = _DEFAULT_REQUESTS.max_body,
    max_text: int = _DEFAULT_REQUESTS.max_text,
    max_records: int = _DEFAULT_REQUESTS.max_records,
    request_seconds: float = _DEFAULT_REQUESTS.request_seconds,
    max_wait: float = _DEFAULT_BATCHES.max_wait,
    drain_seconds: float = 1.0,
    stop_seconds: float = 30.0,
    log_texts: bool = False,
    warm_up: bool = True,
    code: str | Path | None = None,
    gpu_id: int = -1,
) -> None:
    """Serve pipelines over HTTP, until SIGTERM or Ctrl-C; SIGHUP loads them anew.

    models (Sequence[str]): Names or folders of pipelines, each perhaps with what it is to be called
        in requests: NAME=MODEL, or NAME@VERSION=MODEL. The first one is meant by who names none.
    host, port: Where to listen; port 0 for any that is free. Other machines reach it with another
        host than 127.0.0.1, and then keys are needed.
    workers (int): Processes, each of which loads all models.
    threads (int): That each process computes with; None for all cores, shared among processes.
    keys (str / Path): The file of keys that serve_key makes; None for none.
    allowed_hosts (Iterable[str]): Names by which clients call the server.
    canary, shadow (Iterable[str]): NAME@VERSION=SHARE: the share of requests for NAME that this
        version answers, or that it is asked as well; differences are counted and logged.
    watch (float): Seconds between looks at the models' folders, to load what has changed.
    max_body (int): Bytes of a request. max_text (int): Characters of a text. max_records (int):
        Records of a request. request_seconds (float): After which a request is given up.
    max_wait (float): Seconds of work that may wait before an interactive request.
    drain_seconds, stop_seconds (float): How long requests are still taken after the signal to stop,
        and how long what was taken may need then.
    log_texts (bool): Whether texts may be in the log.
    warm_up (bool): Whether pipelines are tried before they are used.
    code (str / Path): A Python file to import. gpu_id (int): For components that need CuPy.
    RAISES ValueError: If an argument does not fit, or a pipeline can't be loaded. OSError: If it
        can't listen there.
    """
    settings = ServeSettings(
        models=tuple(ModelSpec.parse(one) for one in _as_list(models)),
        rules=(
            *(TrafficRule.parse(TrafficKind.CANARY, one) for one in canary or ()),
            *(TrafficRule.parse(TrafficKind.SHADOW, one) for one in shadow or ()),
        ),
        host=host,
        port=port,
        workers=workers,
        threads=_share_of_cores(workers) if threads is None and workers > 1 else threads,
        keys=None if keys is None else Path(keys),
        allowed_hosts=tuple(allowed_hosts or ()),
        requests=RequestLimits(
            max_body=max_body,
            max_text=max_text,
            max_records=max_records,
            request_seconds=request_seconds,
        ),
        batches=BatchLimits(max_wait=max_wait),
        watch_seconds=watch,
        drain_seconds=drain_seconds,
        stop_seconds=stop_seconds,
        log_texts=log_texts,
        warms_up=warm_up,
        code=None if code is None else Path(code),
        gpu_id=gpu_id,
    )
    check_settings(settings)
    _run(settings)


def check_settings(settings: ServeSettings) -> None:
    """RAISES ValueError: What is wrong with a server, before anything is loaded."""
    for package in PACKAGES:
        check_installed(package, "serve", what="ner-plus serve")
    if not settings.models:
        raise ValueError("Name at least one pipeline to serve.")
    for name in ("workers", "threads", "watch_seconds", "stop_seconds"):
        value = getattr(settings, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} = {value} must be above 0.")
    if not settings.drain_seconds >= 0 or not settings.batches.max_wait > 0:
        raise ValueError("drain_seconds must be 0 or more, and max_wait above 0.")
    if not 0 <= settings.port <= 65_535:
        raise ValueError(f"port = {settings.port} must be from 0 to 65535.")
    for spec in settings.models:
        check_pipeline_exists(spec.model)
    if settings.keys is not None:
        read_keys(settings.keys)
    elif not is_loopback(settings.host):
        raise ValueError(
            f"Others could reach {settings.host or 'all addresses'} and use the server without a "
            f"key: make one with ner-plus serve-key keys.json --name NAME, and give --keys "
            f"keys.json. Without keys, the host must be {LOOPBACK}."
        )


def _run(settings: ServeSettings) -> None:
    from .processes.graceful_server import address_of, listen
    from .processes.supervisor import Supervisor
    from .processes.worker import Worker
    from .serving_log import begin_log

    begin_log()
    listening = listen(settings.host, settings.port)
    fields = {"address": address_of(listening), "pid": os.getpid()}
    logging.getLogger("spacy_ner_plus.serving").info("listening", extra={"fields": fields})
    try:
        if settings.workers == 1:
            Worker(settings, listening).run()
        else:
            Supervisor(settings, listening).run()
    finally:
        listening.close()


def _as_list(models: Sequence[str] | str) -> Sequence[str]:
    return [models] if isinstance(models, (str, Path)) else models


def _share_of_cores(workers: int) -> int:
    """How many of the cores that this process may use each of several gets, 1 at least."""
    affinity = getattr(os, "sched_getaffinity", None)
    n = (os.cpu_count() or 1) if affinity is None else len(affinity(0))
    return max(1, n // workers)
