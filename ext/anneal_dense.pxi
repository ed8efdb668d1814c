from cpython.exc cimport PyErr_CheckSignals

cdef extern from "cdt_anneal.h" nogil:
    ctypedef struct cdt_dense_problem:
        size_t spins, stride, pitch
        const void *couplings
        const void *fields
        float strongest
        size_t first, stop
    ctypedef struct cdt_dense_read:
        int8_t *states
        void *fields
    ctypedef struct cdt_dense_rows:
        int8_t *states
        void *fields
        size_t count
        uint64_t *draws
    ctypedef struct cdt_dense_betas:
        const double *numbers
        size_t step, count
    ctypedef struct cdt_dense_groups:
        size_t count
        const uint64_t *start
        const uint32_t *members
        const uint32_t *group
        const uint64_t *loose
        size_t first, stop
        uint32_t *order
        uint64_t *ups
    ctypedef struct cdt_dense_walk:
        uint64_t step
    ctypedef struct cdt_dense_tabu:
        size_t steps
        uint32_t tenure, spread
        int8_t *best
        cdt_dense_walk *walk
        void *bars
        uint32_t *queue
        void *gains
    ctypedef struct cdt_dense_kernels:
        void (*set_fields)(const cdt_dense_problem *, cdt_dense_rows) noexcept nogil
        double (*energy)(const cdt_dense_problem *, cdt_dense_read) noexcept nogil
        void (*sweeps)(const cdt_dense_problem *, cdt_dense_rows, cdt_dense_betas, cdt_anneal_stream) noexcept nogil
        size_t (*descend)(const cdt_dense_problem *, cdt_dense_read, size_t) noexcept nogil
        void (*swap_sweeps)(const cdt_dense_problem *, const cdt_dense_groups *, cdt_dense_rows, cdt_dense_betas, cdt_anneal_stream) noexcept nogil
        size_t (*swap_descend)(const cdt_dense_problem *, const cdt_dense_groups *, cdt_dense_read, size_t) noexcept nogil
        double (*tabu)(const cdt_dense_problem *, const cdt_dense_tabu *, cdt_dense_read, cdt_anneal_stream) noexcept nogil
    ctypedef struct cdt_dense_table "cdt_kernels":
        cdt_dense_kernels dense_bytes, dense_shorts, dense_floats
    const cdt_dense_table *cdt_dense_active "cdt_active_kernels"()
    int CDT_DENSE_BLOCK, CDT_DENSE_FIELD, CDT_DENSE_BYTE, CDT_DENSE_EPOCH


#: Spins of a part are whole blocks; reads that go through their spins side by side; steps of tabu search with one tenure.
DENSE_BLOCK, DENSE_TEAM, DENSE_EPOCH = CDT_DENSE_BLOCK, 8, CDT_DENSE_EPOCH
#: Couplings that are looked at between two looks at Ctrl-C.
_SOME = 1 << 18


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
    cdef readonly object loose
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
        blocks = np.zeros((size + CDT_DENSE_BLOCK - 1) // CDT_DENSE_BLOCK * CDT_DENSE_BLOCK, bool)
        blocks[:size] = self.group == self.count
        self.loose = np.packbits(blocks, bitorder="little").view("<u8").astype(np.uint64)


cdef class DensePart:
    """What one call visits: spins ``first`` to before ``stop``, of descents in groups also the places ``from_member`` to before
    ``to_member`` of their members; all at first. Keeps what a sweep needs from one of its parts to the next.

    ``first`` must be a multiple of 64, and ``stop``, unless it is the last spin's. A call for some of the spins makes one sweep, with
    groups of one read; parts of a sweep come in order.
    """

    cdef public size_t first, stop, from_member, to_member
    cdef object draws, order, ups

    def __init__(self, Py_ssize_t size, Py_ssize_t reads, DenseGroups groups=None):
        self.draws = np.zeros((max(reads, 1), 16), np.uint64)
        members, count = (groups.members.size, groups.count) if groups is not None else (0, 0)
        self.order, self.ups = np.zeros(max(members, 1), np.uint32), np.zeros(max(count, 1), np.uint64)
        self.first, self.stop, self.from_member, self.to_member = 0, size, 0, members

    cdef int put(self, cdt_dense_problem *problem, cdt_dense_rows *rows, size_t sweeps) except -1:
        """Into what the kernels are given."""
        if not self.first <= self.stop <= problem.spins or self.first % CDT_DENSE_BLOCK:
            raise ValueError("first must be a multiple of the block, and at most stop; stop at most the number of spins")
        if self.stop % CDT_DENSE_BLOCK and self.stop != problem.spins:
            raise ValueError("stop must be a multiple of the block, or the number of spins")
        if self.stop - self.first < problem.spins and sweeps > 1:
            raise ValueError("some of the spins are visited in one sweep a call")
        if rows.count > <size_t> self.draws.shape[0]:
            raise ValueError("there are more reads than this part is for")
        problem.first, problem.stop = self.first, self.stop
        rows.draws = <uint64_t *> _address(self.draws)
        return 0

    cdef int put_groups(self, const cdt_dense_problem *problem, DenseGroups groups, cdt_dense_groups *work) except -1:
        """Groups as the kernels want them; none if ``groups`` is None."""
        work.count = groups.count if groups is not None else 0
        if not work.count:
            return 0
        if <size_t> groups.group.size != problem.spins:
            raise ValueError("groups must be of this problem's spins")
        if self.ups.size < groups.count or self.order.size < groups.members.size or self.to_member > <size_t> groups.members.size:
            raise ValueError("this part is for other groups")
        work.start, work.members = <const uint64_t *> _address(groups.start), <const uint32_t *> _address(groups.members)
        work.group, work.loose = <const uint32_t *> _address(groups.group), <const uint64_t *> _address(groups.loose)
        work.first, work.stop = self.from_member, self.to_member
        work.order, work.ups = <uint32_t *> _address(self.order), <uint64_t *> _address(self.ups)
        return 0


cdef class DenseTabu:
    """Tabu searches of some reads: where they are, and who rests. A flipped spin rests for ``tenure`` to ``tenure + spread`` steps,
    which must be fewer than the spins."""

    cdef readonly Py_ssize_t reads
    cdef uint32_t tenure, spread
    cdef object walks, bars, queues, gains

    def __init__(self, DenseSpins spins, Py_ssize_t reads, uint32_t tenure, uint32_t spread):
        if <uint64_t> tenure + spread >= spins.problem.spins:
            raise ValueError("tenure and spread together must be fewer than the spins")
        self.reads, self.tenure, self.spread = reads, tenure, spread
        self.walks = _rows(reads, (sizeof(cdt_dense_walk) + 63) // 64 * 64, np.uint8)
        self.bars = _rows(reads, spins.problem.stride, spins.field_type)
        self.queues = np.zeros((reads, tenure + spread + 1), np.uint32)
        self.gains = _rows(1, spins.problem.stride, np.uint8)

    cdef cdt_dense_tabu of(self, Py_ssize_t read, size_t steps, best):
        """The search of a read."""
        cdef cdt_dense_tabu search
        search.steps, search.tenure, search.spread = steps, self.tenure, self.spread
        search.best = <int8_t *> _address(best[read])
        search.walk, search.bars = <cdt_dense_walk *> _address(self.walks[read]), _address(self.bars[read])
        search.queue, search.gains = <uint32_t *> _address(self.queues[read]), _address(self.gains)
        return search


cdef class DenseSpins:
    """Spins with a matrix of couplings, one read after the other; the contract is in cdt_anneal_dense.h.

    ``start`` (n + 1,), ``neighbours`` and ``weights`` are the CSR of the symmetric couplings without a diagonal, ``fields`` (n,) are h.
    ``kind``, the type of couplings, is int8 or int16 where all are integers and no spin's |h| + sum |J| exceeds 32767, else float32;
    ``dtype`` asks for one. Weights and fields are divided by ``unit``, which must divide integers. ``rows(reads)`` gives states and fields as all methods take them, (reads, stride): the first n numbers of a
    row are the spins'. Read k of a call draws as read number ``read`` + k. Where a method takes a ``part``, it visits no other spins.
    """

    cdef cdt_dense_problem problem
    cdef object arrays
    cdef readonly object kind
    cdef readonly object field_type

    def __init__(self, start, neighbours, weights, fields, dtype=None, unit=1):
        cdef Py_ssize_t n = fields.shape[0], i, stride = (n + CDT_DENSE_BLOCK - 1) // CDT_DENSE_BLOCK * CDT_DENSE_BLOCK
        start = np.asarray(start).astype(np.int64)
        if n == 0 or start.shape != (n + 1,) or start[0] != 0 or start[n] != len(neighbours) or len(neighbours) != len(weights):
            raise ValueError("start must have one number more than fields, from zero to the number of neighbours and weights")
        divide = np.floor_divide if np.issubdtype(weights.dtype, np.integer) else np.divide
        fields = divide(fields, unit)
        self.kind, self.problem.strongest = self._kind_of(start, weights, fields, dtype, unit)
        self.field_type = np.dtype(np.float32 if self.kind == np.float32 else np.int16)
        lines = stride * self.kind.itemsize // CDT_DENSE_BLOCK
        matrix = _rows(n, (lines | 1) * CDT_DENSE_BLOCK // self.kind.itemsize, self.kind)
        for i in range(n):
            PyErr_CheckSignals()
            matrix[i, neighbours[start[i] : start[i + 1]]] = divide(weights[start[i] : start[i + 1]], unit)
        if matrix[:, n:].any() or matrix.diagonal().any():
            raise ValueError("a neighbour is no other spin")
        own = np.ascontiguousarray(fields, self.field_type)
        self.arrays = (matrix, own)
        self.problem.spins, self.problem.stride, self.problem.pitch = n, stride, matrix.shape[1]
        self.problem.couplings, self.problem.fields = _address(matrix), _address(own)
        self.problem.first, self.problem.stop = 0, n

    @staticmethod
    def _kind_of(start, weights, fields, dtype, unit):
        """The type of couplings that holds them and the fields that they make, or the one asked for, which must; and the strongest one."""
        cdef Py_ssize_t n = fields.shape[0], first = 0, stop
        strongest = most = 0.0
        while first < n:
            PyErr_CheckSignals()
            stop = max(first + 1, np.searchsorted(start, start[first] + _SOME, "right") - 1)
            sizes = np.abs(weights[start[first] : start[stop]]) / unit
            sums = np.concatenate([np.zeros(1), np.cumsum(sizes)])
            strongest = max(strongest, sizes.max(initial=0))
            most = max(most, (np.diff(sums[start[first : stop + 1] - start[first]]) + np.abs(fields[first:stop])).max())
            first = stop
        whole = np.issubdtype(weights.dtype, np.integer) and np.issubdtype(fields.dtype, np.integer) and most <= CDT_DENSE_FIELD
        fitting = ([np.int8] if whole and strongest <= CDT_DENSE_BYTE else []) + ([np.int16] if whole else [])
        if most < 1e37:
            fitting.append(np.float32)
        for kind in fitting:
            if dtype is None or kind == np.dtype(dtype):
                return np.dtype(kind), strongest
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

    cdef cdt_dense_rows _all(self, states, fields, Py_ssize_t reads):
        cdef cdt_dense_rows rows
        cdef cdt_dense_read first = self._read(states, fields)
        rows.states, rows.fields, rows.count = first.states, first.fields, reads
        return rows

    def set_fields(self, states not None, fields not None, DensePart part=None):
        """Make the fields, and the padding of both, of states whose first n numbers are -1 or +1; parts are made in order."""
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_problem problem = self.problem
        cdef cdt_dense_rows rows = self._all(states, fields, self._must_fit(states, fields))
        if part is None:
            part = DensePart(problem.spins, rows.count)
        part.put(&problem, &rows, 1)
        with nogil:
            kernels.set_fields(&problem, rows)

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

    def sweeps(self, states not None, fields not None, betas not None, uint64_t seed, uint64_t read, uint64_t sweep, DenseGroups groups=None,
               DensePart part=None):
        """One Metropolis sweep for each of ``betas``, (count,) or (reads, count); the first draws as sweep number ``sweep``.

        With ``groups``, moves exchange two of their spins, so that their numbers of +1 stay.
        """
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_problem problem = self.problem
        cdef cdt_dense_rows rows = self._all(states, fields, self._must_fit(states, fields))
        betas = np.ascontiguousarray(betas, np.float64)
        if betas.ndim not in (1, 2) or (betas.ndim == 2 and betas.shape[0] != rows.count):
            raise ValueError("betas must be one row, or one for each read")
        cdef cdt_anneal_stream stream
        cdef cdt_dense_groups work
        cdef cdt_dense_betas each
        stream.seed, stream.group, stream.sweep = seed, read, sweep
        each.numbers, each.count = <const double *> _address(betas), betas.shape[betas.ndim - 1]
        each.step = each.count if betas.ndim == 2 else 0
        if part is None:
            part = DensePart(problem.spins, rows.count, groups)
        part.put(&problem, &rows, each.count)
        part.put_groups(&problem, groups, &work)
        if work.count and rows.count > 1 and problem.stop - problem.first < problem.spins:
            raise ValueError("with groups, parts of a sweep are of one read")
        with nogil:
            if work.count:
                kernels.swap_sweeps(&problem, &work, rows, each, stream)
            else:
                kernels.sweeps(&problem, rows, each, stream)

    def descend(self, states not None, fields not None, size_t most, DenseGroups groups=None, DensePart part=None):
        """Flip (in groups: exchange) what lowers the energy, at most ``most`` sweeps; returns those made, of each read."""
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_problem problem = self.problem
        cdef cdt_dense_rows rows = self._all(states, fields, self._must_fit(states, fields))
        cdef cdt_dense_read row = self._read(states, fields)
        cdef size_t width = self.field_type.itemsize, k
        cdef cdt_dense_groups work
        cdef uint64_t[::1] made = np.zeros(rows.count, np.uint64)
        if part is None:
            part = DensePart(problem.spins, rows.count, groups)
        part.put(&problem, &rows, most)
        part.put_groups(&problem, groups, &work)
        with nogil:
            for k in range(rows.count):
                if work.count:
                    made[k] = kernels.swap_descend(&problem, &work, row, most)
                else:
                    made[k] = kernels.descend(&problem, row, most)
                row = self._next(row, width)
        return np.asarray(made).astype(np.int64)

    def tabu(self, states not None, fields not None, best not None, size_t steps, DenseTabu search not None, uint64_t seed, uint64_t read,
             uint64_t sweep):
        """``steps`` flips of a tabu search, which goes on where the last call left it; ``best`` (as states) holds the best states so far.
        Returns their energies minus those before the first step.

        All calls but the last of a search make a multiple of 64 steps. Draws as sweep ``sweep``.
        """
        cdef Py_ssize_t reads = self._must_fit(states, fields), k
        cdef const cdt_dense_kernels *kernels = self.kernels()
        cdef cdt_dense_read row = self._read(states, fields)
        cdef size_t width = self.field_type.itemsize
        cdef cdt_anneal_stream stream
        cdef cdt_dense_tabu each
        cdef double gain
        self._must_fit(best, fields)
        if search.reads != reads or search.bars.shape[1] != self.problem.stride or search.bars.dtype != self.field_type:
            raise ValueError("the search must be of these reads of this problem")
        gains = np.empty(reads)
        stream.seed, stream.group, stream.sweep = seed, read, sweep
        for k in range(reads):
            each = search.of(k, steps, best)
            if each.walk.step % CDT_DENSE_EPOCH:
                raise ValueError("the search is over: its last call made no multiple of 64 steps")
            with nogil:
                gain = kernels.tabu(&self.problem, &each, row, stream)
            gains[k] = gain
            row = self._next(row, width)
            stream.group += 1
        return gains
