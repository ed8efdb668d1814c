"""The output folder: written under a temporary name beside its place, renamed last."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cdt_core.errors import OutputError

__all__ = ["PartialOutput"]


class PartialOutput:
    """The folder that a treatment is written to until it is complete: ``.<name>.cdt-partial`` beside ``target``.

    An interrupted treatment leaves it there, and the same call goes on from it; ``target`` is never touched before
    :meth:`commit`.
    """

    def __init__(self, target: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        self.target = Path(os.path.abspath(target))
        self.overwrite = overwrite
        self.path = self.target.with_name(f".{self.target.name}.cdt-partial")
        self._check_target()

    def begin(self) -> None:
        """Make the partial folder, or go on with the one that an interrupted treatment left."""
        try:
            self.store.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.target}: the folder cannot be made: {error.strerror}") from error

    def _check_target(self) -> None:
        if not self.target.exists() and not self.target.is_symlink():
            return
        if not self.overwrite:
            raise OutputError(f"{self.target} exists already; choose another place or allow overwriting")
        is_treatment = (self.target / "certificate.json").is_file() and (self.target / "data.zarr").is_dir()
        is_empty = self.target.is_dir() and not any(self.target.iterdir())
        if not is_treatment and not is_empty:
            raise OutputError(f"{self.target} exists and is no treatment of cdt; it is not overwritten")

    @property
    def store(self) -> Path:
        """The Zarr store inside."""
        return self.path / "data.zarr"

    @property
    def journal(self) -> Path:
        """The folder of the journal, which a finished treatment does not have."""
        return self.path / ".journal"

    def keep_only(self, files: set[str]) -> None:
        """Delete files of the store (paths relative to it) that do not belong to this treatment: left by an older attempt."""
        for path in sorted(self.store.rglob("*"), reverse=True):
            if path.is_file() and path.relative_to(self.store).as_posix() not in files:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()

    def commit(self) -> None:
        """Give the folder its final name. The old folder, if any, is there until the new one is complete."""
        shutil.rmtree(self.journal, ignore_errors=True)
        old = self.target.with_name(f".{self.target.name}.cdt-old")
        try:
            if self.target.exists():
                shutil.rmtree(old, ignore_errors=True)
                os.rename(self.target, old)
            os.rename(self.path, self.target)
        except OSError as error:
            if old.exists() and not self.target.exists():
                os.rename(old, self.target)
            raise OutputError(f"{self.target}: the finished folder cannot be renamed: {error.strerror}") from error
        shutil.rmtree(old, ignore_errors=True)

    def discard(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self.path, ignore_errors=True)
