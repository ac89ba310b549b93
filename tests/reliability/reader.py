"""Run as a program: reads the model files named on standard input, watched, and says of each what happened.

A file may take 5 seconds of the processor and 1 GiB. Whatever opens another file, starts a process or a socket, or
imports or runs code while a model file is read is an offence, and ends the program with its name. With the argument
`build`, files in order are rebuilt by Keras and proved by their golden batch too.
"""

import codecs
import faulthandler
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

from kerasforecast.artifact.reader import read
from kerasforecast.errors import KerasForecastError

SECONDS = 5
OFFENCES = (
    "subprocess.",
    "socket.",
    "os.",
    "shutil.",
    "tempfile.",
    "pickle.",
    "marshal.",
    "ctypes.",
    "urllib.",
    "ftplib.",
)
HARMLESS = {"os.listdir", "os.scandir", "marshal.loads", "ctypes.dlsym"}  # by the import system and by JAX themselves
ROOT = Path(__file__).parents[2]
# What Keras and a backend's compiler open whatever they build: their own code and caches.
OWN = (sys.prefix, sys.base_prefix, str(ROOT), "/proc/", "/sys/", "/usr/", os.environ.get("HOME_OF_CACHES", "/usr/"))
reading = None
building = sys.argv[1:] == ["build"]


def watch(event, arguments):
    if reading is None:
        return
    if event == "open":
        path = str(arguments[0])
        offence = path != reading and not (building and path.startswith(OWN))
    else:
        offence = event.startswith(OFFENCES) and not (building and event in HARMLESS)
        offence |= not building and event in ("import", "exec", "compile")
    if offence:
        os.write(2, f"OFFENCE {event} {arguments!r} while reading {reading}\n".encode()[:2000])
        os._exit(99)


def outcome(path):
    global reading
    started = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS + 55 * building)  # a compiler may be slow; what comes before, not
    reading = path
    try:
        manifest, weights = read(Path(path))
        result = {"accepted": True}
        if building:
            from kerasforecast.api.loading import proven

            proven(Path(path), manifest, weights)
    except KerasForecastError as error:
        result = {"accepted": False, "code": error.exit_code, "line": str(error)}
    finally:
        reading = None
        signal.setitimer(signal.ITIMER_PROF, 0)
    return {**result, "path": path, "seconds": time.process_time() - started}


def main():
    faulthandler.enable()
    sys.addaudithook(watch)
    if building:
        from kerasforecast.runtime.backend import activate, load_quietly

        activate()
        load_quietly()
        import keras

        keras.layers.serialize(keras.layers.Dense(1))  # for which Keras loads TensorFlow, where that is installed too
        from kerasforecast.api.loading import proven

        good = ROOT / "saved_models" / "golden.keras"
        proven(good, *read(good))  # loads what is loaded at first use
    else:
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + 2**30, size + 2**30))
    for codec in ("cp437", "unicode_escape"):  # for odd names; their tables would be opened at first use
        codecs.lookup(codec)
    before = peak()
    for line in sys.stdin:
        print(json.dumps(outcome(line.strip())), flush=True)
    print(json.dumps({"peak": peak(), "more": peak() - before}), flush=True)


def peak():
    """Bytes at most in use so far; `getrusage` would count those of the parent at the time of the fork."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main()
