"""A stranger's or a damaged model file is refused in one line, soon, in little memory, and does nothing."""

import json
import os
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

from kerasforecast.runtime.backend import installed
from kerasforecast.runtime.files import cache_folder
from tests.reliability import hostile, hostile_roles, largest

GIBIBYTE = 2**30
needs_backend = pytest.mark.skipif(not installed(), reason="rebuilds networks")


def outcomes(folder, files, *mode):
    """What the watched reader says of each of `files`, `{name: bytes}`; a crash, a hang or an offence is named."""
    paths = {}
    for number, (name, data) in enumerate(files.items()):
        paths[name] = folder / f"{number}.keras"
        paths[name].write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.reader", *mode],
        input="\n".join(map(str, paths.values())),
        env={**os.environ, "HOME_OF_CACHES": os.environ.get("JAX_COMPILATION_CACHE_DIR", str(cache_folder()))},
        capture_output=True,
        text=True,
        timeout=3_600,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    reached = list(paths)[min(len(lines), len(paths) - 1)]
    assert done.returncode == 0, f"{reached}: exit {done.returncode}: {done.stderr[-2000:]}"
    taken = lines[-1]["more" if mode else "peak"]  # a backend takes some of its own
    assert taken < GIBIBYTE
    for path in paths.values():
        path.unlink()
    return dict(zip(paths, lines[:-1], strict=True)), taken


def check_refused(name, outcome):
    assert not outcome["accepted"], f"{name} was accepted"
    check_line(name, outcome)


def check_line(name, outcome):
    assert outcome["code"] == 2, (name, outcome)
    assert outcome["line"].isprintable(), (name, outcome)
    assert len(outcome["line"]) < 1_000, (name, outcome)
    assert outcome["seconds"] < 5, (name, outcome)


def in_batches(numbers, size=250):
    numbers = list(numbers)
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def test_the_good_file_is_good(tmp_path):
    found, _ = outcomes(tmp_path, {"good": hostile.GOOD, "repacked": hostile.forged()})
    assert all(outcome["accepted"] for outcome in found.values())


def test_every_single_bit_counts(cases, tmp_path, record_property):
    slowest = 0.0
    for batch in in_batches(range(cases(100, 1_000))):
        found, _ = outcomes(tmp_path, {f"bit flip {number}": hostile.bit_flip(number) for number in batch})
        for name, outcome in found.items():
            check_refused(name, outcome)
            slowest = max(slowest, outcome["seconds"])
    record_property("slowest", slowest)


def test_mutated_files_are_refused_or_mean_another_sound_model(cases, tmp_path, record_property, capsys):
    """Of a forger's files, whose hashes are right, those may pass that another training could have written."""
    figures, passed, slowest, largest = {}, {}, 0.0, 0
    for batch in in_batches(range(cases(120, 5_000))):
        made = {number: hostile.mutation(number) for number in batch}
        found, peak = outcomes(tmp_path, {f"mutation {number}": data for number, (_, data) in made.items()})
        largest = max(largest, peak)
        for (number, (kind, data)), (name, outcome) in zip(made.items(), found.items(), strict=True):
            figures[kind, outcome["accepted"]] = figures.get((kind, outcome["accepted"]), 0) + 1
            slowest = max(slowest, outcome["seconds"])
            if not outcome["accepted"]:
                check_line(name, outcome)
            else:
                assert kind in ("json", "hdf5"), f"{name} was accepted"
                passed[f"mutation {number}"] = data
    with capsys.disabled():
        print(f"\n{figures}, slowest {slowest:.3f} s, peak {largest / 2**20:.0f} MiB")
    if installed() and passed:
        proved, _ = outcomes(tmp_path, passed, "build")
        for name, outcome in proved.items():
            if not outcome["accepted"]:
                assert outcome["code"] == 2, (name, outcome)
                assert outcome["line"].isprintable()
        with capsys.disabled():
            count = sum(outcome["accepted"] for outcome in proved.values())
            print(f"rebuilt by Keras: {len(proved)}, of them {count} sound")


def test_hand_made_files_are_refused(tmp_path):
    found, _ = outcomes(tmp_path, hostile.hand_made())
    for name, outcome in found.items():
        check_refused(name, outcome)


def test_files_with_columns_of_every_role_are_refused_where_they_contradict_themselves(cases, tmp_path):
    """Counts, names, categories, scales, features of dates, golden windows, inputs."""
    found, _ = outcomes(tmp_path, hostile_roles.hand_made())
    for name, outcome in found.items():
        check_refused(name, outcome)
    mutated = {f"mutation {number}": hostile_roles.mutation(number) for number in range(cases(40, 5_000))}
    found, _ = outcomes(tmp_path, {"good": hostile_roles.GOOD, **mutated})
    assert found.pop("good")["accepted"]
    passed = {name: mutated[name] for name, outcome in found.items() if outcome["accepted"]}
    for name, outcome in found.items():
        if not outcome["accepted"]:
            check_line(name, outcome)
    if installed():
        proved, _ = outcomes(tmp_path, {"good": hostile_roles.GOOD, **hostile_roles.altered(), **passed}, "build")
        assert proved.pop("good")["accepted"]
        for name in hostile_roles.altered():
            assert "golden batch" in proved[name]["line"], name
            check_refused(name, proved[name])
        for name, outcome in proved.items():
            assert outcome["accepted"] or outcome["line"].isprintable(), (name, outcome)


@pytest.mark.parametrize("name", ["lambda code", "a million wrong values", "zip bomb", "shape bomb", "no manifest"])
def test_the_command_refuses_in_one_line_with_exit_2(name, tmp_path):
    refused_by_command(name, hostile.hand_made()[name], tmp_path)


def test_the_command_refuses_every_hand_made_file(soak, tmp_path):
    if not soak:
        pytest.skip("each starts a program; the few above do for the short form")
    for name, data in hostile.hand_made().items():
        refused_by_command(name, data, tmp_path)


# What a process held includes what it was before it became another program: a copy of the one that started it.
MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def refused_by_command(name, data, folder):
    path = folder / "model.keras"
    path.write_bytes(data)
    program = [sys.executable, "-m", "kerasforecast_cli", "inspect", str(path)]
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", MEASURED, *program], capture_output=True, text=True)
    out, err = done.stdout, done.stderr
    assert done.returncode == 2, (name, err)
    assert out.strip().isdigit(), (name, out)  # the command itself has printed nothing
    assert err.startswith("error: "), (name, err)
    assert err.count("\n") == 1, (name, err)
    assert int(out) * 1024 < GIBIBYTE, name
    assert time.perf_counter() - started < 60, name  # most of it Python's start; the reader above counts the file's own
    assert os.listdir(folder) == ["model.keras"]


def test_a_file_beyond_the_limit_is_not_read(tmp_path):
    path = tmp_path / "huge.keras"
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole: no disk is used
    found = subprocess.run(
        [sys.executable, "-m", "tests.reliability.reader"], input=str(path), capture_output=True, text=True, timeout=60
    )
    outcome, peak = map(json.loads, found.stdout.splitlines())
    check_refused("huge", outcome)
    assert peak["peak"] < GIBIBYTE


def test_a_pipe_in_the_place_of_a_file_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    found = subprocess.run(
        [sys.executable, "-m", "tests.reliability.reader"],
        input=str(tmp_path / "pipe.keras"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    check_refused("pipe", json.loads(found.stdout.splitlines()[0]))


def test_networks_beyond_the_limits_are_refused_by_their_numbers(tmp_path):
    """Before Keras is loaded, and before anything of their size is made."""
    networks = {limit: largest.beyond(limit) for limit in largest.NETWORKS}
    files = {limit: largest.file_of(network, whole=False) for limit, network in networks.items() if network}
    found, _ = outcomes(tmp_path, files)
    for name, outcome in found.items():
        check_refused(name, outcome)
        assert "A network must have at most" in outcome["line"], name


@needs_backend
def test_the_largest_networks_are_rebuilt(tmp_path, soak):
    """Not for their answers, which are zeros, but for what they take; RESULTS.md has the times."""
    if not soak:
        pytest.skip("gigabytes, each in a process of its own; the limits are tested above")
    for limit, network in largest.NETWORKS.items():
        found, more = outcomes(tmp_path, {limit: largest.file_of(network)}, "build")
        assert found[limit]["code"] == 2
        assert "golden batch" in found[limit]["line"]
        print(f"\n{limit}: {found[limit]['seconds']:.2f} s of the processor, {more / 2**20:.0f} MiB", end="")


@needs_backend
def test_a_forged_weight_fails_the_golden_batch_and_a_renamed_model_passes(tmp_path):
    def louder(file):
        file[hostile.HEAD][...] = 2 * file[hostile.HEAD][()]

    def own(content):
        return content["members"][0]

    files = {
        "louder": hostile.with_hdf5(louder),
        "other golden": hostile.forged(manifest=lambda content: content["golden"].update(forecast=[[1.0]] * 2)),
        "infinite golden": hostile.forged(manifest=lambda content: content["golden"].update(forecast=[[3e38]] * 2)),
        "huge scale": hostile.forged(manifest=lambda content: own(content)["scaling"].update(scale=[1e30])),
        "renamed": hostile.forged(manifest=lambda content: content.update(name="<script>")),
    }
    found, _ = outcomes(tmp_path, files, "build")
    assert [name for name, outcome in found.items() if outcome["accepted"]] == ["renamed"]
    assert all("golden batch" in outcome["line"] for outcome in found.values() if not outcome["accepted"])


@needs_backend
@pytest.mark.parametrize("file", ["/etc/passwd", "-", "/dev/stdin", "/dev/zero"])
def test_a_stranger_s_model_names_no_device_and_reads_no_standard_input(file, tmp_path):
    """The data that a model was trained on is read again when none is given: only where it is a plain file."""

    def trained_on(content):
        content["config"]["data"]["file"] = file
        content["data"]["source"] = "file"

    path = tmp_path / "model.keras"
    path.write_bytes(hostile.forged(manifest=trained_on))
    result = CliRunner().invoke(cli, ["predict", str(path)], input="Date,Close\n2020-01-01,1\n")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
