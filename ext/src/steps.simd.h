/* Integers to multiples of a width and back; cdt_steps.h is the contract. */

/* Codes are found, and numbers compared, so many at a time. */
enum { LEVEL(steps_tile) = 1024 };

/* The types that a float holds are divided as such: the quotient by an odd width is never near a half. */
#define C int32_t
#define W uint32_t
#define F float
#define MAGIC 12582912.0f
#define NARROW /* multiples of the width are floats, too */
#define T int8_t
#define NAME(name) LEVEL(steps_##name##_i1)
#include "steps.template.h"
#define T uint8_t
#define NAME(name) LEVEL(steps_##name##_u1)
#include "steps.template.h"
#define T int16_t
#define NAME(name) LEVEL(steps_##name##_i2)
#include "steps.template.h"
#define T uint16_t
#define NAME(name) LEVEL(steps_##name##_u2)
#include "steps.template.h"
#undef F
#undef MAGIC
#undef NARROW
#define F double
#define MAGIC 6755399441055744.0
#define T int32_t
#define NAME(name) LEVEL(steps_##name##_i4)
#include "steps.template.h"
#define T uint32_t
#define NAME(name) LEVEL(steps_##name##_u4)
#include "steps.template.h"
#undef F
#undef MAGIC
#undef C
#undef W
#define C int64_t
#define W uint64_t
#define T int64_t
#define NAME(name) LEVEL(steps_##name##_i8)
#include "steps.template.h"
#define T uint64_t
#define NAME(name) LEVEL(steps_##name##_u8)
#include "steps.template.h"
#undef C
#undef W
