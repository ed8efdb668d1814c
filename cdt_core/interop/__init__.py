"""What libraries of others need to use the kernels as their own: each module beside its library, imported by name."""

from __future__ import annotations
