#include "cdt_levels.h"
#include <stddef.h>
#include <string.h>

typedef struct {
    const char *name;
    const cdt_kernels *kernels;
    int (*has)(void); /* does this machine have what the kernels were compiled for? level.h defines it beside them */
} level;

#define DECLARED(name)                         \
    extern const cdt_kernels cdt_kernels_##name; \
    extern int cdt_has_##name(void);
#define LISTED(name) {#name, &cdt_kernels_##name, cdt_has_##name}

DECLARED(baseline)
#ifdef CDT_X86
DECLARED(avx2)
DECLARED(avx512)
static const level levels[] = {LISTED(avx512), LISTED(avx2), LISTED(baseline)};
#else
static const level levels[] = {LISTED(baseline)};
#endif

static const level *active;

int cdt_use_kernels(const char *name)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if ((name && strcmp(name, levels[i].name) != 0) || !levels[i].has()) continue;
        active = &levels[i];
        return CDT_OK;
    }
    return CDT_BAD_ARGUMENT;
}

const cdt_kernels *cdt_active_kernels(void)
{
    if (!active) cdt_use_kernels(NULL);
    return active->kernels;
}

const char *cdt_kernels_name(void)
{
    if (!active) cdt_use_kernels(NULL);
    return active->name;
}
