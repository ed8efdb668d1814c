"""Strategies: how a model is learned by rounds, as pure functions on vectors. One strategy, one file."""

from __future__ import annotations

from cdt_federated.strategies.base import Aggregate, Gradient, LocalUpdate, State, Strategy
from cdt_federated.strategies.fedadagrad import FedAdagrad
from cdt_federated.strategies.fedadam import FedAdam
from cdt_federated.strategies.fedavg import FedAvg
from cdt_federated.strategies.fedavgm import FedAvgM
from cdt_federated.strategies.fedprox import FedProx
from cdt_federated.strategies.fedyogi import FedYogi
from cdt_federated.strategies.scaffold import SCAFFOLD

__all__ = [
    "SCAFFOLD",
    "Aggregate",
    "FedAdagrad",
    "FedAdam",
    "FedAvg",
    "FedAvgM",
    "FedProx",
    "FedYogi",
    "Gradient",
    "LocalUpdate",
    "State",
    "Strategy",
]
