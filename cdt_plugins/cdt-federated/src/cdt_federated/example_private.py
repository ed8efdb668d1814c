"""The three hospitals once more, private end to end, under an agreement, and with a hospital that lies.

Each hospital clips the gradient of every patient, adds noise of its own to their sum, and writes each use into its own ledger
(DP-SCAFFOLD, [1]_): all that ever leaves it together is (epsilon, delta)-differentially private for each patient, against
everybody else, the other hospitals and the coordinator included. Secure sums hide even these updates from the coordinator, and
proofs of their length name a hospital that sends too much. Every round is asked of an agreement, and the answer logged.

.. [1] Noble, Bellet, Dieuleveut, "Differentially Private Federated Learning on Heterogeneous Data", AISTATS 2022.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from attrs import evolve, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from numpy.typing import NDArray
from scipy.special import expit

from cdt_core.errors import AccessError, FederatedError
from cdt_core.governance import Agreement, AuditLog, Budget, Decision, Party, Person, Request, read_entries, verify_log
from cdt_core.model.exchange import Exchange
from cdt_core.model.exchange import Party as RoundParty
from cdt_core.model.fields import FieldReader
from cdt_federated.example import PENALTY, Hospital, Records, accuracy, federation, pooled
from cdt_federated.rounds import Coordinator, Faults, InProcess, Opening, Roster, Site, Terms, sampled, under
from cdt_federated.strategies import SCAFFOLD, Gradient
from cdt_federated.training import Learner, PrivateGradient, Secure, Trained, Training, Verified, train
from cdt_federated.vectors import Vector

try:
    from cdt_privacy.accounting import Neighbours
    from cdt_privacy.ledger import Budget as LedgerBudget
    from cdt_privacy.ledger import Ledger
    from cdt_privacy.verifiable import VerifiedParty
except ImportError as error:
    raise FederatedError(
        f"the private example needs cdt-privacy ({error}): pip install 'cdt-federated[verified]'"
    ) from error

__all__ = ["PrivateStudy", "agreed", "by_reference", "ledgers", "private_study", "show", "slopes"]

#: Few steps, since noise grows with their root, and a clip below most gradients: chosen on other splits than the one
#: shown, of the same records, which no budget counts.
STRATEGY = SCAFFOLD(steps=2, rate=1.5)
ROUNDS = 6
CLIP = 0.5
EPSILON, DELTA = 0.9, 1e-5

#: Of a hospital's update; a longer one is a lie.
UPDATE_CLIP = 16.0


@frozen(eq=False)
class PrivateStudy:
    """What was learned, and what it cost.

    Attributes
    ----------
    trained
        The model and its rounds.
    spent
        Epsilon by hospital, from its ledger.
    refused
        What the agreement answered to one round more.
    log, log_key
        All decisions, and the public key that they are signed by.
    """

    trained: Trained
    spent: Mapping[str, float]
    refused: str
    log: Path
    log_key: Path


def by_reference(members: tuple[Hospital, ...], reference: Records) -> tuple[tuple[Hospital, ...], Records]:
    """Records scaled by mean and deviation of others that are public: what is scaled by the hospitals' own is not private."""
    mean, scale = reference.measured.mean(axis=0), reference.measured.std(axis=0)

    def scaled(records: Records) -> Records:
        return Records((records.measured - mean) / scale, records.malignant)

    return tuple(evolve(member, records=scaled(member.records)) for member in members), scaled(reference)


def agreed(members: Iterable[Hospital], expires: datetime) -> Agreement:
    """What the hospitals signed: who may ask for rounds, what for, until when, and what all of them may cost a patient."""
    parties = [Party(name=m.name, region="EU", key=m.key.public_key().public_bytes_raw().hex()) for m in members]
    return Agreement(
        name="breast tumours",
        parties=tuple(parties),
        people=(Person(name="ana", roles=("analyst",)),),
        may_ask={"analyst": ("round",)},
        purposes=("tell malignant tumours",),
        details=("models",),
        expires=expires,
        minimum_group_size=50,
        minimum_sites=2,
        budget=Budget(EPSILON, DELTA),
        carriers=("secure sums", "verified secure sums"),
        rules=("weighted mean",),
    )


def private_study(
    members: tuple[Hospital, ...],
    agreement: Agreement,
    folder: Path,
    now: Callable[[], datetime],
    *,
    lost: float = 0.0,
    malicious: str = "",
) -> PrivateStudy:
    """Train in this process.

    Parameters
    ----------
    members
        Hospitals whose records are scaled to about 1.
    agreement
        Asked before every round.
    folder
        For each hospital's ledger (``north.ledger``), and the audit log with its public key.
    now
        The instant of asking.
    lost
        Share of the answers that are lost after they were computed.
    malicious
        Name of a hospital that sends a hundred times the longest update. Only proofs can tell: with one, sums are verified.

    Raises
    ------
    AccessError
        The agreement does not allow a round; the log says why.
    """
    signer = Ed25519PrivateKey.generate()
    key = folder / "audit.pem"
    key.write_bytes(signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    log = folder / "audit.log"
    with ledgers(members, folder) as opened, AuditLog(log, signer, now=now()) as decisions:
        study = _Study(members, opened, malicious)
        study.ask(agreement, decisions, now)
        trained = study.run(lost)
        spent = {name: ledger.epsilon_spent for name, ledger in opened.items()}
        return PrivateStudy(trained, spent, study.one_more(trained), log, key)


def show(members: tuple[Hospital, ...], test: Records) -> None:
    """Print what private learning gives, honest and with a liar, and what the agreement and its log say."""
    members, test = by_reference(members, test)
    best = pooled(members)
    what = f"private: SCAFFOLD, {ROUNDS} x {STRATEGY.steps} noisy steps, a fifth lost"
    print(f"\n{what:50} {'answers':>6}  {'off pooled':>9}  {'accuracy':>8}")
    for name, malicious in (("secure sums", ""), ("verified secure sums, south sends too much", "south")):
        with TemporaryDirectory() as folder:
            agreement = agreed(members, datetime.now(UTC) + timedelta(days=30))
            study = private_study(
                members, agreement, Path(folder), lambda: datetime.now(UTC), lost=0.2, malicious=malicious
            )
            model, history = study.trained.model, study.trained.history
            off = np.linalg.norm(model - best) / np.linalg.norm(best)
            answers = sum(len(record.included) for record in history)
            print(f"{name:50} {answers:6}  {off:9.2g}  {accuracy(model, test):8.1%}")
            _tell(study)


def _tell(study: PrivateStudy) -> None:
    """Below a row: budgets, accusations, decisions."""
    spent = ", ".join(f"{name} {epsilon:.3f}" for name, epsilon in study.spent.items())
    print(f"  epsilon spent at delta {DELTA:g}: {spent}")
    for record in study.trained.history:
        for liar in record.accused:
            print(f"  round {record.round} gave nothing: the claim of {liar} does not verify; it is asked no more")
    entries = list(read_entries(study.log))
    allowed = sum(bool(entry.decision["allowed"]) for entry in entries)
    verdict = "holds" if verify_log(study.log, _public_key(study.log_key)).ok else "was changed"
    print(
        f"  agreement: {allowed} rounds allowed, {len(entries) - allowed} refused ({study.refused.split(': ', 2)[-1]})"
    )
    print(f"  audit log: {len(entries)} decisions, signed; it {verdict}")


def _public_key(path: Path) -> Ed25519PublicKey:
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise FederatedError(f"{path}: it is no Ed25519 key; give the one that the log was made with")
    return key


def slopes(records: Records, model: Vector) -> NDArray[np.float64]:
    """The logistic loss's gradient of each patient, (rows, columns + 1)."""
    residual = expit(records.measured @ model[:-1] + model[-1]) - records.malignant
    design = np.column_stack([records.measured, np.ones(len(residual))])
    return np.asarray(design * residual[:, np.newaxis], np.float64)


@contextmanager
def ledgers(members: Iterable[Hospital], folder: Path) -> Iterator[dict[str, Ledger]]:
    """One for each hospital, at the hospital: ``north.ledger`` and so on, for patients who may be replaced."""
    budget = LedgerBudget(EPSILON, DELTA, Neighbours.REPLACE_ONE)
    with ExitStack() as opened:
        yield {
            m.name: opened.enter_context(Ledger.create(folder / f"{m.name}.ledger", m.name, budget)) for m in members
        }


class _Study:
    """The federation of one private training."""

    def __init__(self, members: tuple[Hospital, ...], ledgers: Mapping[str, Ledger], malicious: str) -> None:
        self._server = Ed25519PrivateKey.generate()
        self._roster = federation(members, self._server)
        self._carrier = _carrier(self._roster, Verified if malicious else Secure)
        self._ledgers = ledgers
        self._gradients = {member.name: _private(member.records, ledgers[member.name]) for member in members}
        self._inside = InProcess([self._site(member, member.name == malicious) for member in members])
        self._length = members[0].records.measured.shape[1] + 1
        self._smallest = min(len(member.records.malignant) for member in members)

    def ask(self, agreement: Agreement, decisions: AuditLog, now: Callable[[], datetime]) -> None:
        """Every round is asked for, with what it adds to what the hospitals' ledgers have spent; what is answered is logged."""
        request = Request(
            actor="ana",
            kind="round",
            purpose="tell malignant tumours",
            detail="models",
            destination="EU",
            group_size=self._smallest,
            carrier="verified secure sums" if isinstance(self._carrier, Verified) else "secure sums",
            rule="weighted mean",
        )

        def noted(asked: Request, decision: Decision) -> None:
            decisions.record(asked, decision, now=now())
            decisions.commit()

        def asked(opening: Opening) -> Request:
            return evolve(request, epsilon=self._cost(opening.sites), delta=DELTA - self._spent().delta)

        allowed = under(agreement, asked, now=now, spent=self._spent, noted=noted)
        self._coordinator = Coordinator(self._roster, self._server, Terms(minimum=2), allowed=allowed)

    def run(self, lost: float) -> Trained:
        """From the first model to the last."""
        answers = [f"{number}/{name}" for number in range(1, 4 * ROUNDS) for name in self._roster.names]
        missing = set(sampled(answers, round(lost * len(answers)), seed=1, round_=0))

        def deliver(requests: Mapping[str, bytes]) -> Iterable[bytes]:
            out = [(name, "masked") for name in requests if f"{self._coordinator.round}/{name}" in missing]
            self._inside.faults = Faults(dropped=out)
            return self._inside(requests)

        training = Training(strategy=STRATEGY, rounds=ROUNDS, carrier=self._carrier, patience=8)
        return train(training, np.zeros(self._length), self._coordinator, deliver)

    def one_more(self, trained: Trained) -> str:
        """Ask for a round beyond the budget of those that are still asked, and be refused."""
        among = [name for name in self._roster.names if name not in trained.history.accused]

        def never(opening: Opening) -> Exchange:
            raise FederatedError(f"round {opening.round} was allowed beyond the budget")

        try:
            self._coordinator.begin(never, among=among)
        except AccessError as error:
            return str(error)
        return ""

    def _spent(self) -> Budget:
        """By the hospital that has spent most."""
        had = max(ledger.epsilon_spent for ledger in self._ledgers.values())
        return Budget(had, DELTA if had else 0.0)

    def _cost(self, sites: Iterable[str]) -> float:
        """Epsilon that a round may add to it."""
        last = self._coordinator.outcome
        if last is not None and last.failed:
            return 0.0  # run again at the same models, whose gradients are there already
        then = max(self._ledgers[name].epsilon_spent + self._gradients[name].cost(STRATEGY.steps) for name in sites)
        return max(0.0, then - self._spent().epsilon)

    def _site(self, member: Hospital, lies: bool) -> Site:
        carrier = evolve(_carrier(self._roster, _Overlong) if lies else self._carrier, key=member.key)
        gradient = self._gradients[member.name]
        learner = Learner(STRATEGY, _penalised(gradient), gradient.length, carrier)
        return Site(member.name, member.key, self._roster, learner)


def _private(records: Records, ledger: Ledger) -> PrivateGradient:
    rows, columns = records.measured.shape
    return PrivateGradient(
        records=lambda model: slopes(records, model),
        ledger=ledger,
        rows=rows,
        length=columns + 1,
        clip=CLIP,
        uses=ROUNDS * STRATEGY.steps,
    )


def _penalised(gradient: PrivateGradient) -> Gradient:
    """With the ridge penalty, which depends on no patient and needs no noise."""
    return lambda model, step: gradient(model, step) + PENALTY * np.append(model[:-1], 0.0)


def _carrier(roster: Roster, kind: type[Secure]) -> Secure:
    if issubclass(kind, Verified):
        # Proofs get longer with both: of a hundred times the clip, two in a thousand pass with these.
        return kind(roster=roster, clip=UPDATE_CLIP, adversary="semi-honest", projections=6, steps=12)
    return kind(roster=roster, clip=UPDATE_CLIP, adversary="semi-honest")


class _Overlong(Verified):
    """A liar's: a hundred times the clip in every coordinate, and proofs by :class:`_Unbounded`."""

    def party(self, opening: Opening, length: int, compute: Callable[[], Vector]) -> RoundParty:
        from cdt_privacy import secure

        sums, terms = self._both(opening, length)
        update = np.full(length, 100 << self.steps)
        return _Unbounded(self._identity(secure, opening.site), self._keys(secure), sums, terms, update)


class _Unbounded(VerifiedParty):
    """Claims under a limit of its own, which its update keeps."""

    def _claim(self, reader: FieldReader) -> bytes:
        self._contributor._terms = evolve(self._terms, square_limit=self._terms.square_limit * 10**7)
        return super()._claim(reader)
