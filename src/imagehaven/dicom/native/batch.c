#define _GNU_SOURCE
#include "batch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sha256.h"

/* A file up to this size is read once, for its header and its hash; a larger one in blocks. */
static const uint64_t IN_MEMORY = 16u << 20;
enum { BLOCK = 1 << 20 };

typedef struct { /* what is kept from file to file */
    unsigned char *buffer;
    size_t room;
    column_t *promoted;
    tree_t tree;
} workspace_t;

int batch_make(batch_t *batch) {
    size_t count = batch->count;
    batch->column_count = FIRST_PROMOTED + batch->promoted_count;
    batch->columns = calloc(batch->column_count, sizeof *batch->columns);
    batch->why = calloc(count + 1, sizeof *batch->why);
    if (!batch->columns || !batch->why) return 0;
    for (size_t i = 0; i < batch->column_count; i++) {
        batch->columns[i].offsets = calloc(count + 1, sizeof(int64_t));
        batch->columns[i].present = calloc(count / 8 + 1, 1);
        if (!batch->columns[i].offsets || !batch->columns[i].present) return 0;
    }
    for (int i = 0; i < NUMBERS; i++)
        if (!(batch->numbers[i] = malloc((count + 1) * sizeof(int64_t)))) return 0;
    return 1;
}

void batch_free(batch_t *batch) {
    for (size_t i = 0; batch->columns && i < batch->column_count; i++) {
        out_free(&batch->columns[i].values);
        free(batch->columns[i].offsets);
        free(batch->columns[i].present);
    }
    for (int i = 0; i < NUMBERS; i++) free(batch->numbers[i]);
    free(batch->columns);
    free(batch->why);
}

/* ---- one file ------------------------------------------------------------------------------ */

static int read_all(int descriptor, unsigned char *to, uint64_t size) {
    for (uint64_t at = 0; at < size;) {
        ssize_t got = pread(descriptor, to + at, (size_t)(size - at), (off_t)at);
        if (got <= 0) return 0;
        at += (uint64_t)got;
    }
    return 1;
}

static int room_for(workspace_t *space, size_t size) {
    if (size <= space->room) return 1;
    unsigned char *larger = realloc(space->buffer, size);
    if (!larger) return 0;
    space->buffer = larger;
    space->room = size;
    return 1;
}

static void add_text(text_column_t *column, size_t row, const char *text, size_t length) {
    out_bytes(&column->values, text, length);
    column->present[row / 8] |= (unsigned char)(1 << row % 8);
}

/* Hash the file and, apart from it, what follows its meta information. 0 when it cannot be read. */
static int hash_file(batch_t *batch, size_t row, const scan_t *scan, workspace_t *space) {
    sha256_t whole, data_set;
    char hex[64];
    uint64_t size = scan->source.size, start = scan->dataset_offset;
    sha256_start(&whole);
    sha256_start(&data_set);
    for (uint64_t at = 0; at < size;) {
        const unsigned char *block = scan->source.all ? scan->source.all + at : space->buffer;
        size_t length = (size_t)(size - at < BLOCK ? size - at : BLOCK);
        if (!scan->source.all) {
            ssize_t got = pread(scan->source.descriptor, space->buffer, length, (off_t)at);
            if (got <= 0) return 0;
            length = (size_t)got;
        }
        size_t before = at >= start ? 0 : start - at < length ? (size_t)(start - at) : length;
        sha256_add(&whole, block, length);
        sha256_add(&data_set, block + before, length - before);
        at += length;
    }
    sha256_hex(&whole, hex);
    add_text(&batch->columns[CONTENT_HASH], row, hex, sizeof hex);
    sha256_hex(&data_set, hex);
    add_text(&batch->columns[DATASET_HASH], row, hex, sizeof hex);
    return 1;
}

static const char *scan_source(batch_t *batch, size_t row, source_t source, workspace_t *space) {
    scan_t found = {.source = source,
                    .dictionary = batch->dictionary,
                    .tree = space->tree};
    json_t json = {.promoted = batch->promoted,
                   .promoted_count = batch->promoted_count,
                   .columns = space->promoted,
                   .meta = &batch->columns[META].values,
                   .elements = &batch->columns[ELEMENTS].values};
    found.tree.count = 0;
    int whole = scan(&found) && put_json(&found, &json);
    source_free(&found.source);
    space->tree = found.tree;
    if (!whole) return found.why;
    if (batch->hashing && !hash_file(batch, row, &found, space)) return "unreadable";
    for (size_t i = META; i <= ELEMENTS; i++)
        batch->columns[i].present[row / 8] |= (unsigned char)(1 << row % 8);
    add_text(&batch->columns[SYNTAX], row, found.syntax, strlen(found.syntax));
    for (size_t i = 0; i < batch->promoted_count; i++)
        if (space->promoted[i].present)
            add_text(&batch->columns[FIRST_PROMOTED + i], row, space->promoted[i].values.data,
                     space->promoted[i].values.length);
    batch->numbers[SIZE][row] = (int64_t)found.source.size;
    batch->numbers[DATASET_OFFSET][row] = (int64_t)found.dataset_offset;
    if (found.has_pixels) {
        batch->numbers[PIXEL_OFFSET][row] = (int64_t)found.pixel_offset;
        batch->numbers[PIXEL_LENGTH][row] = (int64_t)found.pixel_length;
    }
    return NULL;
}

static const char *scan_path(batch_t *batch, size_t row, const char *path, workspace_t *space) {
    struct stat status;
    const char *why = "unreadable";
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return why;
    if (!fstat(descriptor, &status) && S_ISREG(status.st_mode)) {
        source_t source = {.descriptor = descriptor, .size = (uint64_t)status.st_size};
        int at_once = batch->hashing && source.size <= IN_MEMORY;
        if (!room_for(space, at_once ? (size_t)source.size : BLOCK))
            why = "no memory";
        else if (at_once && !read_all(descriptor, space->buffer, source.size))
            why = "unreadable";
        else {
            source.all = at_once ? space->buffer : NULL;
            why = scan_source(batch, row, source, space);
        }
    }
    close(descriptor);
    return why;
}

/* ---- many ---------------------------------------------------------------------------------- */

static void run_row(batch_t *batch, size_t row, workspace_t *space) {
    const file_t *file = &batch->files[row];
    for (size_t i = 0; i < batch->promoted_count; i++)
        space->promoted[i].present = 0, space->promoted[i].values.length = 0;
    for (int i = 0; i < NUMBERS; i++) batch->numbers[i][row] = -1;
    if (file->path) {
        batch->why[row] = scan_path(batch, row, file->path, space);
    } else {
        source_t source = {.all = file->data, .descriptor = -1, .size = file->size};
        batch->why[row] = scan_source(batch, row, source, space);
    }
    for (size_t i = 0; i < batch->column_count; i++) {
        text_column_t *column = &batch->columns[i];
        if (batch->why[row]) { /* leave nothing of a file that was declined halfway */
            column->values.length = (size_t)column->offsets[row];
            column->present[row / 8] &= (unsigned char)~(1 << row % 8);
        }
        column->offsets[row + 1] = (int64_t)column->values.length;
    }
}

int batch_run(batch_t *batch) {
    workspace_t space = {.promoted = calloc(batch->promoted_count + 1, sizeof *space.promoted)};
    int failed = !space.promoted || !room_for(&space, BLOCK);
    for (size_t row = 0; row < batch->count && !failed; row++) run_row(batch, row, &space);
    for (size_t i = 0; i < batch->column_count; i++) failed |= batch->columns[i].values.failed;
    for (size_t i = 0; space.promoted && i < batch->promoted_count; i++)
        out_free(&space.promoted[i].values);
    tree_free(&space.tree);
    free(space.promoted);
    free(space.buffer);
    return !failed;
}
