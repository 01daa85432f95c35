#define _GNU_SOURCE
#include "scan.h"

#include <stdlib.h>
#include <unistd.h>

enum { FIRST_READ = 32 * 1024, WINDOW = 4096 };
static const size_t LONGEST_HEAD = 64u << 20; /* a longer header goes to pydicom, which hashes */

static int read_into(source_t *source, unsigned char *to, uint64_t position, size_t length) {
    while (length) {
        ssize_t got = pread(source->descriptor, to, length, (off_t)position);
        if (got <= 0) return 0; /* shorter than its size says, or broken: pydicom will say which */
        to += got;
        position += (uint64_t)got;
        length -= (size_t)got;
    }
    return 1;
}

static int grow(unsigned char **buffer, size_t *room, size_t wanted) {
    if (wanted <= *room) return 1;
    unsigned char *larger = realloc(*buffer, wanted);
    if (!larger) return 0;
    *buffer = larger;
    *room = wanted;
    return 1;
}

/* Read on from the beginning, twice as far each time, so that few calls meet long headers. */
static int extend_head(source_t *source, size_t needed) {
    size_t wanted = source->head_length ? 2 * source->head_length : FIRST_READ;
    while (wanted < needed) wanted *= 2;
    if (wanted > source->size) wanted = (size_t)source->size;
    if (!grow(&source->head, &source->head_room, wanted)) return 0;
    size_t more = wanted - source->head_length;
    if (!read_into(source, source->head + source->head_length, source->head_length, more)) return 0;
    source->head_length = wanted;
    return 1;
}

const unsigned char *source_at(source_t *source, uint64_t position, size_t length) {
    if (position > source->size || length > source->size - position) return NULL;
    if (source->all) return source->all + position;
    uint64_t end = position + length;
    if (end <= source->head_length) return source->head + position;
    if (position <= source->head_length) {
        if (end > LONGEST_HEAD || !extend_head(source, (size_t)end)) return NULL;
        return source->head + position;
    }
    if (position < source->far_start || end > source->far_start + source->far_length) {
        /* Far from the header lie pixels, of which only the lengths of fragments are wanted. */
        size_t wanted = length < WINDOW ? WINDOW : length;
        if (wanted > source->size - position) wanted = (size_t)(source->size - position);
        if (wanted > LONGEST_HEAD || !grow(&source->far, &source->far_room, wanted)) return NULL;
        source->far_length = 0;
        if (!read_into(source, source->far, position, wanted)) return NULL;
        source->far_start = position;
        source->far_length = wanted;
    }
    return source->far + (position - source->far_start);
}

void source_free(source_t *source) {
    free(source->head);
    free(source->far);
    source->head = source->far = NULL;
    source->head_room = source->far_room = source->head_length = source->far_length = 0;
}
