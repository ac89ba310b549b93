"""A server on this machine asked at a steady rate: forecasts a second, how late answers come, its memory.

    python benchmarks/serve.py MODEL.onnx --route infer --rate 500 --seconds 60

Starts `kerasforecast serve` in a process of its own and asks in this one, over some connections, each request when it
is due whether or not earlier ones were answered: an answer that waits counts from when it was due. Both take processor
time: on two cores the asking takes some of what the server could have. With `--swaps N` the file is exchanged N times
meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_KINDS = ("infer", "forecast")


def days(count: int, first: dt.date) -> list[str]:
    """So many working days from `first` on."""
    found: list[str] = []
    while len(found) < count:
        if first.weekday() < 5:
            found.append(first.isoformat())
        first += dt.timedelta(1)
    return found


def bodies(route: str, window: int, target: str, rows: int, count: int = 64) -> list[bytes]:
    """So many requests that differ in values, and those for `forecast` in dates."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        prices = (200 + np.cumsum(rng.normal(size=max(rows, window)))).round(2).tolist()
        if route == "infer":
            asked: object = {
                "inputs": [{"name": "past", "datatype": "FP32", "shape": [1, window, 1], "data": prices[:window]}]
            }
        else:
            dates = days(rows, dt.date(2013, 3, 4) + dt.timedelta(7 * number))
            asked = {"history": {"date": dates, target: prices[:rows]}, "steps": 1}
        found.append(json.dumps(asked).encode())
    return found


class Asking:
    """Requests of one kind at a steady rate over some connections."""

    def __init__(self, port: int, path: str, given: list[bytes], rate: float, seconds: float, connections: int) -> None:
        self.port, self.rate, self.count, self.connections = port, rate, int(rate * seconds), connections
        self.requests = [
            f"POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode()
            + body
            for body in given
        ]
        self.late: list[float] = []
        self.errors: list[str] = []
        self.start = 0.0

    async def run(self) -> None:
        """Ask all."""
        self.start = time.perf_counter() + 0.2
        await asyncio.gather(*(self._one(place) for place in range(self.connections)))

    async def _one(self, place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for number in range(place, self.count, self.connections):
            due = self.start + number / self.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            try:
                writer.write(self.requests[number % len(self.requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(size)
                if not head.startswith(b"HTTP/1.1 200"):
                    self.errors.append(body[:200].decode())
            except (OSError, asyncio.IncompleteReadError) as error:
                self.errors.append(repr(error))
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.late.append(time.perf_counter() - due)
        writer.close()


async def swapped(file: Path, count: int, every: float) -> None:
    """Put a copy of `file`, so many times, in its place: a new file to the server."""
    for _ in range(count):
        await asyncio.sleep(every)
        other = file.with_suffix(".part")
        shutil.copy(file, other)
        os.utime(other)
        other.replace(file)


def memory(process: int) -> int:
    """Resident MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) // 1024


def busy(process: int) -> float:
    """Seconds of processor time so far."""
    parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


async def both(asking: Asking, file: Path, swaps: int) -> None:
    """Ask while the model is exchanged."""
    await asyncio.gather(asking.run(), swapped(file, swaps, asking.count / asking.rate / (swaps + 1)))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--route", choices=_KINDS, default="infer")
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rows", type=int, default=80)
    parser.add_argument("--bodies", type=int, default=64, help="that differ; of dates the server remembers 128 runs")
    parser.add_argument("--swaps", type=int, default=0)
    options = parser.parse_args()
    import kerasforecast

    manifest = kerasforecast.load(options.model).manifest
    given = bodies(options.route, manifest.window, manifest.target, options.rows, options.bodies)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(shutil.copy(options.model, folder))
        command = [sys.executable, "-m", "kerasforecast_cli", "serve", folder, "--port", "0", "--json"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = int(json.loads(server.stdout.readline())["url"].rsplit(":", 1)[1].strip("/"))  # type: ignore[union-attr]
            name = file.stem
            path = f"/v2/models/{name}/infer" if options.route == "infer" else f"/v1/models/{name}/forecast"
            asyncio.run(Asking(port, path, given, min(options.rate, 100), 2, options.connections).run())
            before, spent, began = memory(server.pid), busy(server.pid), time.perf_counter()
            asking = Asking(port, path, given, options.rate, options.seconds, options.connections)
            own = time.process_time()
            asyncio.run(both(asking, file, options.swaps))
            took, late = time.perf_counter() - began, 1000 * np.array(asking.late)
            found = {
                "route": options.route,
                "asked_per_second": options.rate,
                "answered_per_second": round(len(late) / (took - 0.2), 1),
                "seconds": round(took, 1),
                "p50_ms": round(float(np.percentile(late, 50)), 2),
                "p99_ms": round(float(np.percentile(late, 99)), 2),
                "max_ms": round(float(late.max()), 1),
                "errors": len(asking.errors),
                "swaps": options.swaps,
                "server_ms_of_processor": round(1000 * (busy(server.pid) - spent) / len(late), 3),
                "asking_ms_of_processor": round(1000 * (time.process_time() - own) / len(late), 3),
                "server_mib": [before, memory(server.pid)],
            }
            print(json.dumps(found), flush=True)
            for line in asking.errors[:3]:
                print(line, file=sys.stderr)
        finally:
            server.terminate()
            server.wait(40)


if __name__ == "__main__":
    main()
