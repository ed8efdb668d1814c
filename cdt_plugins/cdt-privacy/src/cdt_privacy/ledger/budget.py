"""The ledger of a dataset: check, then commit, then release."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import field, frozen

from cdt_core.errors import BudgetError, PrivacyError
from cdt_core.governance.linked import LinkedFile, Wording
from cdt_privacy.accounting.account import Account, account, quick_epsilon, require_delta
from cdt_privacy.accounting.mechanism import Mechanism, from_json, to_json
from cdt_privacy.accounting.neighbours import Neighbours

__all__ = ["Budget", "Ledger", "Reservation"]

_FORMAT = "cdt-privacy-ledger"
_VERSION = 1

_WORDING = Wording(
    error=PrivacyError,
    name="ledger",
    exists="a budget is set once; open it with Ledger.open",
    absent="Ledger.create makes one",
    unwritten="nothing may be released",
)

#: Relative excess over the budget that is rounding: three releases of 0.1 come to 0.30000000000000004.
_ROUNDING = 1e-9

_Value = TypeVar("_Value")


@frozen
class Budget:
    """What all releases of a dataset together may cost, and whom that protects.

    Examples
    --------
    >>> Budget(0.9, 1e-6, Neighbours.REPLACE_ONE).neighbours.reach
    2
    """

    epsilon: float = field()
    delta: float = field()
    neighbours: Neighbours = Neighbours.ADD_OR_REMOVE

    def __attrs_post_init__(self) -> None:
        require_delta(self.delta)
        if (
            isinstance(self.epsilon, bool)
            or not isinstance(self.epsilon, int | float)
            or not 0 < self.epsilon <= sys.float_info.max
        ):
            raise PrivacyError(f"the budget's epsilon is {self.epsilon!r}; it must be above 0 and finite")
        if not isinstance(self.neighbours, Neighbours):
            raise PrivacyError(f"the budget's neighbours are {self.neighbours!r}; give a Neighbours")


class Reservation:
    """A release that fits and was written down. It counts as spent until :meth:`cancel`, whatever happens to this process."""

    def __init__(self, ledger: Ledger, sequence: int, mechanism: Mechanism) -> None:
        self.sequence = sequence
        self.mechanism = mechanism
        self._ledger = ledger

    def commit(self) -> None:
        """Say that the release is about to be made; call it before anybody sees a result."""
        self._ledger._settle(self.sequence, "commit")

    def cancel(self) -> None:
        """Give the budget back. Only where nothing that depends on the data was seen by anybody: that is yours to know."""
        self._ledger._settle(self.sequence, "cancel")


class Ledger:
    """The privacy budget of one dataset, in one file that only grows.

    Every release is reserved first: refused when all that was spent and it would exceed the budget, else on the disk before
    this returns. It is committed before its result leaves. A crash in between leaves it spent, which is the safe side. Opening
    verifies every line and refuses a file that was changed, cut or reordered. One process at a time holds it.

    Make one with :meth:`create` or :meth:`open`; close it, or use it in a ``with`` statement. Threads may share it.

    Examples
    --------
    >>> import tempfile
    >>> from cdt_privacy.accounting import Gaussian
    >>> path = Path(tempfile.mkdtemp()) / "cohort.ledger"
    >>> with Ledger.create(path, "cohort", Budget(0.9, 1e-6)) as ledger:
    ...     mean = ledger.release(Gaussian(10.0), lambda: 0.5, "mean age")
    ...     round(ledger.epsilon_spent, 3)
    0.397
    >>> with Ledger.open(path) as ledger:
    ...     try:
    ...         ledger.reserve(Gaussian(5.0), "mean weight")
    ...     except BudgetError as error:
    ...         print(str(error)[:63])
    mean weight: with it epsilon would be 0.9405 at delta 1e-06, an
    """

    def __init__(self, file: LinkedFile) -> None:
        """Of a file that is open: :meth:`create` and :meth:`open` give one."""
        self._file = file
        self._mutex = threading.RLock()
        self._states: dict[int, str] = {}
        self._mechanisms: dict[int, Mechanism] = {}
        lines = file.lines()
        self.dataset, self.budget = _header(next(lines).entry, file.path)
        for line in lines:
            self._apply(line.sequence, line.entry)

    @classmethod
    def create(cls, path: str | os.PathLike[str], dataset: str, budget: Budget) -> Ledger:
        """Set a dataset's budget, once.

        Raises
        ------
        PrivacyError
            The file exists, or cannot be made.
        """
        if not isinstance(budget, Budget):
            raise PrivacyError(f"{budget!r} is no budget of a ledger; give a cdt_privacy.ledger.Budget")
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "dataset": str(dataset),
            "epsilon": float(budget.epsilon),
            "delta": float(budget.delta),
            "neighbours": budget.neighbours.value,
        }
        return cls(LinkedFile.create(Path(path), header, _WORDING))

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, head: str | None = None) -> Ledger:
        """Go on with a dataset's ledger.

        Parameters
        ----------
        path
            The file.
        head
            A :attr:`head` that was kept elsewhere: this ledger must have had it once. Finds a file that was rewritten as a
            whole, or that was replaced together with its head by an older copy.

        Raises
        ------
        PrivacyError
            It was changed, cut or reordered, lacks ``head``, or is open in another process.
        """
        file = LinkedFile.open(Path(path), _WORDING)
        try:
            if head is not None and all(line.digest != head for line in file.lines()):
                raise PrivacyError(f"the ledger {path} never had the head {head[:16]}...; an older copy, or rewritten")
            return cls(file)
        except BaseException:
            file.close()
            raise

    def reserve(self, mechanism: Mechanism, purpose: str = "") -> Reservation:
        """Set budget aside for one release, before anything is computed.

        Raises
        ------
        BudgetError
            It would exceed the budget; nothing was written, and nothing may be computed.
        PrivacyError
            It is no mechanism that could be read again, the purpose is too long, or the ledger was closed.
        """
        with self._mutex:
            self._require_within([*self.mechanisms, mechanism], purpose or "this release")
            plain = to_json(mechanism)
            if from_json(plain) != mechanism:
                raise PrivacyError(f"{mechanism!r} is not what would be read again; give a mechanism of this package")
            sequence = self._write({"kind": "reserve", "mechanism": plain, "purpose": str(purpose)})
            return Reservation(self, sequence, mechanism)

    def release(self, mechanism: Mechanism, compute: Callable[[], _Value], purpose: str = "") -> _Value:
        """Reserve, compute, commit, and only then give the result. When ``compute`` fails, its cost stays spent."""
        reservation = self.reserve(mechanism, purpose)
        result = compute()
        reservation.commit()
        return result

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """All that counts as spent: committed, and reserved without having been cancelled."""
        with self._mutex:
            return tuple(
                mechanism for sequence, mechanism in self._mechanisms.items() if self._states[sequence] != "cancel"
            )

    @property
    def open_reservations(self) -> tuple[Reservation, ...]:
        """Reserved and neither committed nor cancelled: releases under way, or cut off by a crash."""
        with self._mutex:
            return tuple(
                Reservation(self, sequence, mechanism)
                for sequence, mechanism in self._mechanisms.items()
                if self._states[sequence] == "reserve"
            )

    def account(self) -> Account:
        """What was spent, with its bounds (see :func:`cdt_privacy.accounting.account`)."""
        return account(self.mechanisms, self.budget.delta, self.budget.neighbours)

    @property
    def epsilon_spent(self) -> float:
        """Epsilon of all that was spent, at the budget's delta."""
        return self.account().epsilon

    @property
    def head(self) -> str:
        """Digest that stands for the whole ledger as it is now; keep it elsewhere and give it to :meth:`open`."""
        return self._file.head

    def close(self) -> None:
        """Let others open it."""
        with self._mutex:
            self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require_within(self, mechanisms: list[Mechanism], purpose: str) -> None:
        """Renyi divergences first: they cost a millisecond, and what they allow the exact figure allows."""
        budget, most = self.budget, self.budget.epsilon * (1 + _ROUNDING)
        if quick_epsilon(mechanisms, budget.delta, budget.neighbours) <= most:
            return
        with_it = account(mechanisms, budget.delta, budget.neighbours).epsilon
        if with_it <= most:
            return
        raise BudgetError(
            f"{purpose}: with it epsilon would be {with_it:.4g} at delta {budget.delta:g}, and the budget of "
            f"{self.dataset!r} is {budget.epsilon:g} ({self.epsilon_spent:.4g} spent so far); use more noise, or ask for less"
        )

    def _settle(self, sequence: int, kind: str) -> None:
        with self._mutex:
            if self._states[sequence] != "reserve":
                raise PrivacyError(
                    f"reservation {sequence} of {self.dataset!r} was settled before ({self._states[sequence]})"
                )
            self._write({"kind": kind, "reservation": sequence})

    def _write(self, entry: Mapping[str, Any]) -> int:
        """Add an entry; returns its number. An interrupt closes the ledger, for what counts is then what the disk has."""
        sequence = self._file.count
        try:
            self._file.append(entry)
            self._apply(sequence, entry)
        except PrivacyError:
            raise  # of what could not be kept nothing was written; of what could not be written the file is closed
        except BaseException:
            self._file.close()
            raise
        return sequence

    def _apply(self, sequence: int, entry: Mapping[str, Any]) -> None:
        kind, settled = entry.get("kind"), entry.get("reservation")
        if kind == "reserve":
            self._mechanisms[sequence] = from_json(entry.get("mechanism"))
            self._states[sequence] = "reserve"
        elif kind in ("commit", "cancel") and type(settled) is int and self._states.get(settled) == "reserve":
            self._states[settled] = kind
        else:
            raise PrivacyError(
                f"{self._file.path}, line {sequence + 1}: {kind!r} makes no sense there; written by another version?"
            )


def _header(first: Mapping[str, Any], path: Path) -> tuple[str, Budget]:
    if first.get("format") != _FORMAT or first.get("version") != _VERSION:
        raise PrivacyError(f"{path} is no privacy ledger of version {_VERSION}")
    try:
        return str(first["dataset"]), Budget(first["epsilon"], first["delta"], Neighbours(first["neighbours"]))
    except (KeyError, ValueError) as error:
        raise PrivacyError(f"{path}: its first line states no budget: {error}") from error
