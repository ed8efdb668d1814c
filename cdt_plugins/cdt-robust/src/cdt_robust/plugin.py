"""What the plugin offers: data only, so that discovery imports neither NumPy nor a rule."""

from __future__ import annotations

from collections.abc import Sequence

from cdt_core.hooks import Aggregator, hookimpl

CDT_API = 1

#: What is done to updates before a rule, whose name it takes.
BEFORE_RULES = ("nearest_neighbour_mixing", "bucketing")

_HALF = "holds while fewer than half of the sites are wrong"

#: Name, function, breakdown, description.
_ROBUST = (
    ("median", "median:median", 0.5, f"median of each coordinate, one vote per site; {_HALF}"),
    (
        "weighted_median",
        "weighted_median:weighted_median",
        0.5,
        "median of each coordinate by weight, which must not be the sites' own word; holds below half of all weight",
    ),
    (
        "trimmed_mean",
        "trimmed:trimmed_mean",
        0.2,
        "mean of each coordinate without its lowest and highest fifth (parameter trim), one vote per site",
    ),
    ("krum", "krum:krum", 0.5, f"the update with the nearest neighbours (parameter f), one vote per site; {_HALF}"),
    (
        "multi_krum",
        "krum:multi_krum",
        0.5,
        f"mean of the updates that Krum ranks best (f, m), one vote per site; {_HALF}",
    ),
    (
        "bulyan",
        "bulyan:bulyan",
        0.25,
        "of what Krum ranks best, the values nearest to each median (f); seven sites or more, fewer than a quarter wrong",
    ),
    (
        "geometric_median",
        "geometric:geometric_median",
        0.5,
        f"point of the least sum of distances, one vote per site; {_HALF}",
    ),
    (
        "centered_clip",
        "clipping:centered_clip",
        0.5,
        f"mean of differences from a centre, cut to a radius (start, radius, iterations); {_HALF}",
    ),
    (
        "nearest_neighbour_mixing",
        "mixing:nearest_neighbour_mixing",
        0.5,
        f"each update becomes the mean of those nearest to it (f), then a rule (then: median); {_HALF}",
    ),
    (
        "bucketing",
        "bucketing:bucketing",
        0.25,
        "means of buckets drawn at random (size: 2, seed), then a rule (then: median); fewer than a quarter wrong",
    ),
)


@hookimpl
def cdt_aggregators() -> Sequence[Aggregator]:
    """The mean, which one bad site can move anywhere, and rules of one vote per site that bad sites cannot."""
    return (
        Aggregator(
            name="mean",
            function="cdt_robust.mean:weighted_mean",
            breakdown=0.0,
            additive=True,
            description="mean of the updates by weight; exact statistics, no protection against a bad site",
        ),
        *(
            Aggregator(name=name, function=f"cdt_robust.{function}", breakdown=breakdown, description=description)
            for name, function, breakdown, description in _ROBUST
        ),
    )
