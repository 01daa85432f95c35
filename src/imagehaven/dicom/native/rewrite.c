#include "rewrite.h"

#include <stdlib.h>

#include "tree.h"

enum {
    CODE_VALUE = 0x00080100,
    CODING_SCHEME = 0x00080102,
    LONG_CODE_VALUE = 0x00080119,
    MOST_PRIVATE = 256,
};
static const uint32_t NOTED_TAGS[NOTED] = {0x0020000d, 0x0020000e, 0x00080018, 0x00080060};

typedef struct { /* a data set or item: which elements, and where it stands */
    uint32_t first, end, place;
    int top, masked;
} range_t;

static int elements(rewrite_t *rewrite, range_t range, size_t *kept);

static void count(rewrite_t *rewrite, char label) {
    if (label > 0) rewrite->counts[(int)label]++;
}

static void put_number(out_t *out, uint32_t number, int bytes) {
    unsigned char little[4] = {(unsigned char)number, (unsigned char)(number >> 8),
                               (unsigned char)(number >> 16), (unsigned char)(number >> 24)};
    out_bytes(out, little, (size_t)bytes);
}

static void set_length(out_t *out, size_t at, size_t length) {
    if (out->failed) return;
    for (int i = 0; i < 4; i++) out->data[at + (size_t)i] = (char)(length >> 8 * i);
}

void put_head(out_t *out, uint32_t tag, vr_t vr, uint32_t length) {
    char letters[2] = {(char)(vr >> 8), (char)vr};
    put_number(out, tag >> 16, 2);
    put_number(out, tag, 2);
    out_bytes(out, letters, 2);
    if (is_long(vr)) put_number(out, 0, 2);
    put_number(out, length, is_long(vr) ? 4 : 2);
}

static const unsigned char *data_of(rewrite_t *rewrite, const node_t *node) {
    static const unsigned char nothing[1];
    if (!node->length) return nothing;
    return source_at(&rewrite->scan->source, node->value, node->length);
}

/* ---- values -------------------------------------------------------------------------------- */

static int is_blank(const unsigned char *value, size_t length) {
    while (length && (value[length - 1] == ' ' || !value[length - 1])) length--;
    return !length;
}

static int add_given(rewrite_t *rewrite, given_t given) {
    if (rewrite->given_count == MOST_GIVEN) return declined(rewrite->scan, "many pseudonyms");
    rewrite->given[rewrite->given_count++] = given;
    return 1;
}

/* Append the new value behind its head where no one has to be asked for it. */
static int swift_value(session_t *session, const plan_t *plan, vr_t vr, const unsigned char *value,
                       size_t length, out_t *out) {
    switch (plan->swift) {
    case MAP_UID: return swift_uid(&session->mac, value, length, out);
    case NUMBERS: return swift_numbers(&session->known, vr, value, length, out);
    case WORDS: return swift_words(vr, value, length, plan->most, out);
    case MOVE_DATE: return swift_date(value, length, plan->days, out);
    case MOVE_MOMENT: return swift_moment(value, length, plan->days, out);
    case TIME: return swift_time(value, length, out);
    }
    return 0;
}

/* 1 when it was written, 0 when it has to be asked for, -1 when the file is declined. */
static int swift(rewrite_t *rewrite, const plan_t *plan, const node_t *node,
                 const unsigned char *value, int top) {
    out_t *out = &rewrite->out;
    size_t start = out->length;
    vr_t vr = node->vr ? node->vr : plan->vr;
    if (!plan->swift || (!node->vr && plan->other_vr)) return 0;
    if (vr != plan->vr && vr != plan->other_vr) return 0;
    put_head(out, plan->tag, vr, 0);
    size_t from = out->length;
    if (!swift_value(rewrite->session, plan, vr, value, node->length, out) ||
        (!is_long(vr) && out->length - from > LONGEST_SHORT)) {
        out->length = start;
        return 0;
    }
    size_t width = out->length - from;
    if (out->failed) return -1;
    if (is_long(vr)) set_length(out, from - 4, width);
    else out->data[from - 2] = (char)width, out->data[from - 1] = (char)(width >> 8);
    count(rewrite, plan->label);
    if (plan->swift != MAP_UID || !top) return 1;
    while (width && !out->data[from + width - 1]) width--;
    given_t given = {.tag = plan->tag, .value = node->value, .length = node->length,
                     .start = from, .width = width};
    return add_given(rewrite, given) ? 1 : -1;
}

/* Collect the parts of the code that an element belongs to. */
static int parts_of_code(rewrite_t *rewrite, range_t range, out_t *around) {
    const node_t *nodes = rewrite->scan->tree.nodes;
    for (uint32_t at = range.first; at < range.end; at = nodes[at].next) {
        const node_t *node = &nodes[at];
        if (node->tag != CODE_VALUE && node->tag != CODING_SCHEME && node->tag != LONG_CODE_VALUE)
            continue;
        const unsigned char *value = data_of(rewrite, node);
        if (!value || node->real == VR('S', 'Q')) return declined(rewrite->scan, "an odd code");
        out_bytes(around, &node->tag, sizeof node->tag);
        out_bytes(around, &node->vr, sizeof node->vr);
        out_bytes(around, &node->length, sizeof node->length);
        out_bytes(around, value, node->length);
    }
    return 1;
}

/* Append what somebody decided that a value becomes; `kept` says whether there is anything. */
static int answered(rewrite_t *rewrite, const plan_t *plan, const node_t *node, range_t range,
                    const unsigned char *value, size_t *kept) {
    asked_t asked = {.data = value, .length = node->length, .vr = node->vr};
    out_t around = {0};
    answer_t answer;
    plan_t copy = *plan;
    if (copy.by_code && !parts_of_code(rewrite, range, &around)) {
        out_free(&around);
        return 0;
    }
    asked.around = (const unsigned char *)around.data;
    asked.around_length = around.length;
    int done = !around.failed && answer_of(rewrite->session, &copy, &asked, &answer);
    out_free(&around);
    if (!done) return declined(rewrite->scan, "nobody could decide");
    if (answer.unsure) return declined(rewrite->scan, "a text that may hold a UID");
    count(rewrite, answer.label);
    if (answer.length)
        out_bytes(&rewrite->out, rewrite->session->written.data + answer.start, answer.length);
    *kept = answer.length > 0;
    return !answer.given || add_given(rewrite, (given_t){.given = answer.given});
}

static int value(rewrite_t *rewrite, const plan_t *plan, const node_t *node, range_t range,
                 size_t *kept) {
    const unsigned char *data = data_of(rewrite, node);
    if (!data) return declined(rewrite->scan, "truncated");
    if (node->fragments) return declined(rewrite->scan, "an encapsulated value");
    if (!is_blank(data, node->length) || plan->swift == WORDS) {
        int done = swift(rewrite, plan, node, data, range.top);
        *kept = done > 0;
        if (done) return done > 0;
    }
    return answered(rewrite, plan, node, range, data, kept);
}

/* ---- sequences ----------------------------------------------------------------------------- */

static int sequence(rewrite_t *rewrite, plan_t plan, uint32_t place, int masked, size_t *kept) {
    const node_t *nodes = rewrite->scan->tree.nodes;
    out_t *out = &rewrite->out;
    uint32_t end = nodes[place].next, item = place + 1;
    size_t start = out->length, items = 0;
    count(rewrite, plan.label);
    put_head(out, plan.tag, VR('S', 'Q'), 0);
    size_t from = out->length;
    *kept = 1;
    if (plan.kind == NO_ITEMS) return 1;
    masked |= plan.masked;
    for (; item < end; item = nodes[item].next) {
        size_t before = out->length, inside;
        range_t range = {item + 1, nodes[item].next, plan.place, 0, masked};
        out_bytes(out, "\xfe\xff\x00\xe0\0\0\0", 8);
        if (!elements(rewrite, range, &inside)) return 0;
        if (inside || range.first == range.end || plan.needs_value) {
            set_length(out, before + 4, out->length - before - 8);
            items++;
        } else {
            out->length = before;
        }
        if (masked) break;
    }
    set_length(out, from - 4, out->length - from);
    if (place + 1 < end && !items && !plan.needs_place) {
        out->length = start;
        *kept = 0;
    }
    return 1;
}

/* ---- private elements ---------------------------------------------------------------------- */

typedef struct { /* a private element of the known-safe list */
    uint32_t tag, node;
    word_t creator;
    size_t start, length; /* what it becomes, in `out` */
} safe_t;

typedef struct {
    word_t names[256]; /* the creator of each block, where one is reserved */
    safe_t safe[MOST_PRIVATE];
    size_t safe_count, found;
} private_t;

static int by_words(word_t one, word_t other) {
    size_t shorter = one.length < other.length ? one.length : other.length;
    int order = memcmp(one.text, other.text, shorter);
    return order ? order : (one.length > other.length) - (one.length < other.length);
}

static int by_creator(const void *one, const void *other) {
    const safe_t *a = one, *b = other;
    int order = by_words(a->creator, b->creator);
    return order ? order : (a->node > b->node) - (a->node < b->node);
}

static int by_tag(const void *one, const void *other) {
    const safe_t *a = one, *b = other;
    if (a->tag != b->tag) return (a->tag > b->tag) - (a->tag < b->tag);
    return (a->node > b->node) - (a->node < b->node);
}

/* Find the elements of one group that the list knows, and who made them. */
static int find_safe(rewrite_t *rewrite, private_t *group, uint32_t first, uint32_t end) {
    const node_t *nodes = rewrite->scan->tree.nodes;
    for (uint32_t at = first; at < end; at = nodes[at].next) {
        uint32_t number = nodes[at].tag & 0xffff;
        group->found++;
        if (number >= 0x10 && number <= 0xff) {
            const unsigned char *data = data_of(rewrite, &nodes[at]);
            if (!data || nodes[at].real == VR('S', 'Q')) return declined(rewrite->scan, "odd creator");
            word_t name = trimmed(data, nodes[at].length);
            for (size_t i = 0; i < name.length; i++)
                if ((unsigned char)name.text[i] >= 0x80) return declined(rewrite->scan, "odd creator");
            group->names[number] = name;
        } else if (number > 0xff && group->names[number >> 8].length) {
            word_t creator = group->names[number >> 8];
            const plan_t *plan = private_plan_of(rewrite->session, creator, nodes[at].tag);
            if (!plan) return declined(rewrite->scan, "nobody could decide");
            if (plan->kind == REMOVE) continue;
            if (plan->kind != ONE_VALUE || group->safe_count == MOST_PRIVATE)
                return declined(rewrite->scan, "private sequences, or many private elements");
            group->safe[group->safe_count++] =
                (safe_t){.tag = nodes[at].tag, .node = at, .creator = creator};
        }
    }
    return 1;
}

/* Give the blocks new numbers, in the order of their creators, and leave second copies out. */
static void renumber(private_t *group) {
    uint32_t block = 0x10;
    size_t kept = 0;
    qsort(group->safe, group->safe_count, sizeof *group->safe, by_creator);
    for (size_t i = 0; i < group->safe_count; i++) {
        if (i && by_words(group->safe[i - 1].creator, group->safe[i].creator)) block++;
        group->safe[i].tag = (group->safe[i].tag & 0xffff00ff) | block << 8;
    }
    qsort(group->safe, group->safe_count, sizeof *group->safe, by_tag);
    for (size_t i = 0; i < group->safe_count; i++)
        if (!kept || group->safe[kept - 1].tag != group->safe[i].tag)
            group->safe[kept++] = group->safe[i];
    group->safe_count = kept;
}

/* Write the values first, to see which blocks are used, and then all in their order. */
static int put_private(rewrite_t *rewrite, private_t *group, out_t *aside, size_t *kept) {
    out_t *out = &rewrite->out;
    size_t start = out->length;
    uint32_t last = 0;
    for (size_t i = 0; i < group->safe_count; i++) {
        safe_t *safe = &group->safe[i];
        const node_t *node = &rewrite->scan->tree.nodes[safe->node];
        const plan_t *plan = private_plan_of(rewrite->session, safe->creator, node->tag);
        size_t any = 0;
        safe->start = out->length;
        if (!plan) return declined(rewrite->scan, "nobody could decide");
        plan_t here = *plan;
        if (node->real == VR('S', 'Q')) continue; /* the list has values alone there */
        if (!value(rewrite, &here, node, (range_t){0}, &any)) return 0;
        safe->length = any ? out->length - safe->start : 0;
        if (out->failed) return declined(rewrite->scan, "no memory");
        if (safe->length) out->data[safe->start + 3] = (char)(safe->tag >> 8);
    }
    aside->length = 0;
    for (size_t i = 0; i < group->safe_count; i++) {
        const safe_t *safe = &group->safe[i];
        uint32_t creator = (safe->tag & 0xffff0000) | (safe->tag & 0xffff) >> 8;
        if (!safe->length || creator == last) continue;
        last = creator;
        uint32_t length = (uint32_t)(safe->creator.length + safe->creator.length % 2);
        put_head(aside, creator, VR('L', 'O'), length);
        out_bytes(aside, safe->creator.text, safe->creator.length);
        out_bytes(aside, " ", length - safe->creator.length);
        ++*kept;
    }
    out_bytes(aside, out->data + start, out->length - start);
    for (size_t i = 0; i < group->safe_count; i++) *kept += group->safe[i].length > 0;
    out->length = start;
    out_bytes(out, aside->data, aside->length);
    return !aside->failed || declined(rewrite->scan, "no memory");
}

/* One odd group of a data set, whose nodes are those between `first` and `end`. */
static int private_group(rewrite_t *rewrite, uint32_t first, uint32_t end, size_t *kept) {
    private_t *group = calloc(1, sizeof *group);
    out_t aside = {0};
    *kept = 0;
    int done = group && find_safe(rewrite, group, first, end);
    if (done && group->safe_count) {
        renumber(group);
        done = put_private(rewrite, group, &aside, kept);
    }
    if (done) {
        rewrite->counts['K'] += (uint32_t)*kept;
        if (group->found > *kept) rewrite->counts['X'] += (uint32_t)(group->found - *kept);
    }
    out_free(&aside);
    free(group);
    return done;
}

/* ---- data sets ----------------------------------------------------------------------------- */

static int element(rewrite_t *rewrite, range_t range, uint32_t at, size_t *kept) {
    const node_t *node = &rewrite->scan->tree.nodes[at];
    uint32_t group = node->tag >> 16;
    *kept = 0;
    if (range.top && group >> 8 == 0x60) return declined(rewrite->scan, "overlays");
    if (group < 8 || !(node->tag & 0xffff) || group >> 8 == 0x50 || group >> 8 == 0x60) {
        count(rewrite, 'X');
        return 1;
    }
    const plan_t *plan = plan_of(rewrite->session, range.place, node->tag);
    if (!plan) return declined(rewrite->scan, "nobody could decide");
    int is_sequence = node->real == VR('S', 'Q');
    if (is_sequence && plan->by_code) return declined(rewrite->scan, "an odd code");
    if (plan->kind == REMOVE || is_sequence != (plan->kind != ONE_VALUE)) {
        count(rewrite, 'X');
        return 1;
    }
    plan_t here = *plan;
    if (is_sequence) return sequence(rewrite, here, at, range.masked, kept);
    return value(rewrite, &here, node, range, kept);
}

/* Remember where a value stands that names the new file. */
static void note(rewrite_t *rewrite, uint32_t tag, size_t start) {
    const char *head = rewrite->out.data + start;
    for (int i = 0; i < NOTED; i++) {
        if (NOTED_TAGS[i] != tag || rewrite->out.length < start + 8) continue;
        rewrite->noted[i] = start + 8; /* UI and CS have two bytes of length */
        rewrite->noted_length[i] = (unsigned char)head[6] | (size_t)(unsigned char)head[7] << 8;
    }
}

static void put_fixed(rewrite_t *rewrite, size_t *next, uint64_t before) {
    const session_t *session = rewrite->session;
    for (; *next < session->fixed_count && session->fixed[*next].tag < before; ++*next)
        out_bytes(&rewrite->out, session->fixed[*next].bytes, session->fixed[*next].length);
}

static int elements(rewrite_t *rewrite, range_t range, size_t *kept) {
    const session_t *session = rewrite->session;
    const node_t *nodes = rewrite->scan->tree.nodes;
    size_t fixed = 0, more;
    *kept = 0;
    for (uint32_t at = range.first, next; at < range.end; at = next) {
        uint32_t tag = nodes[at].tag;
        size_t start = rewrite->out.length;
        next = nodes[at].next;
        if (tag >> 16 & 1) {
            while (next < range.end && nodes[next].tag >> 16 == tag >> 16) next = nodes[next].next;
            if (range.top) put_fixed(rewrite, &fixed, tag);
            if (range.masked || !session->keeps_private) {
                for (uint32_t one = at; one < next; one = nodes[one].next) count(rewrite, 'X');
                continue;
            }
            if (!private_group(rewrite, at, next, &more)) return 0;
        } else {
            if (range.top) put_fixed(rewrite, &fixed, tag);
            start = rewrite->out.length;
            if (!element(rewrite, range, at, &more)) return 0;
            if (range.top && fixed < session->fixed_count && session->fixed[fixed].tag == tag)
                rewrite->out.length = start; /* what always stands there comes in its place */
            else if (range.top && more && !rewrite->out.failed)
                note(rewrite, tag, start);
        }
        *kept += more;
    }
    if (range.top) put_fixed(rewrite, &fixed, UINT64_MAX);
    return !rewrite->out.failed || declined(rewrite->scan, "no memory");
}

int rewrite(rewrite_t *rewrite) {
    scan_t *scan = rewrite->scan;
    range_t range = {(uint32_t)scan->main, (uint32_t)scan->behind, 0, 1, 0};
    size_t kept;
    rewrite->out.length = 0;
    rewrite->given_count = 0;
    memset(rewrite->counts, 0, sizeof rewrite->counts);
    memset(rewrite->noted_length, 0, sizeof rewrite->noted_length);
    if (!elements(rewrite, range, &kept)) return 0;
    for (int i = STUDY; i <= INSTANCE; i++)
        if (!rewrite->noted_length[i]) return declined(scan, "no study, series or instance");
    return 1;
}
