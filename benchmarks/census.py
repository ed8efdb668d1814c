"""A table like a census: seven quasi-identifiers and an occupation of 32,561 people that are nobody's."""

from __future__ import annotations

from typing import Any

import numpy as np

ROWS = 32_561
#: Name, distinct values, power of their Zipf law.
COLUMNS = (
    ("workclass", 8, 1.0),
    ("education", 16, 1.0),
    ("marital", 7, 1.0),
    ("race", 5, 1.0),
    ("sex", 2, 1.0),
    ("country", 41, 2.0),
    ("occupation", 14, 0.8),
)


def codes(rows: int = ROWS, seed: int = 0) -> tuple[Any, Any]:
    """Codes (rows, 7), and those of the occupation (rows,)."""
    rng = np.random.default_rng(seed)
    columns = [np.clip(rng.gamma(4, 6, rows).astype(int), 0, 72)]
    for _, size, power in COLUMNS:
        weights = np.arange(1, size + 1) ** -power
        columns.append(rng.choice(size, rows, p=weights / weights.sum()))
    return np.column_stack(columns[:-1]), columns[-1]


def frame(rows: int = ROWS, seed: int = 0) -> Any:
    """The same as a DataFrame of ages and texts."""
    import pandas as pd

    table, occupation = codes(rows, seed)
    columns = {"age": table[:, 0] + 17}
    for number, (name, size, _) in enumerate(COLUMNS):
        texts = np.array([f"{name} {value:02d}" for value in range(size)])
        columns[name] = texts[table[:, number + 1] if name != "occupation" else occupation]
    return pd.DataFrame(columns)


#: Quasi-identifiers of the DataFrame.
QUASI = ["age", *(name for name, _, _ in COLUMNS[:-1])]
#: Levels above the values of a column, as a user would write them.
HIERARCHIES: dict[str, Any] = {
    "age": [5, 10, 20, 40],
    "education": {f"education {v:02d}": (f"stage {v // 4}", f"half {v // 8}") for v in range(16)},
    "workclass": {f"workclass {v:02d}": (f"sector {v // 3}",) for v in range(8)},
    "country": {f"country {v:02d}": (f"region {v // 8}", f"continent {v // 24}") for v in range(41)},
    "marital": {f"marital {v:02d}": ("together" if v < 3 else "alone",) for v in range(7)},
}
