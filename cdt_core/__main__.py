"""``python -m cdt_core`` is the ``cdt`` command."""

from cdt_core.cli import main

if __name__ == "__main__":
    main()
