"""Forked and spawned processes: torch's and the tokenizer's threads, and CUDA."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import pytest
import torch

from spacy_ner_plus.models.runtime import processes
from spacy_ner_plus.models.runtime.processes import (
    TOKENIZER_THREADS,
    TORCH_THREADS,
    check_cuda,
    handle_forks,
    share_cores,
)
from tests import tiny

TIMEOUT = 60  # seconds after which a process counts as hanging

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


def in_fork(function: Callable[[], Any]) -> Any:
    """What the function returns in a forked process."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def send(connection: Connection) -> None:
        connection.send(function())

    process = context.Process(target=send, args=(sender,))
    process.start()
    try:
        assert receiver.poll(TIMEOUT), "the forked process hangs"
        return receiver.recv()
    finally:
        process.kill()
        process.join()


@pytest.fixture(autouse=True)
def handled() -> None:
    handle_forks()


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without numbers of threads."""
    for name in (TOKENIZER_THREADS, *TORCH_THREADS):
        monkeypatch.delenv(name, raising=False)


def use_torch_threads() -> float:
    """An operation that is large enough for torch to share it out."""
    return float(torch.nn.functional.layer_norm(torch.ones(4096, 512), (512,)).sum())


@needs_fork
@pytest.mark.usefixtures("two_threads")
def test_fork_after_torch_used_threads_does_not_hang() -> None:
    expected = use_torch_threads()
    assert in_fork(use_torch_threads) == expected
    assert in_fork(torch.get_num_threads) == 1
    assert torch.get_num_threads() == 2


@needs_fork
def test_fork_leaves_later_choices_to_the_program() -> None:
    def choose() -> int:
        torch.set_num_threads(2)
        return torch.get_num_threads()

    assert in_fork(choose) == 2


@needs_fork
@pytest.mark.usefixtures("untold")
def test_fork_after_tokenizing_in_parallel_neither_hangs_nor_warns(
    capfd: pytest.CaptureFixture[str],
) -> None:
    tokenizer = tiny.wordpiece()
    texts = tiny.sample_texts()

    def tokenize() -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch(texts)]

    expected = tokenize()
    assert in_fork(tokenize) == expected
    assert in_fork(lambda: os.environ[TOKENIZER_THREADS]) == "false"
    assert TOKENIZER_THREADS not in os.environ
    assert capfd.readouterr().err == ""


@needs_fork
@pytest.mark.parametrize("setting", ["true", "false"])
def test_fork_keeps_the_users_setting_in_the_parent_only(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKENIZER_THREADS, setting)
    assert in_fork(lambda: os.environ[TOKENIZER_THREADS]) == "false"
    assert os.environ[TOKENIZER_THREADS] == setting


@pytest.mark.parametrize("is_child", [True, False])
@pytest.mark.usefixtures("two_threads", "untold")
def test_share_cores_takes_one_thread_in_a_child_process(
    is_child: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_child:
        monkeypatch.setattr(multiprocessing.current_process(), "name", "Process-1")
    share_cores()
    assert torch.get_num_threads() == (1 if is_child else 2)


@pytest.mark.parametrize("name", TORCH_THREADS)
@pytest.mark.usefixtures("two_threads", "untold")
def test_share_cores_leaves_the_users_number_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing.current_process(), "name", "Process-1")
    monkeypatch.setenv(name, "2")
    share_cores()
    assert torch.get_num_threads() == 2


def refusal(device: str) -> str | None:
    try:
        check_cuda(torch.device(device))
    except ValueError as error:
        return str(error)
    return None


@needs_fork
def test_check_cuda_refuses_it_in_forks_of_a_process_that_used_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)

    def in_grandchild() -> str | None:
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)  # as torch says there
        refused: str | None = in_fork(lambda: refusal("cuda:1"))
        return refused

    for message in (in_fork(lambda: refusal("cuda:1")), in_fork(in_grandchild)):
        assert "can't run on 'cuda:1'" in message
        assert 'set_start_method("spawn")' in message
        assert "n_process=1 with a larger batch" in message
    assert in_fork(lambda: refusal("cpu")) is None
    assert refusal("cuda:1") is None


@needs_fork
def test_check_cuda_permits_it_in_forks_of_a_process_that_did_not_use_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    assert in_fork(lambda: refusal("cuda")) is None


def test_handle_forks_registers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(os, "register_at_fork", lambda **hooks: calls.append(hooks), raising=False)
    processes.handle_forks.cache_clear()
    processes.handle_forks()
    processes.handle_forks()
    assert len(calls) == 1  # and in this process it had been registered before
