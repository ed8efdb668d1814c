"""Threads that share work, kept from call to call: making them anew would cost a small array more than its work."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["popped", "share"]

#: Pieces of work for each thread: so many that one slow piece does not leave the others idle.
_PIECES = 8
#: Seconds between two calls of what a waiting caller does.
_IDLE = 0.01
#: More threads than any call is worth; each is made when it is needed first.
_MOST_THREADS = 256

_Result = TypeVar("_Result")
_Piece = TypeVar("_Piece")
_helpers: list[ThreadPoolExecutor] = []


def share(
    do: Callable[[int, int], _Result],
    items: int,
    workers: int,
    *,
    most: int | None = None,
    halt: Callable[[], None] = lambda: None,
    idle: Callable[[], None] | None = None,
) -> list[_Result]:
    """``do(start, stop)`` for all of ``items``, by the calling thread and ``workers - 1`` helpers.

    Helpers see the caller's context variables, such as NumPy's error states.

    Parameters
    ----------
    do
        Works on the items in [start, stop), in any order and at once with others.
    items, workers
        With one worker, ``do`` is called for all items at once, or for ``most`` of them.
    most
        Items of one call; default: as many as divide the work well.
    halt
        Called when a piece failed or Ctrl-C was pressed, before the other threads' pieces are waited for.
    idle
        Called now and again by a caller that has nothing left to do but to wait for the others; what it raises is an error
        as that of a piece.

    Returns
    -------
    list
        What ``do`` returned, in the order of the items; an exception of any piece is raised when no thread works any more.
    """
    if not items:
        return []
    threads = max(1, min(workers, items))
    edges = [0, items] if threads == 1 and items <= (most or items) else _edges(items, threads, most)
    if threads == 1:
        return [do(start, stop) for start, stop in pairwise(edges)]
    todo, results = deque(enumerate(pairwise(edges))), {}
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for piece, (start, stop) in popped(todo):
                results[piece] = do(start, stop)
        except BaseException as error:
            end(error)

    def end(error: BaseException) -> None:
        errors.append(error)
        todo.clear()  # after an error there is nothing left to do
        halt()

    helping = [_pool().submit(copy_context().run, work) for _ in range(threads - 1)]
    try:
        work()
        _end(helping, idle)
    except BaseException as error:  # Ctrl-C outside a piece
        end(error)
        _end(helping)
    if errors:
        raise errors[0]
    return [results[piece] for piece in range(len(edges) - 1)]


def popped(todo: deque[_Piece]) -> Iterator[_Piece]:
    """What is to be done, from the front, until other threads or an error have taken the rest."""
    while True:
        try:
            piece = todo.popleft()
        except IndexError:
            return
        yield piece


def _edges(items: int, threads: int, most: int | None) -> list[int]:
    """Where pieces of the items begin and end."""
    pieces = min(items, max(_PIECES * threads if threads > 1 else 1, -(-items // (most or items))))
    return [items * i // pieces for i in range(pieces + 1)]


def _end(helping: list[Future[None]], idle: Callable[[], None] | None = None) -> None:
    """Wait until no thread works any more: only then may the caller touch what they worked on."""
    for future in helping:
        future.cancel()
    while wait(helping, None if idle is None else _IDLE).not_done:
        if idle is not None:
            idle()


def _pool() -> ThreadPoolExecutor:
    if not _helpers:
        _helpers.append(ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="cdt-kernel"))
    return _helpers[0]


# A forked process has none of its parent's threads.
os.register_at_fork(after_in_child=_helpers.clear)
