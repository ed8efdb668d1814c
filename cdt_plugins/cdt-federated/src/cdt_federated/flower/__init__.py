"""Federations over a network, on Flower (extra ``flower``, its Message API).

:class:`FederatedStrategy` runs any Flower ClientApp under our rules, strategies and checks. :func:`client_app` and
:class:`GridDelivery` carry our own rounds: signed, of several stages (secure and encrypted sums), resumable.
"""

from __future__ import annotations

from cdt_federated.flower.client import client_app
from cdt_federated.flower.delivery import GridDelivery
from cdt_federated.flower.strategy import FederatedStrategy

__all__ = ["FederatedStrategy", "GridDelivery", "client_app"]
