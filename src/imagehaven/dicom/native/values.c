#include "values.h"

#include <math.h>

#include "sha256.h"

enum { INLINE_BINARY = 256, MOST_NUMBERS = 65536 };

typedef struct {
    const unsigned char *at;
    size_t length;
} piece_t;

static int is_padding(unsigned char character) { return character == ' ' || character == 0; }

static piece_t stripped(piece_t piece, int both_ends) {
    while (piece.length && is_padding(piece.at[piece.length - 1])) piece.length--;
    while (both_ends && piece.length && is_padding(*piece.at)) piece.at++, piece.length--;
    return piece;
}

/* Cut the first piece off `rest` at `mark`; 0 when nothing was left to cut. */
static int cut(piece_t *rest, unsigned char mark, piece_t *piece) {
    if (!rest->at) return 0;
    const unsigned char *end = rest->length ? memchr(rest->at, mark, rest->length) : NULL;
    *piece = *rest;
    if (end) {
        piece->length = (size_t)(end - rest->at);
        rest->length -= piece->length + 1;
        rest->at = end + 1;
    } else {
        rest->at = NULL;
    }
    return 1;
}

static void put_vr(out_t *out, vr_t vr) {
    char letters[2] = {(char)(vr >> 8), (char)vr};
    out_literal(out, "{\"vr\":\"");
    out_bytes(out, letters, 2);
    out_literal(out, "\"");
}

static void put_binary(out_t *out, const value_t *value, int always_inline) {
    sha256_t hash;
    char hex[64];
    sha256_start(&hash);
    sha256_add(&hash, value->data, value->length);
    sha256_hex(&hash, hex);
    out_literal(out, ",\"Length\":");
    out_unsigned(out, value->length);
    out_literal(out, ",\"SHA256\":\"");
    out_bytes(out, hex, sizeof hex);
    out_literal(out, "\"");
    if (always_inline || value->length <= INLINE_BINARY) {
        out_literal(out, ",\"InlineBinary\":\"");
        out_base64(out, value->data, value->length);
        out_literal(out, "\"");
    }
}

/* A text for a column: no NUL, which the catalogue's stores do not take. */
static void put_plain(out_t *plain, piece_t piece, int encoding) {
    piece_t part;
    while (cut(&piece, 0, &part)) out_text(plain, part.at, part.length, encoding);
}

/* ---- numbers ------------------------------------------------------------------------------- */

static size_t width_of(vr_t vr) {
    switch (vr) {
    case VR('U', 'S'): case VR('S', 'S'): return 2;
    case VR('U', 'L'): case VR('S', 'L'): case VR('F', 'L'): case VR('A', 'T'): return 4;
    case VR('F', 'D'): case VR('S', 'V'): case VR('U', 'V'): return 8;
    }
    return 0;
}

static uint64_t unsigned_at(const unsigned char *data, size_t width) {
    uint64_t number = 0;
    for (size_t i = width; i--;) number = number << 8 | data[i];
    return number;
}

static void put_float(out_t *out, double number, int quoted) {
    if (isfinite(number)) {
        out_double(out, number);
        return;
    }
    if (quoted) out_literal(out, "\"");
    if (isnan(number))
        out_literal(out, "NaN");
    else if (number > 0)
        out_literal(out, "inf");
    else
        out_literal(out, "-inf");
    if (quoted) out_literal(out, "\"");
}

static void put_number(out_t *out, vr_t vr, const unsigned char *data, int quoted) {
    uint64_t bits = unsigned_at(data, width_of(vr));
    uint32_t half = (uint32_t)bits;
    float single;
    double number;
    switch (vr) {
    case VR('S', 'S'): out_integer(out, (int16_t)bits); break;
    case VR('S', 'L'): out_integer(out, (int32_t)bits); break;
    case VR('S', 'V'): out_integer(out, (int64_t)bits); break;
    case VR('F', 'L'):
        memcpy(&single, &half, sizeof single);
        put_float(out, (double)single, quoted);
        break;
    case VR('F', 'D'):
        memcpy(&number, &bits, sizeof number);
        put_float(out, number, quoted);
        break;
    case VR('A', 'T'):
        if (quoted) out_literal(out, "\"");
        out_hex(out, half << 16 | half >> 16); /* the group comes first */
        if (quoted) out_literal(out, "\"");
        break;
    default: out_unsigned(out, bits);
    }
}

static int put_numbers(out_t *out, const value_t *value, out_t *plain, int *has_plain) {
    size_t width = width_of(value->vr);
    if (value->length % width) return 0;
    if (value->length > MOST_NUMBERS) {
        put_binary(out, value, 0);
        return 1;
    }
    out_literal(out, ",\"Value\":[");
    for (size_t at = 0; at < value->length; at += width) {
        if (at) out_literal(out, ",");
        put_number(out, value->vr, value->data + at, 1);
        if (plain) {
            if (at) out_literal(plain, "\\");
            put_number(plain, value->vr, value->data + at, 0);
        }
    }
    out_literal(out, "]");
    *has_plain = 1;
    return 1;
}

/* ---- text ---------------------------------------------------------------------------------- */

static size_t digits_of(piece_t text, size_t at) {
    size_t start = at;
    while (at < text.length && text.at[at] >= '0' && text.at[at] <= '9') at++;
    return at - start;
}

/* [+-]?digits for IS; for DS also a point with digits before or behind it, and an exponent. */
static int is_number(piece_t text, int decimal) {
    size_t at = text.length && (*text.at == '+' || *text.at == '-');
    size_t whole = digits_of(text, at), part = 0;
    at += whole;
    if (decimal && at < text.length && text.at[at] == '.') {
        part = digits_of(text, at + 1);
        at += 1 + part;
    }
    if (!whole && !part) return 0;
    if (decimal && at < text.length && (text.at[at] == 'e' || text.at[at] == 'E')) {
        at++;
        if (at < text.length && (text.at[at] == '+' || text.at[at] == '-')) at++;
        size_t power = digits_of(text, at);
        if (!power) return 0;
        at += power;
    }
    return at == text.length;
}

static int put_texts(out_t *out, const value_t *value, int split, int encoding, out_t *plain,
                     int *has_plain) {
    vr_t vr = value->vr;
    int both_ends = vr == VR('A', 'E') || vr == VR('D', 'S') || vr == VR('I', 'S');
    int numeric = vr == VR('D', 'S') || vr == VR('I', 'S'), valid = 1, first = 1;
    size_t before = plain ? plain->length : 0;
    piece_t rest = stripped((piece_t){value->data, value->length}, 0), piece;
    if (!rest.length) return 1;
    out_literal(out, ",\"Value\":[");
    while (split ? cut(&rest, '\\', &piece) : first) {
        piece = stripped(split ? piece : rest, both_ends);
        if (!first) out_literal(out, ",");
        if (!piece.length)
            out_literal(out, "null");
        else if (!out_string(out, piece.at, piece.length, encoding))
            return 0;
        if (numeric && piece.length) valid = valid && is_number(piece, vr == VR('D', 'S'));
        if (plain) {
            if (!first) out_literal(plain, "\\");
            put_plain(plain, piece, encoding);
        }
        first = 0;
    }
    out_literal(out, "]");
    *has_plain = plain && plain->length > before;
    if (!valid) {
        put_binary(out, value, 1);
        out_literal(out, ",\"Invalid\":true");
    }
    return 1;
}

/* One person name of up to three groups (PS3.5 6.2); 0 when there are more. */
static int put_name(out_t *out, piece_t name, int encoding, out_t *plain) {
    static const char *const groups[] = {"\"Alphabetic\":", "\"Ideographic\":", "\"Phonetic\":"};
    piece_t group;
    int any = 0;
    for (int i = 0; cut(&name, '=', &group); i++) {
        if (i == 3) return 0;
        group = stripped(group, 0);
        if (!group.length) continue;
        if (any)
            out_literal(out, ",");
        else
            out_literal(out, "{");
        out_bytes(out, groups[i], strlen(groups[i]));
        if (!out_string(out, group.at, group.length, encoding)) return 0;
        if (plain && !any) put_plain(plain, group, encoding);
        any = 1;
    }
    if (any)
        out_literal(out, "}");
    else
        out_literal(out, "null");
    return 1;
}

static int put_names(out_t *out, const value_t *value, out_t *plain, int *has_plain) {
    piece_t rest = stripped((piece_t){value->data, value->length}, 0), name;
    size_t before = plain ? plain->length : 0;
    if (!rest.length) return 1;
    out_literal(out, ",\"Value\":[");
    for (int first = 1; cut(&rest, '\\', &name); first = 0) {
        if (!first) out_literal(out, ",");
        if (!first && plain) out_literal(plain, "\\");
        if (!put_name(out, name, value->encoding, plain)) return 0;
    }
    out_literal(out, "]");
    *has_plain = plain && plain->length > before;
    return 1;
}

/* ---- any value ----------------------------------------------------------------------------- */

static int put_content(out_t *out, const value_t *value, out_t *plain, int *has_plain) {
    switch (value->vr) {
    case VR('F', 'D'): case VR('F', 'L'): case VR('S', 'L'): case VR('S', 'S'): case VR('S', 'V'):
    case VR('U', 'L'): case VR('U', 'S'): case VR('U', 'V'): case VR('A', 'T'):
        return put_numbers(out, value, plain, has_plain);
    case VR('P', 'N'): return put_names(out, value, plain, has_plain);
    case VR('A', 'E'): case VR('A', 'S'): case VR('C', 'S'): case VR('D', 'A'): case VR('D', 'S'):
    case VR('D', 'T'): case VR('I', 'S'): case VR('T', 'M'): case VR('U', 'I'):
        return put_texts(out, value, 1, OTHER, plain, has_plain); /* ASCII alone is valid */
    case VR('L', 'O'): case VR('S', 'H'): case VR('U', 'C'):
        return put_texts(out, value, 1, value->encoding, plain, has_plain);
    case VR('L', 'T'): case VR('S', 'T'): case VR('U', 'T'): case VR('U', 'R'):
        return put_texts(out, value, 0, value->encoding, plain, has_plain);
    case VR('O', 'B'): case VR('O', 'D'): case VR('O', 'F'): case VR('O', 'L'): case VR('O', 'V'):
    case VR('O', 'W'): case VR('U', 'N'): put_binary(out, value, 0); return 1;
    }
    return 0;
}

int put_value(out_t *out, const value_t *value, out_t *plain, int *has_plain) {
    *has_plain = 0;
    put_vr(out, value->vr);
    if (value->length && !put_content(out, value, plain, has_plain)) return 0;
    out_literal(out, "}");
    return 1;
}
