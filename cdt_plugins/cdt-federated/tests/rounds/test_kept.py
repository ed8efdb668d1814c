"""What a site remembers is on disk before anybody sees its answer, whenever its process dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
from threading import Event, Thread

import numpy as np
import pytest
from federation import LENGTH, coordinator_of, join, key_of, plain, roster_of, sites_of
from relay import RelayExchange, RelayParty

from cdt_core.errors import FederatedError, ProtocolError
from cdt_federated.rounds import KeptSite, PlainParty, Site, Terms, run_round

ROSTER = roster_of(3)


def _kept(path, joining=join, rejoin=None):
    return KeptSite(Site("site-1", key_of("site-1"), ROSTER, joining), path, rejoin)


def _request(task=b""):
    return coordinator_of(ROSTER).begin(plain, task)["site-1"]


def test_another_process_gives_the_same_answer_and_computes_nothing(tmp_path):
    def never(opening):
        raise AssertionError("it was computed again")

    answer = _kept(tmp_path / "site").answer(_request())
    assert _kept(tmp_path / "site", never).answer(_request()) == answer
    with pytest.raises(ProtocolError, match="round 1, stage number 0 was answered already"):
        _kept(tmp_path / "site").answer(_request(b"another task"))


def _die_at(path, request, where):
    """Answers in a process that is killed: before the file has its name, or right after, before the answer is seen."""
    replace = os.replace

    def dying(*names):
        if where == "after":
            replace(*names)
        os.kill(os.getpid(), signal.SIGKILL)

    os.replace = dying
    _kept(path, lambda opening: PlainParty(lambda: np.full(LENGTH, float(os.getpid())), LENGTH)).answer(request)


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_process_killed_while_it_answers_has_said_all_or_nothing(tmp_path, where):
    path, request = tmp_path / "site", _request()
    process = multiprocessing.get_context("fork").Process(target=_die_at, args=(path, request, where))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert path.exists() == (where == "after")
    coordinator = coordinator_of(ROSTER, Terms(minimum=1))
    outcome = run_round(coordinator, lambda requests: [_kept(path).answer(requests["site-1"])], plain)
    assert outcome.included == ("site-1",)
    assert (outcome.values == process.pid).all() == (where == "after")


def test_every_stage_in_a_process_of_its_own(tmp_path):
    sites = {site.name: site for site in sites_of(ROSTER, lambda opening: RelayParty(int(opening.site[-1]) + 1))}

    def deliver(requests):
        for name, request in requests.items():
            remade = _kept(
                tmp_path / "site",
                lambda opening: RelayParty(2),
                lambda opening, kept: RelayParty(int.from_bytes(kept, "little")),
            )
            yield (remade if name == "site-1" else sites[name]).answer(request)

    outcome = run_round(coordinator_of(ROSTER), deliver, lambda opening: RelayExchange(opening.sites))
    assert (outcome.values, outcome.dropped) == ([6.0], ())


def test_nothing_is_said_while_the_disk_is_full_and_the_same_afterwards(tmp_path, monkeypatch):
    site, answers = _kept(tmp_path / "site"), []
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(FederatedError, match=r"site: the memory of 'site-1' cannot be .* No space left on device"):
            answers.append(site.answer(_request()))
    assert answers == []
    assert site.answer(_request()) == _kept(tmp_path / "site").answer(_request())


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FederatedError, match=r"nowhere/site: the memory of 'site-1' cannot be .* No such file"):
        _kept(tmp_path / "nowhere" / "site").answer(_request())


@pytest.mark.parametrize("at", [0, 30, 200, -1])
@pytest.mark.parametrize("cut", [False, True])
def test_a_file_that_was_changed_or_cut_off_is_not_gone_on_from(tmp_path, at, cut):
    path = tmp_path / "site"
    _kept(path).answer(_request())
    whole = bytearray(path.read_bytes())
    whole[at] ^= 1
    path.write_bytes(whole[:at] if cut else whole)
    with pytest.raises(FederatedError, match=r"site: the memory of 'site-1' is damaged .* move it away"):
        _kept(path).answer(_request())


def test_another_sites_file_is_refused(tmp_path):
    KeptSite(Site("site-0", key_of("site-0"), ROSTER, join), tmp_path / "site").answer(
        coordinator_of(ROSTER).begin(plain)["site-0"]
    )
    with pytest.raises(FederatedError, match="it is not this site's"):
        _kept(tmp_path / "site").answer(_request())


def test_the_file_is_for_nobody_else_to_read(tmp_path):
    _kept(tmp_path / "site").answer(_request())
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "site": 0o600,
        "site.lock": 0o600,
    }


def test_two_processes_of_a_site_answer_one_after_the_other(tmp_path):
    """As when a SuperNode was restarted while a process of the old one still computes."""
    begun, go, answers = Event(), Event(), []

    def slow(opening):
        begun.set()
        assert go.wait(30)
        return join(opening)

    def never(opening):
        raise AssertionError("it was computed again")

    first = Thread(target=lambda: answers.append(_kept(tmp_path / "site", slow).answer(_request())))
    second = Thread(target=lambda: answers.append(_kept(tmp_path / "site", never).answer(_request())))
    first.start()
    assert begun.wait(30)
    second.start()
    go.set()
    first.join()
    second.join()
    assert len(answers) == 2
    assert answers[0] == answers[1]


def test_what_is_no_site_is_refused(tmp_path):
    with pytest.raises(FederatedError, match="a str cannot be kept; give a Site"):
        KeptSite("site-1", tmp_path / "site")
