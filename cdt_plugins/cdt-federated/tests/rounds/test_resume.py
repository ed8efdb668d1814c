"""A coordinator that dies at any moment is resumed from its journal to the same state; a changed journal is refused."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from federation import LENGTH, coordinator_of, expected_mean, plain, roster_of, sites_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relay import RelayExchange, RelayParty

from cdt_core.errors import FederatedError
from cdt_core.governance.linked import LinkedFile, Wording
from cdt_federated.rounds import Faults, InProcess, Journal, PlainExchange, Terms, run_in_process, run_round

ROSTER = roster_of(4)


class CrashError(Exception):
    """The coordinator's process ends here."""


def _relay(opening):
    return RelayExchange(opening.sites)


def _relay_sites():
    return sites_of(ROSTER, lambda opening: RelayParty(int(opening.site[-1]) + 1))


@pytest.mark.parametrize("answers", range(13))
def test_killed_after_any_number_of_answers_it_ends_as_if_nothing_had_been(tmp_path, answers):
    """Three stages of four sites; the answer after the last one that was accepted is lost with the process."""
    sites, seen = _relay_sites(), 0
    deliver = InProcess(sites)

    def deliver_until_crash(requests):
        nonlocal seen
        for message in deliver(requests):
            if seen == answers:
                raise CrashError
            seen += 1
            yield message

    with Journal(tmp_path) as journal:
        coordinator = coordinator_of(ROSTER, journal=journal)
        if answers < 12:
            with pytest.raises(CrashError):
                _drive(coordinator, deliver_until_crash)
        else:
            _drive(coordinator, deliver_until_crash)
    with Journal(tmp_path) as journal:
        again = coordinator_of(ROSTER, journal=journal)
        assert again.interrupted == (answers < 12)
        outcome = run_round(again, deliver, _relay) if again.interrupted else _resumed(again)
        assert outcome.values == [1 + 2 + 3 + 4]
        assert outcome.round == 1
        following = run_round(again, deliver, _relay)
        assert (following.round, following.dropped) == (2, ())


def _drive(coordinator, deliver):
    """As ``run_round``, but each message is taken by itself, so that it is on disk before the next."""
    requests = coordinator.begin(_relay)
    while coordinator.outcome is None:
        following = {}
        for message in deliver(requests):
            following = coordinator.receive(message).requests or following
        requests = following


def _resumed(coordinator):
    assert coordinator.resume(_relay) == {}
    return coordinator.outcome


def test_what_a_round_gave_before_the_crash_is_still_known(tmp_path):
    with Journal(tmp_path) as journal:
        faults = Faults(dropped=[("site-2", "update")])
        first = run_in_process(coordinator_of(ROSTER, journal=journal), sites_of(ROSTER), plain, faults=faults)
    with Journal(tmp_path) as journal:
        again = coordinator_of(ROSTER, journal=journal)
        again.resume(plain)
        assert again.outcome.values.tobytes() == first.values.tobytes()
        assert (again.outcome.included, again.outcome.refused) == (first.included, first.refused)
        outcome = run_in_process(again, sites_of(ROSTER), plain)
        assert np.allclose(outcome.values, expected_mean(ROSTER.names, 2), rtol=1e-14)


def test_a_failed_round_is_remembered_with_its_reason(tmp_path):
    with Journal(tmp_path) as journal:
        coordinator = coordinator_of(ROSTER, Terms(minimum=4), journal=journal)
        run_in_process(coordinator, sites_of(ROSTER), plain, faults=Faults(dropped=[("site-2", "update")]))
    with Journal(tmp_path) as journal:
        again = coordinator_of(ROSTER, Terms(minimum=4), journal=journal)
        assert not again.interrupted
        again.resume(plain)
        assert again.outcome.reason == "3 of 4 sites answered stage 'update', 4 are needed"


def test_an_interrupted_round_must_be_resumed_or_abandoned_first(tmp_path):
    with Journal(tmp_path) as journal:
        coordinator_of(ROSTER, journal=journal).begin(plain)
    with Journal(tmp_path) as journal:
        again = coordinator_of(ROSTER, journal=journal)
        with pytest.raises(FederatedError, match="round 1 is not over"):
            again.begin(plain)
        again.abandon("the power went")
        assert again.outcome.reason == "the power went"
        assert run_in_process(again, sites_of(ROSTER), plain).round == 2


def test_another_exchange_cannot_take_an_interrupted_round_over(tmp_path):
    with Journal(tmp_path) as journal:
        coordinator_of(ROSTER, journal=journal).begin(plain)
    with Journal(tmp_path) as journal, pytest.raises(FederatedError, match="asks something else than before the crash"):
        coordinator_of(ROSTER, journal=journal).resume(_relay)


def test_two_coordinators_do_not_share_a_journal(tmp_path):
    with Journal(tmp_path), pytest.raises(FederatedError, match=r"the journal .* is in use by another process"):
        Journal(tmp_path)


def test_a_line_that_the_crash_cut_off_is_taken_away(tmp_path):
    with Journal(tmp_path) as journal:
        head = _two_rounds(journal)
    log = tmp_path / "log.jsonl"
    log.write_bytes(log.read_bytes() + b'{"event":{"what":"ans')
    with Journal(tmp_path) as journal:
        assert journal.torn
        assert journal.head == head
        assert coordinator_of(ROSTER, journal=journal).round == 2


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_log_that_was_changed_is_refused(tmp_path_factory, data):
    """Any byte changed, any line dropped, doubled or moved, any end cut off."""
    folder = tmp_path_factory.mktemp("journal")
    with Journal(folder) as journal:
        _two_rounds(journal)
    log = folder / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    kind = data.draw(st.sampled_from(["flip", "drop", "double", "swap", "cut"]))
    at = data.draw(st.integers(0, len(lines) - (2 if kind == "swap" else 1)))
    if kind == "flip":
        byte = data.draw(st.integers(0, len(lines[at]) - 2))
        lines[at] = lines[at][:byte] + bytes([lines[at][byte] ^ data.draw(st.integers(1, 255))]) + lines[at][byte + 1 :]
    elif kind == "drop":
        del lines[at]
    elif kind == "double":
        lines.insert(at, lines[at])
    elif kind == "cut":
        del lines[at:]
    else:
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    log.write_bytes(b"".join(lines))
    with pytest.raises(FederatedError, match=r"line \d+ does not follow from|was cut: it has|do not belong together"):
        Journal(folder)


def test_payloads_that_were_changed_or_lost_are_refused(tmp_path):
    with Journal(tmp_path) as journal:
        deliver = InProcess(sites_of(ROSTER))
        coordinator = coordinator_of(ROSTER, journal=journal)
        answers = list(deliver(coordinator.begin(plain)))
        coordinator.receive_all(answers[:3])
    place = tmp_path / "round-1.answers"
    kept = place.read_bytes()
    assert len(kept) == 3 * 8 * LENGTH
    place.write_bytes(kept[:50] + b"?" + kept[51:])
    with (
        Journal(tmp_path) as journal,
        pytest.raises(FederatedError, match="the answer of site-1 is not what the log says"),
    ):
        coordinator_of(ROSTER, journal=journal).resume(plain)
    place.unlink()
    with Journal(tmp_path) as journal, pytest.raises(FederatedError, match="payloads of the round cannot be read"):
        coordinator_of(ROSTER, journal=journal).resume(plain)
    place.write_bytes(kept + b"written, but the log does not say so")
    with Journal(tmp_path) as journal:
        again = coordinator_of(ROSTER, journal=journal)
        assert set(again.resume(plain)) == {"site-3"}
        assert again.receive(answers[3]).accepted
        assert np.allclose(again.result().values, expected_mean(ROSTER.names, 1), rtol=1e-14)


def test_without_a_journal_there_is_nothing_to_resume():
    with pytest.raises(FederatedError, match="no round is in the journal"):
        coordinator_of(ROSTER).resume(plain)


def test_only_the_latest_rounds_payloads_are_kept(tmp_path):
    with Journal(tmp_path) as journal:
        _two_rounds(journal)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl", "log.jsonl.head", "round-2.answers"]


def _two_rounds(journal):
    coordinator = coordinator_of(ROSTER, journal=journal)
    for _ in range(2):
        run_in_process(coordinator, sites_of(ROSTER), plain)
    return journal.head


def test_a_round_that_had_ended_gives_the_same_values_again_or_says_that_the_rule_is_another(tmp_path):
    def shifted(opening):
        return PlainExchange(opening.sites, LENGTH, rule=lambda updates, weights: updates[0])

    with Journal(tmp_path) as journal:
        run_in_process(coordinator_of(ROSTER, journal=journal), sites_of(ROSTER), plain)
    with Journal(tmp_path) as journal, pytest.raises(FederatedError, match="does not give again what it gave"):
        coordinator_of(ROSTER, journal=journal).resume(shifted)


def test_the_journal_of_another_federation_is_refused(tmp_path):
    with Journal(tmp_path) as journal:
        coordinator_of(ROSTER, journal=journal).begin(plain)
    with Journal(tmp_path) as journal, pytest.raises(FederatedError, match="that of 'trial', not of 'another'"):
        coordinator_of(roster_of(4, "another"), journal=journal)


@pytest.mark.parametrize("call", ["pwrite", "fsync", "replace"])
def test_a_disk_that_is_full_is_said_and_what_was_acknowledged_is_resumed(tmp_path, monkeypatch, call):
    def full(*_, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    deliver = InProcess(sites_of(ROSTER))
    journal = Journal(tmp_path)
    coordinator = coordinator_of(ROSTER, journal=journal)
    answers = list(deliver(coordinator.begin(plain)))
    assert coordinator.receive(answers[0]).accepted
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(FederatedError, match="cannot be written: No space left"):
            coordinator.receive(answers[1])
    for answer in answers[2:]:  # a second try may find a disk that says that all is well, and has not what it lost
        with pytest.raises(FederatedError, match="was closed, or failed before; open it again"):
            coordinator.receive(answer)
    with pytest.raises(FederatedError, match="was closed, or failed before"):
        journal.close()
    with Journal(tmp_path) as journal:
        outcome = run_round(coordinator_of(ROSTER, journal=journal), deliver, plain)
        assert np.allclose(outcome.values, expected_mean(ROSTER.names, 1), rtol=1e-14)


def test_a_folder_with_another_log_is_left_alone(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"level": "info"}\n')
    with pytest.raises(FederatedError, match="line 1 does not follow from the beginning"):
        Journal(tmp_path)
    assert log.read_text() == '{"level": "info"}\n'
    log.unlink()
    LinkedFile.create(log, {"format": "diary"}, Wording(error=FederatedError, name="diary")).close()
    with pytest.raises(FederatedError, match="is no journal of version 1; give another folder"):
        Journal(tmp_path)
