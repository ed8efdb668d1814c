"""Our site as a Flower ClientApp."""

from __future__ import annotations

from collections.abc import Callable

from cdt_federated.flower.library import flwr
from cdt_federated.flower.records import RECORD, message_in, record_of_message
from cdt_federated.rounds.opening import Rejoin
from cdt_federated.rounds.site import Site

__all__ = ["ACTION", "client_app"]

#: Name under which the app's functions are registered: ``query.cdt`` says which site this is, ``train.cdt`` answers.
ACTION = "cdt"
NAME = "site"
_SAVED = "saved"


def client_app(
    make_site: Callable[[flwr.app.Context], Site],
    rejoin: Callable[[flwr.app.Context], Rejoin] | None = None,
) -> flwr.clientapp.ClientApp:
    """A ClientApp that takes part in our rounds.

    Parameters
    ----------
    make_site
        Makes the site from Flower's context: its name and key from ``context.node_config``, its data from its disk.
    rejoin
        Makes what :meth:`Site.restore` takes; needed for rounds of several stages whose parties can be saved.

    Returns
    -------
    ClientApp
        Other functions may be registered with it.

    Notes
    -----
    Flower runs each message in a process of its own. What the site remembers (:meth:`Site.saved`) stays in the context's
    state, at the node.
    """
    app = flwr.clientapp.ClientApp()

    @app.query(ACTION)
    def name(message: flwr.app.Message, context: flwr.app.Context) -> flwr.app.Message:
        return _reply(flwr.app.RecordDict({RECORD: flwr.app.ConfigRecord({NAME: make_site(context).name})}), message)

    @app.train(ACTION)
    def answer(message: flwr.app.Message, context: flwr.app.Context) -> flwr.app.Message:
        site = make_site(context)
        before = context.state.config_records.get(RECORD)
        saved = None if before is None else before[_SAVED]
        if isinstance(saved, bytes):
            site.restore(saved, None if rejoin is None else rejoin(context))
        reply = site.answer(message_in(message.content))
        context.state[RECORD] = flwr.app.ConfigRecord({_SAVED: site.saved()})
        return _reply(record_of_message(reply), message)

    return app


def _reply(content: flwr.app.RecordDict, message: flwr.app.Message) -> flwr.app.Message:
    return flwr.app.Message(content, reply_to=message)
