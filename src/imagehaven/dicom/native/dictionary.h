/* Which value representation the dictionaries give a tag; the tables come from pydicom, packed. */
#ifndef IMAGEHAVEN_DICTIONARY_H
#define IMAGEHAVEN_DICTIONARY_H

#include <stddef.h>
#include <stdint.h>

/* A VR is its two letters; where a dictionary leaves a choice, two lower-case letters stand. */
typedef uint16_t vr_t;
#define VR(one, two) ((vr_t)((one) << 8 | (two)))
#define US_OR_SS VR('u', 's')
#define OB_OR_OW VR('o', 'b')
#define US_OR_OW VR('u', 'o') /* and US or SS or OW */
#define NO_VR VR('?', '?')    /* a word of a dictionary that is no VR */

typedef struct { /* one tag, or all that agree with it where the mask has ones */
    uint32_t tag, mask;
    unsigned char vr[4];
} entry_t;

typedef struct { /* a private creator's entries: `first` in the order of (mask, tag), and how many */
    char name[72];
    uint32_t first, count;
} creator_t;

typedef struct {
    const entry_t *public_tags, *repeaters, *private_tags;
    const creator_t *creators;
    size_t public_count, repeater_count, private_count, creator_count;
} dictionary_t;

vr_t public_vr(const dictionary_t *dictionary, uint32_t tag);
/* For an odd group; `creator` is what (gggg,00ee) reserves the block with, without padding. */
vr_t private_vr(const dictionary_t *dictionary, uint32_t tag, const char *creator, size_t length);

#endif
