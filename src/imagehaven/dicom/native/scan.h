/* Reads the header of one well-formed DICOM file into a tree of its elements.
 *
 * What is not plain (no preamble, deflated, big endian, a character set beyond Latin-1 and UTF-8,
 * elements out of order, anything malformed or truncated) is declined: the caller then reads the
 * file with pydicom, which knows what to make of it or why to refuse it. Never a value of its own.
 */
#ifndef IMAGEHAVEN_SCAN_H
#define IMAGEHAVEN_SCAN_H

#include "dictionary.h"
#include "out.h"

typedef struct { /* an element, or an item of a sequence; what stands in it follows it */
    uint64_t value;   /* where its value, or its first element, starts */
    uint32_t tag;     /* 0xFFFEE000 for an item */
    uint32_t next;    /* the node behind it and all that stands in it */
    uint32_t length;  /* in bytes; of a sequence or item, nothing */
    vr_t vr;          /* as the file says, 0 where it does not */
    vr_t real;        /* what it is: SQ for any sequence */
    uint8_t fragments; /* an encapsulated value, without its last delimiter */
    uint8_t encoding; /* of its text: LATIN_1, UTF_8 or OTHER */
} node_t;

typedef struct {
    node_t *nodes;
    size_t count, room;
} tree_t;

void tree_free(tree_t *tree);

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

typedef struct {
    source_t source;
    const dictionary_t *dictionary;
    /* what was found */
    tree_t tree;         /* the file meta, the data set, and what follows its pixels */
    size_t main, behind; /* the first node of the latter two */
    char syntax[72];
    uint64_t dataset_offset, pixel_offset;
    uint32_t pixel_tag, pixel_length; /* 0xFFFFFFFF when encapsulated */
    vr_t pixel_vr;
    int has_pixels;
    const char *why; /* why the file was declined */
    /* while scanning */
    uint64_t held;
    uint32_t counted;
    int in_meta;
    int instance_seen;
    char media_class[72];
} scan_t;

/* 1 when everything was read; 0 when the file is declined, with `why`. The caller frees the source
 * and the tree, which it may also use again for another file with its `count` at 0. */
int scan(scan_t *scan);

#endif
