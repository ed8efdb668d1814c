"""Proofs hold for what is true, and for nothing else: not another statement, site, round, or bound; not after any change."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve, fields
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.verifiable import (
    NormProof,
    OpeningProof,
    RangeProof,
    Transcript,
    commit,
    prove_norm,
    prove_opening,
    prove_range,
    verify_norm,
    verify_opening,
    verify_range,
)
from cdt_privacy.verifiable.bits import BitAnswer, BitsProver
from cdt_privacy.verifiable.group import ORDER, Point, add, base_times, random_scalar, subtract, times
from cdt_privacy.verifiable.pedersen import blinding_point
from cdt_privacy.verifiable.squares import _prove


def here(protocol: str = "test", round: str = "study/1", site: str = "basel") -> Transcript:
    return Transcript(protocol, round, site)


ELSEWHERE = [
    here(protocol="other"),
    here(round="study/2"),
    here(site="lyon"),
    here(round="study/1b", site="asel"),  # the same letters, cut elsewhere
]

numbers = st.one_of(st.integers(-5, 5), st.integers(-(2**40), 2**40))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(numbers, st.integers(0, ORDER - 1))
def test_an_opening_that_is_known_is_proved(value: int, blinding: int) -> None:
    proof = prove_opening(here(), value, blinding)
    assert verify_opening(here(), commit(value, blinding), proof)
    assert not verify_opening(here(), commit(value + 1, blinding), proof)
    assert not verify_opening(here(), commit(value, blinding + 1), proof)
    for elsewhere in ELSEWHERE:
        assert not verify_opening(elsewhere, commit(value, blinding), proof)
    for name in ("challenge", "value_answer", "blinding_answer"):
        changed = evolve(proof, **{name: (getattr(proof, name) + 1) % ORDER})
        assert not verify_opening(here(), commit(value, blinding), changed)


def test_two_proofs_of_one_opening_share_nothing() -> None:
    one, two = prove_opening(here(), 3, 4), prove_opening(here(), 3, 4)
    assert not {one.challenge, one.value_answer, one.blinding_answer} & {
        two.challenge, two.value_answer, two.blinding_answer,
    }  # fmt: skip


def test_a_commitment_of_another_cannot_be_shifted_into_ones_own() -> None:
    """Copying a site's commitment plus one's own number needs a proof that only both openings together give."""
    theirs = commit(10, 99)
    proof = prove_opening(here(site="basel"), 10, 99)
    shifted = add(theirs, commit(5, 7))
    for value, blinding in ((0, 0), (5, 7)):
        forged = evolve(
            proof,
            value_answer=(proof.value_answer + proof.challenge * value) % ORDER,
            blinding_answer=(proof.blinding_answer + proof.challenge * blinding) % ORDER,
        )
        assert not verify_opening(here(site="lyon"), shifted, forged)
        assert not verify_opening(here(site="basel"), shifted, forged)


def test_a_statement_chosen_after_its_challenge_is_not_proved() -> None:
    """Where the commitment is not hashed, one is found for any challenge and answers; here it moves the challenge."""
    announced = commit(random_scalar(), random_scalar())
    unbound = here()
    unbound.absorb("announced", announced)
    for challenge in (unbound.challenge(), random_scalar()):
        value_answer, blinding_answer = random_scalar(), random_scalar()
        fitting = times(pow(challenge, -1, ORDER), subtract(commit(value_answer, blinding_answer), announced))
        assert add(announced, times(challenge, fitting)) == commit(value_answer, blinding_answer)
        assert not verify_opening(here(), fitting, OpeningProof(challenge, value_answer, blinding_answer))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(1, 12), st.data())
def test_a_number_in_range_is_proved(bits: int, data) -> None:
    number = data.draw(st.one_of(st.sampled_from([0, (1 << bits) - 1]), st.integers(0, (1 << bits) - 1)))
    blinding = random_scalar()
    proof = prove_range(here(), number, blinding, bits)
    assert verify_range(here(), commit(number, blinding), bits, proof)
    assert not verify_range(here(), commit(number, blinding), bits + 1, proof)
    assert not verify_range(here(), commit(number + 1, blinding), bits, proof)
    assert not any(verify_range(elsewhere, commit(number, blinding), bits, proof) for elsewhere in ELSEWHERE[:2])


@pytest.mark.parametrize("number", [-1, 16, 17, 2**60, ORDER - 1])
def test_a_number_out_of_range_is_not(number) -> None:
    with pytest.raises(PrivacyError, match=r"not in \[0, 2\^4\): there is nothing to prove"):
        prove_range(here(), number, 5, 4)


def forged_range(number: int, blinding: int, bits: int) -> RangeProof:
    """An honest prover run on a number out of range, as it stands: its lowest bit takes what is left over."""
    from cdt_privacy.verifiable import ranges

    prover = BitsProver(number, blinding, bits)
    challenge = ranges._challenge(here(), commit(number, blinding), bits, prover.sent, prover.announced())
    return RangeProof(tuple(prover.sent), challenge, tuple(prover.answers(challenge)))


@pytest.mark.parametrize("number", [-1, 16, 17, 2**60])
def test_the_honest_algorithm_forges_nothing(number) -> None:
    assert verify_range(here(), commit(11, 5), 4, forged_range(11, 5, 4))
    assert not verify_range(here(), commit(number, 5), 4, forged_range(number, 5, 4))


def test_a_digit_of_two_is_not_a_bit() -> None:
    """The strategy of putting a 2 into one place: both branches of its OR are false, and one must be proved."""
    from cdt_privacy.verifiable import ranges
    from cdt_privacy.verifiable.bits import lowest_bit

    blinding, upper_blinding = random_scalar(), random_scalar()
    upper = commit(2, upper_blinding)  # stands for 4 in the place of 2: the number is 4 + 0, and bits = 2
    commitment = commit(4, blinding)
    low = lowest_bit(commitment, [upper])
    assert low == commit(0, blinding - 2 * upper_blinding)
    nonce, challenge_one, answer_one = random_scalar(), random_scalar(), random_scalar()
    one = base_times(1)
    announced = []
    for point in (low, upper):
        announced.append(times(nonce, blinding_point()))
        simulated = subtract(times(answer_one, blinding_point()), times(challenge_one, subtract(point, one)))
        announced.append(simulated)
    challenge = ranges._challenge(here(), commitment, 2, [upper], announced)
    answers = []
    for secret in (blinding - 2 * upper_blinding, upper_blinding):
        zero = (challenge - challenge_one) % ORDER
        answers.append(BitAnswer(zero, (nonce + zero * secret) % ORDER, answer_one))
    assert not verify_range(here(), commitment, 2, RangeProof((upper,), challenge, tuple(answers)))


def test_challenges_of_ones_own_choice_prove_nothing() -> None:
    """Answers chosen before the challenge fit only by chance: the challenge is hashed from what was announced."""
    from cdt_privacy.verifiable.bits import announced_bits

    commitment = commit(300, 5)
    challenge = random_scalar()
    answers = tuple(BitAnswer(random_scalar(), random_scalar(), random_scalar()) for _ in range(2))
    upper = (commit(1, 9),)
    assert announced_bits([commitment, *upper], answers, challenge)  # simulated, for any statement at all
    assert not verify_range(here(), commitment, 2, RangeProof(upper, challenge, answers))


def proved(values, limit):
    blindings = [random_scalar() for _ in values]
    points = [commit(value, blinding) for value, blinding in zip(values, blindings, strict=True)]
    return points, prove_norm(here(), values, blindings, limit)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=3), st.integers(0, 20))
def test_a_norm_within_the_limit_is_proved(values, spare: int) -> None:
    limit = sum(value * value for value in values) + spare
    points, proof = proved(values, limit)
    assert verify_norm(here(), points, limit, proof)
    assert not verify_norm(here(), points, limit + 1, proof)
    assert not verify_norm(here(site="lyon"), points, limit, proof)
    assert not verify_norm(here(round="study/2"), points, limit, proof)
    assert not verify_norm(here(), [*points[:-1], add(points[-1], base_times(1))], limit, proof)
    if limit > spare:
        with pytest.raises(PrivacyError, match="above the limit"):
            prove_norm(here(), values, [1] * len(values), limit - spare - 1)


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ([3, 4], 24),  # one above
        ([100, 1], 24),
        ([5, pow(2, (ORDER - 1) // 4, ORDER)], 24),  # a root of -1: modulo the order, the squares add up to the limit
    ],
)
def test_the_honest_algorithm_forges_no_norm(values, limit) -> None:
    """With its own check taken away, the prover's best is a proof of something else."""
    blindings = [random_scalar() for _ in values]
    points = [commit(value, blinding) for value, blinding in zip(values, blindings, strict=True)]
    assert not verify_norm(here(), points, limit, _prove(here(), values, blindings, limit))
    with pytest.raises(PrivacyError, match="above the limit"):
        prove_norm(here(), values, blindings, limit)


def test_that_algorithm_is_the_one_that_proves() -> None:
    blindings = [random_scalar(), random_scalar()]
    points = [commit(value, blinding) for value, blinding in zip([3, 4], blindings, strict=True)]
    assert verify_norm(here(), points, 25, _prove(here(), [3, 4], blindings, 25))


def test_a_false_square_is_found() -> None:
    """Q commits to less than the square, and its proof is simulated around the true number."""
    points, proof = proved([7], 49)
    for changed in (commit(0, 5), add(proof.squares[0], base_times(-1)), points[0]):
        assert not verify_norm(here(), points, 49, evolve(proof, squares=(changed,)))


def test_limits_that_could_wrap_around_are_refused() -> None:
    with pytest.raises(PrivacyError, match="could wrap around the group's order"):
        prove_norm(here(), [1], [1], 1 << 250)
    with pytest.raises(PrivacyError, match="give at least one number"):
        prove_norm(here(), [], [], 5)
    with pytest.raises(PrivacyError, match="where 1 to 248 can be proved"):
        prove_range(here(), 0, 1, 0)


def changes(value):
    """Each value that differs from a proof in one scalar or point."""
    if isinstance(value, bytes):
        yield Point(add(Point(value), base_times(1)))
    elif isinstance(value, int):
        yield (value + 1) % ORDER
    elif isinstance(value, tuple):
        for position, item in enumerate(value):
            for changed in changes(item):
                yield (*value[:position], changed, *value[position + 1 :])
        if value:
            yield value[:-1]
    else:
        for each in fields(type(value)):
            for changed in changes(getattr(value, each.name)):
                yield evolve(value, **{each.name: changed})


def test_every_single_change_of_a_proof_is_found() -> None:
    points, norm = proved([2, -1], 6)
    several = list(changes(norm))
    assert len(several) > 50
    assert not any(verify_norm(here(), points, 6, changed) for changed in several)
    commitment, proof = commit(2, 7), prove_range(here(), 2, 7, 3)
    assert not any(verify_range(here(), commitment, 3, changed) for changed in changes(proof))


def bytes_of(proof) -> bytes:
    writer = FieldWriter()
    proof.write(writer)
    return writer.end()


def test_proofs_survive_their_bytes() -> None:
    opening, proof = prove_opening(here(), 1, 2), prove_range(here(), 5, 6, 3)
    points, norm = proved([1, -2], 9)
    assert OpeningProof.read(FieldReader(bytes_of(opening), "x")) == opening
    assert RangeProof.read(FieldReader(bytes_of(proof), "x"), 3) == proof
    reader = FieldReader(bytes_of(norm), "x")
    assert verify_norm(here(), points, 9, NormProof.read(reader, 2, 9))
    reader.end()
    assert [len(bytes_of(each)) for each in (opening, proof)] == [96, 128 * 3]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_bytes_are_a_crash_and_no_changed_ones_a_proof(data) -> None:
    points, norm = PROVED
    raw = bytearray(bytes_of(norm))
    if data.draw(st.booleans()):
        position = data.draw(st.integers(0, len(raw) - 1))
        raw[position] ^= data.draw(st.integers(1, 255))
    else:
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    try:
        read = NormProof.read(FieldReader(bytes(raw), "x"), 2, 6)
    except ProtocolError:
        return
    assert not verify_norm(here(), points, 6, read)


PROVED = proved([2, -1], 6)


def test_a_proof_simulated_without_the_number_looks_like_one() -> None:
    """Honest-verifier zero knowledge: for a given challenge, answers without an opening fit; so answers tell nothing."""
    commitment, challenge = commit(123456, random_scalar()), random_scalar()
    value_answer, blinding_answer = random_scalar(), random_scalar()
    announced = subtract(commit(value_answer, blinding_answer), times(challenge, commitment))
    assert add(announced, times(challenge, commitment)) == commit(value_answer, blinding_answer)


def test_two_answers_to_one_announcement_give_the_opening() -> None:
    """Special soundness: this is why nobody without the opening can answer two challenges."""
    value, blinding, a, b = 42, random_scalar(), random_scalar(), random_scalar()
    first, second = random_scalar(), random_scalar()
    answers = [((a + e * value) % ORDER, (b + e * blinding) % ORDER) for e in (first, second)]
    inverse = pow(first - second, -1, ORDER)
    assert (answers[0][0] - answers[1][0]) * inverse % ORDER == value
    assert (answers[0][1] - answers[1][1]) * inverse % ORDER == blinding


@pytest.mark.parametrize("wrong", [1.5, "1", None])
def test_what_is_no_whole_number_is_refused_by_name(wrong) -> None:
    for call in (
        lambda: commit(wrong, 1),
        lambda: commit(1, wrong),
        lambda: prove_opening(here(), wrong, 1),
        lambda: prove_range(here(), wrong, 1, 4),
        lambda: prove_range(here(), 1, 1, wrong),
        lambda: prove_norm(here(), [1, wrong], [1, 1], 9),
        lambda: prove_norm(here(), [1], [1], wrong),
    ):
        with pytest.raises(PrivacyError, match="must be a whole number"):
            call()
    with pytest.raises(PrivacyError, match="2 numbers have 1 blindings"):
        prove_norm(here(), [1, 1], [1], 9)


def test_numbers_of_numpy_do_not_wrap_around() -> None:
    number = np.int64(2**40)
    assert commit(number, number) == commit(2**40, 2**40)
    points, proof = [commit(2**40, 3)], prove_norm(here(), [number], [np.int64(3)], 2**80)
    assert verify_norm(here(), points, 2**80, proof)
    assert verify_range(here(), commit(2**40, 3), 41, prove_range(here(), number, np.int64(3), 41))
