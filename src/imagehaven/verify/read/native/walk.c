#include "walk.h"

#include <stdlib.h>
#include <string.h>

#define UNDEFINED 0xffffffffu
#define ITEM 0xfffee000u
#define ITEM_END 0xfffee00du
#define SEQUENCE_END 0xfffee0ddu
enum {
    CHARACTER_SET = 0x00080005,
    META_LENGTH = 0x00020000,
    TRANSFER_SYNTAX = 0x00020010,
    PREAMBLE = 128,
    SIGNED = 132,
};
static const uint32_t PADDING = 0xfffcfffc;

typedef struct {
    uint32_t tag, length;
    char vr[3];
    size_t value;
} element_t;

static uint32_t two(const unsigned char *at) { return at[0] | (uint32_t)at[1] << 8; }
static uint32_t four(const unsigned char *at) { return two(at) | two(at + 2) << 16; }
static uint32_t tag_of(const unsigned char *at) { return two(at) << 16 | two(at + 2); }

/* ---- heads --------------------------------------------------------------------------------- */

static int among(const char *vr, const char *list) {
    for (; *list; list += 3)
        if (vr[0] == list[0] && vr[1] == list[1]) return 1;
    return 0;
}

int is_text(const char *vr) {
    return among(vr, "LO LT SH ST UC UR UT AE AS CS DA DT TM DS IS PN UI ");
}

static int has_long_length(const char *vr) {
    return among(vr, "OB OD OF OL OV OW SQ SV UC UN UR UT UV ");
}

static int is_vr(const char *vr) {
    return has_long_length(vr) || is_text(vr) || among(vr, "AT FD FL SL SS UL US ");
}

static int by_tag(const void *key, const void *entry) {
    uint32_t one = *(const uint32_t *)key, other = ((const public_t *)entry)->tag;
    return one < other ? -1 : one > other;
}

/* The VR that the dictionary gives; 0 where it takes pydicom to say. */
static int look_up(const walk_t *walk, uint32_t tag, char *vr) {
    uint32_t group = tag >> 16, number = tag & 0xffff;
    const char *found = "UN";
    if (group & 1) {
        if (number >= 0x10 && number <= 0xff) found = "LO"; /* a private creator */
    } else if (number) { /* group lengths are in no dictionary */
        const public_t *entry =
            bsearch(&tag, walk->dictionary, walk->known, sizeof *entry, by_tag);
        if (!entry) return 0;
        found = entry->vr;
    }
    memcpy(vr, found, 2);
    return 1;
}

static int head(const walk_t *walk, size_t at, size_t end, int implicit, element_t *element) {
    if (end - at < 8) return 0;
    const unsigned char *start = walk->data + at;
    element->tag = tag_of(start);
    element->vr[2] = 0;
    element->value = at + 8;
    if (implicit || element->tag >> 16 == 0xfffe) {
        element->length = four(start + 4);
        memcpy(element->vr, "??", 2);
        return element->tag >> 16 == 0xfffe || look_up(walk, element->tag, element->vr);
    }
    memcpy(element->vr, start + 4, 2);
    if (!is_vr(element->vr)) return 0;
    element->length = two(start + 6);
    if (has_long_length(element->vr)) {
        if (end - at < 12) return 0;
        element->length = four(start + 8);
        element->value = at + 12;
    }
    return 1;
}

/* ---- elements that decide how others are read ---------------------------------------------- */

/* These have the VR of the standard, and its length where it has one, or the file is given up:
 * what pydicom makes of any other is its own affair, and a check may depend on it. */
static const struct {
    uint32_t tag;
    char vr[3];
    uint32_t length;
} deciding[] = {
    {0x00020000, "UL", 4}, {0x00020010, "UI", 0}, {0x00080005, "CS", 0}, {0x00080008, "CS", 0},
    {0x00080016, "UI", 0}, {0x00080018, "UI", 0}, {0x00080070, "LO", 0}, {0x00081090, "LO", 0},
    {0x00280002, "US", 2}, {0x00280004, "CS", 0}, {0x00280008, "IS", 0}, {0x00280010, "US", 2},
    {0x00280103, "US", 2}, {0x00280301, "CS", 0}, {0x00420011, "OB", 0},
};

static int is_regular(const walk_t *walk, const element_t *element) {
    uint32_t number = element->tag & 0xffff;
    const char *vr = element->vr;
    for (size_t i = 0; i < sizeof deciding / sizeof *deciding; i++)
        if (deciding[i].tag == element->tag)
            return !memcmp(vr, deciding[i].vr, 2) &&
                   (!deciding[i].length || element->length == deciding[i].length);
    if (!number) return among(vr, "UL UN ");
    if (element->tag >> 16 & 1 && number >= 0x10 && number <= 0xff)
        return is_text(vr) || among(vr, "UN "); /* a private creator */
    return !walk->meta || !among(vr, "SQ OD OF OL OV SV UV ");
}

/* Whether a value is printable ASCII, but for one character of padding. */
static int is_printable(span_t value) {
    size_t length = value.length;
    if (length && !value.at[length - 1]) length--;
    for (size_t i = 0; i < length; i++)
        if (value.at[i] < 0x20 || value.at[i] > 0x7e) return 0;
    return 1;
}

/* ---- data sets ----------------------------------------------------------------------------- */

static int data_set(walk_t *walk, size_t *at, size_t end, int open_ended);

static int sequence(walk_t *walk, const element_t *element, size_t *at, size_t end) {
    int defined = element->length != UNDEFINED;
    if (walk->depth >= DEEPEST) return 0;
    if (defined) end = element->value + element->length;
    *at = element->value;
    for (uint32_t item = 0; !defined || *at < end; item++) {
        if (end - *at < 8) return 0;
        uint32_t tag = tag_of(walk->data + *at), length = four(walk->data + *at + 4);
        *at += 8;
        if (tag == SEQUENCE_END) return !defined && !length;
        if (tag != ITEM || (length != UNDEFINED && length > end - *at)) return 0;
        walk->steps[walk->depth].tag = element->tag;
        walk->steps[walk->depth].item = item;
        walk->declared[++walk->depth] = 0;
        int open = length == UNDEFINED;
        if (!data_set(walk, at, open ? end : *at + length, open)) return 0;
        walk->depth--;
    }
    return 1;
}

/* One element that is no pixels, to behind it; `read` where others than group lengths came first. */
static int one(walk_t *walk, const element_t *element, size_t *at, size_t end, int read) {
    if (element->length != UNDEFINED && element->length > end - element->value) return 0;
    if (!is_regular(walk, element)) return 0;
    if (!memcmp(element->vr, "SQ", 2)) return sequence(walk, element, at, end);
    if (element->length == UNDEFINED) return 0; /* an unknown sequence, or fragments */
    span_t value = {walk->data + element->value, element->length};
    if (element->tag == CHARACTER_SET) {
        if (read || !is_printable(value)) return 0; /* what stands before it is read without it */
        walk->declared[walk->depth] = 1;
        walk->charsets[walk->depth] = value;
    }
    *at = element->value + element->length;
    return walk->muted || walk->value(walk, element->tag, element->vr, value);
}

static int data_set(walk_t *walk, size_t *at, size_t end, int open_ended) {
    int64_t last = -1;
    int read = 0;
    element_t element;
    while (open_ended || *at < end) {
        if (!head(walk, *at, end, walk->implicit, &element)) return 0;
        if (element.tag == ITEM_END) {
            *at += 8;
            return open_ended && !element.length;
        }
        /* Out of order, or twice: pydicom says which of the two counts. */
        if (element.tag >> 16 == 0xfffe || (int64_t)element.tag <= last) return 0;
        if (!one(walk, &element, at, end, read)) return 0;
        last = element.tag;
        read |= (element.tag & 0xffff) != 0;
    }
    return *at == end;
}

/* ---- the file ------------------------------------------------------------------------------ */

static int is_pixels(uint32_t tag) {
    return tag == 0x7fe00008 || tag == 0x7fe00009 || tag == 0x7fe00010;
}

static int pixels(walk_t *walk, const element_t *element, size_t *at) {
    *at = element->value;
    if (element->length != UNDEFINED) {
        if (element->length > walk->size - *at) return 0;
        *at += element->length;
    } else {
        for (uint32_t tag = ITEM; tag != SEQUENCE_END;) { /* fragments (PS3.5 A.4) */
            if (walk->size - *at < 8) return 0;
            tag = tag_of(walk->data + *at);
            uint32_t length = four(walk->data + *at + 4);
            *at += 8;
            if (tag == SEQUENCE_END) break;
            if (tag != ITEM || length > walk->size - *at) return 0;
            *at += length;
        }
    }
    if (walk->pixel_count == MOST_PIXELS) return 0;
    walk->pixels[walk->pixel_count].start = element->value;
    walk->pixels[walk->pixel_count++].end = *at;
    walk->tail = 0;
    walk->muted = 1; /* what follows is searched as bytes */
    return 1;
}

static int file_meta(walk_t *walk, size_t *at) {
    element_t element;
    int64_t last = -1;
    span_t syntax = {NULL, 0};
    walk->meta = 1;
    while (walk->size - *at >= 8 && two(walk->data + *at) == 2) {
        if (!head(walk, *at, walk->size, 0, &element) || (int64_t)element.tag <= last) return 0;
        if (last < 0 && element.tag != META_LENGTH) return 0;
        if (!one(walk, &element, at, walk->size, 0)) return 0;
        last = element.tag;
        if (element.tag == TRANSFER_SYNTAX)
            syntax = (span_t){walk->data + element.value, element.length};
    }
    walk->meta = 0;
    if (syntax.length && (!syntax.at[syntax.length - 1] || syntax.at[syntax.length - 1] == ' '))
        syntax.length--;
    for (size_t i = 0; i < syntax.length; i++)
        if (syntax.at[i] != '.' && (syntax.at[i] < '0' || syntax.at[i] > '9')) return 0;
#define IS(uid) (syntax.length == sizeof(uid) - 1 && !memcmp(syntax.at, uid, sizeof(uid) - 1))
    walk->implicit = IS("1.2.840.10008.1.2");
    return syntax.length && !IS("1.2.840.10008.1.2.1.99") && !IS("1.2.840.10008.1.2.2");
}

/* Whether the first element looks as the transfer syntax says: files that lie are pydicom's. */
static int looks_as_declared(const walk_t *walk, size_t at) {
    if (walk->size - at < 8) return 0;
    const unsigned char *vr = walk->data + at + 4;
    int explicit_vr = 0x40 < vr[0] && vr[0] < 0x5b && 0x40 < vr[1] && vr[1] < 0x5b;
    return explicit_vr != walk->implicit;
}

static int only_zeros(const walk_t *walk, size_t at) {
    while (at < walk->size)
        if (walk->data[at++]) return 0;
    return 1;
}

int walk_file(walk_t *walk) {
    size_t at = SIGNED;
    int64_t last = -1;
    int read = 0;
    element_t element;
    if (walk->size < SIGNED || memcmp(walk->data + PREAMBLE, "DICM", 4)) return 0;
    if (!file_meta(walk, &at) || !looks_as_declared(walk, at)) return 0;
    while (walk->size - at >= 8) {
        size_t start = at;
        if (!four(walk->data + at)) break; /* no element: zeros to the end, or it is given up */
        if (!head(walk, at, walk->size, walk->implicit, &element)) return 0;
        if (element.tag >> 16 == 0xfffe || (int64_t)element.tag <= last) return 0;
        if (is_pixels(element.tag)) {
            if (!pixels(walk, &element, &at)) return 0;
        } else {
            if (!walk->tail && (walk->pixel_count || element.tag == PADDING)) walk->tail = start;
            if (!one(walk, &element, &at, walk->size, read)) return 0;
            walk->elements += !walk->muted;
            read |= (element.tag & 0xffff) != 0;
        }
        last = element.tag;
    }
    if (!walk->tail) walk->tail = at;
    return walk->elements && only_zeros(walk, at);
}
