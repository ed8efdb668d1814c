"""What a round of training asks of the sites, in bytes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from attrs import frozen

from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.checks import agreed
from cdt_federated.strategies.base import Strategy
from cdt_federated.training.carriers import Carrier
from cdt_federated.vectors import Vector, vector_of

__all__ = ["TrainingTask", "terms_of"]

_MAGIC = b"cdt.train\x02"
_TERMS_LIMIT = 4096


def terms_of(strategy: Strategy, carrier: Carrier) -> str:
    """What both sides have to agree on: the strategy with its settings, and the carrier."""
    return f"{agreed(strategy)} over {carrier.name}"


@frozen(eq=False)
class TrainingTask:
    """What a round asks.

    Parameters
    ----------
    terms
        As of :func:`terms_of`.
    began
        The coordinator's latest round before this training: tells trainings apart, so that what a site kept of one does not
        mislead the next.
    received
        What the strategy broadcasts.
    counted
        Of each site, the latest round of this training whose aggregate holds its update: sites whose was never counted are
        left out.
    """

    terms: str
    began: int
    received: Vector
    counted: Mapping[str, int]

    def to_bytes(self) -> bytes:
        """For the opening of a round."""
        writer = FieldWriter().fixed(_MAGIC).text(self.terms).number(self.began, 8)
        writer.text("\n".join(self.counted)).array(np.array([*self.counted.values()], np.uint64), "uint64")
        writer.number(self.received.size, 8)
        return writer.array(self.received, "float64").end()

    @classmethod
    def from_bytes(cls, data: bytes, length: int) -> TrainingTask:
        """The task of ``length`` values; ``ProtocolError`` when the bytes are none."""
        reader = FieldReader(data, "task of a training round")
        if reader.fixed(len(_MAGIC)) != _MAGIC:
            raise reader.error("it does not begin as one of this version")
        terms, began, names = reader.text(_TERMS_LIMIT), reader.number(8), reader.text(len(data))
        sites = names.split("\n") if names else []
        rounds = reader.array("uint64", len(sites)).tolist()
        sent = reader.number(8)
        if sent != length:
            raise reader.error(f"the coordinator sends {sent} values, this site's strategy and model take {length}")
        received = reader.array("float64", length)
        reader.end()
        model = vector_of(received, "the model that the coordinator sent")
        return cls(terms, began, model, dict(zip(sites, rounds, strict=True)))
