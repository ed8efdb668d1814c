"""A dataset's budget is never exceeded: not by a crash, not by a second process, not by an edited file."""

import json
import math
import os
import subprocess
import sys
import threading

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import BudgetError, PrivacyError
from cdt_core.governance import Budget as AgreedBudget
from cdt_core.governance.linked import canonical, digest
from cdt_privacy.accounting import (
    Composed,
    Declared,
    DiscreteGaussian,
    DiscreteLaplace,
    Gaussian,
    Laplace,
    Neighbours,
    epsilon,
)
from cdt_privacy.ledger import Budget, Ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cohort.ledger"


@pytest.fixture
def ledger(path):
    with Ledger.create(path, "cohort", Budget(0.9, 1e-6)) as made:
        yield made


def head_of(path):
    return path.with_name(f"{path.name}.head")


def reopened(ledger, **options):
    ledger.close()
    return Ledger.open(ledger._file.path, **options)


def test_what_was_spent_is_there_after_reopening(ledger):
    ledger.reserve(Gaussian(20.0), "mean").commit()
    ledger.reserve(Composed(DiscreteGaussian(80.0, 2.0, 10), 3), "training").commit()
    spent, head = ledger.epsilon_spent, ledger.head
    with reopened(ledger, head=head) as again:
        assert again.dataset == "cohort"
        assert again.budget == Budget(0.9, 1e-6)
        assert again.mechanisms == (Gaussian(20.0), Composed(DiscreteGaussian(80.0, 2.0, 10), 3))
        assert again.epsilon_spent == spent == epsilon(again.mechanisms, 1e-6)
        assert again.head == head


def test_what_would_exceed_is_refused_before_anything_is_computed(ledger):
    ledger.reserve(Gaussian(8.0), "first").commit()
    before, ran = ledger.head, []
    with pytest.raises(BudgetError, match=r"second: with it epsilon would be 0\.8\d+|second: with it epsilon would be"):
        ledger.release(Gaussian(5.0), lambda: ran.append(1), "second")
    assert not ran
    assert ledger.head == before
    ledger.release(Gaussian(40.0), lambda: ran.append(1), "a smaller one still fits")
    assert ran


def test_what_renyi_divergences_would_refuse_and_exact_losses_allow_is_allowed(path):
    noise = 4.3
    assert (
        epsilon([Gaussian(noise)], 1e-6) < 0.99 < 1.0 < 1.08
    )  # by loss distributions; by Renyi divergences it is larger
    with Ledger.create(path, "cohort", Budget(0.99, 1e-6)) as ledger:
        ledger.reserve(Gaussian(noise), "one")
        assert ledger.account().by_renyi > 0.99


def test_many_small_epsilons_fill_a_small_budget_and_not_more(path):
    with Ledger.create(path, "cohort", Budget(0.3, 0.0)) as ledger:
        for _ in range(3):
            ledger.reserve(Laplace(10.0), "a tenth").commit()
        assert ledger.epsilon_spent == pytest.approx(0.3)
        with pytest.raises(BudgetError):
            ledger.reserve(Declared(1e-6), "a bit more")
        with pytest.raises(BudgetError):
            ledger.reserve(Gaussian(1e9), "Gaussian noise has no epsilon at delta 0")


def test_neighbours_that_replace_one_cost_twice_the_sensitivity(path):
    with Ledger.create(path, "cohort", Budget(1.0, 0.0, Neighbours.REPLACE_ONE)) as ledger:
        ledger.reserve(DiscreteLaplace(10.0, 4.0), "count").commit()
        assert ledger.epsilon_spent == pytest.approx(0.8)
        with pytest.raises(BudgetError):
            ledger.reserve(DiscreteLaplace(10.0, 2.0), "another")


def test_a_crash_between_reserving_and_committing_leaves_it_spent(ledger):
    ledger.reserve(Gaussian(10.0), "cut off")
    with reopened(ledger) as again:
        assert again.mechanisms == (Gaussian(10.0),)
        (left,) = again.open_reservations
        left.cancel()
        assert again.mechanisms == ()
        assert again.open_reservations == ()
    with Ledger.open(again._file.path) as third:
        assert third.epsilon_spent == 0.0


def test_a_failed_computation_stays_spent(ledger):
    with pytest.raises(ZeroDivisionError):
        ledger.release(Gaussian(10.0), lambda: 1 / 0, "mean")
    assert ledger.mechanisms == (Gaussian(10.0),)


def test_a_reservation_is_settled_once(ledger):
    reservation = ledger.reserve(Gaussian(10.0))
    reservation.commit()
    with pytest.raises(PrivacyError, match="settled before"):
        reservation.cancel()
    assert ledger.mechanisms == (Gaussian(10.0),)


def test_two_processes_cannot_hold_it(ledger):
    with pytest.raises(PrivacyError, match="in use"):
        Ledger.open(ledger._file.path)
    code = f"from cdt_privacy.ledger import Ledger; Ledger.open({str(ledger._file.path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "in use by another process" in done.stderr
    assert "PrivacyError" in done.stderr


def test_a_budget_is_set_once(ledger):
    with pytest.raises(PrivacyError, match="a budget is set once"):
        Ledger.create(ledger._file.path, "cohort", Budget(100.0, 1e-6))


def test_a_line_of_which_a_crash_left_a_part_is_dropped(ledger):
    ledger.reserve(Gaussian(10.0), "whole").commit()
    head = ledger.head
    with ledger._file.path.open("ab") as file:
        file.write(b'{"digest":"12')
    with reopened(ledger) as again:
        assert again.head == head
        again.reserve(Gaussian(30.0), "after").commit()
    with Ledger.open(again._file.path) as third:
        assert third.mechanisms == (Gaussian(10.0), Gaussian(30.0))


def test_a_crash_before_the_head_was_written_loses_nothing(ledger):
    head_path = head_of(ledger._file.path)
    before = head_path.read_bytes()
    ledger.reserve(Gaussian(10.0), "whole")
    head_path.write_bytes(before)
    with reopened(ledger) as again:
        assert again.mechanisms == (Gaussian(10.0),)
        assert head_path.read_bytes() != before


def test_a_full_disk_means_no_release(ledger, monkeypatch):
    def full(handle, content, offset):
        raise OSError(28, "No space left on device")

    ran = []
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(PrivacyError, match="No space left"):
            ledger.release(Gaussian(10.0), lambda: ran.append(1))
    assert not ran
    with pytest.raises(PrivacyError, match="open it again"):
        ledger.reserve(Gaussian(10.0))


def test_a_ledger_that_could_not_be_made_leaves_no_file(path, monkeypatch):
    def full(handle, content, offset):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(PrivacyError, match="No space left"):
            Ledger.create(path, "cohort", Budget(1.0, 1e-6))
    assert not list(path.parent.iterdir())
    Ledger.create(path, "cohort", Budget(1.0, 1e-6)).close()


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("after", [False, True])
def test_an_interrupt_closes_the_ledger_and_what_reached_the_disk_counts(ledger, monkeypatch, call, after):
    name = {"write": "pwrite", "fsync": "fsync", "replace": "replace"}[call]
    real = getattr(os, name)

    def interrupted(*arguments, **options):
        if after:
            real(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            ledger.reserve(Gaussian(20.0), "cut off")
    with pytest.raises(PrivacyError, match="open it again"):
        ledger.reserve(Gaussian(30.0), "next")
    with reopened(ledger) as again:
        assert again.mechanisms in ((), (Gaussian(20.0),))
        assert len(again.mechanisms) == (call != "write" or after)
        again.reserve(Gaussian(30.0), "next").commit()
        count = len(again.mechanisms)
    with Ledger.open(again._file.path) as third:
        assert len(third.mechanisms) == count


@attrs.frozen
class OfSomebody(Gaussian):
    """A mechanism that the ledger does not know by its name."""


def nested(depth):
    return Gaussian(200.0) if not depth else Composed(nested(depth - 1), 1)


@pytest.mark.parametrize(
    ("mechanism", "purpose"), [(Gaussian(20.0), "x" * (1 << 20)), (OfSomebody(20.0), "mine"), (nested(17), "deep")]
)
def test_what_could_not_be_read_again_is_not_written(ledger, mechanism, purpose):
    head = ledger.head
    with pytest.raises(PrivacyError, match=r"shorten|is no mechanism"):
        ledger.reserve(mechanism, purpose)
    assert ledger.head == head
    ledger.reserve(nested(16), "deep enough").commit()
    with reopened(ledger) as again:
        assert again.mechanisms == (nested(16),)


def test_a_dataset_whose_name_could_not_be_read_again_gets_no_ledger(path):
    with pytest.raises(PrivacyError, match="shorten"):
        Ledger.create(path, "x" * (1 << 20), Budget(1.0, 1e-6))
    assert not path.exists()


def test_threads_reserve_while_others_look(ledger):
    wrong = []

    def look():
        try:
            while not done.is_set():
                assert len(ledger.open_reservations) <= len(ledger.mechanisms) <= 40
        except BaseException as error:
            wrong.append(error)

    done = threading.Event()
    threads = [threading.Thread(target=look) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for _ in range(40):
            ledger.reserve(Gaussian(4000.0))
    finally:
        sys.setswitchinterval(interval)
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong


def test_another_kind_of_budget_is_refused_by_name(path):
    with pytest.raises(PrivacyError, match=r"cdt_privacy\.ledger\.Budget"):
        Ledger.create(path, "cohort", AgreedBudget(1.0, 1e-6))


@pytest.mark.parametrize("settled", ["[]", "{}", "true", "1.0", "null"])
def test_a_line_that_settles_no_reservation_is_refused(filled, tmp_path, settled):
    lines = filled[0].splitlines()[:2]
    entry = json.loads(f'{{"kind": "commit", "reservation": {settled}}}')
    lines.append(canonical({"sequence": 2, "previous": digest(lines[-1]), "entry": entry}))
    with pytest.raises(PrivacyError, match="line 3: 'commit' makes no sense"):
        opened_with(tmp_path, b"\n".join([*lines, b""]), f"3 {digest(lines[-1])}\n".encode())


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The bytes of a ledger of six lines, and of its head."""
    path = tmp_path_factory.mktemp("filled") / "cohort.ledger"
    with Ledger.create(path, "cohort", Budget(2.0, 1e-6)) as ledger:
        for noise in (20.0, 30.0):
            ledger.reserve(Gaussian(noise), "mean").commit()
        ledger.reserve(Gaussian(40.0), "last")
    return path.read_bytes(), path.with_name("cohort.ledger.head").read_bytes()


def opened_with(folder, stored, head):
    path = folder / "cohort.ledger"
    path.write_bytes(stored)
    path.with_name("cohort.ledger.head").write_bytes(head)
    with Ledger.open(path) as ledger:
        return ledger.mechanisms


@pytest.mark.parametrize("first", range(6))
@pytest.mark.parametrize("change", ["drop", "swap", "repeat", "cut"])
def test_lines_that_were_dropped_moved_repeated_or_cut_are_found(filled, tmp_path, first, change):
    stored, head = filled
    lines = stored.splitlines(keepends=True)
    if change == "drop":
        del lines[first]
    elif change == "swap":
        other = (first + 1) % 6
        lines[first], lines[other] = lines[other], lines[first]
    elif change == "repeat":
        lines.insert(first, lines[first])
    else:
        lines = lines[:first]
    with pytest.raises(PrivacyError, match=r"line \d+ does not follow from|was cut|do not belong together"):
        opened_with(tmp_path, b"".join(lines), head)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_changed_byte_is_found(filled, tmp_path_factory, data):
    stored, head = filled
    at = data.draw(st.integers(0, len(stored) - 1))
    changed = bytearray(stored)
    changed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PrivacyError):
        opened_with(tmp_path_factory.mktemp("changed"), bytes(changed), head)


@pytest.mark.parametrize("head", [b"", b"6", b"x y", b"3 " + b"0" * 64 + b"\n", b"-1 " + b"0" * 64 + b"\n"])
def test_a_head_that_is_not_its_own_is_refused(filled, tmp_path, head):
    with pytest.raises(PrivacyError):
        opened_with(tmp_path, filled[0], head)


def test_an_older_copy_is_found_by_a_head_kept_elsewhere(ledger):
    old = [(one, one.read_bytes()) for one in (ledger._file.path, head_of(ledger._file.path))]
    ledger.reserve(Gaussian(10.0), "forgotten").commit()
    kept = ledger.head
    ledger.close()
    for one, content in old:
        one.write_bytes(content)
    with Ledger.open(ledger._file.path):
        pass  # without the head it is a whole ledger
    with pytest.raises(PrivacyError, match="never had the head"):
        Ledger.open(ledger._file.path, head=kept)


@pytest.mark.parametrize(
    "budget",
    [(0.0, 1e-6), (math.inf, 1e-6), (10**400, 1e-6), (1.0, 1.0), ("1", 0.0), (1.0, -1e-9), (1.0, 0.0, "replace-one")],
)
def test_budgets_that_promise_nothing_are_refused(budget):
    with pytest.raises(PrivacyError):
        Budget(*budget)


def test_a_thousand_rounds_are_reserved_in_little_time_and_accounted_as_one(path):
    with Ledger.create(path, "cohort", Budget(1.0, 1e-6)) as ledger:
        for number in range(200):
            ledger.reserve(DiscreteGaussian(4000.0, 10.0, 1000), f"round {number}").commit()
        assert ledger.epsilon_spent == pytest.approx(epsilon([Gaussian(400.0 / math.sqrt(200))], 1e-6), rel=1e-3)
