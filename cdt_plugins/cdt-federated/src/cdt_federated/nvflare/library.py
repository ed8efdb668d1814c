"""NVFlare, when it is installed."""

from __future__ import annotations

from cdt_core.errors import FederatedError

try:
    from nvflare.apis.controller_spec import ClientTask, Task
    from nvflare.apis.executor import Executor
    from nvflare.apis.fl_constant import ReturnCode
    from nvflare.apis.fl_context import FLContext
    from nvflare.apis.impl.controller import Controller
    from nvflare.apis.shareable import Shareable, make_reply
    from nvflare.apis.signal import Signal
except ImportError as error:
    raise FederatedError(
        f"NVFlare cannot be used ({error}); install it: pip install 'cdt-federated[nvflare]'"
    ) from error

__all__ = [
    "ClientTask",
    "Controller",
    "Executor",
    "FLContext",
    "ReturnCode",
    "Shareable",
    "Signal",
    "Task",
    "make_reply",
]
