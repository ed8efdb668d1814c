"""The output folder: written under a temporary name beside its place, renamed last."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from cdt_core.errors import OutputError

__all__ = ["PartialOutput"]


#: What a treatment's folder holds; anything else in it is the user's own, and keeps it from being replaced.
_OURS = {"certificate.json", "data.zarr", "plan.json", "report.html", "ro-crate-metadata.json"}


class PartialOutput:
    """The folder that a treatment is written to until it is complete: ``.<name>.cdt-partial`` beside ``target``.

    An interrupted treatment leaves it there, and the same call goes on from it; ``target`` is never touched before
    :meth:`commit`. A target that is a link stands for the folder that it points to.
    """

    def __init__(self, target: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        place = Path(os.path.abspath(target))
        self.target = Path(os.path.realpath(place)) if os.path.islink(place) and os.path.exists(place) else place
        self.overwrite = overwrite
        self.path = self.target.parent / f".{self.target.name}.cdt-partial"
        self._old = self.target.parent / f".{self.target.name}.cdt-old"
        self._lock: int | None = None
        try:
            self._look_around()
        except (OSError, ValueError) as error:
            raise OutputError(f"{self.target}: {error}; choose another place") from error

    def _look_around(self) -> None:
        if "\0" in str(self.target):
            raise ValueError("a name holds no null character")
        if self._old.is_dir() and self.path.is_dir():
            self._lock = _locked(self.path)  # another treatment may be just between the two renames
        self._restore()
        self.release()
        self._check_target()
        self._check_parent()

    def begin(self) -> None:
        """Make the partial folder, or go on with the one that an interrupted treatment left; nobody else may meanwhile."""
        try:
            self.store.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{self.target}: the folder cannot be made: {getattr(error, 'strerror', None) or error}"
            ) from error
        self._lock = _locked(self.path)

    def release(self) -> None:
        """Let others write to the partial folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _restore(self) -> None:
        """Put the earlier folder back, where a kill between the two renames of :meth:`commit` left it aside."""
        if self._old.is_dir() and not os.path.lexists(self.target):
            try:
                os.rename(self._old, self.target)
            except OSError as error:
                raise OutputError(f"{self._old}: cannot be renamed to {self.target}: {error.strerror}") from error

    def _check_target(self) -> None:
        if not os.path.lexists(self.target):
            return
        if not self.overwrite:
            raise OutputError(
                f"{self.target} exists already; choose another place, or overwrite it (--overwrite, overwrite=True)"
            )
        present = {path.name for path in self.target.iterdir()} if self.target.is_dir() else {""}
        if present and not {"certificate.json", "data.zarr"} <= present:
            raise OutputError(f"{self.target} exists and is no treatment of cdt; it is not overwritten")
        if strange := sorted(present - _OURS):
            raise OutputError(
                f"{self.target} also holds {strange[0]!r}, which is not of cdt; move it, or it would be lost"
            )

    def _check_parent(self) -> None:
        """Say at once, and not after hours of reading, that the folder cannot be made."""
        there = next(folder for folder in self.target.parents if os.path.lexists(folder))
        if not there.is_dir():
            raise OutputError(f"{self.target}: the folder cannot be made: {there} is no folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise OutputError(f"{self.target}: the folder cannot be made: {there} may not be written to")

    @property
    def store(self) -> Path:
        """The Zarr store inside."""
        return self.path / "data.zarr"

    @property
    def journal(self) -> Path:
        """The folder of the journal, which a finished treatment does not have."""
        return self.path / ".journal"

    def clear(self) -> None:
        """Empty the store: what an attempt of another identity left there could pass for this treatment's."""
        shutil.rmtree(self.store)
        self.store.mkdir()

    def keep_only(self, files: set[str]) -> None:
        """Delete files of the store (paths relative to it) that no variable of this treatment has."""
        for path in sorted(self.store.rglob("*"), reverse=True):
            if path.is_file() and path.relative_to(self.store).as_posix() not in files:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()

    def commit(self) -> None:
        """Give the folder its final name. The old folder, if any, is there until the new one is complete."""
        self._check_target()  # once more: what appeared there meanwhile is not ours to replace
        shutil.rmtree(self.journal, ignore_errors=True)
        try:
            if self.target.exists():
                shutil.rmtree(self._old, ignore_errors=True)
                os.rename(self.target, self._old)
            os.rename(self.path, self.target)
        except OSError as error:
            self._restore()
            raise OutputError(f"{self.target}: the finished folder cannot be renamed: {error.strerror}") from error
        shutil.rmtree(self._old, ignore_errors=True)

    def discard(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self.path, ignore_errors=True)


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock until it is closed; ``None`` where the file system has no locks.

    Raises
    ------
    OutputError
        Another treatment holds it, or held it and has just given the folder its final name.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.exists() and os.path.samestat(folder.stat(), os.fstat(handle)):
            return handle
    except BlockingIOError:
        pass
    except OSError:
        os.close(handle)
        return None
    os.close(handle)
    raise OutputError(f"{folder}: another treatment is writing there; wait for it, or choose another place")
