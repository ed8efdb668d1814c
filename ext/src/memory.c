#include "cdt_memory.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNED = 64, KEPT = 48 };

/* In front of each piece: how many bytes it has room for, and what malloc returned. */
typedef struct {
    size_t room;
    void *start;
} head;

struct cdt_workspace {
    void *pieces[KEPT];
    unsigned count;
    size_t bytes;
};

static _Thread_local cdt_workspace *current;

static head *head_of(void *memory)
{
    return (head *)(void *)((unsigned char *)memory - sizeof(head));
}

static void *piece_new(size_t size)
{
    if (size > SIZE_MAX - 2 * ALIGNED) return NULL;
    unsigned char *start = malloc(size + 2 * ALIGNED);
    if (!start) return NULL;
    unsigned char *memory = start + 2 * ALIGNED - (uintptr_t)start % ALIGNED;
    head_of(memory)->room = size + (size_t)(start + 2 * ALIGNED - memory);
    head_of(memory)->start = start;
    return memory;
}

cdt_workspace *cdt_workspace_new(void)
{
    return calloc(1, sizeof(cdt_workspace));
}

void cdt_workspace_end(cdt_workspace *workspace)
{
    if (!workspace) return;
    for (unsigned i = 0; i < workspace->count; i++) free(head_of(workspace->pieces[i])->start);
    free(workspace);
}

size_t cdt_workspace_kept(const cdt_workspace *workspace)
{
    return workspace->bytes;
}

void cdt_workspace_use(cdt_workspace *workspace)
{
    current = workspace;
}

void *cdt_new(size_t size)
{
    cdt_workspace *w = current;
    if (w) {
        unsigned best = KEPT;
        for (unsigned i = 0; i < w->count; i++) {
            const size_t room = head_of(w->pieces[i])->room;
            if (room >= size && room / 4 <= size + 4096 && (best == KEPT || room < head_of(w->pieces[best])->room)) best = i;
        }
        if (best < KEPT) {
            void *memory = w->pieces[best];
            w->pieces[best] = w->pieces[--w->count];
            w->bytes -= head_of(memory)->room;
            return memory;
        }
    }
    return piece_new(size);
}

void *cdt_new_zeros(size_t size)
{
    void *memory = cdt_new(size);
    return memory ? memset(memory, 0, size) : NULL;
}

void cdt_drop(void *memory)
{
    cdt_workspace *w = current;
    if (!memory) return;
    if (w && w->count < KEPT) {
        w->pieces[w->count++] = memory;
        w->bytes += head_of(memory)->room;
    } else free(head_of(memory)->start);
}
