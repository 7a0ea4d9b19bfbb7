"""What a model needs to know of processes: torch's threads, the tokenizer's threads, and CUDA.

`nlp.pipe(n_process=2)` starts worker processes, and leaves to Python how: by fork (Linux before
Python 3.14), forkserver (Linux from 3.14 on) or spawn (macOS and Windows).

A **forked** worker is a copy of its parent in which a single thread lives on. torch's pool of
OpenMP threads and the pool of the tokenizers library still look alive there: if the parent has
used them, the first parallel operation waits for ever for threads that are gone. So in a forked
process torch gets one thread, as in the workers of torch.utils.data.DataLoader, and the tokenizer
works alone. CUDA is out of reach there.

A **spawned** worker starts afresh, with as many torch threads as there are cores, so that n
workers have n times too many. A pipeline that arrives in a child process as a pickle was sent
there to share the work: torch gets one thread there too, unless the environment names a number.
"""

import multiprocessing
import os
import threading
from functools import cache

import torch

TOKENIZER_THREADS = "TOKENIZERS_PARALLELISM"
MAIN_PROCESS = "MainProcess"
# What torch reads its number of threads from.
TORCH_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


class _Fork(threading.local):
    """What the thread that forks has to hand on.

    told_tokenizers (bool): TOKENIZER_THREADS was set for the time of the fork.
    used_cuda (bool): The process has used CUDA.
    """

    told_tokenizers = False
    used_cuda = False


_fork = _Fork()
_cuda_is_lost = False


@cache
def handle_forks() -> None:
    """From now on, make forks of this process safe for tokenizers and for torch on the CPU.

    It acts at the fork and not at the first prediction, because other components of the pipeline
    (a shared transformer) may run before ours. Who wants more torch threads in a forked process
    can set them there, provided that its parent has not used any.
    """
    if hasattr(os, "register_at_fork"):  # Windows has no forks
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
        )


def _before_fork() -> None:
    # The tokenizers library reads this in the middle of the fork. Where it finds nothing, it
    # turns its threads off in the child and prints four lines of advice.
    _fork.told_tokenizers = TOKENIZER_THREADS not in os.environ
    if _fork.told_tokenizers:
        os.environ[TOKENIZER_THREADS] = "false"
    _fork.used_cuda = torch.cuda.is_initialized()


def _after_in_parent() -> None:
    if _fork.told_tokenizers:
        os.environ.pop(TOKENIZER_THREADS, None)


def _after_in_child() -> None:
    global _cuda_is_lost
    _cuda_is_lost = _cuda_is_lost or _fork.used_cuda
    os.environ[TOKENIZER_THREADS] = "false"  # also where the user said "true": it would hang
    torch.set_num_threads(1)


def share_cores() -> None:
    """Give torch one thread if this is a child process of multiprocessing.

    To be called where a model is unpickled. A number in OMP_NUM_THREADS or MKL_NUM_THREADS is
    left alone, and so is what the program sets later by torch.set_num_threads.
    """
    # by its name, as multiprocessing.parent_process() is None until all is unpickled
    is_child = multiprocessing.current_process().name != MAIN_PROCESS
    if is_child and not any(name in os.environ for name in TORCH_THREADS):
        torch.set_num_threads(1)


def check_cuda(device: torch.device) -> None:
    """Check that a module on `device` can be used in this process.

    RAISES ValueError: If the device is a GPU and this process was forked from one that had used
        CUDA already.
    """
    if device.type == "cuda" and _cuda_is_lost:
        raise ValueError(
            f"The ner_plus model can't run on '{device}' here: this process was forked, and CUDA "
            "does not work after a fork. Start the workers afresh, with "
            'multiprocessing.set_start_method("spawn") before nlp.pipe, under `if __name__ == '
            '"__main__":`. Or use n_process=1 with a larger batch, such as nlp.pipe(texts, '
            'batch_size=512). Or set device = "cpu" when the pipeline is loaded.'
        )
