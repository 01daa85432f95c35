/* The few actions whose values differ from image to image, done without asking anybody.
 *
 * Each does what the reference would do with a plain value, and leaves any other to it: where 0 is
 * returned nothing was appended, and somebody has to be asked. */
#ifndef IMAGEHAVEN_SWIFT_H
#define IMAGEHAVEN_SWIFT_H

#include "dictionary.h"
#include "out.h"
#include "sha256.h"

typedef struct { /* a key, taken into both halves of an HMAC (RFC 2104) */
    sha256_t inner, outer;
} mac_t;

typedef struct {
    const char *text;
    size_t length;
} word_t;

typedef struct { /* identifiers that are numbers, without zeros in front */
    word_t *words;
    size_t count;
} words_t;

void mac_start(mac_t *mac, const unsigned char *key, size_t length);

/* Numbers as text (DS, IS), kept where they are well-formed, and no date or identifier. */
int swift_numbers(const words_t *known, vr_t vr, const unsigned char *value, size_t length,
                  out_t *out);
/* Binary numbers, kept where they spell nothing and are small. `most` is 0 for any count. */
int swift_words(vr_t vr, const unsigned char *value, size_t length, uint32_t most, out_t *out);
/* One DA, DT or TM, moved by whole days. */
int swift_date(const unsigned char *value, size_t length, int32_t days, out_t *out);
int swift_moment(const unsigned char *value, size_t length, int32_t days, out_t *out);
int swift_time(const unsigned char *value, size_t length, out_t *out);
/* One UID under 2.25, by the key. */
int swift_uid(const mac_t *mac, const unsigned char *value, size_t length, out_t *out);
/* The trimmed value: what `swift_uid` maps. */
word_t trimmed(const unsigned char *value, size_t length);

#endif
