"""What a manifest says of how `--model auto` chose its members: everything that was tried, and what it was worth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kerasforecast.artifact.records import Count, Record, Share, Text
from kerasforecast.models.families.classical import TITLES

Score = Annotated[float, Field(ge=0)]


def judging_windows(windows: int, blocks: int, *, longer: bool) -> str:
    """Windows that choose, in a few words; arguments as `Selection` has them."""
    where = "validation and the end of training" if longer else "validation"
    return f"{windows:,} window{'' if windows == 1 else 's'} of {where} in {blocks} block{'' if blocks == 1 else 's'}"


class Tried(Record):
    """A network that was tried.

    Attributes:
        model: Its family.
        words: What it is, in a few words.
        window: Rows of history that it sees.
        scaling: How these become what it sees, in a few words.
        steps: Of the optimizer, that it was trained for.
        mase: Mean absolute error on the windows of validation that chose, in units of the seasonal naive one of
            training; `None` where it has none.
        crps: Its CRPS there, in the same units, its intervals from its errors in the other blocks.
        weight: Its share of the forecast.
        seconds: Its training took.
        note: Why it was dropped, if it was.
    """

    model: Text
    words: Text
    window: Count
    scaling: Text
    steps: Count
    mase: Score | None = None
    crps: Score | None = None
    weight: Share = 0.0
    seconds: float = Field(0.0, ge=0)
    note: Text = ""


class Beside(Record):
    """A model of no networks that was asked for by name, on the same windows.

    Attributes:
        name: Its name, as `--baselines` has it.
        mase: As of `Tried`.
        crps: As of `Tried`.
    """

    name: Text
    mase: Score
    crps: Score

    @property
    def loss(self) -> float:
        """What is chosen by."""
        return self.mase + self.crps

    @property
    def shown(self) -> str:
        """Its name in a sentence about networks, among which there are a `theta` and a `linear` too."""
        return f"baseline {self.name}"


class Selection(Record):
    """How the members of a model were chosen.

    Attributes:
        tried: Every network that was tried, the best first.
        mase: Of the weighted mean of the networks on the windows that chose, in each block with the shares that the
            other blocks chose: what stands beside it had nothing to choose.
        crps: The same.
        windows: Windows of validation that chose.
        blocks: Consecutive blocks that they lie in.
        longer: Whether rows of training before validation chose too, where that is short.
        steps: Of the optimizer, in all.
        seconds: It took.
        text: What was decided, in a sentence.
        beside: Models of no networks on the same windows, the best first.
    """

    tried: tuple[Tried, ...] = Field(min_length=1, max_length=200)
    mase: Score
    crps: Score
    windows: Count
    blocks: Count
    longer: bool = False
    steps: Count
    seconds: float = Field(ge=0)
    text: Text = ""
    beside: tuple[Beside, ...] = Field((), max_length=20)

    @property
    def judged(self) -> str:
        """The windows that chose, in a few words."""
        return judging_windows(self.windows, self.blocks, longer=self.longer)

    @property
    def beaten(self) -> bool:
        """Whether one of these is better where networks were chosen."""
        return bool(self.beside) and self._beats(self.beside[0])

    @property
    def served(self) -> str | None:
        """The best of these that can leave in the place of the networks, where it is better than they."""
        return next((each.name for each in self.beside if each.name in TITLES and self._beats(each)), None)

    def _beats(self, each: Beside) -> bool:
        return each.loss < self.mase + self.crps

    @property
    def beside_line(self) -> str | None:
        """How the best of these does where networks were chosen; `None` where there is none."""
        if not self.beside:
            return None
        best, scores = self.beside[0], [f"MASE {each.mase:.3f}, CRPS {each.crps:.3f}" for each in self.beside]
        if not self.beaten:
            return f"Beside it there, {best.shown}: {scores[0]}."
        found = f"There {best.shown} is better ({scores[0]})"
        if self.served is None:
            return f"{found}, and no file can hold it."
        leaves = "it is the model, in their place"
        if self.served != best.name:
            shown, own = next(
                (each.shown, score) for score, each in zip(scores, self.beside, strict=True) if each.name == self.served
            )
            leaves = f"no file can hold it. The {shown} is too ({own}), and is the model, in their place"
        return f"{found}: {leaves}. Every forecast fits it anew, which needs the extra baselines."
