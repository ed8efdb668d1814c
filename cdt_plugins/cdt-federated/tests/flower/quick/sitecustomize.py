"""Imported by every Python process that has this folder on its path: Flower's own, quicker.

Its pauses between questions are a tenth of a second. All other pauses stay: its processes count on five seconds, for
instance, to hand in what a site keeps before they are ended. And the process that it starts for each message is a copy of the
one that starts it, which has imported Flower already: a process of its own all the same, which knows of no other message.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from importlib.metadata import entry_points
from types import SimpleNamespace

_FLOWERS_PAUSES_SECONDS = (0.5, 1, 3)
_pause = time.sleep


def _shorter_pause(seconds):
    _pause(0.1 if seconds in _FLOWERS_PAUSES_SECONDS else seconds)


time.sleep = _shorter_pause


def _copied(command, **how):
    """Instead of ``subprocess.Popen``."""
    if os.fork():
        return
    code = 1
    try:
        sys.argv = command
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        (script,) = entry_points(group="console_scripts", name=command[0])
        code = script.load()() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
    finally:
        os._exit(code)


if any(word.endswith("flower-superexec") for word in sys.orig_argv):
    from flwr.supercore.superexec.executor import subprocess_executor

    import cdt_federated.flower
    import cdt_federated.training  # noqa: F401

    subprocess_executor.subprocess = SimpleNamespace(Popen=_copied, DEVNULL=None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
