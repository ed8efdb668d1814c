"""Imported by every Python process that has this folder on its path: Flower's pauses between questions are a tenth of a second.

All other pauses stay: its processes count on five seconds, for instance, to hand in what a site keeps before they are ended.
"""

from __future__ import annotations

import time

_FLOWERS_PAUSES_SECONDS = (0.5, 1, 3)
_pause = time.sleep


def _shorter_pause(seconds):
    _pause(0.1 if seconds in _FLOWERS_PAUSES_SECONDS else seconds)


time.sleep = _shorter_pause
