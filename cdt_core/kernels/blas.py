"""BLAS on one thread: results that do not depend on how many cores a machine has, and no threads that wait for each other."""

from __future__ import annotations

import threading
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["on_one_blas_thread"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class _Limit:
    """Set while any call of any thread needs it; what was set before comes back after the last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls = 0
        self.controller: ThreadpoolController | None = None
        self.before: Any = None

    def enter(self) -> None:
        with self.lock:
            if not self.calls:
                self.controller = self.controller or ThreadpoolController()
                self.before = self.controller.limit(limits=1, user_api="blas")
            self.calls += 1

    def leave(self) -> None:
        with self.lock:
            self.calls -= 1
            if not self.calls:
                self.before.restore_original_limits()


_limit = _Limit()


def on_one_blas_thread(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Run a function with BLAS on one thread.

    Sums of BLAS depend on its threads; and threads of BLAS that share cores with others spin while they wait: a decomposition
    of 60 MB was measured to take forty times as long.
    """

    @wraps(function)
    def limited(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        _limit.enter()
        try:
            return function(*args, **kwargs)
        finally:
            _limit.leave()

    return limited
