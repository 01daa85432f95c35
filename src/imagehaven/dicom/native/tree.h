/* Inside the scanner: the elements of one data set at a time, added to the tree of the scan.
 * scan.c holds what a file is made of. */
#ifndef IMAGEHAVEN_TREE_H
#define IMAGEHAVEN_TREE_H

#include "scan.h"

#define UNDEFINED 0xffffffffu
#define ITEM 0xfffee000u
enum { MOST_CREATORS = 32 };

typedef struct level { /* what holds for a data set, at the top or in an item */
    struct level *outer; /* the data set around this item */
    uint64_t end;
    int implicit, encoding, depth;
    uint32_t tag;       /* of the element at hand */
    int representation; /* PixelRepresentation of this data set, -1 before it */
    uint16_t group;     /* whose private creators are held */
    int creators;
    struct {
        uint16_t element;
        uint8_t length;
        char name[72];
    } creator[MOST_CREATORS];
} level_t;

typedef struct {
    uint32_t tag, length;
    vr_t vr; /* 0 when the file does not say */
    uint64_t value;
} element_t;

static inline uint32_t number16(const unsigned char *at) { return at[0] | (uint32_t)at[1] << 8; }
static inline uint32_t number32(const unsigned char *at) {
    return number16(at) | number16(at + 2) << 16;
}
static inline uint32_t tag_at(const unsigned char *at) {
    return number16(at) << 16 | number16(at + 2);
}

/* Whether a VR has a length of four bytes in explicit VR. */
int is_long(vr_t vr);

/* Say why the file is left to pydicom; always 0. */
int declined(scan_t *scan, const char *why);

/* Add one data set, from `position` to behind it. With `stopped`, the top level stops in front of
 * what does not belong to it (the pixels, or the end of the file meta) and says at which element;
 * an `open_ended` item must end with its delimiter. 0 when declined. */
int data_set(scan_t *scan, level_t *level, uint64_t *position, int open_ended,
             element_t *stopped);

/* Walk the items of an encapsulated value (PS3.5 A.4) to behind its delimiter; 0 when declined. */
int skip_fragments(scan_t *scan, uint64_t *position, uint64_t end);

#endif
