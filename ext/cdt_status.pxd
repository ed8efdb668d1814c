"""The one place where a status of the C core becomes a Python exception, and where addresses are checked."""

cdef extern from "cdt_status.h":
    const char *cdt_strerror(int status) nogil
    int CDT_OK
    int CDT_BAD_ARGUMENT
    int CDT_NO_MEMORY
    int CDT_CORRUPT


cdef inline int check(int status) except -1:
    if status == CDT_OK:
        return 0
    message = cdt_strerror(status).decode()
    if status == CDT_NO_MEMORY:
        raise MemoryError(message)
    if status == CDT_CORRUPT:
        from cdt_core.errors import CorruptStreamError

        raise CorruptStreamError(message)
    raise ValueError(message)


cdef inline int must_be_aligned(const void *numbers, size_t size) except -1:
    """The C core reads numbers at multiples of their size."""
    if <size_t>numbers % size:
        raise ValueError("numbers at addresses that are no multiples of their size: give an aligned copy")
    return 0
