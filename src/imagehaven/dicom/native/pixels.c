#include "pixels.h"

#include <string.h>

/* As in imagehaven.deidentify.pixels.drawn, which says why. */
static const double NEAR = 0.02;
enum { FEWEST = 40, PEAK = 8 };

typedef struct {
    int32_t brightest, darkest;
    uint64_t count, near;
    uint32_t spare; /* whether bits that no value uses hold more than a copy of the sign */
} seen_t;

/* The value in a word; `half` is the sign bit's weight, 0 where values are unsigned. */
#define VALUE(word) (((int32_t)((word) >> shift & mask) ^ half) - half)

#define LOOK(name, word_t)                                                                        \
    static seen_t name(const shape_t *shape, const word_t *words) {                               \
        int shift = shape->high + 1 - shape->stored;                                              \
        uint32_t mask = (1u << shape->stored) - 1, spare = 0;                                     \
        word_t unused = (word_t)~(mask << shift);                                                 \
        word_t above = (word_t)(0u - (1u << (shape->high + 1)));                                  \
        int32_t half = shape->is_signed ? 1 << (shape->stored - 1) : 0;                           \
        int32_t brightest = INT32_MIN, darkest = INT32_MAX;                                       \
        size_t pixels = shape->pixels;                                                            \
        for (size_t i = 0; i < pixels; i++) {                                                     \
            int32_t value = VALUE(words[i]);                                                      \
            brightest = value > brightest ? value : brightest;                                    \
            darkest = value < darkest ? value : darkest;                                          \
            word_t left = words[i] & unused, sign = words[i] >> shape->high & 1;                  \
            spare |= (left != 0) & (left != (word_t)(-sign & above));                             \
        }                                                                                         \
        seen_t seen = {brightest, darkest, 0, 0, spare};                                            \
        int32_t step = (int32_t)((double)(brightest - darkest) * NEAR);                           \
        int32_t from = brightest - (step > 1 ? step : 1);                                         \
        uint32_t count = 0, near = 0; /* a frame has fewer than 2^32 pixels */                    \
        for (size_t i = 0; i < pixels; i++) {                                                     \
            int32_t value = VALUE(words[i]);                                                      \
            count += value == brightest;                                                          \
            near += value >= from;                                                                \
        }                                                                                         \
        seen.count = count;                                                                       \
        seen.near = near - count;                                                                 \
        return seen;                                                                              \
    }
LOOK(look_at_bytes, uint8_t)
LOOK(look_at_words, uint16_t)

int is_plain(const shape_t *shape, const unsigned char *frame) {
    uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    if (shape->bits == 16 && (!first || (uintptr_t)frame % 2)) return 0;
    seen_t seen = shape->bits == 8 ? look_at_bytes(shape, frame)
                                   : look_at_words(shape, (const uint16_t *)(const void *)frame);
    if (seen.spare) return 0;
    if (seen.count < FEWEST || seen.brightest == seen.darkest) return 1;
    int32_t step = (int32_t)((double)(seen.brightest - seen.darkest) * NEAR);
    return (double)seen.count <= (double)(PEAK * seen.near) / (double)(step > 1 ? step : 1);
}
