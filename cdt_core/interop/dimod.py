"""The annealing kernels as a sampler of D-Wave's Ocean: swap one import, and the rest stays as it is.

>>> import dimod
>>> from cdt_core.interop.dimod import CdtSampler
>>> print(CdtSampler().sample_ising({}, {"ab": -1, "bc": -1, "ac": -1}, seed=1).first.energy)
-3
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal import METHODS, Problem, anneal, default_range
from cdt_core.kernels.anneal.schedule import MOST_SWEEPS, schedule_of

try:
    import dimod
    from dimod.core.sampler import Sampler
except ImportError as error:
    raise ImportError("cdt_core.interop.dimod needs dimod; pip install 'cdt[dimod]'") from error

__all__ = ["CdtSampler"]

_SCHEDULES = ("geometric", "linear", "custom")
_SWEEPS = 1000


class CdtSampler(Sampler):
    """Samples binary quadratic models with :func:`cdt_core.kernels.anneal.anneal`.

    Takes the arguments of ``dwave.samplers.SimulatedAnnealingSampler`` that make sense here; others are ignored with
    dimod's warning. It differs in three ways: 64 reads are the default, for one costs the same; equal samples are one
    row with ``num_occurrences``, best first; and each read ends with a descent into its local minimum.

    Examples
    --------
    >>> model = dimod.BinaryQuadraticModel({"a": 1}, {("a", "b"): -2}, 0.0, "BINARY")
    >>> found = CdtSampler().sample(model, num_reads=10, seed=7)
    >>> print(found)
       a  b energy num_oc.
    0  1  1     -1      10
    ['BINARY', 1 rows, 10 samples, 2 variables]
    """

    @property
    def parameters(self) -> dict[str, Any]:
        """Arguments of :meth:`sample`, each with the properties that say what it may be."""
        return {
            "num_reads": [],
            "num_sweeps": [],
            "num_sweeps_per_beta": [],
            "beta_range": [],
            "beta_schedule_type": ["beta_schedule_options"],
            "beta_schedule": [],
            "seed": [],
            "interrupt_function": [],
            "method": ["methods"],
            "threads": [],
            "time_budget": [],
        }

    @property
    def properties(self) -> dict[str, Any]:
        """What ``beta_schedule_type`` and ``method`` may be."""
        return {"beta_schedule_options": _SCHEDULES, "methods": tuple(METHODS)}

    def sample(  # noqa: PLR0913 - Ocean's arguments, all by name
        self,
        bqm: dimod.BinaryQuadraticModel,
        *,
        num_reads: int = 64,
        num_sweeps: int | None = None,
        num_sweeps_per_beta: int = 1,
        beta_range: Sequence[float] | None = None,
        beta_schedule_type: str = "geometric",
        beta_schedule: ArrayLike | None = None,
        seed: int | None = None,
        interrupt_function: Callable[[], object] | None = None,
        method: str = "sa",
        threads: int | None = None,
        time_budget: float | None = None,
        **unknown: Any,
    ) -> dimod.SampleSet:
        """Samples of low energy.

        Parameters
        ----------
        bqm
            Of either ``vartype``; its samples have the same.
        num_reads
            How many states are looked for.
        num_sweeps
            Of each read; default 1000, or what the custom schedule has.
        num_sweeps_per_beta
            Sweeps before the next beta.
        beta_range
            First and last inverse temperature; default
            :func:`~cdt_core.kernels.anneal.default_range`.
        beta_schedule_type
            ``geometric``, ``linear``, or ``custom``: those of ``beta_schedule``.
        beta_schedule
            Inverse temperatures of a custom schedule.
        seed
            The same seed gives the same samples; default: one drawn by chance, which ``info`` tells.
        interrupt_function
            Asked about 30 times a second; where it returns what is true, the run ends with what it has.
        method, threads, time_budget
            As of :func:`~cdt_core.kernels.anneal.anneal`.
        **unknown
            Ignored with a warning, as samplers of dimod do.

        Returns
        -------
        dimod.SampleSet
            Its ``info`` has ``method``, ``seed``, ``beta_range``, ``beta_schedule_type``, ``num_sweeps``, ``attempts``,
            ``seconds``, ``interrupted``, and ``timing`` in nanoseconds.

        Raises
        ------
        AnnealError
            Arguments that do not fit each other, biases that are not finite, or too large for exact energies.
        """
        began = perf_counter_ns()
        self.remove_unknown_kwargs(**unknown)
        is_empty = not len(getattr(bqm, "variables", "?"))
        problem = Problem.from_ising([0], {}) if is_empty else Problem.from_bqm(bqm)  # arguments are checked anyway
        steps = _steps(num_sweeps, num_sweeps_per_beta, beta_schedule)
        betas = _betas(problem, beta_schedule_type, beta_range, beta_schedule, steps)
        ready = perf_counter_ns()
        samples = anneal(
            problem,
            num_reads,
            steps * num_sweeps_per_beta,
            method,
            schedule=np.repeat(betas, num_sweeps_per_beta),
            seed=secrets.randbits(63) if seed is None else seed,
            threads=threads,
            time_budget=time_budget,
            callback=_callback(interrupt_function),
        )
        sampled = perf_counter_ns()
        found = _of_nothing(bqm, num_reads, samples.to_dimod()) if is_empty else samples.to_dimod()
        found.info.update(beta_schedule_type=beta_schedule_type, timing=_timing(began, ready, sampled))
        return found


def _callback(interrupt: Callable[[], object] | None) -> Callable[[int, float], object] | None:
    if interrupt is None:
        return None
    if not callable(interrupt):
        raise AnnealError(f"interrupt_function is {interrupt!r}; it must be a function of nothing")
    return lambda _sweeps, _best: interrupt()


def _timing(began: int, ready: int, sampled: int) -> dict[str, int]:
    """Nanoseconds before, of, and after sampling, by Ocean's names."""
    return {
        "preprocessing_ns": ready - began,
        "sampling_ns": sampled - ready,
        "postprocessing_ns": perf_counter_ns() - sampled,
    }


def _of_nothing(bqm: dimod.BinaryQuadraticModel, reads: int, instead: dimod.SampleSet) -> dimod.SampleSet:
    """A model without variables has one state, of the energy of its offset; found as one variable was ``instead``."""
    found: dimod.SampleSet = dimod.SampleSet.from_samples_bqm(
        (np.empty((1, 0), np.int8), []), bqm, num_occurrences=[reads], info=instead.info
    )
    return found


def _steps(sweeps: int | None, each: int, schedule: ArrayLike | None) -> int:
    """How many betas there are: as many as a custom schedule has, or as so many sweeps need."""
    if isinstance(each, bool) or not isinstance(each, int | np.integer) or each < 1:
        raise AnnealError(f"num_sweeps_per_beta is {each!r}; it must be an integer of 1 or more")
    total = (
        (_SWEEPS if schedule is None else _numbers(schedule, "beta_schedule").size * each) if sweeps is None else sweeps
    )
    if isinstance(total, bool) or not isinstance(total, int | np.integer) or total < 1 or total % each:
        raise AnnealError(f"num_sweeps is {total!r}; it must be a positive multiple of num_sweeps_per_beta, {each}")
    if total > MOST_SWEEPS:
        raise AnnealError(f"num_sweeps is {total}; a run has at most {MOST_SWEEPS}")
    return int(total) // each


def _betas(
    problem: Problem, kind: str, ends: Sequence[float] | None, schedule: ArrayLike | None, steps: int
) -> NDArray[np.float64]:
    """Inverse temperatures, one for each step."""
    if kind not in _SCHEDULES:
        raise AnnealError(f"beta_schedule_type is {kind!r}; it must be one of {', '.join(_SCHEDULES)}")
    if (schedule is None) == (kind == "custom"):
        raise AnnealError(f"beta_schedule is {schedule!r}; the type 'custom' has one, and no other, not {kind!r}")
    if kind == "custom":
        betas = _numbers(schedule, "beta_schedule")
        if ends is not None or betas.shape != (steps,):
            raise AnnealError(
                f"beta_schedule has shape {betas.shape}; it must be a beta for each of {steps} steps, without beta_range"
            )
        return betas
    hot, cold = default_range(problem) if ends is None else _pair(ends)
    if steps == 1:
        return np.array([cold])
    return np.linspace(hot, cold, steps) if kind == "linear" else schedule_of((hot, cold), problem, steps)


def _pair(ends: Sequence[float]) -> tuple[float, float]:
    betas = _numbers(ends, "beta_range")
    if betas.shape != (2,) or not np.isfinite(betas).all() or (betas < 0).any():
        raise AnnealError(
            f"beta_range is {ends!r}; it must be two betas, the first and the last, finite and at least 0"
        )
    return float(betas[0]), float(betas[1])


def _numbers(values: ArrayLike | None, name: str) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise AnnealError(f"{name} is no array: {error}") from error
    if numbers.dtype.kind not in "iuf" and numbers.size:
        raise AnnealError(f"{name} is {values!r}; betas are real numbers")
    with np.errstate(over="ignore"):
        return numbers.astype(np.float64)
