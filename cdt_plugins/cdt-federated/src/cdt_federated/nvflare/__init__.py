"""Federations over a network, on NVFlare (extra ``nvflare``): our signed rounds as its Controller and its Executor."""

from __future__ import annotations

from cdt_federated.nvflare.controller import RoundsController
from cdt_federated.nvflare.executor import SiteExecutor

__all__ = ["RoundsController", "SiteExecutor"]
