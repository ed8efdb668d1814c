/* Work space: what one block returns, the next one gets, so that pages are touched once for all blocks of a call.
 *
 * While a thread works in a workspace, dropped memory is kept in it; without one, it is malloc and free. Memory is aligned to 64 bytes
 * and not cleared (cdt_new_zeros: it is).
 */
#ifndef CDT_MEMORY_H
#define CDT_MEMORY_H
#include <stddef.h>

typedef struct cdt_workspace cdt_workspace;

/* NULL without memory. Ending frees what is kept. */
cdt_workspace *cdt_workspace_new(void);
void cdt_workspace_end(cdt_workspace *workspace);

/* Bytes that are kept in a workspace. */
size_t cdt_workspace_kept(const cdt_workspace *workspace);

/* Let this thread work in a workspace (NULL: in none). */
void cdt_workspace_use(cdt_workspace *workspace);

void *cdt_new(size_t size);
void *cdt_new_zeros(size_t size);
void cdt_drop(void *memory);

#endif
