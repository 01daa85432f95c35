#include "out.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void out_free(out_t *out) {
    free(out->data);
    memset(out, 0, sizeof *out);
}

int out_reserve(out_t *out, size_t more) {
    if (out->failed) return 0;
    if (more <= out->room - out->length) return 1;
    size_t room = out->room ? out->room : 4096;
    while (room - out->length < more) {
        if (room > SIZE_MAX / 2) {
            out->failed = 1;
            return 0;
        }
        room *= 2;
    }
    char *data = realloc(out->data, room);
    if (!data) {
        out->failed = 1;
        return 0;
    }
    out->data = data;
    out->room = room;
    return 1;
}

/* Length of the UTF-8 character at `text` (RFC 3629: no surrogate, nothing overlong), 0 if none. */
static size_t utf8_character(const unsigned char *text, size_t left) {
    unsigned char first = text[0];
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
                  : first < 0xf5 ? 4 : 0;
    if (!length || length > left) return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    if (first == 0xe0 && text[1] < 0xa0) return 0;
    if (first == 0xed && text[1] > 0x9f) return 0;
    if (first == 0xf0 && text[1] < 0x90) return 0;
    if (first == 0xf4 && text[1] > 0x8f) return 0;
    return length;
}

/* One character beyond ASCII; returns how many bytes it took, 0 when it cannot be decoded here. */
static size_t put_character(out_t *out, const unsigned char *text, size_t left, int encoding) {
    if (encoding == LATIN_1) {
        char two[2] = {(char)(0xc0 | *text >> 6), (char)(0x80 | (*text & 0x3f))};
        out_bytes(out, two, 2);
        return 1;
    }
    size_t length = encoding == UTF_8 ? utf8_character(text, left) : 0;
    out_bytes(out, text, length);
    return length;
}

int out_text(out_t *out, const unsigned char *text, size_t length, int encoding) {
    for (size_t at = 0; at < length;) {
        size_t plain = at;
        while (plain < length && text[plain] < 0x80 && text[plain] != 0x1b) plain++;
        out_bytes(out, text + at, plain - at);
        at = plain;
        if (at == length) break;
        size_t taken = text[at] == 0x1b ? 0 : put_character(out, text + at, length - at, encoding);
        if (!taken) return 0;
        at += taken;
    }
    return 1;
}

static void put_escaped(out_t *out, unsigned char character) {
    static const char digits[] = "0123456789abcdef";
    char named = character == '"' ? '"' : character == '\\' ? '\\' : character == '\n' ? 'n'
               : character == '\r' ? 'r' : character == '\t' ? 't' : character == '\b' ? 'b'
               : character == '\f' ? 'f' : 0;
    char long_form[6] = {'\\', 'u', '0', '0', digits[character >> 4], digits[character & 15]};
    char short_form[2] = {'\\', named};
    if (named)
        out_bytes(out, short_form, 2);
    else
        out_bytes(out, long_form, 6);
}

int out_string(out_t *out, const unsigned char *text, size_t length, int encoding) {
    out_literal(out, "\"");
    for (size_t at = 0; at < length;) {
        size_t plain = at;
        while (plain < length && text[plain] >= 0x20 && text[plain] < 0x80 && text[plain] != '"' &&
               text[plain] != '\\')
            plain++;
        out_bytes(out, text + at, plain - at);
        at = plain;
        if (at == length) break;
        size_t taken = 1;
        if (text[at] == 0x1b) return 0;
        if (text[at] < 0x80)
            put_escaped(out, text[at]);
        else
            taken = put_character(out, text + at, length - at, encoding);
        if (!taken) return 0;
        at += taken;
    }
    out_literal(out, "\"");
    return 1;
}

void out_base64(out_t *out, const unsigned char *data, size_t length) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < length; at += 3) {
        size_t left = length - at;
        uint32_t three = (uint32_t)data[at] << 16 | (left > 1 ? (uint32_t)data[at + 1] << 8 : 0) |
                         (left > 2 ? data[at + 2] : 0);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
                        left > 1 ? digits[three >> 6 & 63] : '=', left > 2 ? digits[three & 63] : '='};
        out_bytes(out, four, 4);
    }
}

void out_unsigned(out_t *out, uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    out_bytes(out, digits + at, sizeof digits - at);
}

void out_integer(out_t *out, int64_t number) {
    if (number < 0) out_literal(out, "-");
    out_unsigned(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void out_hex(out_t *out, uint32_t number) {
    char digits[8];
    for (int i = 0; i < 8; i++) digits[i] = "0123456789ABCDEF"[number >> (28 - 4 * i) & 15];
    out_bytes(out, digits, 8);
}

/* Round `number` to `count` digits, d.ddd…e±dd; whether that reads back as the same number. */
static int rounded(double number, int count, char *text, size_t room) {
    snprintf(text, room, "%.*e", count - 1, number);
    if (strtod(text, NULL) == number) return 1;
    /* Below a power of two numbers lie closer: the next decimal above may do where this fails. */
    for (char *digit = strchr(text, 'e') - 1; digit >= text; digit--) {
        if (*digit < '0' || *digit > '9') continue; /* the point, which a locale may write as , */
        if (*digit != '9') {
            ++*digit;
            return strtod(text, NULL) == number;
        }
        *digit = '0';
    }
    return 0;
}

/* The shortest digits that read back as the same number, as David Gay's algorithm chooses them. */
void out_double(out_t *out, double number) {
    char digits[20] = "", text[40];
    if (signbit(number)) out_literal(out, "-");
    number = fabs(number);
    if (number == 0) {
        out_literal(out, "0.0");
        return;
    }
    int count = number < DBL_MIN ? 1 : 15, exponent;
    if (number < 1e15 && number == (double)(int64_t)number) { /* most values of real headers */
        out_unsigned(out, (uint64_t)number);
        out_literal(out, ".0");
        return;
    }
    while (!rounded(number, count, text, sizeof text) && count < 17) count++;
    exponent = atoi(strchr(text, 'e') + 1);
    digits[0] = text[0];
    if (count > 1) memcpy(digits + 1, text + 2, (size_t)count - 1);
    while (count > 1 && digits[count - 1] == '0') count--;
    size_t length = (size_t)count;
    if (exponent >= 16 || exponent < -4) {
        out_bytes(out, digits, 1);
        if (count > 1) {
            out_literal(out, ".");
            out_bytes(out, digits + 1, length - 1);
        }
        int written = snprintf(text, sizeof text, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        out_bytes(out, text, (size_t)written);
    } else if (exponent < 0) {
        out_literal(out, "0.");
        out_bytes(out, "000", (size_t)(-exponent - 1));
        out_bytes(out, digits, length);
    } else {
        size_t whole = (size_t)exponent + 1;
        out_bytes(out, digits, whole < length ? whole : length);
        for (size_t i = length; i < whole; i++) out_literal(out, "0");
        out_literal(out, ".");
        if (whole < length)
            out_bytes(out, digits + whole, length - whole);
        else
            out_literal(out, "0");
    }
}
