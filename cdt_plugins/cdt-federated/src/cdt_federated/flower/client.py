"""Our site as a Flower ClientApp."""

from __future__ import annotations

from collections.abc import Callable

from cdt_core.errors import FederatedError
from cdt_federated.flower.library import flwr
from cdt_federated.flower.records import RECORD, message_in, record_of_message
from cdt_federated.rounds.kept import KeptSite

__all__ = ["ACTION", "client_app"]

#: Name under which the app's functions are registered: ``query.cdt`` says which site this is, ``train.cdt`` answers.
ACTION = "cdt"
NAME = "site"


def client_app(make_site: Callable[[flwr.app.Context], KeptSite]) -> flwr.clientapp.ClientApp:
    """A ClientApp that takes part in our rounds.

    Parameters
    ----------
    make_site
        Makes the site from Flower's context: its name and key from ``context.node_config``, its data and its memory from its
        own disk.

    Returns
    -------
    ClientApp
        Other functions may be registered with it.

    Notes
    -----
    Flower runs each message in a process of its own, and stores its own context after the reply was sent, in the memory of the
    SuperNode. What the site remembers is therefore in a file of its own (:class:`~cdt_federated.rounds.KeptSite`), before
    the reply is sent: neither a process nor a SuperNode that dies loses it.
    """
    app = flwr.clientapp.ClientApp()

    @app.query(ACTION)
    def name(message: flwr.app.Message, context: flwr.app.Context) -> flwr.app.Message:
        return _reply(
            flwr.app.RecordDict({RECORD: flwr.app.ConfigRecord({NAME: _made(make_site, context).name})}), message
        )

    @app.train(ACTION)
    def answer(message: flwr.app.Message, context: flwr.app.Context) -> flwr.app.Message:
        return _reply(record_of_message(_made(make_site, context).answer(message_in(message.content))), message)

    return app


def _made(make_site: Callable[[flwr.app.Context], KeptSite], context: flwr.app.Context) -> KeptSite:
    site = make_site(context)
    if not isinstance(site, KeptSite):
        raise FederatedError(f"a {type(site).__name__} forgets between Flower's messages; give a KeptSite of it")
    return site


def _reply(content: flwr.app.RecordDict, message: flwr.app.Message) -> flwr.app.Message:
    return flwr.app.Message(content, reply_to=message)
