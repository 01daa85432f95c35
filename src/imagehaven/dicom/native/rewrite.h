/* Writes the data set of a scanned file anew, element by element, as a session decides.
 *
 * The output is in explicit VR little endian with defined lengths (PS3.5 section 7.1.2), sorted by
 * tag. What cannot be written exactly as the decider would is left to it: the file is declined. */
#ifndef IMAGEHAVEN_REWRITE_H
#define IMAGEHAVEN_REWRITE_H

#include "decide.h"

enum { STUDY, SERIES, INSTANCE, MODALITY, NOTED }; /* what names the new file */
enum { MOST_GIVEN = 64, LONGEST_SHORT = 0xfffe };

typedef struct { /* a pseudonym that this file brought: a UID of the top level, or a session's */
    uint32_t tag;        /* 0 for a session's */
    uint32_t given;      /* its number */
    uint64_t value;      /* else where the original stands */
    uint32_t length;
    size_t start, width; /* and what stands for it, in `out` */
} given_t;

typedef struct {
    scan_t *scan;
    session_t *session;
    out_t out;
    uint32_t counts[128]; /* of each action */
    given_t given[MOST_GIVEN];
    size_t given_count;
    size_t noted[NOTED], noted_length[NOTED]; /* values in `out` */
} rewrite_t;

/* 0 when the file is declined, with `scan->why`. `out` and the session's memory stay the caller's. */
int rewrite(rewrite_t *rewrite);

/* Tag, VR and length in explicit VR little endian; the length must fit. */
void put_head(out_t *out, uint32_t tag, vr_t vr, uint32_t length);

#endif
