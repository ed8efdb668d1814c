"""Our site as an NVFlare Executor."""

from __future__ import annotations

from abc import abstractmethod

from cdt_core.errors import CdtError
from cdt_federated.nvflare.library import Executor, FLContext, ReturnCode, Shareable, Signal, make_reply
from cdt_federated.nvflare.messages import TASK, message_in, shareable_of
from cdt_federated.rounds.kept import KeptSite
from cdt_federated.rounds.site import Site

__all__ = ["SiteExecutor"]


class SiteExecutor(Executor):  # type: ignore[misc]
    """Answers the task ``cdt``; a subclass says which site it is.

    The site lives as long as the job's process at the client, and remembers there what it answered; a
    :class:`~cdt_federated.rounds.KeptSite` goes on after that process died.
    """

    def __init__(self) -> None:
        super().__init__()
        self._site: Site | KeptSite | None = None

    @abstractmethod
    def make_site(self, name: str) -> Site | KeptSite:
        """The site of NVFlare's client of that name: with its key and its data from its own disk."""

    def execute(self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Answer one message of a round; a site that stays out says why in its log, and not to the server."""
        if task_name != TASK:
            return make_reply(ReturnCode.TASK_UNKNOWN)
        try:
            if self._site is None:
                self._site = self.make_site(fl_ctx.get_identity_name())
            return shareable_of(self._site.answer(message_in(shareable)))
        except CdtError as error:
            self.log_error(fl_ctx, str(error))
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)
