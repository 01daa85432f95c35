#include "tree.h"

static int is_uid(const char *text) {
    for (;; text++) {
        if (*text < '0' || *text > '9') return 0;
        while (*text >= '0' && *text <= '9') text++;
        if (!*text) return 1;
        if (*text != '.') return 0;
    }
}

/* The transfer syntax that the file really uses: a native one may be declared wrongly. */
static void settle_syntax(scan_t *scan, int implicit) {
    static const char native_implicit[] = "1.2.840.10008.1.2";
    static const char native_explicit[] = "1.2.840.10008.1.2.1";
    const char *real = implicit ? native_implicit : native_explicit;
    if (!*scan->syntax || !strcmp(scan->syntax, native_implicit) ||
        !strcmp(scan->syntax, native_explicit))
        strcpy(scan->syntax, real);
}

static int meta_information(scan_t *scan, uint64_t *position) {
    level_t level = {.end = scan->source.size, .encoding = LATIN_1, .representation = -1};
    element_t stopped = {0};
    scan->in_meta = 1;
    if (!data_set(scan, &level, position, 0, &stopped)) return 0;
    scan->in_meta = 0;
    if (*scan->syntax && !is_uid(scan->syntax)) return declined(scan, "odd transfer syntax");
    if (!strcmp(scan->syntax, "1.2.840.10008.1.2.1.99") ||
        !strcmp(scan->syntax, "1.2.840.10008.1.2.2") ||
        !strcmp(scan->media_class, "1.2.840.10008.1.3.10"))
        return declined(scan, "deflated, big endian or a directory");
    scan->dataset_offset = *position;
    return 1;
}

static int trailing_elements(scan_t *scan, uint64_t position, const level_t *main_level) {
    const unsigned char *next = source_at(&scan->source, position, 8);
    uint64_t left = scan->source.size - position;
    level_t level = {.end = scan->source.size, .encoding = LATIN_1, .representation = -1,
                     .implicit = main_level->implicit};
    if (left && !next) next = source_at(&scan->source, position, (size_t)left);
    if (left && !next) return declined(scan, "truncated");
    int any = 0;
    for (uint64_t i = 0; i < left && i < 8; i++) any |= next[i];
    if (!any) return 1; /* zeros up to the end are a medium's padding */
    if (left < 8) return declined(scan, "truncated");
    if (tag_at(next) <= main_level->tag) return declined(scan, "elements out of order");
    return data_set(scan, &level, &position, 0, NULL);
}

static int main_data_set(scan_t *scan, uint64_t position) {
    level_t level = {.end = scan->source.size, .encoding = LATIN_1, .representation = -1};
    element_t pixels = {0};
    const unsigned char *head = source_at(&scan->source, position, 8);
    if (!head || !head[0]) return declined(scan, "truncated, swapped or a command");
    level.implicit = !*scan->syntax || !strcmp(scan->syntax, "1.2.840.10008.1.2");
    scan->main = scan->tree.count;
    if (!data_set(scan, &level, &position, 0, &pixels)) return 0;
    scan->behind = scan->tree.count;
    settle_syntax(scan, level.implicit);
    if (!pixels.tag) return 1;
    scan->has_pixels = 1;
    scan->pixel_tag = pixels.tag;
    scan->pixel_vr = pixels.vr;
    scan->pixel_offset = pixels.value;
    scan->pixel_length = pixels.length;
    position = pixels.value;
    if (pixels.length == UNDEFINED) {
        if (!skip_fragments(scan, &position, scan->source.size)) return 0;
    } else if (pixels.length > scan->source.size - position) {
        return declined(scan, "truncated");
    } else {
        position += pixels.length;
    }
    level.tag = pixels.tag;
    return trailing_elements(scan, position, &level);
}

int scan(scan_t *scan) {
    uint64_t position = 132;
    const unsigned char *prefix = source_at(&scan->source, 128, 5);
    if (!prefix || memcmp(prefix, "DICM", 4)) return declined(scan, "no DICM prefix");
    if (!meta_information(scan, &position) || !main_data_set(scan, position)) return 0;
    if (!scan->instance_seen) return declined(scan, "no SOPInstanceUID");
    return 1;
}
