"""Whether an option keeps its variable's metrics: what it makes of the sampled blocks, shown to those who measure."""

from __future__ import annotations

from attrs import evolve

from cdt_core.model import Bound, Candidate, VariablePlan
from cdt_core.planning.request import PlanRequest, TriedBlock
from cdt_core.planning.trial import Form, Samples

__all__ = ["lost_metrics"]


def lost_metrics(
    request: PlanRequest, base: VariablePlan, form: Form, option: tuple[Candidate, Bound], samples: Samples
) -> tuple[str, ...]:
    """The checks that pass on the sampled blocks and no longer once a candidate has stored them.

    ``option`` is the candidate and the bound that it keeps on physical values. Lossless ones lose nothing, and are
    not looked at; nor is anything where no metrics are to be kept.
    """
    candidate, applied = option
    if request.metrics is None or candidate.codec_bound.is_lossless:
        return ()
    offer = next(offer for offer in request.codecs if offer.name == candidate.codec)
    codec = offer.load()(candidate.parameters, candidate.codec_bound, form.missing)
    blocks = [
        TriedBlock(start, stored, physical, codec.decode(codec.encode(block).stream, block.shape, block.dtype))
        for start, stored, physical, block in zip(
            samples.starts, samples.stored, samples.physical, samples.of(form), strict=True
        )
    ]
    plan = evolve(
        base,
        dtype=form.dtype,
        form=form.name,
        codec=candidate.codec,
        parameters=candidate.parameters,
        applied=applied,
        codec_bound=candidate.codec_bound,
    )
    return request.metrics(plan, blocks)
