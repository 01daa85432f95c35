/* What a scan found, in the JSON of the catalogue. */
#ifndef IMAGEHAVEN_JSON_H
#define IMAGEHAVEN_JSON_H

#include "scan.h"

typedef struct { /* one text column in the making: values one behind the other */
    out_t values;
    int present; /* whether the file at hand has a value */
} column_t;

typedef struct {
    uint32_t tag;
    uint32_t column;
} promoted_t;

typedef struct {
    const promoted_t *promoted; /* sorted by tag */
    size_t promoted_count;
    column_t *columns; /* one for each promoted tag, by `column` */
    out_t *meta, *elements;
} json_t;

/* Append both objects; 0 when the file is declined after all, with the outputs undefined. */
int put_json(scan_t *scan, const json_t *json);

#endif
