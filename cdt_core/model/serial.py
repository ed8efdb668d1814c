"""Model values to and from plain JSON trees (cattrs). Unknown keys are refused, so that a typing error in a plan shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from cdt_core.errors import CdtError
from cdt_core.model.bound import Bound

__all__ = ["from_tree", "to_json", "to_tree"]

T = TypeVar("T")


@cache
def _converter() -> Any:
    from cattrs.preconf.json import make_converter

    converter = make_converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Bound, str)
    converter.register_structure_hook(Bound, lambda value, _: Bound.parse(value))
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda value, _: Path(value))
    for union in (float | int | str | None, float | int | None, float | int):
        converter.register_structure_hook(union, lambda value, _: value)
    return converter


def to_tree(value: Any) -> Any:
    """A tree of dict, list, str, int, float, bool and None."""
    return _converter().unstructure(value)


def from_tree(tree: Mapping[str, Any], kind: type[T], where: str, error: type[CdtError] = CdtError) -> T:
    """The value of type ``kind``; raises ``error`` naming ``where`` and each field that does not fit."""
    from cattrs import transform_error

    try:
        result: T = _converter().structure(tree, kind)
    except CdtError:
        raise
    except Exception as cause:
        problems = "; ".join(transform_error(cause, path=where))
        raise error(f"{where}: not a valid {kind.__name__.lower()}: {problems}") from cause
    return result


def to_json(value: Any) -> str:
    """Readable JSON text with sorted keys, ending in a newline: the same value gives the same bytes."""
    return json.dumps(to_tree(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
