"""What the project must reach, what it aims at, and what was measured: geometric means over arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers.arrays import HIDDEN_GRID, IMAGES
from benchmarks.peers.measure import LOSSLESS, Run

BOUNDS = ("rel:1e-2", "rel:1e-3", "rel:1e-4", "rel:1e-5")
SZ3 = "SZ3"
OURS = "cdt "
# The profile whose lossless streams the lossless rows judge.
EXACT = "dense"

Value = Callable[[Run], float]


@dataclass(frozen=True, slots=True)
class Row:
    """One promise; figures in the order that ``figure`` names them, NaN where nothing was measured; ``must`` may be empty,
    and so may both where a figure is only shown.
    """

    figure: str
    must: tuple[float, ...]
    aim: tuple[float, ...]
    measured: tuple[float, ...]
    at_most: bool = False

    @property
    def verdict(self) -> str:
        if any(math.isnan(value) for value in self.measured):
            return "not measured"
        if not self.aim:
            return "shown"

        def reaches(targets: tuple[float, ...]) -> bool:
            pairs = zip(self.measured, targets, strict=True)
            return all(value <= target if self.at_most else value >= target for value, target in pairs)

        if reaches(self.aim):
            return "aim"
        return "below the aim" if not self.must else "must" if reaches(self.must) else "MISSED"


def geomean(values: Iterable[float]) -> float:
    found = [value for value in values if value > 0]
    return math.exp(sum(map(math.log, found)) / len(found)) if found else math.nan


class Results:
    """The runs of every array, and how they compare."""

    def __init__(self, runs: Mapping[str, Sequence[Run]]) -> None:
        self.runs = runs

    def find(self, array: str, peer: str, bound: str) -> Run | None:
        return next((r for r in self.runs[array] if r.peer == peer and r.bound == bound and r.valid), None)

    def best(self, array: str, bound: str) -> Run | None:
        """The peer with the best ratio of those that kept the bound; lossless ones keep every bound."""
        peers = [
            r for r in self.runs[array] if r.valid and r.bound in (bound, LOSSLESS) and not r.peer.startswith(OURS)
        ]
        return max(peers, key=lambda run: run.ratio, default=None)

    def lossless_float_peer(self, array: str, bound: str) -> Run | None:
        found = [run for name in ("pcodec 8", "OpenZL") if (run := self.find(array, name, LOSSLESS))]
        return max(found, key=lambda run: run.ratio, default=None)

    def against(
        self, profile: str, peer: Callable[[str, str], Run | None], bound: str, value: Value
    ) -> dict[str, float]:
        """Ours over the peer's, by array: those where both kept the bound."""
        pairs = {array: (self.find(array, OURS + profile, bound), peer(array, bound)) for array in self.runs}
        return {array: value(ours) / value(theirs) for array, (ours, theirs) in pairs.items() if ours and theirs}

    def named(self, peer: str) -> Callable[[str, str], Run | None]:
        return lambda array, bound: self.find(array, peer, bound)


def ratio(run: Run) -> float:
    return run.ratio


def compress_speed(run: Run) -> float:
    return run.c


def decompress_speed(run: Run) -> float:
    return run.d


def _ratio_rows(results: Results) -> list[Row]:
    sz3 = results.named(SZ3)
    wanted: list[tuple[str, str, Callable[[str, str], Run | None], tuple[float, ...], tuple[float, ...]]] = [
        ("best valid peer", "dense", results.best, (1.10, 1.10, 1.08, 1.05), (1.30, 1.28, 1.20, 1.15)),
        ("SZ3 default", "dense", sz3, (1.40, 1.40, 1.30, 1.25), (1.65, 1.60, 1.45, 1.38)),
        ("SZ3 default", "balanced", sz3, (1.0, 1.10, 1.15, 1.15), (1.15, 1.25, 1.30, 1.25)),
        ("SZ3 default", "fast", sz3, (0.45, 0.70, 0.75, 0.75), (0.55, 0.80, 0.90, 0.90)),
    ]
    rows = []
    for beside, profile, peer, must, aim in wanted:
        measured = tuple(geomean(results.against(profile, peer, bound, ratio).values()) for bound in BOUNDS)
        rows.append(Row(f"{profile} ratio / {beside} at rel 1e-2, 1e-3, 1e-4, 1e-5", must, aim, measured))
    return rows


def _speed_rows(results: Results) -> list[Row]:
    """Speeds beside SZ3's: the mean over arrays at each bound, and of those the lowest, so that no bound hides another."""
    wanted = {"dense": ((0.7, 1), (1, 1.5)), "balanced": ((2.5, 2), (4, 3)), "fast": ((10, 8), (14, 11))}
    rows = []
    for profile, (must, aim) in wanted.items():
        for value, word, place in ((compress_speed, "compress", 0), (decompress_speed, "decompress", 1)):
            found = [geomean(results.against(profile, results.named(SZ3), b, value).values()) for b in BOUNDS]
            figure = f"{profile} {word} speed / SZ3 default at rel 1e-2, 1e-3, 1e-4, 1e-5"
            rows.append(Row(figure, (must[place],) * len(BOUNDS), (aim[place],) * len(BOUNDS), tuple(found)))
    return rows


def _lossless_rows(results: Results) -> list[Row]:
    beside = results.against(EXACT, results.lossless_float_peer, LOSSLESS, ratio)
    floats = {array: value for array, value in beside.items() if not array.endswith(("_i16", "_u8"))}
    grids = [value for array, value in floats.items() if array in HIDDEN_GRID]
    speeds = [
        geomean(results.against(EXACT, results.named("pcodec 8"), LOSSLESS, value).values())
        for value in (compress_speed, decompress_speed)
    ]
    images = [
        geomean(
            v for a, v in results.against(EXACT, results.named("JPEG-XL e3"), LOSSLESS, value).items() if a in IMAGES
        )
        for value in (ratio, compress_speed, decompress_speed)
    ]
    return [
        Row("lossless float ratio / better of pcodec 8 and OpenZL", (1.0,), (1.05,), (geomean(floats.values()),)),
        Row("the same on hidden-grid arrays", (1.0,), (1.15,), (geomean(grids),)),
        Row("lossless speed / pcodec 8, compress and decompress", (1, 1), (3, 1.5), tuple(speeds)),
        Row("lossless images / JPEG-XL e3: ratio, compress, decompress", (0.97, 8, 8), (1.05, 15, 15), tuple(images)),
    ]


def rows(results: Results, beyond: Sequence[Row]) -> list[Row]:
    """The rows in the order of the promise; ``beyond`` are those that need arrays of their own."""
    ours = [run for found in results.runs.values() for run in found if run.peer.startswith(OURS)]
    # A run that fails has a note; one that breaks its bound has figures.
    failed, over = sum(bool(run.note) for run in ours), sum(not run.valid and not run.note for run in ours)
    counts = [("fail", failed), ("are over the bound", over)]
    none = [
        Row(
            f"our runs that {word}, all arrays and bounds",
            (0,),
            (0,),
            (float(count) if ours else math.nan,),
            at_most=True,
        )
        for word, count in counts
    ]
    return [*_ratio_rows(results), *_speed_rows(results), *_lossless_rows(results), *beyond, *none]


def behind(results: Results, sizes: Mapping[str, int]) -> list[str]:
    """Arrays of 1 MB or more where ``dense`` stays below 0.95 of the best valid peer, with that peer's name."""
    lines = []
    for bound in BOUNDS:
        for array, value in results.against("dense", results.best, bound, ratio).items():
            best = results.best(array, bound)
            if value < 0.95 and sizes[array] >= 1_000_000 and best:
                lines.append(f"{array} at {bound}: {value:.3f} of {best.peer} ({best.ratio:.2f})")
    return lines


def printed(found: Sequence[Row]) -> str:
    def figures(values: tuple[float, ...]) -> str:
        return " ".join(f"{value:.3g}" for value in values)

    lines = [f"{'figure':70} {'must':20} {'aim':20} {'measured':26} reached"]
    for row in found:
        measured = figures(row.measured)
        lines.append(f"{row.figure:70} {figures(row.must):20} {figures(row.aim):20} {measured:26} {row.verdict}")
    return "\n".join(lines)
