"""A site whose memory is on disk before anybody sees its answer: another process of it goes on where it was."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.governance.files import replace_whole, sync_folder
from cdt_federated.rounds.opening import Rejoin
from cdt_federated.rounds.site import Site

__all__ = ["KeptSite"]

_DIGEST_BYTES = 32


class KeptSite:
    """A :class:`Site` with its memory in a file, which any number of processes may take up one after the other.

    Parameters
    ----------
    site
        A site that has answered nothing yet.
    path
        File of this site alone, in a folder that only it may read: what is in it is as secret as its updates. A second file
        beside it, with ``.lock`` at its end, keeps two processes from answering at once.
    rejoin
        Makes the party of a round of several stages from what it saved, as ``Secure(...).rejoin`` does. Without it a new
        process takes part from the next round on.

    Notes
    -----
    An answer is given when what the site has to remember of it is on disk (fsync), under its own name in one step. A process
    that dies before has said nothing, and is asked again; one that dies afterwards gives the same answer to the same
    request. It costs the writing of the answer and the memory, 40 bytes for each value of a model under SCAFFOLD. An older copy
    of the file must not be put back: a site would answer again what it has answered.
    """

    def __init__(self, site: Site, path: str | Path, rejoin: Rejoin | None = None) -> None:
        if not isinstance(site, Site):
            raise FederatedError(f"a {type(site).__name__} cannot be kept; give a Site")
        self._site = site
        self._path = Path(path)
        self._rejoin = rejoin
        self._seen: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The site's."""
        return self._site.name

    def answer(self, message: bytes) -> bytes:
        """As :meth:`Site.answer`, from where the file says that the site is, and written there.

        Raises
        ------
        ProtocolError, FederatedError
            As :meth:`Site.answer`; or the file is damaged, or cannot be read or written, and no answer is given.
        """
        with self._alone():
            self._take_up()
            answer = self._site.answer(message)
            self._keep()
            return answer

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Waits for another process that answers; the lock ends with its process, however that ends."""
        try:
            file = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._refusal(error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _take_up(self) -> None:
        """What the file says, unless it is not there, or this process has read or written it."""
        try:
            stamp = self._stamp()
            if stamp in ((), self._seen):
                return
            kept = self._path.read_bytes()
        except OSError as error:
            raise self._refusal(error) from error
        state, digest = kept[:-_DIGEST_BYTES], kept[-_DIGEST_BYTES:]
        try:
            if hashlib.sha256(state).digest() != digest:
                raise ProtocolError("it was changed, or cut off")
            self._site.restore(state, self._rejoin)
        except ProtocolError as error:
            raise FederatedError(
                f"{self._path}: the memory of {self.name!r} is damaged ({error}); move it away, and the site begins anew "
                "in the next round"
            ) from error
        self._seen = stamp

    def _keep(self) -> None:
        state = self._site.saved()
        try:
            replace_whole(self._path, state + hashlib.sha256(state).digest())
            sync_folder(self._path.parent)
            self._seen = self._stamp()
        except OSError as error:
            raise self._refusal(error) from error

    def _stamp(self) -> tuple[int, ...]:
        """Which file it is: every writing makes another one. Empty when there is none."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return ()
        return now.st_ino, now.st_mtime_ns, now.st_size

    def _refusal(self, error: OSError) -> FederatedError:
        return FederatedError(
            f"{self._path}: the memory of {self.name!r} cannot be read or written: {error.strerror}; nothing is answered "
            "before that is mended"
        )
