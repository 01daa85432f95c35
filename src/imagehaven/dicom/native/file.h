/* Puts a new file in its place: all of it or nothing, with its hash. */
#ifndef IMAGEHAVEN_FILE_H
#define IMAGEHAVEN_FILE_H

#include "out.h"
#include "scan.h"

typedef struct {
    const char *folder;     /* made where it is missing */
    const char *name;
    const out_t *head;      /* preamble and file meta */
    const out_t *data_set;  /* with the head of the pixel data behind it */
    source_t *source;       /* whose bytes from here on follow, so many of them */
    uint64_t start, length;
    /* what was written */
    uint64_t size;
    char sha256[64];
} new_file_t;

enum { WRITTEN, NOT_WRITTEN, NOT_READ };
/* NOT_WRITTEN leaves why in errno; NOT_READ when the source became shorter. */
int write_new(new_file_t *file);

#endif
