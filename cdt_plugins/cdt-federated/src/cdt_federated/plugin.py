"""What the plugin offers: data only, so that discovery imports neither NumPy nor a rule."""

from __future__ import annotations

CDT_API = 1
