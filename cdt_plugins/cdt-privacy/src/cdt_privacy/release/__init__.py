"""Anonymised release of tables: k-anonymity, l-diversity and t-closeness, by Mondrian cuts or by levels, and checks."""

from __future__ import annotations

from cdt_privacy.release.anonymise import anonymise
from cdt_privacy.release.anonymity import Anonymity, Worst, check
from cdt_privacy.release.measures import Measures
from cdt_privacy.release.release import Release

__all__ = ["Anonymity", "Measures", "Release", "Worst", "anonymise", "check"]
