"""JSON for the states of summaries: exact for floats, bytes and NumPy arrays, so that a resumed run is the same run."""

from __future__ import annotations

import base64
import json
from typing import Any

__all__ = ["state_from_json", "state_to_json"]

_TAG = "__cdt__"


def _encode(value: Any) -> Any:
    if isinstance(value, bytes):
        return {_TAG: "bytes", "data": base64.b64encode(value).decode()}
    if hasattr(value, "dtype") and hasattr(value, "tobytes"):
        import numpy as np

        array = np.asarray(value)
        if array.dtype.hasobject:
            raise TypeError("a summary's state cannot hold arrays of objects")
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {
            _TAG: kind,
            "dtype": little.dtype.str,
            "shape": list(array.shape),
            "data": base64.b64encode(little.tobytes()).decode(),
        }
    raise TypeError(f"a summary's state cannot hold {type(value).__name__}")


def _decode(tree: dict[str, Any]) -> Any:
    tag = tree.get(_TAG)
    if tag is None:
        return tree
    data = base64.b64decode(tree["data"])
    if tag == "bytes":
        return data
    import numpy as np

    array = np.frombuffer(data, dtype=tree["dtype"]).reshape(tree["shape"]).copy()
    return array if tag == "array" else array[()]


def state_to_json(state: Any) -> str:
    """One line of JSON; raises ``TypeError`` for values outside the contract."""
    return json.dumps(state, default=_encode, separators=(",", ":"))


def state_from_json(text: str) -> Any:
    """The state that :func:`state_to_json` wrote."""
    return json.loads(text, object_hook=_decode)
