"""One name, several fits at once: one whole winner, and one clear line for the others."""

import signal

from kerasforecast.runtime.locks import locked
from tests.reliability.fits import FIT, check_whole, weights_of


def test_fits_of_one_name_at_once(launcher, tmp_path, reference, cases):
    for round_number in range(cases(1, 20)):
        folder = tmp_path / str(round_number)
        folder.mkdir()
        fits = [launcher.start(folder, *FIT, "--name", "acme") for _ in range(cases(4, 8))]
        ends = [fit.wait() for fit in fits]
        assert {code for code, _ in ends} <= {0, 1}, ends
        assert sum(code == 0 for code, _ in ends) >= 1
        for code, said in ends:
            if code == 1:
                assert said.rstrip().splitlines()[-1].startswith("error: saved_models/acme: one process at a time"), (
                    said
                )
        check_whole(folder)
        assert weights_of(folder / "saved_models" / "acme.keras") == reference[0]
        assert sorted(path.name for path in (folder / "saved_models").rglob("*")) == [
            *("acme", "acme.keras", "forecast.csv", "history.csv", "metrics.json", "report.html", "test_forecasts.csv")
        ]


def test_the_lock_of_a_dead_process_is_free(launcher, tmp_path):
    fit = launcher.start(tmp_path, *FIT, "--name", "acme")
    lock = tmp_path / "saved_models" / "acme" / ".lock"
    assert fit.until(lock.exists), fit.said
    fit.send(signal.SIGKILL)
    fit.wait()
    assert lock.exists()
    with locked(lock.parent):
        pass
    assert not lock.exists()
