#include "cdt_keys.h"
#include "cdt_map.h"
#include "cdt_status.h"
#include <math.h>
#include <string.h>

/* Order-preserving integers of floats of so many bits, sign included. */
static int64_t key_of_bits(uint64_t bits, unsigned width)
{
    const uint64_t sign = (uint64_t)1 << (width - 1);
    return bits & sign ? -(int64_t)(bits ^ sign) - 1 : (int64_t)bits;
}

static uint64_t bits_of_key(int64_t key, unsigned width)
{
    const uint64_t sign = (uint64_t)1 << (width - 1);
    return key < 0 ? (uint64_t)-(key + 1) | sign : (uint64_t)key;
}

int64_t cdt_number_at(cdt_type type, const void *values, size_t i)
{
    switch (type) {
    case CDT_I1: return ((const int8_t *)values)[i];
    case CDT_U1: return ((const uint8_t *)values)[i];
    case CDT_I2: return ((const int16_t *)values)[i];
    case CDT_U2: return ((const uint16_t *)values)[i];
    case CDT_I4: return ((const int32_t *)values)[i];
    case CDT_U4: return ((const uint32_t *)values)[i];
    case CDT_I8:
    case CDT_U8: return ((const int64_t *)values)[i];
    case CDT_F2: return key_of_bits(((const uint16_t *)values)[i], 16);
    case CDT_F4: return key_of_bits(((const uint32_t *)values)[i], 32);
    default: return key_of_bits(((const uint64_t *)values)[i], 64);
    }
}

int cdt_is_number(cdt_type type, const void *values, size_t i)
{
    if (type == CDT_F2) return (((const uint16_t *)values)[i] & 0x7C00u) != 0x7C00u;
    if (type == CDT_F4) return (((const uint32_t *)values)[i] & 0x7F800000u) != 0x7F800000u;
    if (type == CDT_F8) return (((const uint64_t *)values)[i] & 0x7FF0000000000000u) != 0x7FF0000000000000u;
    return 1;
}

int cdt_all_numbers(cdt_type type, const void *values, size_t n)
{
    /* One more in the last place of the exponent carries into the sign where the exponent is all ones. */
    uint64_t carried = 0;
    if (type == CDT_F2)
        for (size_t i = 0; i < n; i++) carried |= ((((const uint16_t *)values)[i] & 0x7C00u) + 0x0400u) & 0x8000u;
    else if (type == CDT_F4) {
        uint32_t c = 0;
        for (size_t i = 0; i < n; i++) c |= (((const uint32_t *)values)[i] & 0x7F800000u) + 0x00800000u;
        carried = c & 0x80000000u;
    } else if (type == CDT_F8) {
        for (size_t i = 0; i < n; i++) carried |= (((const uint64_t *)values)[i] & 0x7FF0000000000000u) + 0x0010000000000000u;
        carried &= 0x8000000000000000u;
    }
    return !carried;
}

static void limits_of(cdt_type type, int64_t *low, int64_t *high)
{
    static const int64_t lows[CDT_TYPES] = {-128, 0, -32768, 0, INT32_MIN, 0, INT64_MIN, INT64_MIN, -32768, INT32_MIN, INT64_MIN};
    static const int64_t highs[CDT_TYPES] = {127,       255,       32767, 65535,     INT32_MAX, UINT32_MAX,
                                             INT64_MAX, INT64_MAX, 32767, INT32_MAX, INT64_MAX};
    *low = lows[type];
    *high = highs[type];
}

int cdt_put_key(cdt_type type, int64_t key, void *values, size_t i)
{
    int64_t low, high;
    limits_of(type, &low, &high);
    if (key < low || key > high) return CDT_CORRUPT;
    switch (cdt_size_of(type)) {
    case 1: ((uint8_t *)values)[i] = (uint8_t)key; break;
    case 2: ((uint16_t *)values)[i] = (uint16_t)(type == CDT_F2 ? bits_of_key(key, 16) : (uint64_t)key); break;
    case 4: ((uint32_t *)values)[i] = (uint32_t)(type == CDT_F4 ? bits_of_key(key, 32) : (uint64_t)key); break;
    default: ((uint64_t *)values)[i] = type == CDT_F8 ? bits_of_key(key, 64) : (uint64_t)key;
    }
    return CDT_OK;
}

void cdt_put_nearest(cdt_type type, int64_t key, void *values, size_t i)
{
    int64_t low, high;
    limits_of(type, &low, &high);
    cdt_put_key(type, key < low ? low : key > high ? high : key, values, i);
}

double cdt_key_number(cdt_type type, int64_t key)
{
    double wide;
    float narrow;
    uint64_t bits;
    uint32_t low;
    switch (type) {
    case CDT_F2: return (double)cdt_from_half((uint16_t)bits_of_key(key, 16));
    case CDT_F4:
        low = (uint32_t)bits_of_key(key, 32);
        memcpy(&narrow, &low, sizeof narrow);
        return (double)narrow;
    case CDT_F8:
        bits = bits_of_key(key, 64);
        memcpy(&wide, &bits, sizeof wide);
        return wide;
    default: return (double)key;
    }
}

int64_t cdt_number_key(cdt_type type, double number)
{
    int64_t low, high;
    uint64_t bits;
    uint32_t narrow_bits;
    float narrow;
    if (type == CDT_F8) {
        memcpy(&bits, &number, sizeof bits);
        return key_of_bits(bits, 64);
    }
    if (type == CDT_F4) {
        narrow = (float)number;
        memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
        return key_of_bits(narrow_bits, 32);
    }
    if (type == CDT_F2) return key_of_bits(cdt_to_half((float)number), 16);
    limits_of(type, &low, &high);
    if (!(number > (double)low)) return low;
    return number < (double)high ? (int64_t)rint(number) : high;
}
