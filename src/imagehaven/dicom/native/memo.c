#include "memo.h"

#include <stdlib.h>

static uint64_t mixed(uint64_t value) {
    value ^= value >> 32;
    value *= 0x9e3779b97f4a7c15u;
    return value ^ value >> 29;
}

static uint64_t hash_of(const unsigned char *key, size_t length) {
    uint64_t hash = mixed(length), word;
    for (; length >= sizeof word; key += sizeof word, length -= sizeof word) {
        memcpy(&word, key, sizeof word);
        hash = mixed(hash ^ word) + hash * 3;
    }
    word = 0;
    if (length) memcpy(&word, key, length);
    return mixed(mixed(hash ^ word) + hash);
}

/* Where a key stands, or would: the table always has an empty slot. */
static slot_t *slot_of(const memo_t *memo, uint64_t hash, const void *key, size_t length) {
    for (size_t at = hash & (memo->room - 1);; at = (at + 1) & (memo->room - 1)) {
        slot_t *slot = &memo->slots[at];
        if (!slot->hash) return slot;
        if (slot->hash == hash && slot->length == length &&
            !memcmp(memo->keys.data + slot->key, key, length))
            return slot;
    }
}

const uint32_t *memo_find(const memo_t *memo, const void *key, size_t length) {
    if (!memo->room) return NULL;
    slot_t *slot = slot_of(memo, hash_of(key, length) | 1, key, length);
    return slot->hash ? &slot->number : NULL;
}

static int grow(memo_t *memo) {
    memo_t larger = {.room = memo->room ? 2 * memo->room : 256, .keys = memo->keys};
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (!larger.slots) return 0;
    for (size_t i = 0; i < memo->room; i++) {
        const slot_t *old = &memo->slots[i];
        if (old->hash)
            *slot_of(&larger, old->hash, memo->keys.data + old->key, old->length) = *old;
    }
    larger.count = memo->count;
    free(memo->slots);
    *memo = larger;
    return 1;
}

int memo_add(memo_t *memo, const void *key, size_t length, uint32_t number) {
    if (2 * (memo->count + 1) > memo->room && !grow(memo)) return 0;
    uint64_t hash = hash_of(key, length) | 1;
    size_t start = memo->keys.length;
    slot_t *slot = slot_of(memo, hash, key, length);
    out_bytes(&memo->keys, key, length);
    if (memo->keys.failed) return 0;
    *slot = (slot_t){hash, start, (uint32_t)length, number};
    memo->count++;
    return 1;
}

void memo_free(memo_t *memo) {
    free(memo->slots);
    out_free(&memo->keys);
    *memo = (memo_t){0};
}
