/* A growing buffer of bytes, and the JSON that the catalogue stores (RFC 8259, as Python writes it). */
#ifndef IMAGEHAVEN_OUT_H
#define IMAGEHAVEN_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    char *data;
    size_t length, room;
    int failed; /* no memory: what follows is dropped, and the owner must look */
} out_t;

void out_free(out_t *out);
int out_reserve(out_t *out, size_t more); /* 0 when there is no memory */

static inline void out_bytes(out_t *out, const void *data, size_t length) {
    if (length && out_reserve(out, length)) {
        memcpy(out->data + out->length, data, length);
        out->length += length;
    }
}
#define out_literal(out, text) out_bytes(out, text, sizeof(text) - 1)

/* Character encodings that the core decodes itself; any other goes to pydicom. */
enum { LATIN_1, UTF_8, OTHER };

/* Append bytes as UTF-8. ESC and what is not valid in `encoding` return 0, with `out` undefined. */
int out_text(out_t *out, const unsigned char *text, size_t length, int encoding);
/* The same as a JSON string, quotes included. */
int out_string(out_t *out, const unsigned char *text, size_t length, int encoding);

void out_base64(out_t *out, const unsigned char *data, size_t length);
void out_integer(out_t *out, int64_t number);
void out_unsigned(out_t *out, uint64_t number);
void out_hex(out_t *out, uint32_t number); /* eight upper-case digits */
void out_double(out_t *out, double number); /* as Python's repr() writes a finite float */

#endif
