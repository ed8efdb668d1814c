/* Kernels that are compiled once for each instruction set, a level, and chosen when the library is loaded.
 *
 * What an extension <x> that has such kernels writes:
 *   cdt_<x>.h       struct cdt_kernels {...}, its table of functions, after including this;
 *   <x>_all.h       includes its families of kernels, each <family>.simd.h, and defines `const cdt_kernels LEVEL(cdt_kernels)`;
 *                   CDT_SIMD is 0, 2 or 512 there, LEVEL(name) the level's own name of a function, CDT_X86 defined on x86-64;
 *   <x>_baseline.c, <x>_avx2.c, <x>_avx512.c
 *                   define CDT_SIMD and CDT_FAMILIES ("<x>_all.h"), then include cdt_<x>.h and level.h;
 * and levels.c is among its sources, levels.pxi in its <x>.pyx. One table in one extension: each has its own choice.
 */
#ifndef CDT_LEVELS_H
#define CDT_LEVELS_H
#include "cdt_status.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__)) && !defined(CDT_BASELINE_ONLY)
#define CDT_X86
#endif

typedef struct cdt_kernels cdt_kernels;

/* The kernels in use: the best that this machine has, unless cdt_use_kernels chose others. */
const cdt_kernels *cdt_active_kernels(void);

/* Their name: "baseline", "avx2" or "avx512". */
const char *cdt_kernels_name(void);

/* Use the kernels of that name (NULL: the best). CDT_BAD_ARGUMENT: no such name, or not on this machine. */
int cdt_use_kernels(const char *name);

#endif
