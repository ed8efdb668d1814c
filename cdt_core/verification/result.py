"""What verifying found."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Check", "VerifyResult"]


@frozen
class Check:
    """One thing that was checked. ``detail`` says what was looked at, or the first thing that does not hold."""

    name: str
    ok: bool
    detail: str


@frozen
class VerifyResult:
    """All checks, in order. ``key_id`` is the SHA-256 of the public key whose signature was checked."""

    level: str
    key_id: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True when every check holds."""
        return all(check.ok for check in self.checks)

    @property
    def first_failure(self) -> str:
        """Name and detail of the first check that does not hold; empty when all do."""
        return next((f"{check.name}: {check.detail}" for check in self.checks if not check.ok), "")

    def _repr_html_(self) -> str:
        from cdt_core.model.notebook import verification_html

        verdict = f"verified, {self.level.replace('_', ' ')}" if self.ok else "not verified"
        return verification_html(verdict, [(check.ok, check.name, check.detail) for check in self.checks])
