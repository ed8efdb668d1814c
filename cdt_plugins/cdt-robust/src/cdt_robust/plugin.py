"""What the plugin offers: data only, so that discovery imports neither NumPy nor a rule."""

from __future__ import annotations

from collections.abc import Sequence

from cdt_core.hooks import Aggregator, hookimpl

CDT_API = 1


@hookimpl
def cdt_aggregators() -> Sequence[Aggregator]:
    """The mean, which one bad site can move anywhere, and two rules of one vote per site that bad sites cannot."""
    return (
        Aggregator(
            name="weighted_mean",
            function="cdt_robust.mean:weighted_mean",
            breakdown=0.0,
            additive=True,
            description="mean of the updates by weight; exact statistics, no protection against a bad site",
        ),
        Aggregator(
            name="coordinate_median",
            function="cdt_robust.median:coordinate_median",
            breakdown=0.5,
            description="median of each coordinate, one vote per site; holds while fewer than half of the sites are bad",
        ),
        Aggregator(
            name="trimmed_mean",
            function="cdt_robust.trimmed:trimmed_mean",
            breakdown=0.2,
            description="mean of each coordinate without its lowest and highest fifth (parameter trim), one vote per site",
        ),
    )
