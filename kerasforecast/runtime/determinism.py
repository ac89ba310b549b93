"""How many threads compute and in which order: a process that is to train is prepared here.

Nothing here imports Keras; all of it comes before the backend loads.
"""

from __future__ import annotations

import os

from kerasforecast.errors import BackendError, whole_number
from kerasforecast.runtime.backend import Choice, activate, add_xla_flags, held_stderr, loaded_backend

_CUBLAS = ":4096:8"  # cuBLAS' own condition for equal sums


def activate_for_training(
    requested: str | None = None, threads: int | None = None, *, deterministic: bool = False, seed: int = 0
) -> Choice:
    """As `activate`, with how it is to compute, which must be settled before Keras loads too.

    Args:
        requested: As for `activate`.
        threads: See `limit_threads`; as many as the backend likes where `None`.
        deterministic: See `make_deterministic`.
        seed: For what a backend draws itself.

    Raises:
        BackendError: As `activate`; or Keras has loaded, and computes in another way.
    """
    threads = None if threads is None else whole_number("--threads", threads)
    wanted = 1 if deterministic else threads
    if (loaded := loaded_backend()) and wanted:
        same = os.environ.get("OMP_NUM_THREADS") == str(wanted)
        if not same or (deterministic and os.environ.get("CUBLAS_WORKSPACE_CONFIG") != _CUBLAS):
            received = "deterministic=True" if deterministic else f"threads={wanted}"
            raise BackendError(
                f"How a backend computes must be chosen before Keras loads. Received: {received} after Keras loaded "
                f"with {loaded}. Start a new process."
            )
    if threads:
        limit_threads(threads)
    choice = activate(requested)
    if deterministic:
        make_deterministic(choice.name, seed)
    return choice


def limit_threads(threads: int) -> None:
    """Let the backend compute with `threads` threads; call it before the backend loads.

    One thread makes runs bit-equal: sums split over threads may be added in another order each time.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = str(threads)
    if threads == 1:
        add_xla_flags("--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")


def make_deterministic(backend: str, seed: int) -> None:
    """Have `backend` compute the same bytes in every run; call it before the backend loads, for it is loaded here.

    One thread on the CPU, and on a GPU only algorithms that add in a fixed order.
    """
    limit_threads(1)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = _CUBLAS
    if backend == "jax":
        add_xla_flags("--xla_gpu_deterministic_ops=true")
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
