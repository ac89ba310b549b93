"""Starts the command line again and again in fresh processes, forked from one that has imported what takes seconds.

Run as a program it is that one: it reads a JSON command a line, answers with the pid of the process it forked, and
reports the end of each. It has computed nothing yet, so the backends have no threads, which a fork would lose.
"""

import errno
import importlib
import json
import os
import select
import signal
import sys


def main():
    # Nothing that computes while it is imported: a backend's threads would not survive the fork.
    for name in ("keras", "exchange_calendars", "scipy.stats", "sklearn.preprocessing", "plotly.offline"):
        importlib.import_module(name)
    importlib.import_module("kerasforecast_cli.main")
    for name in ("config", "artifact.manifest", "report", "baselines.simple", "evaluation.scores"):
        importlib.import_module(f"kerasforecast.{name}")

    print("ready", flush=True)
    running = set()
    while True:
        if select.select([sys.stdin], [], [], 0.005 if running else 1)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            pid = os.fork()
            if not pid:
                child(json.loads(line))
            running.add(pid)
            print(pid, flush=True)
        for pid in list(running):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                running.remove(pid)
                print(pid, os.waitstatus_to_exitcode(status), flush=True)


def child(command):
    for number, path in ((1, command["out"]), (2, command["err"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(command["cwd"])
    # A background job's children would ignore the one, those of nohup the other.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sys.argv = ["kerasforecast", *command["arguments"]]
    for kind, number in command["faults"].items():
        if kind == "memory":
            exhaust_memory(number)
        else:
            disk_fault(kind, number, command["steps"])
    from kerasforecast_cli.__main__ import main as program

    try:
        program()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code)
    except BaseException:
        import traceback

        traceback.print_exc()
    os._exit(70)


def disk_fault(kind, number, counted):
    """`kill` this process at its n-th step on the disk, in a write when half is done; or have the disk `full` from
    the n-th on; or `count` the steps in a file.
    """
    from kerasforecast.runtime import files

    steps = 0

    def step(name, half=lambda: None):
        nonlocal steps
        steps += 1
        if kind == "count":
            with open(counted, "a") as file:
                file.write(name + "\n")
        elif kind == "full" and steps >= number and name in ("write", "fsync", "mkdir"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        elif kind == "kill" and steps == number:
            half()
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(name):
        real = getattr(os, name)

        def call(*args, **kwargs):
            step(name)
            return real(*args, **kwargs)

        return call

    real_write = files._write

    def write(handle, data):
        step("write", lambda: os.write(handle, data[: len(data) // 2]))
        real_write(handle, data)

    files._write = write
    for name in ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir"):
        setattr(os, name, watched(name))


def exhaust_memory(times):
    """Have the first `times` trainings ask their backend for more memory than there is."""
    from kerasforecast_cli import progress

    left = times
    real = progress.Progress.start

    def start(self, *args):
        nonlocal left
        real(self, *args)
        if left:
            left -= 1
            import keras

            keras.ops.convert_to_numpy(keras.ops.ones((2**46,)))

    progress.Progress.start = start


if __name__ == "__main__":
    main()
