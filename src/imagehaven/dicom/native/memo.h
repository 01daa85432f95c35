/* A table from bytes to numbers, which remembers its keys and forgets none. */
#ifndef IMAGEHAVEN_MEMO_H
#define IMAGEHAVEN_MEMO_H

#include "out.h"

typedef struct {
    uint64_t hash;
    size_t key; /* where it starts in `keys` */
    uint32_t length, number;
} slot_t;

typedef struct {
    slot_t *slots;
    size_t room, count;
    out_t keys;
} memo_t;

/* The number of a key, NULL when it has none. */
const uint32_t *memo_find(const memo_t *memo, const void *key, size_t length);
/* Remember a key that is not there yet; 0 when there is no memory. */
int memo_add(memo_t *memo, const void *key, size_t length, uint32_t number);
void memo_free(memo_t *memo);

#endif
