"""How an analysis is run: its questions go to every site, and what comes back is merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Table
from cdt_federated.statistics.summary import Analysis, State, Summary, Sums

__all__ = ["Ask", "answer", "ask_all", "run"]

#: Asks all sites and gives the merged state: whatever carries it, in this process, by rounds, or by secure sums.
Ask = Callable[[Summary], State]
#: Vectors of all sites by name -> their sum.
Total = Callable[[Mapping[str, NDArray[np.float64]]], NDArray[np.float64]]

_Found = TypeVar("_Found")


def run(analysis: Analysis[_Found], ask: Ask | Mapping[str, Table]) -> _Found:
    """Run an analysis over all sites.

    Parameters
    ----------
    analysis
        Such as :class:`~cdt_federated.statistics.moments.Moments`.
    ask
        What asks all sites; or their tables by name, which are then asked in this process.

    Raises
    ------
    FederatedError
        A site cannot answer (which is named), or the answers have no such result.

    Examples
    --------
    >>> from cdt_federated.statistics import Moments, run
    >>> sites = {"north": {"age": [41.0, 52.0]}, "south": {"age": [60.0]}}
    >>> run(Moments(["age"]), sites).mean
    array([51.])
    """
    asked = ask if callable(ask) else ask_all(ask)
    steps = analysis.steps()
    question = next(steps)
    while True:
        try:
            question = steps.send(asked(question))
        except StopIteration as end:
            found: _Found = end.value
            return found


def answer(question: Summary, table: Table, *, min_rows: int = 1) -> State:
    """What one site says to a question.

    Parameters
    ----------
    question, table
        What is asked, and the site's own columns.
    min_rows
        With fewer rows, but more than none, nothing is said: sums over few people tell too much of each.

    Raises
    ------
    FederatedError
        The site has too few rows, or its table does not hold what is asked for.
    """
    state = question.update(question.start(), table)
    rows = state.get("rows", min_rows)
    if 0 < rows < min_rows:
        raise FederatedError(f"{rows} rows, and at least {min_rows} are needed before anything is said of them")
    return state


def ask_all(sites: Mapping[str, Table], *, min_rows: int = 1, total: Total | None = None) -> Ask:
    """Ask sites whose tables are in this process.

    Parameters
    ----------
    sites
        Name -> table.
    min_rows
        As for :func:`answer`.
    total
        Adds the sites' vectors, as a secure sum does; the state is then known only as their total. Questions that are no sums
        are refused. Default: states are merged.

    Raises
    ------
    FederatedError
        There are no sites. Of the function that is returned: a site cannot answer, or sums alone do not answer the question.
    """
    if not isinstance(sites, Mapping) or not sites:
        raise FederatedError("there are no sites to ask; give at least one table by the name of its site")

    def ask(question: Summary) -> State:
        if total is not None and not isinstance(question, Sums):
            raise FederatedError(
                f"{type(question).__name__} is not a vector of sums, which is all that is carried here"
            )
        states = {name: _named(name, question, table, min_rows) for name, table in sites.items()}
        if total is not None and isinstance(question, Sums):
            return question.from_vector(total({name: question.vector(state) for name, state in states.items()}))
        merged = question.start()
        for state in states.values():
            merged = question.merge(merged, state)
        return merged

    return ask


def _named(site: str, question: Summary, table: Table, min_rows: int) -> State:
    try:
        return answer(question, table, min_rows=min_rows)
    except FederatedError as error:
        raise FederatedError(f"site {site!r}: {error}") from error
