/* A libFuzzer target: any bytes at all go through the verifier's walk, and are searched for words.
 *
 * The sanitizers find what touches memory that it should not; this file checks the rest: values lie
 * in the file, in its order and not among its pixels, and a word that stands in it is seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "needles.h"
#include "plain.h"
#include "walk.h"

static const public_t tags[] = {
    {0x00080005, "CS"}, {0x00080018, "UI"}, {0x00081140, "SQ"}, {0x00100010, "PN"},
    {0x00280010, "US"}, {0x0040a730, "SQ"}, {0x7fe00010, "OW"},
};

static void must(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "the walk broke its word: %s\n", what);
    abort();
}

typedef struct {
    walk_t walk;
    const unsigned char *last; /* where the last value ended */
} check_t;

static int value(walk_t *walk, uint32_t tag, const char *vr, span_t value) {
    check_t *check = (check_t *)walk;
    (void)tag;
    must(value.at >= walk->data && value.length <= walk->size, "a value in the file");
    must((size_t)(value.at - walk->data) <= walk->size - value.length, "a whole value");
    must(value.at >= check->last, "values in the order of the file");
    must(walk->depth >= 0 && walk->depth <= DEEPEST, "a depth");
    must(!walk->muted && !walk->pixel_count, "no value behind the pixels");
    check->last = value.at + value.length;
    if (!is_text(vr)) is_plain_binary(vr, value);
    are_short_numbers(value, 7);
    return 1;
}

static void search(const unsigned char *data, size_t size) {
    if (size < 24) return;
    size_t length = 4 + data[0] % 12, at = data[1] % (size - length);
    span_t words[] = {{data + at, length}, {(const unsigned char *)"dr.um-mond", 10}};
    needles_t needles = {0};
    must(needles_take(&needles, words, 2), "memory enough");
    must(needles_in(&needles, (span_t){data, size}) == 1, "a word that stands there is seen");
    needles_free(&needles);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    check_t check = {.walk = {.data = data, .size = size, .dictionary = tags,
                              .known = sizeof tags / sizeof *tags, .value = value},
                     .last = data};
    if (walk_file(&check.walk)) {
        size_t before = 0;
        for (int i = 0; i < check.walk.pixel_count; i++) {
            must(check.walk.pixels[i].start >= before, "pixels in order");
            must(check.walk.pixels[i].end >= check.walk.pixels[i].start, "pixels that end");
            before = check.walk.pixels[i].end;
        }
        must(check.walk.tail >= before && check.walk.tail <= size, "a tail behind the pixels");
    }
    search(data, size);
    return 0;
}
