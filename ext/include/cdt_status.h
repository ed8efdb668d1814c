/* Status codes that every function of the C core returns. */
#ifndef CDT_STATUS_H
#define CDT_STATUS_H

typedef enum {
    CDT_OK = 0,
    CDT_BAD_ARGUMENT = 1,  /* a length, count or order that no caller may pass */
    CDT_NO_MEMORY = 2,     /* a work buffer could not be allocated */
    CDT_CORRUPT = 3        /* encoded input that no encoder wrote */
} cdt_status;

/* A sentence for a status; never NULL. */
const char *cdt_strerror(int status);

/* Functions marked so are compiled for newer x86-64 levels too, and chosen when the library is loaded. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__) && !defined(CDT_BASELINE_ONLY)
#define CDT_DISPATCH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CDT_DISPATCH
#endif

#endif
