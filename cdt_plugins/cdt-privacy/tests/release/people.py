"""Tables of people that are nobody's."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st


def census(rows=1500, seed=0):
    """Numbers, dates, texts, categories, booleans, with missing values; names, and an illness."""
    rng = np.random.default_rng(seed)
    age = np.clip(rng.gamma(4, 6, rows), 0, 72) + 17
    frame = pd.DataFrame(
        {
            "name": [f"person {number}" for number in range(rows)],
            "age": age.astype(int),
            "weight": np.where(rng.random(rows) < 0.05, np.nan, rng.normal(75, 12, rows).round(1)),
            "born": pd.Timestamp("2020-01-01") - pd.to_timedelta((age * 365.25).astype(int), unit="D"),
            "town": rng.choice(["Aa", "Bergen", "Celle", "Delft"], rows, p=[0.5, 0.3, 0.15, 0.05]),
            "school": pd.Categorical(
                rng.choice(["none", "school", "college"], rows), ["none", "school", "college"], ordered=True
            ),
            "smokes": rng.random(rows) < 0.3,
            "illness": rng.choice(["flu", "asthma", "gout", "none"], rows, p=[0.4, 0.2, 0.1, 0.3]),
            "cost": rng.gamma(2, 500, rows).round(2),
        }
    )
    frame.loc[rng.random(rows) < 0.05, "town"] = None
    return frame


QUASI = ["age", "weight", "born", "town", "school", "smokes"]
TOWNS = {"Aa": ("north", "land"), "Bergen": ("north", "land"), "Celle": ("south", "land"), "Delft": ("south", "land")}


@st.composite
def tables(draw, most=60):
    """Small tables of two to four quasi-identifiers of all kinds, and a sensitive column."""
    rows = draw(st.integers(1, most))
    frame = census(rows, draw(st.integers(0, 2**31)))
    quasi = draw(st.lists(st.sampled_from(QUASI), min_size=1, max_size=4, unique=True))
    return frame, quasi
