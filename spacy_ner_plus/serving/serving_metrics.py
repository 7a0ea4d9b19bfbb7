"""What Prometheus is told. Names in it are of models and routes, never of requests."""

import os
from collections import Counter as Counts
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from .batching.batcher import BatchReport
from .pipelines.model_info import ModelInfo

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where processes share what they count
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_MODEL = ("model", "version")


class ServingMetrics:
    """Counts of a server; those of all its processes together, where there are several."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "ner_plus_requests", "Requests.", ("route", "status"), registry=own
        )
        self._seconds = Histogram(
            "ner_plus_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=own,
        )
        self._entities = Counter(
            "ner_plus_entities", "Entities that were sent.", (*_MODEL, "label"), registry=own
        )
        self._texts = Counter("ner_plus_texts", "Texts that were read.", _MODEL, registry=own)
        self._units = Counter(
            "ner_plus_work_units", "Work, in about wordpieces.", _MODEL, registry=own
        )
        self._batch_seconds = Histogram(
            "ner_plus_batch_seconds", "Of a batch.", _MODEL, buckets=_SECONDS, registry=own
        )
        self._batch_texts = Histogram(
            "ner_plus_batch_texts", "Texts of a batch.", _MODEL, buckets=_SIZES, registry=own
        )
        self._wait_seconds = Histogram(
            "ner_plus_wait_seconds",
            "Seconds that the first text of a batch has waited.",
            _MODEL,
            buckets=_SECONDS,
            registry=own,
        )
        self._waiting = Gauge(
            "ner_plus_queue_texts",
            "Texts in queues, after the last batch.",
            _MODEL,
            registry=own,
            multiprocess_mode="livesum",
        )
        self._differences = Counter(
            "ner_plus_compared_entities",
            "Entities of requests that two versions got, by how they differ.",
            ("model", "answered", "compared", "kind"),
            registry=own,
        )
        self._left_out = Counter(
            "ner_plus_compared_left_out",
            "Requests that were to be compared, for which there was no room.",
            ("model", "answered", "compared"),
            registry=own,
        )
        self._reloads = Counter(
            "ner_plus_reloads", "Models loaded anew.", ("result",), registry=own
        )

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """A request that was answered, or that nobody waited for (499)."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_entities(self, info: ModelInfo, labels: Iterable[str]) -> None:
        """Entities of an answer. Labels that somebody gave are counted as "other"."""
        for label, n in Counts(labels).items():
            known = label if label in info.labels else "other"
            self._entities.labels(info.name, info.version, known).inc(n)

    def count_batch(self, info: ModelInfo, report: BatchReport) -> None:
        """A batch."""
        its = info.name, info.version
        self._texts.labels(*its).inc(report.texts)
        self._units.labels(*its).inc(report.units)
        self._batch_seconds.labels(*its).observe(report.seconds)
        self._batch_texts.labels(*its).observe(report.texts)
        self._wait_seconds.labels(*its).observe(report.waited)
        self._waiting.labels(*its).set(report.n_waiting)

    def count_compared(self, one: ModelInfo, other: ModelInfo, counts: Counts[str] | None) -> None:
        """Differences of two versions on a request; None: it was left out."""
        its = one.name, one.version, other.version
        if counts is None:
            self._left_out.labels(*its).inc()
            return
        for kind, n in counts.items():
            self._differences.labels(*its, kind).inc(n)

    def count_reload(self, is_well: bool) -> None:
        """A model that was loaded anew, or was not."""
        self._reloads.labels("well" if is_well else "failed").inc()

    def exposition(self) -> bytes:
        """All of it, in Prometheus's text format."""
        if FOLDER not in os.environ:
            return bytes(generate_latest(self._registry))
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return bytes(generate_latest(together))


def forget_process(folder: Path, pid: int) -> None:
    """Take out what a process that has ended says of itself; what it counted stays."""
    for file in folder.glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)
