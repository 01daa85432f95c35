/* A libFuzzer target: any bytes at all go through the scanner, as a file in memory.
 *
 * The sanitizers find what touches memory that it should not; this file checks the rest: what the
 * scanner accepts is JSON of balanced brackets, in valid UTF-8, and names what lies in the file. */
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"

/* A few tags of each dictionary are enough to reach every branch of the look-up. */
static const entry_t public_tags[] = {
    {0x00080005, 0xffffffff, "CS"}, {0x00080018, 0xffffffff, "UI"}, {0x00081140, 0xffffffff, "SQ"},
    {0x00100010, 0xffffffff, "PN"}, {0x00189810, 0xffffffff, "us"}, {0x00200032, 0xffffffff, "DS"},
    {0x00280009, 0xffffffff, "AT"}, {0x00280103, 0xffffffff, "US"}, {0x00280106, 0xffffffff, "us"},
    {0x00283006, 0xffffffff, "uo"}, {0x00880200, 0xffffffff, "SQ"}, {0x0040a30a, 0xffffffff, "DS"},
    {0x54000110, 0xffffffff, "ob"}, {0x7fe00010, 0xffffffff, "ob"},
};
static const entry_t repeaters[] = {{0x60000010, 0xff00ffff, "US"}, {0x60003000, 0xff00ffff, "ob"}};
static const entry_t private_tags[] = {{0x00191002, 0xffffffff, "??"}, {0x00190001, 0xffff00ff, "SQ"},
                                       {0x00000003, 0xff0000ff, "FD"}};
static const creator_t creators[] = {{"MAKER", 0, 3}};

static void must(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "the scanner broke its word: %s\n", what);
    abort();
}

static void check_json(const char *text, size_t length) {
    int depth = 0, in_string = 0;
    must(length > 1 && text[0] == '{' && text[length - 1] == '}', "an object");
    for (size_t i = 0; i < length; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (in_string)
            must((unsigned char)text[i] >= 0x20, "no raw control character in a string");
        else if (text[i] == '{' || text[i] == '[')
            depth++;
        else if (text[i] == '}' || text[i] == ']')
            must(--depth > 0 || i == length - 1, "brackets that close at the end");
    }
    must(!depth && !in_string, "balanced brackets and quotes");
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static const dictionary_t dictionary = {
        public_tags, repeaters, private_tags, creators, sizeof public_tags / sizeof *public_tags,
        sizeof repeaters / sizeof *repeaters, sizeof private_tags / sizeof *private_tags, 1};
    static const promoted_t promoted[] = {
        {0x00080018, 0}, {0x00100010, 1}, {0x00200032, 2}, {0x00280009, 3}};
    file_t file = {.data = data, .size = size};
    batch_t batch = {.files = &file, .count = 1, .dictionary = &dictionary,
                     .promoted = promoted, .promoted_count = 4, .hashing = size % 2};
    must(batch_make(&batch) && batch_run(&batch), "memory enough");
    if (!batch.why[0]) {
        check_json(batch.columns[META].values.data, batch.columns[META].values.length);
        check_json(batch.columns[ELEMENTS].values.data, batch.columns[ELEMENTS].values.length);
        must(batch.numbers[DATASET_OFFSET][0] <= (int64_t)size, "a data set within the file");
        must(batch.numbers[PIXEL_OFFSET][0] <= (int64_t)size, "pixels within the file");
    } else {
        for (size_t i = 0; i < batch.column_count; i++)
            must(!batch.columns[i].offsets[1] && !batch.columns[i].present[0], "nothing declined");
    }
    batch_free(&batch);
    return 0;
}
