"""`kerasforecast serve --watch --retrain`: a model that its outcomes call stale is trained on, and goes if that helps.

The training is `fit --update` with `--require-better`, in a process of its own: requests are answered meanwhile.
Where the new model is better on rows that neither has learned from, its file takes the place of the old one, which the
server then exchanges as it does any newer file; else the old one serves on.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from kerasforecast.errors import DataError, OptionError, printable
from kerasforecast.metrics.significance import ALPHA
from kerasforecast.serving.limits import Refused
from kerasforecast.serving.outcomes import panel_of_rows, read_rows
from kerasforecast.serving.signs import FEWEST

if TYPE_CHECKING:
    from kerasforecast.serving.outcomes import Outcomes
    from kerasforecast.serving.shelf import Served, Shelf

LOG = logging.getLogger("kerasforecast.serving")
_LONGEST = 6 * 3_600  # seconds of a training
_NOT_BETTER = 4  # exit code of a child whose model is not


class Retraining:
    """Looks at drift where outcomes came, and trains where it says so; one model at a time.

    Args:
        shelf: The models.
        outcomes: What drift is judged by.

    Attributes:
        told: What became of the last training, by model; `"running"` while one is.

    Raises:
        OptionError: A model is no `.keras` file: an exported one cannot be trained.
    """

    def __init__(self, shelf: Shelf, outcomes: Outcomes) -> None:
        other = [each.file.name for each in shelf.served.values() if not _trainable(each)]
        if other:
            raise OptionError(
                f"--retrain needs .keras files of networks; others cannot be trained. Received: {other[0]}."
            )
        self._shelf, self._outcomes = shelf, outcomes
        self._tried: dict[str, int] = {}
        self._ended = Event()
        self._child: subprocess.Popen[str] | None = None
        self.told: dict[str, str] = {}

    def look(self) -> None:
        """Train those models whose drift says so, by more outcomes than when they were last trained."""
        for served in list(self._shelf.served.values()):
            count = self._outcomes.count(served.name)
            if self._ended.is_set() or count < self._tried.get(served.name, 0) + FEWEST:
                continue
            try:
                found = self._outcomes.drift(served)
            except (DataError, Refused):
                continue  # too few rows yet
            if found.status == "retrain" and _trainable(served):
                self._tried[served.name] = count
                self.told[served.name] = "running"
                LOG.info("%s is trained on: %s", served.name, found.why[0])
                self.told[served.name] = self._trained(served)
                LOG.info("%s: %s", served.name, self.told[served.name])

    def end(self) -> None:
        """End a training that runs; nothing of it stays."""
        self._ended.set()
        if self._child is not None:
            self._child.terminate()

    def _trained(self, served: Served) -> str:
        rows = self._outcomes.with_training_rows(served)
        with tempfile.TemporaryDirectory(prefix=".kerasforecast.", dir=served.file.parent) as folder:
            table = Path(folder) / "rows.csv"
            rows.to_csv(table, index=False)  # with all digits of each number
            command = [sys.executable, "-m", __name__, str(served.file), str(table), folder]
            with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            ) as self._child:
                try:
                    said, _ = self._child.communicate(timeout=_LONGEST)
                except subprocess.TimeoutExpired:
                    self._child.kill()
                    return f"training took longer than {_LONGEST:,} s, and was ended"
            last = printable((said.strip().splitlines() or ["nothing"])[-1])
            if self._child.returncode == _NOT_BETTER:
                return f"the old one serves on: {last}"
            if self._child.returncode:
                return f"training failed: {last}" if not self._ended.is_set() else "training was ended"
            (Path(folder) / served.file.name).replace(served.file)
            return f"exchanged for a better one: {last}"


def update(file: Path, table: Path, folder: Path) -> str:
    """Train the model in `file` on with `rows`, and write it into `folder` where it is better.

    Args:
        file: A `.keras` file.
        table: What `kerasforecast.serving.outcomes.Outcomes.with_training_rows` gives, as a CSV file.
        folder: To write in.

    Returns:
        How it compares, in a few words.

    Raises:
        SkillError: It is not better.
    """
    from kerasforecast.api.fit import fit
    from kerasforecast.api.loading import load

    model = load(file)
    child = fit(
        panel_of_rows(model, read_rows(model, table)),
        update=file,
        require_better=ALPHA,
        name=file.stem,
        output_dir=folder,
        progress=False,
    )
    lineage = child.manifest.lineage
    if lineage is None or lineage.test is None:
        raise ValueError("A child of an update has its parent's test.")
    lineage.require_better()
    return lineage.test.text


def _trainable(served: Served) -> bool:
    return served.file.suffix == ".keras" and served.model.manifest.in_graph


def _main(file: str, table: str, folder: str) -> int:
    from kerasforecast.errors import KerasForecastError, SkillError, flags_wanted
    from kerasforecast.runtime.backend import process_is_ours

    process_is_ours()
    try:
        with flags_wanted():
            said, code = update(Path(file), Path(table), Path(folder)), 0
    except SkillError as error:
        said, code = str(error), _NOT_BETTER
    except KerasForecastError as error:
        said, code = str(error), 1
    sys.stdout.write(f"{said}\n")
    return code


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
