
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cdef extern from "cdt_stream.h" nogil:
    int CDT_BOOL, CDT_DATETIME, CDT_TIMEDELTA, CDT_C8, CDT_C16
    int CDT_I1, CDT_U1, CDT_I2, CDT_U2, CDT_I4, CDT_U4, CDT_I8, CDT_U8, CDT_F2, CDT_F4, CDT_F8
    int CDT_STREAM_AXES
    ctypedef struct cdt_map:
        int kind
        unsigned width
        double step, offset
        uint64_t integer_step
    ctypedef struct cdt_promise:
        int kind
        double value
        const void *missing
        size_t n_missing
    ctypedef struct cdt_coding:
        int type
        cdt_map map
        cdt_promise promise
        int profile
        int may_have_palette
    ctypedef struct cdt_measured:
        double max_error
        uint64_t exact, lossy
    ctypedef struct cdt_stream:
        int dtype
        char unit[32]
        unsigned axes
        uint64_t shape[33]
        int asked_kind, applied_kind
        double asked, applied, max_error
        uint64_t exact
        cdt_coding coding
        unsigned box_axes
        size_t box[5]
        size_t block[5]
        uint64_t blocks
    int cdt_stream_box(cdt_stream *)
    void cdt_stream_choose_blocks(cdt_stream *, int)
    cdt_map cdt_map_for(int, int, double, double)
    void cdt_stream_look(cdt_stream *, const void *)
    void cdt_stream_call_lossless(cdt_stream *)
    size_t cdt_stream_blocks_bound(const cdt_stream *, uint64_t, uint64_t)
    int cdt_stream_encode_blocks(const cdt_stream *, const void *, uint64_t, uint64_t, uint8_t *, uint64_t *, cdt_measured *)
    size_t cdt_stream_head_bound(const cdt_stream *)
    size_t cdt_stream_put_head(const cdt_stream *, const uint64_t *, uint8_t *)
    int cdt_stream_open(const uint8_t *, size_t, int, cdt_stream *, unsigned *)
    int cdt_stream_decode_level(const cdt_stream *, const uint8_t *, size_t, uint64_t, uint64_t, unsigned, void *)
    int cdt_stream_decode_blocks(const cdt_stream *, const uint8_t *, size_t, uint64_t, uint64_t, const size_t *, const size_t *, void *)

_NAMES = ("|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "|b1", "<M8", "<m8", "<c8", "<c16")
DTYPE_CODES = {np.dtype(name): code for code, name in enumerate(_NAMES)}
_WORK = {11: "|u1", 12: "<i8", 13: "<i8", 14: "<f4", 15: "<f8"}
_DTYPES = tuple([np.dtype(name) for name in _NAMES])
_WORK_DTYPES = tuple([np.dtype(_WORK.get(code, name)) for code, name in enumerate(_NAMES)])
BOUND_KINDS = ("lossless", "abs", "pw_rel", "rel", "psnr")
PROFILES = ("fast", "balanced", "dense")


cdef extern from "cdt_memory.h" nogil:
    ctypedef struct cdt_workspace:
        pass
    cdt_workspace *cdt_workspace_new()
    void cdt_workspace_end(cdt_workspace *)
    size_t cdt_workspace_kept(const cdt_workspace *)
    void cdt_workspace_use(cdt_workspace *)

#: Work space that is kept from call to call: so many, of so many bytes each at most.
_KEPT, _KEPT_BYTES = 2, 128 << 20
_workspaces = []


cdef class Workspace:
    """Memory that one thread works in."""

    cdef cdt_workspace *space

    def __cinit__(self):
        self.space = cdt_workspace_new()
        if self.space == NULL:
            raise MemoryError("no memory for work space")

    def __dealloc__(self):
        cdt_workspace_end(self.space)


cdef Workspace _take():
    try:
        return _workspaces.pop()
    except IndexError:
        return Workspace()


cdef _give_back(Workspace workspace):
    if len(_workspaces) < _KEPT and cdt_workspace_kept(workspace.space) <= _KEPT_BYTES:
        _workspaces.append(workspace)


cdef extern from *:
    """
    #if defined(__linux__)
    #include <sys/mman.h>
    /* Memory that is cleared in large pages: small ones take half the time of filling them. */
    static void in_large_pages(char *memory, size_t size)
    {
        const size_t page = (size_t)2 << 20, gap = (page - (size_t)memory % page) % page;
        if (size >= 2 * page) madvise(memory + gap, (size - gap) / page * page, MADV_HUGEPAGE);
    }
    #else
    static void in_large_pages(char *memory, size_t size) {(void)memory; (void)size;}
    #endif
    """
    void in_large_pages(char *, size_t) nogil

#: Room for encoded blocks comes in pieces of at least so many bytes, and so many bytes of it are kept from call to call.
_ROOM, _ROOM_KEPT = 4 << 20, 64 << 20
_rooms = []


cdef class Room:
    """Memory that one thread at a time puts encoded blocks into, one after the other."""

    cdef uint8_t *bytes
    cdef size_t size, used

    def __cinit__(self, size_t size):
        self.bytes = <uint8_t *>malloc(size)
        if self.bytes == NULL:
            raise MemoryError("no memory for the blocks of a stream")
        in_large_pages(<char *>self.bytes, size)
        self.size = size

    def __dealloc__(self):
        free(self.bytes)


cdef Room _room_for(size_t size, list rooms):
    """Room for so many bytes: of this call, else kept from another, else new."""
    cdef Room room
    for kept in (rooms, _rooms):
        try:
            room = kept.pop()
        except IndexError:
            continue
        if room.size - room.used >= size:
            return room
    return Room(max(4 * size, _ROOM))


cdef class Part:
    """Some blocks of one stream, encoded."""

    cdef Room room
    cdef uint8_t *bytes
    cdef uint64_t *lengths
    cdef uint64_t count
    cdef size_t size
    cdef cdt_measured measured

    def __dealloc__(self):
        free(self.lengths)


cdef class Stream:
    """A stream's header, and how its blocks are made or read."""

    cdef cdt_stream s
    cdef object missing

    @property
    def blocks(self):
        return self.s.blocks


cdef uint8_t *_bytes_of(object array, bint writable=False) except? NULL:
    """Where the numbers of a contiguous array lie, as long as the caller keeps it."""
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_WRITABLE if writable else PyBUF_SIMPLE)
    cdef uint8_t *at = <uint8_t *>view.buf
    PyBuffer_Release(&view)
    must_be_aligned(at, array.itemsize)
    return at


def value_range(values):
    """Least and largest finite number of a contiguous float32 or float64 array; None without one."""
    cdef size_t n = values.size
    cdef int wide = values.itemsize == 8
    cdef float low4 = 1, high4 = 0
    cdef double low8 = 1, high8 = 0
    if n == 0:
        return None
    if values.dtype.kind != "f" or values.itemsize not in (4, 8):
        raise ValueError(f"float32 or float64, not {values.dtype}")
    cdef const uint8_t *numbers = _bytes_of(values)
    with nogil:
        if wide:
            cdt_active_kernels().rows.f8.extremes(<const double *>numbers, n, &low8, &high8)
        else:
            cdt_active_kernels().rows.f4.extremes(<const float *>numbers, n, &low4, &high4)
    if wide:
        return (low8, high8) if low8 <= high8 else None
    return (low4, high4) if low4 <= high4 else None


def plan(dtype, unit, tuple shape, asked, applied, double largest, missing, int profile, block=None):
    """The stream of an array of numbers of ``dtype`` (native) and ``shape``; bounds as (kind, number).

    ``block`` has the sides of a block along the axes of the box that blocks cut; default: by the profile.
    """
    cdef Stream stream = Stream()
    cdef cdt_stream *s = &stream.s
    cdef int code = dtype
    memset(s, 0, sizeof(cdt_stream))
    s.dtype = code
    text = unit.encode()
    if len(text) > 31 or len(shape) > CDT_STREAM_AXES:
        raise ValueError("too many axes, or too long a unit")
    memcpy(s.unit, <const char *>text, len(text))
    s.axes = <unsigned>len(shape)
    for axis in range(len(shape)):
        s.shape[axis] = shape[axis]
    s.asked_kind, s.asked = asked
    s.applied_kind, s.applied = applied
    s.coding.type = _type_of(code)
    s.coding.profile = profile
    check(cdt_stream_box(s))
    s.coding.map = cdt_map_for(s.coding.type, s.applied_kind, s.applied, largest)
    s.coding.promise.kind = s.applied_kind
    s.coding.promise.value = s.applied
    stream.missing = missing
    if missing is not None and missing.size:
        s.coding.promise.missing = _bytes_of(missing)
        s.coding.promise.n_missing = missing.size
    cdt_stream_choose_blocks(s, profile)
    if block is not None:
        _set_block(s, block)
    return stream


cdef int _set_block(cdt_stream *s, tuple block) except -1:
    if len(block) != s.box_axes or any(not 1 <= block[a] <= max(1, s.box[a]) for a in range(s.box_axes)):
        raise ValueError(f"blocks of {block} do not cut {[s.box[a] for a in range(s.box_axes)]}")
    if s.blocks:
        s.blocks = 1
    for a in range(s.box_axes):
        s.block[a] = block[a]
        s.blocks *= (s.box[a] + s.block[a] - 1) // s.block[a]
    return 0


cdef int _type_of(int code):
    if code == CDT_BOOL:
        return CDT_U1
    if code == CDT_DATETIME or code == CDT_TIMEDELTA:
        return CDT_I8
    if code == CDT_C8:
        return CDT_F4
    if code == CDT_C16:
        return CDT_F8
    return code


def look(Stream stream not None, values):
    """Look at contiguous ``values`` for a hidden grid and for few distinct numbers."""
    cdef const uint8_t *numbers = _bytes_of(values)
    with nogil:
        cdt_stream_look(&stream.s, numbers)


def blocks_in(Stream stream not None, size_t size):
    """How many blocks have room for at most so many bytes; at least 1."""
    cdef uint64_t blocks = stream.s.blocks
    return max(1, blocks * size // cdt_stream_blocks_bound(&stream.s, 0, blocks)) if blocks else 1


def encode_blocks(Stream stream not None, values, uint64_t start, uint64_t stop, list rooms not None):
    """Blocks [start, stop) of contiguous ``values``; ``rooms`` are those of all calls for this stream."""
    cdef Part part = Part()
    cdef const uint8_t *numbers = _bytes_of(values)
    cdef int status
    part.count = stop - start
    part.room = _room_for(cdt_stream_blocks_bound(&stream.s, start, stop), rooms)
    part.bytes = part.room.bytes + part.room.used
    part.lengths = <uint64_t *>malloc(8 * part.count)
    if part.lengths == NULL:
        raise MemoryError("no memory for the blocks of a stream")
    cdef Workspace workspace = _take()
    with nogil:
        cdt_workspace_use(workspace.space)
        status = cdt_stream_encode_blocks(&stream.s, numbers, start, stop, part.bytes, part.lengths, &part.measured)
        cdt_workspace_use(NULL)
    _give_back(workspace)
    check(status)
    part.size = 0
    for i in range(part.count):
        part.size += part.lengths[i]
    part.room.used += part.size
    rooms.append(part.room)
    return part


def join(Stream stream not None, list parts not None):
    """The stream's bytes, of which only the head is there, and where in them each part begins."""
    cdef cdt_stream *s = &stream.s
    cdef Part part
    cdef uint64_t *lengths = <uint64_t *>malloc(8 * s.blocks + 8)
    cdef uint8_t *head = <uint8_t *>malloc(cdt_stream_head_bound(s))
    cdef size_t head_size, size = 0, at = 0
    starts = []
    try:
        if lengths == NULL or head == NULL:
            raise MemoryError("no memory for the head of a stream")
        s.max_error = 0
        s.exact = 0
        lossy = 0
        for part in parts:
            memcpy(lengths + at, part.lengths, 8 * part.count)
            at += part.count
            starts.append(size)
            size += part.size
            s.exact += part.measured.exact
            s.max_error = max(s.max_error, part.measured.max_error)
            lossy += part.measured.lossy
        if not lossy and s.applied_kind and s.coding.map.kind != 0:
            cdt_stream_call_lossless(s)
        head_size = cdt_stream_put_head(s, lengths, head)
        made = PyBytes_FromStringAndSize(NULL, head_size + size)
        in_large_pages(PyBytes_AS_STRING(made), head_size + size)
        memcpy(PyBytes_AS_STRING(made), head, head_size)
        return made, [head_size + start for start in starts]
    finally:
        free(lengths)
        free(head)


def put(list parts not None, list starts not None, size_t first, size_t stop, bytes made not None):
    """Copy parts [first, stop) to their places in a stream of :func:`join`."""
    cdef Part part
    cdef char *to
    for i in range(first, stop):
        part, to = parts[i], PyBytes_AS_STRING(made) + <size_t>starts[i]
        with nogil:
            memcpy(to, part.bytes, part.size)


def measured(Stream stream not None):
    """The largest error of a stream that was joined, and how many numbers are exact."""
    return stream.s.max_error, stream.s.exact


def keep(list parts not None):
    """Give the room of parts that have been put into their stream to the next one."""
    cdef Room room
    cdef Part part
    cdef size_t kept = 0
    for room in _rooms:
        kept += room.size
    for part in parts:
        room = part.room
        if room.used and kept + room.size <= _ROOM_KEPT:
            room.used = 0
            kept += room.size
            _rooms.append(room)


def open_stream(const uint8_t[::1] data not None, bint whole=True):
    """The stream that bytes hold, and its version; None instead where they are damaged or of another version."""
    cdef Stream stream = Stream()
    cdef unsigned version = 0
    cdef int status
    if data.shape[0] == 0:
        return None, 0
    status = cdt_stream_open(&data[0], data.shape[0], whole, &stream.s, &version)
    return (stream if status == CDT_OK else None), version


def describe(Stream stream not None):
    """What the header says, as a dictionary."""
    cdef cdt_stream *s = &stream.s
    return {
        "dtype": _NAMES[s.dtype],
        "unit": s.unit.decode("ascii", "replace"),
        "shape": tuple([s.shape[a] for a in range(s.axes)]),
        "asked": (BOUND_KINDS[s.asked_kind], s.asked),
        "applied": (BOUND_KINDS[s.applied_kind], s.applied),
        "max_error": s.max_error,
        "exact_values": s.exact,
        "box": tuple([s.box[a] for a in range(s.box_axes)]),
        "block": tuple([s.block[a] for a in range(s.box_axes)]),
        "blocks": s.blocks,
        "work": _WORK.get(s.dtype, _NAMES[s.dtype]),
    }


def outline(Stream stream not None):
    """What decoding needs of it: dtype, unit, shape, dtype of the kernels' numbers, sides of the box."""
    cdef cdt_stream *s = &stream.s
    shape = tuple([s.shape[a] for a in range(s.axes)])
    unit = s.unit.decode("ascii", "replace") if s.unit[0] else ""
    return _DTYPES[s.dtype], unit, shape, _WORK_DTYPES[s.dtype], tuple([s.box[a] for a in range(s.box_axes)])


def decode_blocks(Stream stream not None, const uint8_t[::1] data not None, uint64_t start, uint64_t stop, tuple origin not None,
                  tuple sides not None, values):
    """Decode what blocks [start, stop) have of the box at ``origin`` with ``sides`` into contiguous ``values``."""
    cdef size_t from_[5]
    cdef size_t wanted[5]
    cdef int status
    for a in range(stream.s.box_axes):
        from_[a] = origin[a]
        wanted[a] = sides[a]
    if values.size == 0 or start >= stop:
        return
    cdef uint8_t *out = _bytes_of(values, True)
    cdef Workspace workspace = _take()
    with nogil:
        cdt_workspace_use(workspace.space)
        status = cdt_stream_decode_blocks(&stream.s, &data[0], data.shape[0], start, stop, from_, wanted, out)
        cdt_workspace_use(NULL)
    _give_back(workspace)
    check(status)


def decode_level(Stream stream not None, const uint8_t[::1] data not None, uint64_t start, uint64_t stop, unsigned level, values):
    """Decode every ``2**level``-th number along each axis that blocks [start, stop) have into contiguous ``values`` of all."""
    cdef int status
    cdef uint8_t[::1] out = values.reshape(-1).view(np.uint8)
    if out.shape[0] == 0 or start >= stop:
        return
    cdef Workspace workspace = _take()
    with nogil:
        cdt_workspace_use(workspace.space)
        status = cdt_stream_decode_level(&stream.s, &data[0], data.shape[0], start, stop, level, &out[0])
        cdt_workspace_use(NULL)
    _give_back(workspace)
    check(status)
