"""Training over rounds: a strategy, a carrier with its rule, and reputation, from the first model to the last."""

from __future__ import annotations

from cdt_federated.training.carriers import Carrier, Plain
from cdt_federated.training.history import History, RoundRecord
from cdt_federated.training.learner import Learner
from cdt_federated.training.loop import Trained, Training, train
from cdt_federated.training.private import PrivateGradient
from cdt_federated.training.secure import Secure
from cdt_federated.training.shares import RecordLearner, SharedNoise
from cdt_federated.training.verified import Verified

__all__ = [
    "Carrier",
    "History",
    "Learner",
    "Plain",
    "PrivateGradient",
    "RecordLearner",
    "RoundRecord",
    "Secure",
    "SharedNoise",
    "Trained",
    "Training",
    "Verified",
    "train",
]
