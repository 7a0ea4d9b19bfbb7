import sys

import numpy as np
import pytest
import torch

from spacy_ner_plus.support import peak_memory as module
from spacy_ner_plus.support.peak_memory import peak_memory


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not tell")
def test_peak_memory_is_in_bytes_and_never_falls() -> None:
    before = peak_memory()["memory"]
    assert before > 50_000_000  # torch alone takes more
    block = np.ones(before // 8 + 20_000_000 // 8)  # more than all that has been taken so far
    during = peak_memory()["memory"]
    assert before + 10_000_000 < during < 10 * before + len(block) * 8
    del block
    assert peak_memory()["memory"] >= during


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
