"""Statistics over sites, equal to those of all rows together: questions that sites answer by sums.

An analysis is what is wanted to know; :func:`run` asks every site its questions and gives what was found.

Examples
--------
>>> from cdt_federated.statistics import KaplanMeier, LogisticRegression, Moments, run
>>> sites = {"north": {"age": [41.0, 52.0]}, "south": {"age": [60.0, 47.0]}}
>>> print(run(Moments(["age"]), sites))
                              mean     deviation
age                             50       8.04156
4 rows, 0 left out
"""

from __future__ import annotations

from cdt_federated.statistics.alleles import AlleleFrequencies
from cdt_federated.statistics.asking import answer, ask_all, run
from cdt_federated.statistics.association import Association
from cdt_federated.statistics.chi_square import ChiSquare, Contingency
from cdt_federated.statistics.cox import Cox
from cdt_federated.statistics.histogram import Histogram
from cdt_federated.statistics.linear import LinearRegression
from cdt_federated.statistics.moments import Moments
from cdt_federated.statistics.over_rounds import Asking, answering
from cdt_federated.statistics.quantiles import Quantiles
from cdt_federated.statistics.regression import LogisticRegression, PoissonRegression
from cdt_federated.statistics.summary import Analysis, Summary, Sums
from cdt_federated.statistics.survival import KaplanMeier, LogRank
from cdt_federated.statistics.t_test import TTest
from cdt_federated.statistics.top_k import TopK

__all__ = [
    "AlleleFrequencies",
    "Analysis",
    "Asking",
    "Association",
    "ChiSquare",
    "Contingency",
    "Cox",
    "Histogram",
    "KaplanMeier",
    "LinearRegression",
    "LogRank",
    "LogisticRegression",
    "Moments",
    "PoissonRegression",
    "Quantiles",
    "Summary",
    "Sums",
    "TTest",
    "TopK",
    "answer",
    "answering",
    "ask_all",
    "run",
]
