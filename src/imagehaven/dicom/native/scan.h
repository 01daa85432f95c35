/* Reads the header of one well-formed DICOM file into the JSON of the catalogue.
 *
 * What is not plain (no preamble, deflated, big endian, a character set beyond Latin-1 and UTF-8,
 * elements out of order, anything malformed or truncated) is declined: the caller then reads the
 * file with pydicom, which knows what to make of it or why to refuse it. Never a value of its own.
 */
#ifndef IMAGEHAVEN_SCAN_H
#define IMAGEHAVEN_SCAN_H

#include "dictionary.h"
#include "out.h"

typedef struct { /* a file: all of it in memory, or a descriptor of which only the header is read */
    const unsigned char *all;
    int descriptor;
    uint64_t size;
    unsigned char *head, *far; /* its first bytes; a window behind them */
    size_t head_length, head_room, far_length, far_room;
    uint64_t far_start;
} source_t;

/* `length` bytes at `position`, good until the next call; NULL when they are not there. */
const unsigned char *source_at(source_t *source, uint64_t position, size_t length);
void source_free(source_t *source);

typedef struct { /* one text column in the making: values one behind the other */
    out_t values;
    int present; /* whether the file at hand has a value */
} column_t;

typedef struct {
    uint32_t tag;
    uint32_t column;
} promoted_t;

typedef struct {
    source_t source;
    const dictionary_t *dictionary;
    const promoted_t *promoted; /* sorted by tag */
    size_t promoted_count;
    column_t *columns; /* one for each promoted tag, by `column` */
    out_t *meta, *elements;
    /* what was found */
    char syntax[72];
    uint64_t dataset_offset, pixel_offset;
    uint32_t pixel_length; /* 0xFFFFFFFF when encapsulated */
    int has_pixels;
    const char *why; /* why the file was declined */
    /* while scanning */
    uint64_t held;
    uint32_t nodes;
    int in_meta;
    int instance_seen;
    char media_class[72];
} scan_t;

/* 1 when everything was read; 0 when the file is declined, with `why` and the outputs undefined. */
int scan(scan_t *scan);

#endif
