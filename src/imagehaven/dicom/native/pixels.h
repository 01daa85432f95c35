/* A look at native pixels that may go as they are, if nobody drew into them. */
#ifndef IMAGEHAVEN_PIXELS_H
#define IMAGEHAVEN_PIXELS_H

#include <stddef.h>
#include <stdint.h>

typedef struct { /* one sample of 8 or 16 bits a pixel, of which `stored` end at bit `high` */
    uint32_t frames;
    size_t pixels; /* of one frame */
    int bits, stored, high, is_signed;
    int look; /* 0 where nothing has to be looked for */
} shape_t;

/* 1 when the bits of one frame that no value uses are empty or copies of the sign, and its brightest
 * value is no peak: the rules of spare_bits and drawn in imagehaven.deidentify.pixels. */
int is_plain(const shape_t *shape, const unsigned char *frame);

#endif
