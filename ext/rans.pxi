cdef extern from "cdt_rans.h" nogil:
    int cdt_rans_entries(const uint16_t *, size_t, cdt_rans_entry *)
    int cdt_rans_slots(const uint16_t *, size_t, uint32_t *)
    size_t cdt_rans_bound(size_t, unsigned)
    int cdt_rans_start(cdt_rans_writer *, uint8_t *, unsigned)
    uint8_t *cdt_rans_finish(cdt_rans_writer *)
    int cdt_rans_open(cdt_rans_reader *, const uint8_t *, size_t, unsigned)
    int cdt_rans_close(const cdt_rans_reader *)
    void cdt_bits_start(cdt_bits_writer *, uint8_t *)
    uint8_t *cdt_bits_finish(cdt_bits_writer *)
    void cdt_bits_open(cdt_bits_reader *, const uint8_t *, size_t)
    int cdt_bits_close(const cdt_bits_reader *)
    int CDT_SLOTS


cdef _check_rows(frequencies, contexts, rows):
    if frequencies.shape[1] > 256 or (contexts.size and contexts.max() >= frequencies.shape[0]):
        raise ValueError("symbols must be bytes, and every context needs its frequencies")
    if int(rows.sum()) != contexts.size:
        raise ValueError("row lengths must sum to the number of contexts")


def rans_entries(frequencies):
    """Reciprocals and packed numbers of one context's symbols: uint32, (symbols, 2)."""
    cdef const uint16_t[::1] table = frequencies
    cdef uint32_t[:, ::1] entries = np.empty((table.shape[0], 2), np.uint32)
    check(cdt_rans_entries(&table[0], table.shape[0], <cdt_rans_entry *>&entries[0, 0]))
    return np.asarray(entries)


def rans_encode(frequencies, contexts, tokens, rows, unsigned states):
    """Rows of ``tokens`` as a stream. Frequencies: uint16, (contexts, symbols); row lengths: uintp; the rest uint8."""
    _check_rows(frequencies, contexts, rows)
    if tokens.size != contexts.size or (tokens.size and not frequencies[contexts, tokens].all()):
        raise ValueError("every token needs a context in which its frequency is not 0")
    cdef const uint16_t[:, ::1] tables = frequencies
    cdef const uint16_t[::1] indices = np.append(contexts * np.uint16(frequencies.shape[1]) + tokens, np.uint16(0))
    cdef const size_t[::1] lengths = rows
    cdef size_t symbols = tables.shape[1], at = tokens.size, k
    cdef uint8_t[::1] entries = np.empty(8 * tables.shape[0] * symbols + 8, np.uint8)
    out = np.empty(cdt_rans_bound(at, states), np.uint8)
    cdef uint8_t[::1] room = out
    cdef cdt_rans_entry *first = <cdt_rans_entry *>&entries[0]
    cdef cdt_rans_writer writer
    cdef uint8_t *begin
    for k in range(<size_t>tables.shape[0]):
        check(cdt_rans_entries(&tables[k, 0], symbols, first + k * symbols))
    check(cdt_rans_start(&writer, &room[0] + room.shape[0], states))
    for k in range(<size_t>lengths.shape[0], 0, -1):
        at -= lengths[k - 1]
        cdt_active_kernels().rans.encode_row(&writer, first, &indices[at], lengths[k - 1])
    begin = cdt_rans_finish(&writer)
    return out[begin - &room[0]:].tobytes()


def rans_decode(frequencies, contexts, const uint8_t[::1] stream not None, rows, unsigned states):
    """The tokens of :func:`rans_encode`."""
    _check_rows(frequencies, contexts, rows)
    cdef const uint16_t[:, ::1] tables = frequencies
    cdef const uint8_t[::1] where = np.append(contexts, np.uint8(0))
    cdef const size_t[::1] lengths = rows
    cdef uint32_t[::1] slots = np.empty(tables.shape[0] * CDT_SLOTS + 1, np.uint32)
    out = np.empty(contexts.size + 1, np.uint8)
    cdef uint8_t[::1] tokens = out
    cdef cdt_rans_reader reader
    cdef size_t at = 0, k
    for k in range(<size_t>tables.shape[0]):
        check(cdt_rans_slots(&tables[k, 0], tables.shape[1], &slots[k * CDT_SLOTS]))
    check(cdt_rans_open(&reader, &stream[0] if stream.shape[0] else NULL, stream.shape[0], states))
    for k in range(<size_t>lengths.shape[0]):
        cdt_active_kernels().rans.decode_row(&reader, &slots[0], &where[at], &tokens[at], lengths[k])
        at += lengths[k]
    check(cdt_rans_close(&reader))
    return out[:at]


def tokens_split(residuals):
    """Tokens (uint8) and extra bits (bytes) of int32 or int64 residuals."""
    cdef size_t n = residuals.size
    cdef const uint8_t[::1] raw = np.append(residuals, residuals.dtype.type(0)).view(np.uint8)
    out, more = np.empty(n + 1, np.uint8), np.empty(residuals.nbytes + 8, np.uint8)
    cdef uint8_t[::1] tokens = out, extra = more
    cdef cdt_bits_writer writer
    cdt_bits_start(&writer, &extra[0])
    if residuals.dtype == np.int32:
        cdt_active_kernels().rans.split_4(<const int32_t *>&raw[0], n, &tokens[0], &writer)
    elif residuals.dtype == np.int64:
        cdt_active_kernels().rans.split_8(<const int64_t *>&raw[0], n, &tokens[0], &writer)
    else:
        raise ValueError("residuals must be int32 or int64")
    return out[:n], more[:cdt_bits_finish(&writer) - &extra[0]].tobytes()


def tokens_join(const uint8_t[::1] tokens not None, const uint8_t[::1] extra not None, width):
    """The residuals of ``width`` (4 or 8) bytes that :func:`tokens_split` had."""
    cdef size_t n = tokens.shape[0]
    residuals = np.empty(n, {4: np.int32, 8: np.int64}[width])
    cdef uint8_t[::1] raw = residuals.view(np.uint8)
    cdef cdt_bits_reader reader
    cdt_bits_open(&reader, &extra[0] if extra.shape[0] else NULL, extra.shape[0])
    if n and width == 4:
        cdt_active_kernels().rans.join_4(&tokens[0], n, &reader, <int32_t *>&raw[0])
    elif n:
        cdt_active_kernels().rans.join_8(&tokens[0], n, &reader, <int64_t *>&raw[0])
    check(cdt_bits_close(&reader))
    return residuals
