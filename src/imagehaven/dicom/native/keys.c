#include "keys.h"

#include "sha256.h"
#include "tree.h"

enum {
    CHARACTER_SET = 0x00080005,
    SHORTEST_UID = 14, /* digits of a UID that no short text holds */
};

static int holds(tags_t tags, uint32_t tag) {
    size_t low = 0, high = tags.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tags.tags[middle] == tag) return 1;
        if (tags.tags[middle] < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static void put(out_t *out, const node_t *node, int top, const unsigned char *value) {
    char place = (char)top; /* a PatientID in an item is another person's */
    out_bytes(out, &place, 1);
    out_bytes(out, &node->tag, sizeof node->tag);
    out_bytes(out, &node->vr, sizeof node->vr);
    out_bytes(out, &node->length, sizeof node->length);
    out_bytes(out, value, node->length);
}

/* Whether a value is nothing, or one UID that no short text holds. */
static int is_long_uid(const unsigned char *value, size_t length) {
    size_t digits = 0, others = 0;
    for (size_t i = 0; i < length; i++) {
        int is_digit = value[i] >= '0' && value[i] <= '9';
        if (!is_digit && value[i] != '.' && value[i] != ' ' && value[i]) return 0;
        digits += (size_t)is_digit;
        others += value[i] == '.';
    }
    return digits >= SHORTEST_UID || !(digits + others);
}

int keys_of(scan_t *scan, const telling_t *telling, unsigned char *people, out_t *pixels) {
    static const unsigned char nothing[1];
    const node_t *nodes = scan->tree.nodes;
    out_t told = {0};
    sha256_t hash;
    uint32_t next_top = (uint32_t)scan->main;
    int done = 1;
    for (uint32_t at = (uint32_t)scan->main; done && at < scan->behind; at++) {
        const node_t *node = &nodes[at];
        int top = at == next_top;
        if (top) next_top = node->next;
        if (!top && node->tag == CHARACTER_SET) {
            done = declined(scan, "an item with its own character set");
            break;
        }
        if (node->real == VR('S', 'Q') || node->tag == ITEM) continue;
        int tells = node->vr == VR('P', 'N') || holds(telling->anywhere, node->tag) ||
                    (top && holds(telling->top, node->tag));
        int shows = top && holds(telling->pixels, node->tag);
        int own = holds(telling->own, node->tag);
        if (!tells && !shows && !own) continue;
        const unsigned char *value =
            node->length ? source_at(&scan->source, node->value, node->length) : nothing;
        if (!value) done = declined(scan, "truncated");
        else if (own && !is_long_uid(value, node->length)) done = declined(scan, "a short UID");
        if (done && tells) put(&told, node, top, value);
        if (done && shows) put(pixels, node, top, value);
    }
    out_bytes(&told, scan->syntax, strlen(scan->syntax));
    if (told.failed) done = declined(scan, "no memory");
    if (done) {
        sha256_start(&hash);
        sha256_add(&hash, (const unsigned char *)told.data, told.length);
        sha256_bytes(&hash, people);
        out_bytes(pixels, scan->syntax, strlen(scan->syntax) + 1);
        out_bytes(pixels, &scan->pixel_tag, sizeof scan->pixel_tag);
        out_bytes(pixels, &scan->pixel_vr, sizeof scan->pixel_vr);
        out_bytes(pixels, &scan->pixel_length, sizeof scan->pixel_length);
        if (pixels->failed) done = declined(scan, "no memory");
    }
    out_free(&told);
    return done;
}
