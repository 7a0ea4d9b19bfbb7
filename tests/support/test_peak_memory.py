import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from spacy_ner_plus.support import peak_memory as module
from spacy_ner_plus.support.peak_memory import peak_memory

STATUS = Path("/proc/self/status")


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not tell")
def test_peak_memory_is_in_bytes_and_never_falls() -> None:
    block = np.ones(10_000_000)
    during = peak_memory()["memory"]
    assert 50_000_000 + block.nbytes < during < 100_000_000_000  # torch alone takes more than 50 MB
    del block
    assert peak_memory()["memory"] >= during


@pytest.mark.skipif(not STATUS.exists(), reason="the system has no /proc")
def test_peak_memory_is_the_high_water_mark_of_the_system() -> None:
    [kibibytes] = re.findall(r"^VmHWM:\s*(\d+) kB$", STATUS.read_text(), flags=re.M)
    assert peak_memory()["memory"] == pytest.approx(1024 * int(kibibytes), rel=0.02)


def test_peak_memory_adds_up_the_gpus_that_torch_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch.cuda.is_initialized() or "GPU" not in peak_memory()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 10**device)
    assert peak_memory()["GPU"] == 11


def test_peak_memory_is_silent_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HAS_RESOURCE", False)
    assert "memory" not in peak_memory()
