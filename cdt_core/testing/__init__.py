"""What plugin authors test their plugins with: contract checks and hypothesis strategies."""

from __future__ import annotations
