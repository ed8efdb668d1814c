"""What an interrupted treatment has done, so that the same call goes on from there."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from cdt_core.errors import OutputError
from cdt_core.execute.fold import VariableFold, VariableResult
from cdt_core.model.serial import from_tree, to_tree
from cdt_core.model.state import state_from_json, state_to_json

__all__ = ["Journal"]

#: Seconds between checkpoints of the variable in progress; what was done since is done again.
_CHECKPOINT_SECONDS = 2.0

#: A checkpoint may take one part in this many of the time, however many chunks it lists.
_CHECKPOINT_SHARE = 20


class Journal:
    """Finished variables, one JSON line each, and a checkpoint of the one in progress, in ``folder``.

    ``identity`` names the input, plan and version; a journal of another identity, or one that cannot be read, is discarded,
    and ``is_new`` says so.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self._next = time.monotonic() + _CHECKPOINT_SECONDS
        self.finished: dict[str, VariableResult] = {}
        self._started: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)
        mark = folder / "identity"
        self.is_new = not mark.is_file() or mark.read_bytes() != identity.encode()
        if not self.is_new:
            try:
                self.finished, self._started = self._read_finished(), self._read_checkpoint()
            except (OutputError, ValueError, KeyError, TypeError):  # torn by a crash of the machine, or by another hand
                self.finished, self.is_new = {}, True
        if self.is_new:
            for name in ("finished.jsonl", "checkpoint.json"):
                (folder / name).unlink(missing_ok=True)
            mark.write_text(identity)

    def _read_finished(self) -> dict[str, VariableResult]:
        path = self.folder / "finished.jsonl"
        finished: dict[str, VariableResult] = {}
        if not path.is_file():
            return finished
        text = path.read_text()
        complete, _, torn = text.rpartition("\n")
        if torn:  # the run was killed while it wrote its last line
            path.write_text(complete + "\n" if complete else "")
        for line in complete.splitlines():
            result = from_tree(json.loads(line), VariableResult, str(path), OutputError)
            finished[result.outcome.name] = result
        return finished

    def finish(self, result: VariableResult) -> None:
        """Note a finished variable."""
        with (self.folder / "finished.jsonl").open("a") as file:
            file.write(json.dumps(to_tree(result)) + "\n")
        self.finished[result.outcome.name] = result

    def checkpoint(self, fold: VariableFold) -> None:
        """Note the variable in progress, every two seconds or less often where it lists many chunks."""
        begin = time.monotonic()
        if begin < self._next:
            return
        snapshot: dict[str, Any] = {"name": fold.job.spec.name, **fold.snapshot()}
        target = self.folder / "checkpoint.json"
        part = target.with_suffix(".part")
        part.write_text(state_to_json(snapshot))
        os.replace(part, target)
        now = time.monotonic()
        self._next = now + max(_CHECKPOINT_SECONDS, _CHECKPOINT_SHARE * (now - begin))

    def _read_checkpoint(self) -> dict[str, Any]:
        path = self.folder / "checkpoint.json"
        found = state_from_json(path.read_text()) if path.is_file() else {}
        return {found.pop("name"): found} if found else {}

    def resume(self, fold: VariableFold) -> None:
        """Restore the fold from the checkpoint when it is of the same variable."""
        snapshot = self._started.pop(fold.job.spec.name, None)
        if snapshot is not None:
            fold.restore(snapshot)
