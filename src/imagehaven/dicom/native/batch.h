/* Many files scanned one after the other into columns, without Python and without its lock. */
#ifndef IMAGEHAVEN_BATCH_H
#define IMAGEHAVEN_BATCH_H

#include "json.h"

enum { META, ELEMENTS, SYNTAX, CONTENT_HASH, DATASET_HASH, FIRST_PROMOTED };
enum { SIZE, DATASET_OFFSET, PIXEL_OFFSET, PIXEL_LENGTH, NUMBERS };

typedef struct { /* where one file comes from */
    const char *path;          /* a file to open, or */
    const unsigned char *data; /* one in memory */
    size_t size;
} file_t;

typedef struct { /* one Arrow column of large_utf8: offsets has a place more than there are files */
    out_t values;
    int64_t *offsets;
    unsigned char *present; /* one bit each */
} text_column_t;

typedef struct {
    const file_t *files;
    size_t count;
    const dictionary_t *dictionary;
    const promoted_t *promoted;
    size_t promoted_count;
    int hashing; /* hash whole files too */
    size_t column_count;
    text_column_t *columns;       /* the fixed ones, then one for each promoted tag */
    int64_t *numbers[NUMBERS];    /* -1 where there is none */
    const char **why;             /* NULL for a file that was read, else why it was declined */
} batch_t;

/* 0 when there is no memory; the caller frees what `batch` holds in either case. */
int batch_make(batch_t *batch);
int batch_run(batch_t *batch);
void batch_free(batch_t *batch);

#endif
