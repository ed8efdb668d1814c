/* Matrices of bytes. */
#ifndef CDT_TRANSPOSE_H
#define CDT_TRANSPOSE_H
#include <stddef.h>
#include <stdint.h>

/* to[c * rows + r] = from[r * columns + c] */
void cdt_transpose_bytes(const uint8_t *from, size_t rows, size_t columns, uint8_t *to);

#endif
