"""Does a processor keep its contract: same shape and dtype, the same result every time, the input left alone?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.hooks.descriptor import Processor
from cdt_core.testing.contract import called, loaded, require
from cdt_core.testing.sample import SampleVariable, sample_variables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_processor"]


def check_processor(
    offer: Processor,
    samples: Iterable[SampleVariable] | None = None,
    *,
    pointwise: bool = False,
    **parameters: Any,
) -> None:
    """Run a processor on blocks as the engine does, and on awkward ones.

    The result has the block's shape and dtype, is the same at every call and from several threads, and does not depend on the
    memory layout; the input (which may be read-only) is not changed.

    Parameters
    ----------
    offer
        The descriptor, as the plugin's hook returns it.
    samples
        What to run on; by default :func:`cdt_core.testing.sample_variables` of the offer's kinds.
    pointwise
        Require that a value's result depends on the value and its place alone, so that every chunk grid gives the same.
    parameters
        What a plan would pass.

    Raises
    ------
    ContractError
        Which promise was broken, on which sample.
    """
    function = partial(loaded(offer, Processor), **parameters)
    for sample in sample_variables(offer.dtype_kinds) if samples is None else samples:
        trial = _Trial(offer.name, function, sample)
        whole = trial.check_block(sample.original, (0,) * sample.original.ndim)
        if pointwise:
            trial.check_pieces(whole)


@frozen
class _Trial:
    name: str
    function: Callable[..., Any]
    sample: SampleVariable

    @property
    def where(self) -> str:
        return f"processor {self.name!r} on {self.sample.name!r}"

    def check_block(self, values: NDArray[Any], start: tuple[int, ...]) -> NDArray[Any]:
        """The result for one block, after all that is asked of it."""
        guarded = values.copy()
        guarded.setflags(write=False)
        result = self.result(guarded, start)
        require(result.shape == values.shape, f"{self.where}: shape {values.shape} became {result.shape}")
        require(result.dtype == values.dtype, f"{self.where}: dtype {values.dtype} became {result.dtype}")
        writable = values.copy()
        again = self.result(writable, start)
        require(writable.tobytes() == values.tobytes(), f"{self.where}: it changed the array that it was given")
        require(_same(result, again), f"{self.where}: a second call gives something else")
        strided = np.repeat(values[..., None], 2, -1)[..., 0]
        require(_same(result, self.result(strided, start)), f"{self.where}: another memory layout gives something else")
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(lambda _: self.result(guarded, start), range(8)))
        require(all(_same(result, other) for other in together), f"{self.where}: threads give something else")
        return result

    def check_pieces(self, whole: NDArray[Any]) -> None:
        """Blocks by themselves give what they give inside the whole."""
        for block in self.sample.blocks(self.sample.halves()):
            region = tuple(slice(at, at + n) for at, n in zip(block.start, block.original.shape, strict=True))
            same = _same(whole[region], self.result(block.original, block.start))
            require(
                same, f"{self.where}: the block at {block.start} by itself gives something else, so it is not pointwise"
            )

    def result(self, values: NDArray[Any], start: tuple[int, ...]) -> NDArray[Any]:
        """What the processor returns, as the engine takes it."""
        found = called(self.where, self.function, values, self.sample.spec, start)
        return np.array(found)


def _same(left: NDArray[Any], right: NDArray[Any]) -> bool:
    return left.shape == right.shape and left.dtype == right.dtype and left.tobytes() == right.tobytes()
