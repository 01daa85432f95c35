#include "needles.h"

#include <stdlib.h>
#include <string.h>

enum { SHORTEST = 4, BLOCK = 1 << 16 };

/* A byte without its case; 0 for those that may stand between the letters of a word. What a
 * search with gaps finds in a text stands in the folded text without any: so nothing is missed. */
static unsigned char folded(unsigned char byte) {
    if (byte >= 'A' && byte <= 'Z') return (unsigned char)(byte | 0x20);
    switch (byte) {
    case ' ': case '-': case '_': case '.': case '/': case '^': case ',': return 0;
    }
    return byte;
}

static uint32_t start_of(const unsigned char *at) {
    uint32_t start;
    memcpy(&start, at, sizeof start);
    return start;
}

static uint32_t bit_of(uint32_t start) { return start * 0x9e3779b1u >> 16; }

static int by_start(const void *left, const void *right) {
    uint32_t one = ((const needle_t *)left)->start, other = ((const needle_t *)right)->start;
    return one < other ? -1 : one > other;
}

int needles_take(needles_t *needles, const span_t *words, size_t count) {
    size_t room = 1, at = 0;
    for (size_t i = 0; i < count; i++) room += words[i].length;
    needles->bytes = malloc(room);
    needles->words = malloc((count + 1) * sizeof *needles->words);
    if (!needles->bytes || !needles->words) return 0;
    for (size_t i = 0; i < count; i++) {
        size_t begin = at;
        for (size_t j = 0; j < words[i].length; j++) {
            unsigned char byte = folded(words[i].at[j]);
            if (byte) needles->bytes[at++] = byte;
        }
        span_t word = {needles->bytes + begin, at - begin};
        if (word.length < SHORTEST) {
            needles->any = 1;
            continue;
        }
        uint32_t start = start_of(word.at), bit = bit_of(start);
        needles->starts[bit >> 6] |= 1ull << (bit & 63);
        needles->words[needles->count++] = (needle_t){start, word};
        if (word.length > needles->longest) needles->longest = word.length;
    }
    qsort(needles->words, needles->count, sizeof *needles->words, by_start);
    return 1;
}

void needles_free(needles_t *needles) {
    free(needles->bytes);
    free(needles->words);
    memset(needles, 0, sizeof *needles);
}

/* Whether a word starts with the bytes at `at`, of which `left` remain. */
static int starts_here(const needles_t *needles, const unsigned char *at, size_t left) {
    uint32_t start = start_of(at), bit = bit_of(start);
    if (!(needles->starts[bit >> 6] >> (bit & 63) & 1)) return 0;
    size_t low = 0, high = needles->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (needles->words[middle].start < start) low = middle + 1;
        else high = middle;
    }
    for (; low < needles->count && needles->words[low].start == start; low++) {
        span_t word = needles->words[low].word;
        if (word.length <= left && !memcmp(at, word.at, word.length)) return 1;
    }
    return 0;
}

int needles_in(const needles_t *needles, span_t text) {
    if (needles->any) return 1;
    if (!needles->count) return 0;
    size_t room = BLOCK + needles->longest, kept = 0, read = 0;
    if (room > text.length + SHORTEST) room = text.length + SHORTEST;
    unsigned char *squeezed = malloc(room);
    int found = 0;
    if (!squeezed) return -1;
    do {
        while (read < text.length && kept < room) {
            unsigned char byte = folded(text.at[read++]);
            if (byte) squeezed[kept++] = byte;
        }
        size_t at = 0;
        for (; !found && at + SHORTEST <= kept; at++)
            found = starts_here(needles, squeezed + at, kept - at);
        /* A word may go on in the next block. */
        size_t carried = kept < needles->longest ? kept : needles->longest - 1;
        memmove(squeezed, squeezed + kept - carried, carried);
        kept = carried;
    } while (!found && read < text.length);
    free(squeezed);
    return found;
}
