/* Numbers of any type as order-preserving integers, and as doubles for grids. */
#ifndef CDT_KEYS_H
#define CDT_KEYS_H
#include "cdt_array.h"
#include <stdint.h>

/* The key of number i: integers themselves (unsigned 8-byte ones modulo 2^64), floats by the order of their bits. */
int64_t cdt_number_at(cdt_type type, const void *values, size_t i);

/* Whether number i is finite. */
int cdt_is_number(cdt_type type, const void *values, size_t i);

/* Whether all n numbers are finite. */
int cdt_all_numbers(cdt_type type, const void *values, size_t n);

/* Store the number of a key as number i. CDT_CORRUPT: the type has no such number. */
int cdt_put_key(cdt_type type, int64_t key, void *values, size_t i);

/* Store the number of the type that is nearest to a key. */
void cdt_put_nearest(cdt_type type, int64_t key, void *values, size_t i);

/* The number of a key as a double, and the key of the number of the type that is nearest to a double (the last one beyond). */
double cdt_key_number(cdt_type type, int64_t key);
int64_t cdt_number_key(cdt_type type, double number);

#endif
