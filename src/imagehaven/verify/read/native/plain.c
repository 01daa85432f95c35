#include "plain.h"

#include <math.h>
#include <string.h>

enum { MOST_NUMBERS = 4096, SHORTEST_RUN = 5 };
static const double SMALLEST = 1e6, LARGEST = 1e15;

/* ---- runs of text -------------------------------------------------------------------------- */

static int readable(unsigned char byte, int breaks) {
    return (byte >= 0x20 && byte <= 0x7e) ||
           (breaks && (byte == '\t' || byte == '\n' || byte == '\r'));
}

/* Whether five readable characters stand side by side, of 8 bits or of 16 in either order. */
static int has_run(span_t value) {
    int narrow = 0, little[2] = {0, 0}, big[2] = {0, 0};
    for (size_t i = 0; i < value.length; i++) {
        unsigned char byte = value.at[i];
        narrow = readable(byte, 1) ? narrow + 1 : 0;
        if (narrow >= SHORTEST_RUN) return 1;
        if (i + 1 == value.length) break;
        unsigned char next = value.at[i + 1];
        int *left = &little[i & 1], *right = &big[i & 1];
        *left = readable(byte, 1) && !next ? *left + 1 : 0;
        *right = !byte && readable(next, 0) ? *right + 1 : 0;
        if (*left >= SHORTEST_RUN || *right >= SHORTEST_RUN) return 1;
    }
    return 0;
}

/* ---- numbers ------------------------------------------------------------------------------- */

static int counts(double number) {
    number = fabs(number);
    return number >= SMALLEST && number < LARGEST && number == floor(number);
}

/* Whether a binary value of numbers holds a large whole one. */
static int has_number(const char *vr, span_t value) {
    size_t wide = strcmp(vr, "UL") && strcmp(vr, "SL") ? 8 : 4;
    size_t most = value.length / wide;
    if (most > MOST_NUMBERS) most = MOST_NUMBERS;
    for (size_t i = 0; i < most; i++) {
        const unsigned char *at = value.at + i * wide;
        uint64_t bits = 0;
        for (size_t byte = wide; byte--;) bits = bits << 8 | at[byte];
        double number;
        if (!strcmp(vr, "FD")) memcpy(&number, &bits, sizeof number);
        else if (!strcmp(vr, "UL") || !strcmp(vr, "UV")) number = (double)bits;
        else if (!strcmp(vr, "SL")) number = (int32_t)(uint32_t)bits;
        else number = (double)(int64_t)bits;
        if (counts(number)) return 1;
    }
    return 0;
}

int is_plain_binary(const char *vr, span_t value) {
    int numbers = !strcmp(vr, "UL") || !strcmp(vr, "SL") || !strcmp(vr, "UV") ||
                  !strcmp(vr, "SV") || !strcmp(vr, "FD");
    return !(numbers && has_number(vr, value)) && !has_run(value);
}

int are_short_numbers(span_t value, int digits) {
    int counted = 0;
    for (size_t i = 0; i < value.length; i++) {
        unsigned char byte = value.at[i];
        int digit = (byte >= '0' && byte <= '9') || byte == 'e' || byte == 'E';
        if (byte == '\\') counted = 0;
        else if (!digit && !(byte && strchr("+.- ", byte)) && byte) return 0;
        counted += digit;
        if (counted >= digits) return 0;
    }
    return 1;
}
