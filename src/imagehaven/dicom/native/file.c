#define _GNU_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sha256.h"

enum { BLOCK = 1 << 20, PIECE = 1 << 17 };

static int make_folders(const char *path) {
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part) {
        errno = ENAMETOOLONG;
        return 0;
    }
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i]) continue;
        char held = part[i];
        part[i] = 0;
        if (mkdir(part, 0777) && errno != EEXIST) return 0;
        part[i] = held;
    }
    return 1;
}

static int put(int descriptor, sha256_t *hash, new_file_t *file, const void *data, size_t length) {
    const unsigned char *at = data, *end = at + length, *hashed = at;
    file->size += length;
    while (at < end) {
        /* Piece by piece, so that what was just hashed is still in the processor's cache. */
        size_t left = (size_t)(end - at), piece = left < PIECE ? left : PIECE;
        if (hashed < at + piece) {
            sha256_add(hash, hashed, (size_t)(at + piece - hashed));
            hashed = at + piece;
        }
        ssize_t done = write(descriptor, at, piece);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return 0;
        at += done;
    }
    return 1;
}

static int put_source(int descriptor, sha256_t *hash, new_file_t *file) {
    if (file->source->all) {
        const unsigned char *data = source_at(file->source, file->start, (size_t)file->length);
        if (!data) return NOT_READ;
        return put(descriptor, hash, file, data, (size_t)file->length) ? WRITTEN : NOT_WRITTEN;
    }
    unsigned char *block = malloc(BLOCK);
    int result = block ? WRITTEN : NOT_READ;
    for (uint64_t at = 0; result == WRITTEN && at < file->length;) {
        size_t wanted = (size_t)(file->length - at < BLOCK ? file->length - at : BLOCK);
        ssize_t got = pread(file->source->descriptor, block, wanted, (off_t)(file->start + at));
        if (got <= 0)
            result = NOT_READ;
        else if (!put(descriptor, hash, file, block, (size_t)got))
            result = NOT_WRITTEN;
        else
            at += (uint64_t)got;
    }
    free(block);
    return result;
}

static int put_all(int descriptor, new_file_t *file) {
    sha256_t hash;
    sha256_start(&hash);
    file->size = 0;
    if (!put(descriptor, &hash, file, file->head->data, file->head->length) ||
        !put(descriptor, &hash, file, file->data_set->data, file->data_set->length))
        return NOT_WRITTEN;
    int result = file->length ? put_source(descriptor, &hash, file) : WRITTEN;
    if (result != WRITTEN) return result;
    if (file->length % 2 && !put(descriptor, &hash, file, "", 1)) return NOT_WRITTEN;
    sha256_hex(&hash, file->sha256);
    return WRITTEN;
}

int write_new(new_file_t *file) {
    char draft[PATH_MAX], final[PATH_MAX];
    int one = snprintf(final, sizeof final, "%s/%s", file->folder, file->name);
    int other = snprintf(draft, sizeof draft, "%s/.%s.%ld.draft", file->folder, file->name,
                         (long)getpid());
    if (one < 0 || other < 0 || one >= (int)sizeof final || other >= (int)sizeof draft) {
        errno = ENAMETOOLONG;
        return NOT_WRITTEN;
    }
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, descriptor = open(draft, flags, 0666);
    if (descriptor < 0 && errno == ENOENT && make_folders(file->folder))
        descriptor = open(draft, flags, 0666);
    if (descriptor < 0) return NOT_WRITTEN;
    int result = put_all(descriptor, file), why = errno;
    if (close(descriptor) && result == WRITTEN) result = NOT_WRITTEN, why = errno;
    if (result == WRITTEN && rename(draft, final)) result = NOT_WRITTEN, why = errno;
    if (result != WRITTEN) unlink(draft);
    errno = why;
    return result;
}
