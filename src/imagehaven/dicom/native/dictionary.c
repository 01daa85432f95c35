#include "dictionary.h"

#include <string.h>

static vr_t vr_of(const entry_t *entry) { return VR(entry->vr[0], entry->vr[1]); }

static const entry_t *find(const entry_t *entries, size_t count, uint32_t mask, uint32_t tag) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const entry_t *entry = &entries[middle];
        /* Wider masks come later, so that the most exact entry of a tag is found first. */
        if (entry->mask > mask || (entry->mask == mask && entry->tag < tag))
            low = middle + 1;
        else
            high = middle;
    }
    if (low < count && entries[low].mask == mask && entries[low].tag == tag) return &entries[low];
    return NULL;
}

vr_t public_vr(const dictionary_t *dictionary, uint32_t tag) {
    if (!(tag & 0xffff)) return VR('U', 'L'); /* a group's length (PS3.5 7.2) */
    const entry_t *entry =
        find(dictionary->public_tags, dictionary->public_count, 0xffffffff, tag);
    if (entry) return vr_of(entry);
    for (size_t i = 0; i < dictionary->repeater_count; i++) {
        entry = &dictionary->repeaters[i];
        if (!((tag ^ entry->tag) & entry->mask)) return vr_of(entry);
    }
    return VR('U', 'N');
}

vr_t private_vr(const dictionary_t *dictionary, uint32_t tag, const char *creator, size_t length) {
    static const uint32_t masks[] = {0xffffffff, 0xffff00ff, 0xff0000ff};
    size_t low = 0, high = dictionary->creator_count;
    uint32_t element = tag & 0xffff;
    if (element >= 0x10 && element <= 0xff) return VR('L', 'O');
    if (!length || length >= sizeof dictionary->creators->name || memchr(creator, 0, length))
        return VR('U', 'N');
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *name = dictionary->creators[middle].name;
        int order = strncmp(name, creator, length);
        if (!order && name[length]) order = 1;
        if (!order) {
            const creator_t *found = &dictionary->creators[middle];
            for (int i = 0; i < 3; i++) {
                const entry_t *entry = find(dictionary->private_tags + found->first, found->count,
                                            masks[i], tag & masks[i]);
                if (entry) return vr_of(entry);
            }
            return VR('U', 'N');
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return VR('U', 'N');
}
