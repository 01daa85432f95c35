/* What the decisions on a file depend on, as keys to look them up by. */
#ifndef IMAGEHAVEN_KEYS_H
#define IMAGEHAVEN_KEYS_H

#include "scan.h"

typedef struct { /* sorted */
    const uint32_t *tags;
    size_t count;
} tags_t;

typedef struct {
    tags_t anywhere; /* elements that tell of people, at any depth; person names do in any case */
    tags_t top;      /* what tells the kind of instance, its days and its text, at the top */
    tags_t pixels;   /* what tells whether pixels have to be looked at */
    tags_t own;      /* UIDs that differ from instance to instance */
} telling_t;

/* Write the digest of all that tells of people and kind, and append what tells of the pixels. 0 when
 * the file is declined: its UIDs are so short that any number may be one of them. */
int keys_of(scan_t *scan, const telling_t *telling, unsigned char *people, out_t *pixels);

#endif
