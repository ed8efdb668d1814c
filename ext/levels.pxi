cdef extern from "cdt_levels.h" nogil:
    const char *cdt_kernels_name()
    int cdt_use_kernels(const char *)


def kernels_name() -> str:
    """Which kernels are in use: ``baseline``, ``avx2`` or ``avx512``."""
    return cdt_kernels_name().decode()


def use_kernels(str name):
    """Use the kernels of that name (``None``: the best of this machine)."""
    cdef bytes text
    if name is None:
        check(cdt_use_kernels(NULL))
        return
    text = name.encode()
    check(cdt_use_kernels(text))


def _forced():
    """The kernels that the environment names, from the first use on."""
    name = os.environ.get("CDT_SIMD", "")
    try:
        use_kernels(name or None)
    except ValueError:
        raise CdtError(f"CDT_SIMD={name!r} names no kernels that this machine has; unset it, or use baseline, avx2 or avx512") from None


_forced()
