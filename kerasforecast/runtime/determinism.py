"""How many threads compute and in which order: a process of our own that is to train is prepared here.

Nothing here imports Keras; all of it comes before the backend loads.
"""

from __future__ import annotations

import os

from kerasforecast.runtime.backend import Choice, activate, held_stderr
from kerasforecast.runtime.memory import one_arena


def activate_for_training(requested: str | None, threads: int | None) -> Choice:
    """As `activate`, in a process of our own that is to train: on so many threads, which share one heap."""
    one_arena()
    if threads:
        limit_threads(threads)
    return activate(requested)


def limit_threads(threads: int) -> None:
    """Let the backend compute with `threads` threads; call it before the backend loads.

    One thread makes runs bit-equal: sums split over threads may be added in another order each time.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = str(threads)
    if threads == 1:
        _add_xla_flags("--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")


def make_deterministic(backend: str, seed: int) -> None:
    """Have `backend` compute the same bytes in every run; call it before the backend loads, for it is loaded here.

    One thread on the CPU, and on a GPU only algorithms that add in a fixed order.
    """
    limit_threads(1)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS' own condition
    if backend == "jax":
        _add_xla_flags("--xla_gpu_deterministic_ops=true")
    elif backend == "tensorflow":
        with held_stderr():
            import tensorflow as tf

        tf.random.set_seed(seed)
        tf.config.experimental.enable_op_determinism()
    else:
        import torch

        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False


def _add_xla_flags(flags: str) -> None:
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
