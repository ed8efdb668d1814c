/* Matrices of numbers of 1, 2, 4 or 8 bytes. */
#ifndef CDT_TRANSPOSE_H
#define CDT_TRANSPOSE_H
#include <stddef.h>
#include <stdint.h>

/* to[c * rows + r] = from[r * columns + c] */
void cdt_transpose(const void *from, size_t size, size_t rows, size_t columns, void *to);

#endif
