/* A libFuzzer target: any bytes at all are scanned, and what is read is written anew under a session
 * whose decisions are made up from the tags.
 *
 * The sanitizers find what touches memory that it should not; this file checks the rest: what comes
 * out can be scanned, holds the elements in their order, and is the same the second time, when every
 * decision is remembered. */
#include <stdio.h>
#include <stdlib.h>

#include "keys.h"
#include "pixels.h"
#include "rewrite.h"
#include "tree.h"

static const entry_t public_tags[] = {
    {0x00080005, 0xffffffff, "CS"}, {0x00080018, 0xffffffff, "UI"}, {0x00081140, 0xffffffff, "SQ"},
    {0x00100010, 0xffffffff, "PN"}, {0x00200032, 0xffffffff, "DS"}, {0x00280103, 0xffffffff, "US"},
    {0x54000110, 0xffffffff, "ob"}, {0x7fe00010, 0xffffffff, "ob"},
};
static const dictionary_t dictionary = {.public_tags = public_tags,
                                        .public_count = sizeof public_tags / sizeof *public_tags};

static void must(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "the rewriter broke its word: %s\n", what);
    abort();
}

/* ---- a decider that needs nobody ----------------------------------------------------------- */

static int plan(void *context, uint32_t place, uint32_t tag, plan_t *made) {
    static const uint8_t kinds[] = {REMOVE, ITEMS, NO_ITEMS, ONE_VALUE, ONE_VALUE};
    uint32_t chosen = tag * 2654435761u ^ place;
    (void)context;
    made->number = tag ^ place << 28;
    made->place = (place + 1) % 3;
    made->label = 'K';
    made->kind = tag == 0x00081140 ? ITEMS : kinds[chosen >> 8 & 3];
    made->swift = (uint8_t)(chosen >> 12 & 7);
    made->masked = chosen >> 16 & 1;
    made->needs_place = chosen >> 17 & 1;
    made->needs_value = chosen >> 18 & 1;
    made->by_code = tag == 0x00080104;
    made->days = -(int32_t)(chosen >> 20 & 0x3ff);
    made->most = chosen & 3;
    made->vr = VR('U', 'I');
    if (made->swift == NUMBERS) made->vr = chosen & 1 ? VR('D', 'S') : VR('I', 'S');
    if (made->swift == WORDS) made->vr = VR('U', 'S'), made->other_vr = VR('F', 'D');
    if (made->swift == MOVE_DATE) made->vr = VR('D', 'A');
    if (made->swift == MOVE_MOMENT) made->vr = VR('D', 'T');
    if (made->swift == TIME) made->vr = VR('T', 'M');
    for (int i = 0; i < 3; i++) /* what names the file is mapped */
        if (tag == (uint32_t[]){0x00080018, 0x0020000d, 0x0020000e}[i])
            *made = (plan_t){.number = tag, .tag = tag, .kind = ONE_VALUE, .label = 'U',
                             .swift = MAP_UID, .vr = VR('U', 'I')};
    return tag % 1009 != 7;
}

static int private_plan(void *context, word_t creator, uint32_t tag, plan_t *made) {
    (void)context;
    made->number = tag;
    made->kind = (tag + creator.length) % 3 ? ONE_VALUE : REMOVE;
    made->swift = tag % 2 ? WORDS : ASK;
    made->vr = VR('F', 'D');
    return 1;
}

static int answer(void *context, const plan_t *made, const asked_t *asked, out_t *written,
                  answer_t *answer) {
    (void)context;
    answer->label = 'C';
    answer->given = asked->length % 7 == 3;
    if (asked->length % 5 == 4) return 1; /* removed */
    put_head(written, made->tag, VR('L', 'O'), 2 * (asked->around_length > 0));
    out_bytes(written, "AB", 2 * (asked->around_length > 0));
    return asked->length % 1013 != 11;
}

/* ---- checks -------------------------------------------------------------------------------- */

static void check_order(const out_t *out) {
    static const unsigned char head[] = "\x02\0\x10\0UI\x14\0" "1.2.840.10008.1.2.1\0";
    unsigned char *file = calloc(1, 132 + sizeof head - 1 + out->length);
    must(file != NULL, "memory enough");
    memcpy(file + 128, "DICM", 4);
    memcpy(file + 132, head, sizeof head - 1);
    memcpy(file + 132 + sizeof head - 1, out->data, out->length);
    scan_t again = {.source = {.all = file, .descriptor = -1,
                               .size = 132 + sizeof head - 1 + out->length},
                    .dictionary = &dictionary};
    if (!scan(&again)) fprintf(stderr, "declined: %s\n", again.why);
    must(again.why == NULL, "what was written can be read");
    tree_free(&again.tree);
    free(file);
}

static int run(scan_t *found, session_t *session, rewrite_t *made) {
    made->scan = found;
    made->session = session;
    return rewrite(made);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static const uint32_t tags[] = {0x00080018, 0x00080060, 0x00100010, 0x00280103};
    static const telling_t telling = {{tags, 4}, {tags, 2}, {tags + 2, 2}, {tags, 1}};
    static const fixed_t fixed[] = {{0x00100010, "\x10\0\x10\0PN\2\0X ", 10},
                                    {0x00120062, "\x12\0\x62\0CS\4\0YES ", 12}};
    static word_t known[] = {{"12345", 5}};
    scan_t found = {.source = {.all = data, .descriptor = -1, .size = size},
                    .dictionary = &dictionary};
    session_t session = {.decider = {plan, private_plan, answer, NULL},
                         .fixed = fixed, .fixed_count = 2, .known = {known, 1},
                         .keeps_private = 1};
    rewrite_t first = {0}, second = {0};
    unsigned char people[32];
    out_t key = {0};
    mac_start(&session.mac, (const unsigned char *)"a key of thirty-two bytes, or so", 32);
    if (size >= 64) {
        shape_t shape = {1, size / 2, 16, 1 + data[0] % 16, 15, data[1] & 1, 1};
        unsigned char *frame = malloc(size);
        must(frame != NULL, "memory enough");
        memcpy(frame, data, size);
        is_plain(&shape, frame);
        shape.bits = 8, shape.stored = 1 + data[0] % 8, shape.high = 7, shape.pixels = size;
        is_plain(&shape, frame);
        free(frame);
    }
    if (scan(&found) && keys_of(&found, &telling, people, &key) && run(&found, &session, &first)) {
        check_order(&first.out);
        must(run(&found, &session, &second), "what was decided once is decided again");
        must(first.out.length == second.out.length &&
                 !memcmp(first.out.data, second.out.data, first.out.length),
             "the same bytes");
        must(!memcmp(first.counts, second.counts, sizeof first.counts), "the same counts");
    }
    out_free(&first.out);
    out_free(&second.out);
    out_free(&key);
    session_free(&session);
    tree_free(&found.tree);
    return 0;
}
