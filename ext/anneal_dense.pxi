cdef extern from "cdt_anneal.h" nogil:
    ctypedef struct cdt_dense_problem:
        size_t spins, stride, pitch
        const void *couplings
        const void *fields
        float strongest
    ctypedef struct cdt_dense_read:
        int8_t *states
        void *fields
    ctypedef struct cdt_dense_rows:
        int8_t *states
        void *fields
        size_t count
    ctypedef struct cdt_dense_betas:
        const double *numbers
        size_t step, count
    ctypedef struct cdt_dense_groups:
        size_t count
        const uint64_t *start
        const uint32_t *members
        const uint32_t *group
        uint32_t *order
        uint64_t *ups
    ctypedef struct cdt_dense_tabu:
        size_t steps
        uint32_t tenure, spread
        int8_t *best
        int8_t *resting
        uint32_t *queue
    ctypedef struct cdt_dense_kernels:
        void (*set_fields)(const cdt_dense_problem *, cdt_dense_read) noexcept nogil
        double (*energy)(const cdt_dense_problem *, cdt_dense_read) noexcept nogil
        void (*sweeps)(const cdt_dense_problem *, cdt_dense_rows, cdt_dense_betas, cdt_anneal_stream) noexcept nogil
        size_t (*descend)(const cdt_dense_problem *, cdt_dense_read, size_t) noexcept nogil
        void (*swap_sweeps)(const cdt_dense_problem *, const cdt_dense_groups *, cdt_dense_read, const double *, size_t, cdt_anneal_stream) noexcept nogil
        size_t (*swap_descend)(const cdt_dense_problem *, const cdt_dense_groups *, cdt_dense_read, size_t) noexcept nogil
        double (*tabu)(const cdt_dense_problem *, const cdt_dense_tabu *, cdt_dense_read, cdt_anneal_stream) noexcept nogil
    ctypedef struct cdt_dense_table "cdt_kernels":
        cdt_dense_kernels dense_bytes, dense_shorts, dense_floats
    const cdt_dense_table *cdt_dense_active "cdt_active_kernels"()
    int CDT_DENSE_BLOCK, CDT_DENSE_FIELD, CDT_DENSE_BYTE


def _rows(Py_ssize_t count, Py_ssize_t length, dtype):
    """Zeros (count, length) whose rows of whole blocks start at multiples of 64 bytes."""
    dtype = np.dtype(dtype)
    memory = np.zeros(count * length * dtype.itemsize + 64, np.uint8)
    skipped = -memory.ctypes.data % 64
    return memory[skipped : skipped + count * length * dtype.itemsize].view(dtype).reshape(count, length)


cdef void *_address(array) except NULL:
    return <void *> <size_t> array.ctypes.data


cdef class DenseGroups:
    """Disjoint groups of spins, in each of which the number of +1 is to stay: group g is ``members[start[g]:start[g + 1]]``."""

    cdef readonly object start
    cdef readonly object members
    cdef readonly object group
    cdef readonly Py_ssize_t count

    def __init__(self, Py_ssize_t size, start, members):
        self.start, self.members = np.array(start, np.uint64), np.array(members, np.uint32)
        self.count = self.start.size - 1
        if self.start.ndim != 1 or self.members.ndim != 1 or self.count < 0 or self.start[0] != 0 or self.start[self.count] != self.members.size:
            raise ValueError("start must go from zero to the number of members")
        if (self.start[1:] < self.start[: self.count]).any() or (self.members >= size).any():
            raise ValueError("start must not fall, and members must be spins")
        self.group = np.full(size, self.count, np.uint32)
        self.group[self.members] = np.repeat(np.arange(self.count), np.diff(self.start).astype(np.int64))
        if (self.group < self.count).sum() != self.members.size:
            raise ValueError("a spin must be in one group at most, and once")


cdef class DenseSpins:
    """Spins with a matrix of couplings, one read after the other; the contract is in cdt_anneal_dense.h.

    ``start`` (n + 1,), ``neighbours`` and ``weights`` are the CSR of the symmetric couplings without a diagonal, ``fields`` (n,) are h.
    ``kind``, the type of couplings, is int8 or int16 where all are integers and no spin's |h| + sum |J| exceeds 32767, else float32;
    ``dtype`` asks for one. ``rows(reads)`` gives states and fields as all methods take them, (reads, stride): the first n numbers of a
    row are the spins'. Read k of a call draws as read number ``read`` + k.
    """

    cdef cdt_dense_problem problem
    cdef object arrays
    cdef readonly object kind
    cdef readonly object field_type

    def __init__(self, start, neighbours, weights, fields, dtype=None):
        cdef Py_ssize_t n = fields.shape[0], i, stride = (n + CDT_DENSE_BLOCK - 1) // CDT_DENSE_BLOCK * CDT_DENSE_BLOCK
        start = np.asarray(start).astype(np.int64)
        if n == 0 or start.shape != (n + 1,) or start[0] != 0 or start[n] != len(neighbours) or len(neighbours) != len(weights):
            raise ValueError("start must have one number more than fields, from zero to the number of neighbours and weights")
        self.kind = self._kind_of(start, weights, fields, dtype)
        self.field_type = np.dtype(np.float32 if self.kind == np.float32 else np.int16)
        lines = stride * self.kind.itemsize // CDT_DENSE_BLOCK
        matrix = _rows(n, (lines | 1) * CDT_DENSE_BLOCK // self.kind.itemsize, self.kind)
        for i in range(n):
            matrix[i, neighbours[start[i] : start[i + 1]]] = weights[start[i] : start[i + 1]]
        if matrix[:, n:].any() or matrix.diagonal().any():
            raise ValueError("a neighbour is no other spin")
        own = np.ascontiguousarray(fields, self.field_type)
        self.arrays = (matrix, own)
        self.problem.spins, self.problem.stride, self.problem.pitch = n, stride, matrix.shape[1]
        self.problem.couplings, self.problem.fields = _address(matrix), _address(own)
        self.problem.strongest = np.abs(weights).max(initial=0)

    @staticmethod
    def _kind_of(start, weights, fields, dtype):
        """The type of couplings that holds them and the fields that they make, or the one asked for, which must."""
        sums = np.concatenate([np.zeros(1), np.cumsum(np.abs(weights), dtype=np.float64)])
        most = (np.diff(sums[start]) + np.abs(fields)).max()
        whole = np.issubdtype(weights.dtype, np.integer) and np.issubdtype(fields.dtype, np.integer) and most <= CDT_DENSE_FIELD
        fitting = ([np.int8] if whole and np.abs(weights).max(initial=0) <= CDT_DENSE_BYTE else []) + ([np.int16] if whole else [])
        if most < 1e37:
            fitting.append(np.float32)
        for kind in fitting:
            if dtype is None or kind == np.dtype(dtype):
                return np.dtype(kind)
        raise ValueError("the couplings or fields are too large for the type of numbers")

    @property
    def size(self) -> int:
        """Number of spins."""
        return self.problem.spins

    @property
    def stride(self) -> int:
        """Numbers of a row: the spins rounded up to a multiple of 64."""
        return self.problem.stride

    def rows(self, Py_ssize_t reads):
        """States and fields of that many reads, all zero."""
        return _rows(reads, self.problem.stride, np.int8), _rows(reads, self.problem.stride, self.field_type)

    cdef const cdt_dense_kernels *kernels(self) noexcept:
        cdef const cdt_dense_table *table = cdt_dense_active()
        if self.kind == np.float32:
            return &table.dense_floats
        return &table.dense_bytes if self.kind == np.int8 else &table.dense_shorts

    cdef Py_ssize_t _must_fit(self, states, fields) except -1:
        """The number of reads."""
        for array, dtype in ((states, np.int8), (fields, self.field_type)):
            if array.dtype != dtype or array.ndim != 2 or array.shape[1] != self.stride or array.shape[0] != states.shape[0]:
                raise ValueError("states and fields must be rows of this problem's length and types, as rows() makes them")
            if not array.flags.c_contiguous or not array.flags.writeable or array.ctypes.data % 64:
                raise ValueError("states and fields must be writeable, without gaps and at a multiple of 64 bytes")
        return states.shape[0]

    cdef cdt_dense_read _read(self, states, fields):
        cdef cdt_dense_read read
        read.states, read.fields = <int8_t *> <size_t> states.ctypes.data, <void *> <size_t> fields.ctypes.data
        return read

    cdef cdt_dense_read _next(self, cdt_dense_read read, size_t width) noexcept nogil:
        """The read after that one; ``width`` is the bytes of a field."""
        read.states += self.problem.stride
        read.fields = <char *> read.fields + self.problem.stride * width
        return read

    def set_fields(self, states not None, fields not None):
        """Make the fields, and the padding of both, of states whose first n numbers are -1 or +1."""
        cdef Py_ssize_t reads = self._must_fit(states, fields), k
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_read read = self._read(states, fields)
        cdef size_t width = self.field_type.itemsize
        with nogil:
            for k in range(reads):
                kernels.set_fields(&self.problem, read)
                read = self._next(read, width)

    def energies(self, states not None, fields not None):
        """Energies of the reads, by their fields: exact where these are integers."""
        cdef Py_ssize_t reads = self._must_fit(states, fields), k
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_read read = self._read(states, fields)
        cdef size_t width = self.field_type.itemsize
        cdef double[::1] energies = np.empty(reads)
        with nogil:
            for k in range(reads):
                energies[k] = kernels.energy(&self.problem, read)
                read = self._next(read, width)
        return np.asarray(energies)

    def sweeps(self, states not None, fields not None, betas not None, uint64_t seed, uint64_t read, uint64_t sweep, DenseGroups groups=None):
        """One Metropolis sweep for each of ``betas``, (count,) or (reads, count); the first draws as sweep number ``sweep``.

        With ``groups``, moves exchange two of their spins, so that their numbers of +1 stay.
        """
        cdef Py_ssize_t reads = self._must_fit(states, fields), k
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_read row = self._read(states, fields)
        cdef size_t width = self.field_type.itemsize
        betas = np.ascontiguousarray(betas, np.float64)
        if betas.ndim not in (1, 2) or (betas.ndim == 2 and betas.shape[0] != reads):
            raise ValueError("betas must be one row, or one for each read")
        cdef size_t count = betas.shape[betas.ndim - 1], step = count if betas.ndim == 2 else 0
        cdef const double *at = <const double *> _address(betas)
        cdef cdt_anneal_stream stream
        cdef cdt_dense_groups work
        cdef cdt_dense_rows all
        cdef cdt_dense_betas each
        stream.seed, stream.group, stream.sweep = seed, read, sweep
        kept = self._work(groups, &work)
        all.states, all.fields, all.count = row.states, row.fields, reads
        each.numbers, each.step, each.count = at, step, count
        with nogil:
            if not work.count:
                kernels.sweeps(&self.problem, all, each, stream)
                reads = 0
            for k in range(reads):
                kernels.swap_sweeps(&self.problem, &work, row, at, count, stream)
                row, at = self._next(row, width), at + step
                stream.group += 1

    cdef object _work(self, DenseGroups groups, cdt_dense_groups *work):
        """Groups as the kernels want them, and what keeps their work space alive."""
        work.count = groups.count if groups is not None else 0
        if groups is None or groups.count == 0:
            return None
        if groups.group.size != self.size:
            raise ValueError("groups must be of this problem's spins")
        order, ups = np.empty(groups.members.size, np.uint32), np.empty(groups.count, np.uint64)
        work.start, work.members = <const uint64_t *> _address(groups.start), <const uint32_t *> _address(groups.members)
        work.group = <const uint32_t *> _address(groups.group)
        work.order, work.ups = <uint32_t *> _address(order), <uint64_t *> _address(ups)
        return order, ups

    def descend(self, states not None, fields not None, size_t most, DenseGroups groups=None):
        """Flip (in groups: exchange) what lowers the energy, at most ``most`` sweeps; returns those made, of each read."""
        cdef Py_ssize_t reads = self._must_fit(states, fields), k
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_read row = self._read(states, fields)
        cdef size_t width = self.field_type.itemsize
        cdef cdt_dense_groups work
        cdef uint64_t[::1] made = np.empty(reads, np.uint64)
        kept = self._work(groups, &work)
        with nogil:
            for k in range(reads):
                if work.count:
                    made[k] = kernels.swap_descend(&self.problem, &work, row, most)
                else:
                    made[k] = kernels.descend(&self.problem, row, most)
                row = self._next(row, width)
        return np.asarray(made).astype(np.int64)

    def tabu(self, states not None, fields not None, best not None, size_t steps, uint32_t tenure, uint32_t spread, uint64_t seed,
             uint64_t read, uint64_t sweep):
        """Tabu search of ``steps`` flips; ``best`` (as states) becomes the best states seen. Returns their energies minus the first ones.

        A flipped spin rests for ``tenure`` to ``tenure + spread`` steps, which must be fewer than the spins. Draws as sweep ``sweep``.
        """
        cdef Py_ssize_t reads = self._must_fit(states, fields), k
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_read row = self._read(states, fields)
        cdef size_t width = self.field_type.itemsize
        cdef double[::1] gains = np.empty(reads)
        cdef cdt_anneal_stream stream
        cdef cdt_dense_tabu search
        self._must_fit(best, fields)
        if <uint64_t> tenure + spread >= self.problem.spins:
            raise ValueError("tenure and spread together must be fewer than the spins")
        resting, queue = _rows(1, self.problem.stride, np.int8), np.empty(tenure + spread + 1, np.uint32)
        search.steps, search.tenure, search.spread = steps, tenure, spread
        search.best, search.resting = <int8_t *> <size_t> best.ctypes.data, <int8_t *> _address(resting)
        search.queue = <uint32_t *> _address(queue)
        stream.seed, stream.group, stream.sweep = seed, read, sweep
        with nogil:
            for k in range(reads):
                gains[k] = kernels.tabu(&self.problem, &search, row, stream)
                row, search.best = self._next(row, width), search.best + self.problem.stride
                stream.group += 1
        return np.asarray(gains)
