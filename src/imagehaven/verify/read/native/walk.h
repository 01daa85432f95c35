/* A walk over one well-formed file in little endian: its values, and where its pixels lie (PS3.5 7,
 * PS3.10 7). What is not plain is given up, never guessed: then pydicom reads the file. */
#ifndef IMAGEHAVEN_WALK_H
#define IMAGEHAVEN_WALK_H

#include <stddef.h>
#include <stdint.h>

enum { DEEPEST = 32, MOST_PIXELS = 3 };

typedef struct {
    const unsigned char *at;
    size_t length;
} span_t;

typedef struct { /* the VR of a public tag that no file in implicit VR says */
    uint32_t tag;
    char vr[4];
} public_t;

typedef struct walk {
    const unsigned char *data;
    size_t size;
    const public_t *dictionary; /* by tag */
    size_t known;
    /* Called with each value of the file meta and of the data set up to its pixels, in the order of
     * the file; 0 stops the walk. */
    int (*value)(struct walk *walk, uint32_t tag, const char *vr, span_t value);

    /* For the call: how deep the element lies, and in which items of which sequences. */
    int meta, depth;
    struct {
        uint32_t tag, item;
    } steps[DEEPEST];
    span_t charsets[DEEPEST + 1]; /* Specific Character Set of each data set around it, */
    int declared[DEEPEST + 1];    /* where it has one */

    /* Afterwards: the byte ranges of the pixel elements, and where what follows them starts. */
    struct {
        size_t start, end;
    } pixels[MOST_PIXELS];
    int pixel_count;
    size_t tail;
    int implicit, muted, elements;
} walk_t;

/* Walk `data`; 0 where it was given up, or stopped. */
int walk_file(walk_t *walk);

/* Whether values of a VR are text (PS3.5 6.2). */
int is_text(const char *vr);

#endif
