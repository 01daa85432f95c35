/* Whether any of many words may stand in some bytes, whatever their case, however spaced. */
#ifndef IMAGEHAVEN_NEEDLES_H
#define IMAGEHAVEN_NEEDLES_H

#include "walk.h"

typedef struct {
    uint32_t start; /* of its first four bytes, as one number */
    span_t word;    /* folded */
} needle_t;

typedef struct {
    needle_t *words; /* by `start` */
    size_t count, longest;
    unsigned char *bytes; /* what they point into */
    uint64_t starts[1024]; /* a bit for the hash of each start: most bytes end there */
    int any;               /* a word is too short to look for: everything may hold it */
} needles_t;

/* Take the words; 0 when there is no memory. */
int needles_take(needles_t *needles, const span_t *words, size_t count);
void needles_free(needles_t *needles);

/* 1 where a word may stand in `text`, 0 where none does, -1 when there is no memory. */
int needles_in(const needles_t *needles, span_t text);

#endif
