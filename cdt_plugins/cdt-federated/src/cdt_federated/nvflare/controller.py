"""Leads our rounds as an NVFlare Controller: one stage of an exchange is one task to each client."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress

from cdt_core.errors import FederatedError, ProtocolError
from cdt_federated.nvflare.library import ClientTask, Controller, FLContext, Signal, Task
from cdt_federated.nvflare.messages import TASK, message_in, shareable_of

__all__ = ["NvflareDelivery", "RoundsController"]

_PAUSE_SECONDS = 0.05


class RoundsController(Controller):  # type: ignore[misc]
    """A workflow that leads rounds; a subclass says which.

    Parameters
    ----------
    timeout_seconds
        How long a stage waits for answers.

    Examples
    --------
    ::

        class Study(RoundsController):
            def lead(self, delivery):
                coordinator = Coordinator(roster, key, Terms(minimum=3))
                train(training, model, coordinator, delivery, folder="study")
    """

    def __init__(self, timeout_seconds: float = 300.0) -> None:
        super().__init__()
        if not timeout_seconds > 0:
            raise FederatedError(f"timeout_seconds is {timeout_seconds}; give a number above 0")
        self.timeout_seconds = timeout_seconds

    @abstractmethod
    def lead(self, delivery: NvflareDelivery) -> None:
        """Run rounds, with ``delivery`` for :func:`~cdt_federated.rounds.run_round` or ``train``."""

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Nothing is prepared."""

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        """Lead, until done or aborted."""
        self.lead(NvflareDelivery(self, fl_ctx, abort_signal))

    def stop_controller(self, fl_ctx: FLContext) -> None:
        """Nothing is left."""


class NvflareDelivery:
    """A ``deliver`` over NVFlare: its clients' names are the sites'."""

    def __init__(self, controller: RoundsController, fl_ctx: FLContext, abort_signal: Signal) -> None:
        self._controller, self._context, self._abort = controller, fl_ctx, abort_signal

    @property
    def clients(self) -> tuple[str, ...]:
        """Names of the clients of the job: ``among`` of a round."""
        return tuple(client.name for client in self._context.get_engine().get_clients())

    def __call__(self, requests: Mapping[str, bytes]) -> Iterator[bytes]:
        """Send the requests of a stage; the answers that came before its time was over.

        Raises
        ------
        FederatedError
            The job was aborted.
        """
        answers: list[bytes] = []
        done: list[str] = []

        def received(client_task: ClientTask, fl_ctx: FLContext) -> None:
            with suppress(ProtocolError):  # an error reply, or something else: the site dropped out
                answers.append(message_in(client_task.result))

        def finished(task: Task, fl_ctx: FLContext) -> None:
            done.append(task.name)

        waited = max(1, round(self._controller.timeout_seconds))
        for site, request in requests.items():
            task = Task(TASK, shareable_of(request), timeout=waited, result_received_cb=received, task_done_cb=finished)
            self._controller.broadcast(task, self._context, targets=[site], min_responses=1)
        while len(done) < len(requests):
            if self._abort.triggered:
                raise FederatedError("the job was aborted, and with it the round; resume it from its journal")
            time.sleep(_PAUSE_SECONDS)
        yield from answers
