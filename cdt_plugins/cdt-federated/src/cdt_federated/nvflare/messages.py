"""Our messages in NVFlare's: one item of bytes, which its serialiser carries without pickle."""

from __future__ import annotations

from cdt_core.errors import ProtocolError
from cdt_federated.nvflare.library import Shareable

__all__ = ["TASK", "message_in", "shareable_of"]

#: The task that executors answer.
TASK = "cdt"
_ITEM = "cdt.message"


def shareable_of(message: bytes) -> Shareable:
    """Content that carries one of our messages."""
    content = Shareable()
    content[_ITEM] = message
    return content


def message_in(content: Shareable) -> bytes:
    """The message in such content; ``ProtocolError`` when there is none."""
    message = content.get(_ITEM)
    if not isinstance(message, bytes):
        raise ProtocolError("the content holds no message of a cdt round; use cdt_federated.nvflare at both sides")
    return message
