"""What the figures depend on besides the code: the machine, its load, versions and memory."""

import os
import platform
import resource
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

CPU_INFO = Path("/proc/cpuinfo")
MEMORY_INFO = Path("/proc/meminfo")
STATUS = Path("/proc/self/status")
CPU_TIMES = Path("/proc/stat")
CLEAR_REFS = Path("/proc/self/clear_refs")
# Instructions that decide how fast matrices are multiplied, x86 and ARM, as Linux names them.
MATRIX_FLAGS = (
    "avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_bf16", "amx_int8", "asimddp", "bf16", "i8mm", "sve",
)  # fmt: skip
PACKAGES = (
    "spacy_ner_plus", "spacy", "thinc", "torch", "transformers", "tokenizers", "numpy",
    "spacy-transformers", "onnxruntime", "onnx", "cupy",
)  # fmt: skip
MIB = 1 << 20
GPU_SAMPLED_EVERY = 0.1  # seconds


@dataclass(frozen=True)
class Memory:
    """In MiB. resident: the process at the moment. peak: its most since `reset_peak`. gpu_peak:
    the most that torch held on the GPU; 0 without one.
    """

    resident: float
    peak: float
    gpu_peak: float


def describe(device: str, threads: int) -> dict[str, Any]:
    """The machine and the versions, as plain data."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cpu": _field(CPU_INFO, "model name") or platform.processor(),
        "cpu_flags": _flags(),
        "cores": os.cpu_count(),
        "memory_mib": int((_field(MEMORY_INFO, "MemTotal") or "0").split()[0]) // 1024,
        "load": os.getloadavg()[0],
        "threads": threads,
        "device": device,
        "gpu": _gpu(device),
        "packages": _versions(),
    }


def _field(path: Path, name: str) -> str | None:
    if path.is_file():
        for line in path.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return None


def _flags() -> list[str]:
    found = (_field(CPU_INFO, "flags") or _field(CPU_INFO, "Features") or "").split()
    return [flag for flag in MATRIX_FLAGS if flag in found]


def _versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def _gpu(device: str) -> dict[str, Any] | None:
    if not device.startswith("cuda"):
        return None
    import torch

    properties = torch.cuda.get_device_properties(device)
    return {
        "name": properties.name,
        "memory_mib": properties.total_memory // MIB,
        "cuda": torch.version.cuda,
    }


def busy_seconds() -> float:
    """Seconds that all cores together have worked since the machine started, for whomever: other
    guests of the same host included. 0 where it can't be known.
    """
    if not CPU_TIMES.is_file():
        return 0.0
    _, *fields = CPU_TIMES.read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


# Memory of the process that asks


def reset_peak() -> None:
    """Forget the highest memory so far. Without Linux's help the peak is that of all its life."""
    with suppress(OSError):
        CLEAR_REFS.write_text("5")
    if _uses_gpu():
        import torch

        torch.cuda.reset_peak_memory_stats()


def memory() -> Memory:
    """What this process has and had in memory."""
    resident = int((_field(STATUS, "VmRSS") or "0").split()[0]) / 1024
    peak = _field(STATUS, "VmHWM")
    most = int(peak.split()[0]) / 1024 if peak else _lifelong_peak()
    gpu = 0.0
    if _uses_gpu():
        import torch

        gpu = torch.cuda.max_memory_allocated() / MIB
    return Memory(resident, most, gpu)


def _lifelong_peak() -> float:
    unit = MIB if platform.system() == "Darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@dataclass
class GpuUse:
    """How busy the GPU is while this context lasts, in percent of the time; 0 where it can't be
    known: without a GPU, or without the package nvidia-ml-py.
    """

    percent: float = 0.0

    def __enter__(self) -> "GpuUse":
        self._samples: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        if _uses_gpu():
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._samples:
            self.percent = sum(self._samples) / len(self._samples)

    def _watch(self) -> None:
        import torch

        with suppress(Exception):  # each driver has its own reasons
            while not self._ended.wait(GPU_SAMPLED_EVERY):
                self._samples.append(torch.cuda.utilization())


def synchronise() -> None:
    """Wait for what the GPU has to do."""
    if _uses_gpu():
        import torch

        torch.cuda.synchronize()


def _uses_gpu() -> bool:
    import torch

    return torch.cuda.is_initialized()
