"""Where a training stands, in one file that is whole or not there: written under another name, then renamed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.governance.files import replace_whole, sync_folder
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.reputation import Trust
from cdt_federated.strategies.base import State
from cdt_federated.training.history import History, RoundRecord

__all__ = ["Checkpoint"]

_MAGIC = b"cdt.training\x01"
_MOST_VECTORS = 64
_NAME_LIMIT = 64


@frozen(eq=False)
class Checkpoint:
    """A training after the round of the coordinator with number ``round``: the strategy's state, trust, and history.

    ``terms`` says by which strategy and carrier it is trained, ``began`` which was the coordinator's latest round before it.
    """

    terms: str
    began: int
    round: int
    state: State
    trust: Trust
    history: History

    def write(self, path: Path) -> None:
        """Put it at ``path``, on disk when this returns; ``FederatedError`` when the disk does not take it."""
        state = self.state
        writer = FieldWriter().fixed(_MAGIC).text(self.terms).number(self.began, 8)
        writer.number(self.round, 8).number(state.rounds, 8)
        writer.number(state.model.size, 8).array(state.model, "float64").texts(state.memory)
        for vector in state.memory.values():
            writer.array(vector, "float64")
        records = [attrs.asdict(record) for record in self.history]
        told = {"levels": dict(self.trust.levels), "rounds": self.trust.rounds, "history": records}
        data = writer.counted(json.dumps(told).encode()).end()
        try:
            replace_whole(path, data + hashlib.sha256(data).digest())
            sync_folder(path.parent)
        except OSError as error:
            raise FederatedError(
                f"{path}: the checkpoint cannot be written: {error.strerror}; mend that, then call train() again"
            ) from error

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """What is at ``path``.

        Raises
        ------
        FederatedError
            It is damaged, or no checkpoint.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FederatedError(f"{path}: the checkpoint cannot be read: {error.strerror}; mend that") from error
        if len(data) < 32 or hashlib.sha256(data[:-32]).digest() != data[-32:]:
            raise FederatedError(f"{path}: the checkpoint is damaged; restore a copy, or train in another folder")
        try:
            return cls._parsed(FieldReader(data[:-32], str(path)), len(data))
        except (ProtocolError, ValueError, KeyError, TypeError) as error:
            raise FederatedError(f"{path}: it is no checkpoint of this version; train in another folder") from error

    @classmethod
    def _parsed(cls, reader: FieldReader, size: int) -> Checkpoint:
        if reader.fixed(len(_MAGIC)) != _MAGIC:
            raise reader.error("another kind of file")
        terms = reader.text(size)
        began, round_, rounds, length = (reader.number(8) for _ in range(4))
        model = reader.array("float64", length)
        names = reader.texts(_MOST_VECTORS, _NAME_LIMIT)
        memory = {name: reader.array("float64", length) for name in names}
        told = json.loads(reader.counted(size))
        reader.end()
        trust = Trust(told["levels"], told["rounds"])
        history = History(tuple(map(_record, told["history"])))
        return cls(terms, began, round_, State(model, memory, rounds), trust, history)


def _record(told: dict[str, Any]) -> RoundRecord:
    names = {name: tuple(told.get(name, ())) for name in ("included", "dropped", "accused")}
    return RoundRecord(**{**told, **names})
