"""Flower, when it is installed."""

from __future__ import annotations

from cdt_core.errors import FederatedError

try:
    import flwr.app
    import flwr.clientapp
    import flwr.serverapp
    import flwr.serverapp.strategy
except ImportError as error:
    raise FederatedError(f"Flower cannot be used ({error}); install it: pip install 'cdt-federated[flower]'") from error

__all__ = ["flwr"]
