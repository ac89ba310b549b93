"""Contestants of a race, each in a process of its own, asked in turn: a drift of the machine meets all alike."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

BACKENDS = ("jax", "tensorflow", "torch")

Seconds = tuple[float, float]  # by the clock, and of processor time


class Contestant:
    """A process that runs `script --serve name`, which calls `serve`, on an interpreter and a backend."""

    def __init__(
        self, script: str, name: str, python: str, backend: str, environment: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, script, "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"} | (environment or {}),
            cwd=Path(__file__).parent,
        )

    def ask(self, question: Any = None) -> Any:
        """Its answer; it may fail on a question, and then the race ends."""
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} gave no answer to {question}: run it alone with --serve to see why.")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def serve(answer: Callable[[Any], Any]) -> None:
    """In a contestant's process: answer every line of stdin on stdout."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that every race has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rounds", type=int, default=7)
    made.add_argument("--json", type=Path, help="where to keep every time")
    made.add_argument(
        "--python", action="append", metavar="BACKEND=PYTHON", help="this interpreter for all unless given"
    )
    made.add_argument("--serve", help=argparse.SUPPRESS)
    return made


def interpreters(named: list[str] | None) -> dict[str, str]:
    """The interpreter of each backend."""
    return dict(pair.split("=", 1) for pair in named) if named else dict.fromkeys(BACKENDS, sys.executable)


def paired(slower: Iterable[float], faster: Iterable[float]) -> float:
    """The median over rounds of one contestant's seconds over another's."""
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


class Stopwatch:
    """Started when made."""

    def __init__(self) -> None:
        self.started = time.perf_counter(), time.process_time()

    def seconds(self) -> Seconds:
        """Since the start."""
        return time.perf_counter() - self.started[0], time.process_time() - self.started[1]

    def each(self, count: int) -> Seconds:
        """Since the start, of each of `count` things done."""
        clock, processor = self.seconds()
        return clock / count, processor / count
