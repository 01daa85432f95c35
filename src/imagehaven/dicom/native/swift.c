#include "swift.h"

enum { LONGEST_DS = 32, LONG_NUMBER = 8, FEW = 16 };
static const double SMALL = 100000; /* of fewer digits than an identifier or a date of birth has */

static int is_digit(unsigned char one) { return one >= '0' && one <= '9'; }
static int is_letter(unsigned char one) { return (one | 32) >= 'a' && (one | 32) <= 'z'; }

word_t trimmed(const unsigned char *value, size_t length) {
    while (length && (*value == ' ' || !*value)) value++, length--;
    while (length && (value[length - 1] == ' ' || !value[length - 1])) length--;
    return (word_t){(const char *)value, length};
}

static void pad(out_t *out, size_t start, const char *with) {
    if ((out->length - start) % 2) out_bytes(out, with, 1);
}

/* ---- numbers as text ----------------------------------------------------------------------- */

static size_t digits_of(word_t text, size_t at) {
    size_t count = 0;
    while (at + count < text.length && is_digit((unsigned char)text.text[at + count])) count++;
    return count;
}

/* How many digits stand in front of a point, and whether nothing but zeros follows; -1 for what is
 * no number of the VR. */
static int form(word_t text, vr_t vr, int *whole) {
    size_t at = 0, integer, fraction = 0, point = 0;
    if (text.length && (text.text[0] == '+' || text.text[0] == '-')) at++;
    integer = digits_of(text, at);
    *whole = integer && text.text[0] != '-';
    at += integer;
    if (at < text.length && text.text[at] == '.') {
        point = 1;
        fraction = digits_of(text, at + 1);
        for (size_t i = at + 1; i <= at + fraction; i++) *whole &= text.text[i] == '0';
        if (vr == VR('I', 'S'))
            for (size_t i = at + 1; i <= at + fraction; i++)
                if (text.text[i] != '0') return -1;
        at += 1 + fraction;
    }
    if (!integer && (vr == VR('I', 'S') || !point || !fraction)) return -1;
    if (text.length > LONGEST_DS) return -1;
    if (vr == VR('I', 'S')) return at == text.length && integer <= 10 ? (int)integer : -1;
    if (at < text.length && (text.text[at] | 32) == 'e') {
        *whole = 0;
        at++;
        if (at < text.length && (text.text[at] == '+' || text.text[at] == '-')) at++;
        size_t exponent = digits_of(text, at);
        if (!exponent) return -1;
        at += exponent;
    }
    return at == text.length ? (int)integer : -1;
}

/* Whether its letters and digits, or only those in front of the point, are a known identifier. */
static int is_known(const words_t *known, word_t text, int whole) {
    char packed[LONGEST_DS + 1];
    size_t length = 0;
    for (size_t i = 0; i < text.length && length < sizeof packed; i++) {
        unsigned char one = (unsigned char)text.text[i];
        if (whole && one == '.') break;
        if ((is_digit(one) || is_letter(one)) && (length || one != '0')) packed[length++] = (char)one;
    }
    for (size_t i = 0; i < known->count; i++)
        if (known->words[i].length == length && !memcmp(known->words[i].text, packed, length))
            return 1;
    return 0;
}

int swift_numbers(const words_t *known, vr_t vr, const unsigned char *value, size_t length,
                  out_t *out) {
    size_t start = out->length, at = 0;
    while (length && (value[length - 1] == ' ' || !value[length - 1])) length--;
    if (!length) return 0;
    for (int first = 1; at <= length; first = 0) {
        const unsigned char *end = memchr(value + at, '\\', length - at);
        size_t width = end ? (size_t)(end - value) - at : length - at;
        word_t text = trimmed(value + at, width);
        int whole, integer = form(text, vr, &whole);
        if (integer < 0 || integer >= LONG_NUMBER || is_known(known, text, whole)) {
            out->length = start;
            return 0;
        }
        if (!first) out_literal(out, "\\");
        out_bytes(out, text.text, text.length);
        at += width + 1;
    }
    pad(out, start, " ");
    return 1;
}

/* ---- binary numbers ------------------------------------------------------------------------ */

static size_t width_of(vr_t vr) {
    switch (vr) {
    case VR('U', 'S'): case VR('S', 'S'): case VR('O', 'W'): return 2;
    case VR('U', 'L'): case VR('S', 'L'): case VR('F', 'L'): case VR('A', 'T'): case VR('O', 'F'):
    case VR('O', 'L'): return 4;
    case VR('U', 'V'): case VR('S', 'V'): case VR('F', 'D'): case VR('O', 'D'): case VR('O', 'V'):
        return 8;
    case VR('O', 'B'): return 1;
    }
    return 0;
}

/* Whether bytes hold five letters, digits, spaces or hyphens in a row, or only printable ones. */
static int spells(const unsigned char *value, size_t length) {
    size_t run = 0, printable = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char one = value[i];
        run = is_digit(one) || is_letter(one) || one == ' ' || one == '-' ? run + 1 : 0;
        if (run >= 5) return 1;
        printable += one >= ' ' && one <= '~';
    }
    return length >= 6 && printable + 1 >= length;
}

static int is_small(vr_t vr, const unsigned char *value) {
    int64_t long_number;
    uint64_t unsigned_number;
    int32_t number;
    uint32_t short_number;
    double real;
    switch (vr) {
    case VR('U', 'L'): memcpy(&short_number, value, 4); return short_number < SMALL;
    case VR('S', 'L'): memcpy(&number, value, 4); return number < SMALL && number > -SMALL;
    case VR('U', 'V'): memcpy(&unsigned_number, value, 8); return unsigned_number < SMALL;
    case VR('S', 'V'):
        memcpy(&long_number, value, 8);
        return (double)long_number < SMALL && (double)long_number > -SMALL;
    case VR('F', 'D'):
        memcpy(&real, value, 8);
        return real != real || (real < SMALL && real > -SMALL);
    }
    return 1;
}

int swift_words(vr_t vr, const unsigned char *value, size_t length, uint32_t most, out_t *out) {
    size_t width = width_of(vr), start = out->length;
    if (!width || !length || length % width || (most && length / width > most)) return 0;
    if (spells(value, length)) return 0;
    for (size_t at = 0; length / width <= FEW && at < length; at += width)
        if (!is_small(vr, value + at)) return 0;
    out_bytes(out, value, length);
    pad(out, start, "");
    return 1;
}

/* ---- dates --------------------------------------------------------------------------------- */

static int number_of(const char *text, int digits) {
    int number = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit((unsigned char)text[i])) return -1;
        number = 10 * number + text[i] - '0';
    }
    return number;
}

static int is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int length_of_month(int year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && is_leap(year));
}

static void two_digits(char *text, int number) {
    text[0] = (char)('0' + number / 10 % 10);
    text[1] = (char)('0' + number % 10);
}

/* Move eight digits in place; 0 when they are no date, or leave the years 1 to 9999. */
static int move(char *text, int32_t days) {
    int year = number_of(text, 4), month = number_of(text + 4, 2), day = number_of(text + 6, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > length_of_month(year, month))
        return 0;
    for (; days < 0; days++) {
        if (--day) continue;
        if (!--month) month = 12, year--;
        if (!year) return 0;
        day = length_of_month(year, month);
    }
    for (; days > 0; days--) {
        if (++day <= length_of_month(year, month)) continue;
        day = 1;
        if (++month > 12) month = 1, year++;
        if (year > 9999) return 0;
    }
    two_digits(text, year / 100);
    two_digits(text + 2, year);
    two_digits(text + 4, month);
    two_digits(text + 6, day);
    return 1;
}

int swift_date(const unsigned char *value, size_t length, int32_t days, out_t *out) {
    word_t text = trimmed(value, length);
    char moved[8];
    if (text.length != sizeof moved) return 0;
    memcpy(moved, text.text, sizeof moved);
    if (!move(moved, days)) return 0;
    out_bytes(out, moved, sizeof moved);
    return 1;
}

/* Whether a fraction of a second, or nothing, stands at the end. */
static int is_fraction(word_t text, size_t at) {
    if (at == text.length) return 1;
    size_t digits = text.text[at] == '.' ? digits_of(text, at + 1) : 0;
    return digits > 0 && digits <= 6 && at + 1 + digits == text.length;
}

int swift_moment(const unsigned char *value, size_t length, int32_t days, out_t *out) {
    word_t text = trimmed(value, length);
    size_t start = out->length;
    char moved[8];
    if (digits_of(text, 0) != 14 || !is_fraction(text, 14)) return 0;
    memcpy(moved, text.text, sizeof moved);
    if (!move(moved, days)) return 0;
    out_bytes(out, moved, sizeof moved);
    out_bytes(out, text.text + sizeof moved, text.length - sizeof moved);
    pad(out, start, " ");
    return 1;
}

int swift_time(const unsigned char *value, size_t length, out_t *out) {
    word_t text = trimmed(value, length);
    size_t start = out->length, digits = digits_of(text, 0);
    int plain = digits == text.length && (digits == 2 || digits == 4 || digits == 6);
    if (!plain && !(digits == 6 && is_fraction(text, 6))) return 0;
    out_bytes(out, text.text, text.length);
    pad(out, start, " ");
    return 1;
}

/* ---- UIDs ---------------------------------------------------------------------------------- */

void mac_start(mac_t *mac, const unsigned char *key, size_t length) {
    unsigned char block[64] = {0}, padded[64];
    if (length > sizeof block) {
        sha256_t hash;
        sha256_start(&hash);
        sha256_add(&hash, key, length);
        sha256_bytes(&hash, block);
    } else {
        memcpy(block, key, length);
    }
    for (size_t i = 0; i < sizeof block; i++) padded[i] = block[i] ^ 0x36;
    sha256_start(&mac->inner);
    sha256_add(&mac->inner, padded, sizeof padded);
    for (size_t i = 0; i < sizeof block; i++) padded[i] = block[i] ^ 0x5c;
    sha256_start(&mac->outer);
    sha256_add(&mac->outer, padded, sizeof padded);
}

/* Sixteen bytes, the highest first, as a decimal number. */
static size_t decimal(const unsigned char *bytes, char *text) {
    __extension__ unsigned __int128 number = 0;
    char reversed[40];
    size_t length = 0;
    for (int i = 0; i < 16; i++) number = number << 8 | bytes[i];
    do reversed[length++] = (char)('0' + (int)(number % 10));
    while (number /= 10);
    for (size_t i = 0; i < length; i++) text[i] = reversed[length - 1 - i];
    return length;
}

int swift_uid(const mac_t *mac, const unsigned char *value, size_t length, out_t *out) {
    static const unsigned char domain[] = "imagehaven/3/uid/";
    static const char registered[] = "1.2.840.10008";
    word_t text = trimmed(value, length);
    size_t start = out->length;
    unsigned char digest[32];
    char number[40];
    if (!text.length || text.length > 64) return 0;
    if (!strncmp(text.text, registered, text.length < 13 ? text.length : 13)) return 0;
    for (size_t i = 0; i < text.length; i++)
        if (!is_digit((unsigned char)text.text[i]) && text.text[i] != '.') return 0;
    mac_t hash = *mac;
    sha256_add(&hash.inner, domain, sizeof domain - 1);
    sha256_add(&hash.inner, (const unsigned char *)text.text, text.length);
    sha256_bytes(&hash.inner, digest);
    sha256_add(&hash.outer, digest, sizeof digest);
    sha256_bytes(&hash.outer, digest);
    digest[6] = (digest[6] & 0x0f) | 0x80;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    out_literal(out, "2.25.");
    out_bytes(out, number, decimal(digest, number));
    pad(out, start, "");
    return 1;
}
