"""Selection of features and balance of batches beside what a user would take instead: ``python -m benchmarks.peers.select
[--only WORD,...]``.

Features are judged by the accuracy of a logistic regression (scaled, scikit-learn's defaults) on folds that neither
selection nor regression saw; all ways have the same folds. Baselines: scikit-learn's ``f_classif`` and
``mutual_info_classif`` with the best k, and greedy selection by minimum redundancy and maximum relevance, as the quotient
of F and mean correlation (FCQ) and as the difference of eta squared and mean squared correlation. We are held against
each alone, and against the one that is best on the very folds: a maximum over four noisy means, which is above what any of
them reaches on other folds. Peers: ``pip install -e
'.[peers]'``. Data: the test-data folder (``CDT_TEST_DATA``).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.summary import Row
from benchmarks.peers.table import main
from cdt_core.kernels import _anneal
from cdt_core.select import balance_batches, measure_features, select

#: Numbers of features; folds (the rarest type of cells has four) and their repeats.
COUNTS, FOLDS = (3, 5, 8, 10, 20), {"breast cancer": (5, 4), "PBMC": (4, 3)}
BASELINES = ("f_classif", "mutual_info_classif", "greedy FCQ", "greedy difference")
#: Designs: samples, batches, seeds.
DESIGNS = ((24, 3), (96, 4), (300, 6))
SEEDS = range(5)

Data = tuple[Any, Any]


def folder() -> Path:
    """Of the test data."""
    return Path(os.environ.get("CDT_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def breast_cancer() -> Data:
    """569 tumours, 30 features, 2 classes."""
    table = np.loadtxt(folder() / "biobank" / "breast_cancer.csv", delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1].astype(int)


def pbmc() -> Data:
    """400 cells, 765 genes, 10 types."""
    import h5py

    with h5py.File(folder() / "transcriptomics" / "pbmc68k_reduced_dev.h5ad") as file:
        return file["X"][:].astype(float), file["obs/bulk_labels/codes"][:].astype(int)


def rankings(X: Any, y: Any) -> dict[str, Callable[[int], Any]]:  # noqa: N803
    """Each way's choice of k features, from the rows of one fold."""
    from sklearn.feature_selection import f_classif, mutual_info_classif

    # Genes that are constant in a fold have neither F nor correlations: they are nobody's choice.
    varies = np.flatnonzero(X.std(axis=0) > 0)
    X = X[:, varies]  # noqa: N806
    dependence = measure_features(X, y)
    by_information = measure_features(X, y, measure="information")
    f, information = f_classif(X, y)[0], mutual_info_classif(X, y, random_state=0)
    correlation = np.abs(np.corrcoef(X.T))
    ways: dict[str, Callable[[int], Any]] = {
        "cdt": lambda k: select(dependence, k, threads=1).indices,
        "cdt, information": lambda k: select(by_information, k, threads=1).indices,
        "f_classif": lambda k: np.argsort(-f)[:k],
        "mutual_info_classif": lambda k: np.argsort(-information)[:k],
        "greedy FCQ": lambda k: _greedy(f, correlation, k, lambda gain, mean: gain / (mean + 1e-9)),
        "greedy difference": lambda k: _greedy(dependence.relevance, correlation**2, k, lambda gain, mean: gain - mean),
    }
    return {name: lambda k, way=way: varies[way(k)] for name, way in ways.items()}


def _greedy(relevance: Any, redundancy: Any, k: int, value: Callable[[Any, Any], Any]) -> list[int]:
    """Forward selection of minimum redundancy and maximum relevance (Ding and Peng 2005)."""
    chosen = [int(np.argmax(relevance))]
    while len(chosen) < k:
        gain = np.array(value(relevance, redundancy[:, chosen].mean(axis=1)))
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
    return chosen


def accuracies(X: Any, y: Any, folds: int, repeats: int) -> dict[tuple[str, int], Any]:  # noqa: N803
    """Accuracy of each way and k on each fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import RepeatedStratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found: dict[tuple[str, int], list[float]] = {}
    for train, test in RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=1).split(X, y):
        for way, choose in rankings(X[train], y[train]).items():
            for k in COUNTS:
                columns = np.asarray(choose(k))
                model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
                model.fit(X[np.ix_(train, columns)], y[train])
                found.setdefault((way, k), []).append(model.score(X[np.ix_(test, columns)], y[test]))
    return {key: np.array(values) for key, values in found.items()}


def _features(name: str, data: Data) -> Iterator[Row]:
    """For each k, our accuracy above each baseline's, and above the one that is best by its mean; then over all k."""
    found = accuracies(*data, *FOLDS[name])
    ways = list(dict.fromkeys(way for way, _ in found))
    for k in COUNTS:
        print(f"{name}, k={k}: " + ", ".join(f"{way} {found[way, k].mean():.4f}" for way in ways))
        yield _beside(f"{name}, k={k}", {way: found[way, k] for way in ways})
        best = max(BASELINES, key=lambda way: found[way, k].mean())
        yield Row(
            f"{name}, k={k}: the same, beside whichever of the four is best on these folds ({best})",
            (-2,),
            (0,),
            (_standard_errors(found["cdt", k] - found[best, k]),),
        )
    yield _beside(f"{name}, all k", {way: np.mean([found[way, k] for k in COUNTS], axis=0) for way in ways})


def _beside(name: str, found: dict[str, Any]) -> Row:
    """Our accuracy above that of each baseline, on the same folds."""
    gains = {way: found["cdt"] - found[way] for way in BASELINES}
    printed = ", ".join(f"{way} {100 * gain.mean():+.2f} +- {100 * _error(gain):.2f}" for way, gain in gains.items())
    print(f"{name}: accuracy {100 * found['cdt'].mean():.2f} %, above {printed}")
    return Row(
        f"{name}: accuracy above {', '.join(BASELINES)}, in standard errors",
        (-2,) * len(BASELINES),
        (0,) * len(BASELINES),
        tuple(_standard_errors(gain) for gain in gains.values()),
    )


def _error(gain: Any) -> float:
    """Standard error of the mean of paired differences; folds share rows, so that it is the least it can be."""
    return max(float(gain.std(ddof=1)) / math.sqrt(len(gain)), 1e-9)


def _standard_errors(gain: Any) -> float:
    return float(gain.mean()) / _error(gain)


def cancer() -> Iterator[Row]:
    """Accuracy on the breast-cancer data."""
    yield from _features("breast cancer", breast_cancer())


def cells() -> Iterator[Row]:
    """Accuracy on the PBMC data."""
    yield from _features("PBMC", pbmc())


def design(samples: int, seed: int) -> dict[str, Any]:
    """A study: four covariates and a treatment of three arms."""
    rng = np.random.default_rng(seed)
    return {
        "age": rng.normal(50, 12, samples).round(),
        "bmi": rng.gamma(9, 3, samples),
        "sex": rng.choice(list("fm"), samples),
        "site": rng.choice(list("abcd"), samples, p=[0.4, 0.3, 0.2, 0.1]),
        "arm": rng.choice(["placebo", "low", "high"], samples),
    }


def batches() -> Iterator[Row]:
    """Imbalance of the best of 1000 random assignments and of a greedy one, over ours; means over designs."""
    for samples, count in DESIGNS:
        found = [
            balance_batches(design(samples, seed), count, ["age", "bmi", "sex", "site"], treatment="arm", seed=seed)
            for seed in SEEDS
        ]
        ours = float(np.mean([one.score for one in found]))
        random = float(np.mean([one.best_random_score for one in found]))
        greedy = float(np.mean([one.greedy_score for one in found]))
        yield Row(
            f"{samples} samples, {count} batches: score {ours:.4f}; best of 1000 random, greedy / it",
            (1, 1),
            (2, 2),
            (random / ours, greedy / ours),
        )


PARTS = {"cancer": cancer, "cells": cells, "batches": batches}

if __name__ == "__main__":
    main(__doc__, PARTS, _anneal.kernels_name)
