import pytest
import torch

from spacy_ner_plus.models.runtime import device as devices
from spacy_ner_plus.models.runtime.device import (
    PRECISIONS,
    autocast,
    has_fast_bf16,
    resolve_device,
    resolve_precision,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize(("available", "expected"), [(True, CUDA), (False, CPU)])
def test_resolve_device_auto_takes_a_gpu_if_there_is_one(
    available: bool, expected: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert resolve_device("auto") == expected


def test_resolve_device_by_name() -> None:
    assert resolve_device("cpu") == CPU


@pytest.mark.parametrize("name", ["gpu", "cuda:x", ""])
def test_resolve_device_refuses_what_torch_does_not_know(name: str) -> None:
    with pytest.raises(ValueError, match=f"device '{name}' is no torch device"):
        resolve_device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:1"])
def test_resolve_device_refuses_a_gpu_that_is_not_there(name: str, no_cuda: None) -> None:
    with pytest.raises(ValueError, match=rf"'{name}'.*no CUDA device.*\"auto\""):
        resolve_device(name)


def test_resolve_device_counts_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ValueError, match=r"'cuda:2'.*2 CUDA device\(s\).*CUDA_VISIBLE_DEVICES"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("has_it", [True, False])
def test_resolve_precision(has_it: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_fast_bf16", lambda device: has_it)
    resolved = {name: resolve_precision(name, CPU) for name in PRECISIONS}
    assert resolved == {
        "auto": torch.bfloat16 if has_it else torch.float32,
        "fp32": torch.float32,
        "bf16": torch.bfloat16,
        "fp16": torch.float16,
    }


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((6, 1), torch.float32), ((7, 5), torch.float16), ((8, 0), torch.bfloat16)],
)
def test_resolve_precision_auto_takes_what_the_gpu_is_made_for(
    capability: tuple[int, int], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert resolve_precision("auto", CUDA) == expected


@pytest.mark.parametrize("name", ["fp8", "", "BF16"])
def test_resolve_precision_refuses_an_unknown_one(name: str) -> None:
    with pytest.raises(ValueError, match=f"precision '{name}': use one of auto, fp32, bf16, fp16"):
        resolve_precision(name, CPU)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True, "avx512_bf16": False}, True),
        ({"avx2": True, "avx512_bf16": False}, False),
        ({}, False),
    ],
)
def test_has_fast_bf16_asks_the_processor(
    capabilities: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert has_fast_bf16(CPU) == expected


def test_has_fast_bf16_is_safe_on_a_torch_that_cannot_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not has_fast_bf16(CPU)


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), False), ((8, 0), True)])
def test_has_fast_bf16_asks_the_gpu(
    capability: tuple[int, int], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert has_fast_bf16(CUDA) == expected


def test_has_fast_bf16_on_no_other_device() -> None:
    assert not has_fast_bf16(torch.device("mps"))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_autocast_multiplies_in_the_precision(precision: torch.dtype) -> None:
    with autocast(CPU, precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == precision
