"""How much memory the process has taken at most."""

import sys

try:
    import resource
except ImportError:  # Windows has none
    HAS_RESOURCE = False
else:
    HAS_RESOURCE = True


def peak_memory() -> dict[str, int]:
    """Bytes that were taken at most since the process began.

    They are "memory" of the processor (resident set), where the system tells, and "GPU", all
    devices together, if torch has used one.
    """
    peaks = {}
    if HAS_RESOURCE:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peaks["memory"] = peak if sys.platform == "darwin" else 1024 * peak  # getrusage(2)
    torch = sys.modules.get("torch")  # who has not loaded it has used no GPU
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        devices = range(torch.cuda.device_count())
        peaks["GPU"] = sum(torch.cuda.max_memory_reserved(device) for device in devices)
    return peaks
