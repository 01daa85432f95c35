#include "tree.h"

#include <stdlib.h>

enum {
    DEEPEST = 64,
    MOST_NODES = 1000000,
    SOP_INSTANCE_UID = 0x00080018,
    CHARACTER_SET = 0x00080005,
    PIXEL_REPRESENTATION = 0x00280103,
    TRANSFER_SYNTAX_UID = 0x00020010,
    MEDIA_STORAGE_CLASS = 0x00020002,
};
#define ITEM_END 0xfffee00du
#define SEQUENCE_END 0xfffee0ddu

/* A value longer than this, or more than this altogether, is hashed where it lies, by Python. */
static const uint64_t MOST_HELD = 64u << 20;

int declined(scan_t *scan, const char *why) {
    scan->why = why;
    return 0;
}

int is_long(vr_t vr) {
    switch (vr) {
    case VR('O', 'B'): case VR('O', 'D'): case VR('O', 'F'): case VR('O', 'L'): case VR('O', 'V'):
    case VR('O', 'W'): case VR('S', 'Q'): case VR('S', 'V'): case VR('U', 'C'): case VR('U', 'N'):
    case VR('U', 'R'): case VR('U', 'T'): case VR('U', 'V'): return 1;
    }
    return 0;
}

static int is_short(vr_t vr) {
    switch (vr) {
    case VR('A', 'E'): case VR('A', 'S'): case VR('A', 'T'): case VR('C', 'S'): case VR('D', 'A'):
    case VR('D', 'S'): case VR('D', 'T'): case VR('F', 'D'): case VR('F', 'L'): case VR('I', 'S'):
    case VR('L', 'O'): case VR('L', 'T'): case VR('P', 'N'): case VR('S', 'H'): case VR('S', 'L'):
    case VR('S', 'S'): case VR('S', 'T'): case VR('T', 'M'): case VR('U', 'I'): case VR('U', 'L'):
    case VR('U', 'S'): return 1;
    }
    return 0;
}

static int count(scan_t *scan) { return ++scan->counted <= MOST_NODES; }

/* A new node, NULL when there is no memory; good until the next one is added. */
static node_t *add_node(scan_t *scan) {
    tree_t *tree = &scan->tree;
    if (tree->count == tree->room) {
        size_t room = tree->room ? 2 * tree->room : 1024;
        node_t *larger = realloc(tree->nodes, room * sizeof *larger);
        if (!larger) {
            declined(scan, "no memory");
            return NULL;
        }
        tree->nodes = larger;
        tree->room = room;
    }
    return &tree->nodes[tree->count++];
}

void tree_free(tree_t *tree) {
    free(tree->nodes);
    *tree = (tree_t){0};
}

/* Tag, VR and length at `position`, where at least eight bytes remain before `end`. */
static int element_head(scan_t *scan, uint64_t position, const level_t *level, element_t *element) {
    const unsigned char *head = source_at(&scan->source, position, 8);
    if (!head || !count(scan)) return declined(scan, "unreadable");
    element->tag = tag_at(head);
    element->value = position + 8;
    element->vr = 0;
    element->length = number32(head + 4);
    if (level->implicit) return 1;
    vr_t vr = VR(head[4], head[5]);
    if (is_short(vr)) {
        element->vr = vr;
        element->length = number16(head + 6);
    } else if (is_long(vr)) {
        if (level->end - position < 12) return declined(scan, "truncated");
        head = source_at(&scan->source, position + 8, 4);
        if (!head) return declined(scan, "truncated");
        element->vr = vr;
        element->length = number32(head);
        element->value += 4;
    } else if (element->tag >> 16 != 0xfffe && !(scan->in_meta && element->tag >> 16 != 2)) {
        return declined(scan, "unknown VR"); /* and not the first element behind the file meta */
    }
    return 1;
}

/* ---- which VR ------------------------------------------------------------------------------ */

static void hold_creator(scan_t *scan, level_t *level, const element_t *element) {
    uint32_t group = element->tag >> 16, number = element->tag & 0xffff;
    if (level->group != group) {
        level->group = (uint16_t)group;
        level->creators = 0;
    }
    if (number > 0xff) return;
    const unsigned char *value = source_at(&scan->source, element->value, element->length);
    uint32_t length = value ? element->length : 0;
    while (length && (value[length - 1] == ' ' || !value[length - 1])) length--;
    if (length > 71) length = 0; /* longer than any creator that the dictionary knows */
    if (level->creators < MOST_CREATORS) {
        level->creator[level->creators].element = (uint16_t)number;
        level->creator[level->creators].length = (uint8_t)length;
        if (length) memcpy(level->creator[level->creators].name, value, length);
    }
    level->creators++;
}

static vr_t dictionary_vr(scan_t *scan, const level_t *level, uint32_t tag) {
    if (!(tag >> 16 & 1)) return public_vr(scan->dictionary, tag);
    uint32_t block = (tag & 0xffff) >> 8;
    for (int i = level->group == tag >> 16 ? level->creators : 0; i--;)
        if (level->creator[i].element == block)
            return private_vr(scan->dictionary, tag, level->creator[i].name,
                              level->creator[i].length);
    return private_vr(scan->dictionary, tag, "", 0);
}

/* The VR of an element from its own or the dictionaries, which may leave a choice. */
static vr_t effective_vr(scan_t *scan, const level_t *level, const element_t *element) {
    int is_private = element->tag >> 16 & 1;
    if (element->vr && element->vr != VR('U', 'N')) return element->vr;
    /* An explicit UN this long was a writer's way round a two-byte length, as pydicom takes it. */
    if (element->vr && !is_private && element->length >= 0xffff && element->length != UNDEFINED)
        return VR('U', 'N');
    return dictionary_vr(scan, level, element->tag);
}

/* PixelRepresentation that holds at `tag` of `level`: 0 or 1, or -1 while it may yet come. */
static int representation(const level_t *level, uint32_t tag) {
    if (level->representation >= 0) return level->representation;
    if (tag < PIXEL_REPRESENTATION) return -1;
    return level->outer ? representation(level->outer, level->outer->tag) : 0;
}

/* Take the choice that a dictionary leaves; 0 when that needs an element which comes later. */
static int chosen_vr(scan_t *scan, const level_t *level, const element_t *element, vr_t *vr) {
    int is_signed;
    switch (*vr) {
    case US_OR_SS:
        is_signed = representation(level, element->tag);
        if (is_signed < 0) return declined(scan, "pixel representation unknown yet");
        *vr = is_signed ? VR('S', 'S') : VR('U', 'S');
        break;
    case OB_OR_OW: *vr = VR('O', 'W'); break;
    case US_OR_OW: *vr = element->length <= 2 ? VR('U', 'S') : VR('O', 'W'); break;
    case NO_VR: return declined(scan, "no VR in the dictionary");
    }
    return 1;
}

/* ---- sequences and fragments --------------------------------------------------------------- */

static int item_head(scan_t *scan, uint64_t position, uint64_t end, uint32_t *tag,
                     uint32_t *length) {
    if (end - position < 8 || !count(scan)) return declined(scan, "truncated");
    const unsigned char *head = source_at(&scan->source, position, 8);
    if (!head) return declined(scan, "truncated");
    *tag = tag_at(head);
    *length = number32(head + 4);
    return 1;
}

int skip_fragments(scan_t *scan, uint64_t *position, uint64_t end) {
    for (;;) {
        uint32_t tag, length;
        if (!item_head(scan, *position, end, &tag, &length)) return 0;
        *position += 8;
        if (tag == SEQUENCE_END) return 1;
        if (tag != ITEM || length > end - *position) return declined(scan, "malformed fragments");
        *position += length;
    }
}

static int item(scan_t *scan, level_t *outer, int implicit, uint64_t *position, uint64_t end,
                uint32_t length) {
    level_t level = {.outer = outer,
                     .end = length == UNDEFINED ? end : *position + length,
                     .implicit = implicit,
                     .encoding = outer->encoding,
                     .depth = outer->depth + 1,
                     .representation = -1};
    size_t place = scan->tree.count;
    node_t *node = add_node(scan);
    if (!node) return 0;
    *node = (node_t){.tag = ITEM, .value = *position};
    if (!data_set(scan, &level, position, length == UNDEFINED, NULL)) return 0;
    scan->tree.nodes[place].next = (uint32_t)scan->tree.count;
    if (length != UNDEFINED) *position = level.end;
    return 1;
}

static int sequence(scan_t *scan, level_t *level, const element_t *element, uint64_t *position) {
    int defined = element->length != UNDEFINED;
    int implicit = element->vr == VR('U', 'N') || level->implicit; /* PS3.5 6.2.2 */
    uint64_t end = defined ? element->value + element->length : level->end;
    if (level->depth + 1 >= DEEPEST) return declined(scan, "deep");
    size_t place = scan->tree.count;
    node_t *node = add_node(scan);
    if (!node) return 0;
    *node = (node_t){.tag = element->tag, .vr = element->vr, .real = VR('S', 'Q'),
                     .value = element->value};
    *position = element->value;
    while (!defined || *position < end) {
        uint32_t tag, length;
        if (!item_head(scan, *position, end, &tag, &length)) return 0;
        *position += 8;
        if (tag == SEQUENCE_END) {
            if (defined) *position = end;
            break;
        }
        if (tag != ITEM || (length != UNDEFINED && length > end - *position))
            return declined(scan, "malformed sequence");
        if (!item(scan, level, implicit, position, end, length)) return 0;
    }
    scan->tree.nodes[place].next = (uint32_t)scan->tree.count;
    return 1;
}

/* ---- elements ------------------------------------------------------------------------------ */

static void first_value(const unsigned char *value, size_t length, char *text, size_t room) {
    const unsigned char *end = memchr(value, '\\', length);
    if (end) length = (size_t)(end - value);
    while (length && (value[length - 1] == ' ' || !value[length - 1])) length--;
    while (length && (*value == ' ' || !*value)) value++, length--;
    if (length >= room) length = room - 1; /* too long for a UID: it will match none */
    memcpy(text, value, length);
    text[length] = 0;
}

static int encoding_of(const unsigned char *value, size_t length) {
    char term[72];
    if (memchr(value, '\\', length)) return OTHER;
    first_value(value, length, term, sizeof term);
    if (!*term || !strcmp(term, "ISO_IR 6") || !strcmp(term, "ISO_IR 100")) return LATIN_1;
    return strcmp(term, "ISO_IR 192") ? OTHER : UTF_8;
}

/* Remember what the reading of the rest depends on. */
static void note(scan_t *scan, level_t *level, const element_t *element,
                 const unsigned char *value) {
    char text[72];
    switch (element->tag) {
    case CHARACTER_SET: level->encoding = encoding_of(value, element->length); break;
    case PIXEL_REPRESENTATION:
        level->representation = (element->length > 0 && value[0]) || (element->length > 1 && value[1]);
        break;
    case TRANSFER_SYNTAX_UID:
        if (scan->in_meta) first_value(value, element->length, scan->syntax, sizeof scan->syntax);
        break;
    case MEDIA_STORAGE_CLASS:
        if (scan->in_meta)
            first_value(value, element->length, scan->media_class, sizeof scan->media_class);
        break;
    case SOP_INSTANCE_UID:
        first_value(value, element->length, text, sizeof text);
        if (!level->depth && *text) scan->instance_seen = 1;
        break;
    }
}

static int plain_element(scan_t *scan, level_t *level, const element_t *element, vr_t vr,
                         uint64_t *position) {
    uint64_t length = element->length, end = element->value + length;
    if (element->length == UNDEFINED) {
        end = element->value;
        if (!skip_fragments(scan, &end, level->end)) return 0;
        length = end - 8 - element->value;
    }
    scan->held += length;
    if (scan->held > MOST_HELD) return declined(scan, "large values");
    if (!chosen_vr(scan, level, element, &vr)) return 0;
    if (vr == VR('O', 'B') && dictionary_vr(scan, level, element->tag) == VR('S', 'Q'))
        return declined(scan, "bytes where a sequence belongs");
    static const unsigned char nothing[1];
    const unsigned char *value = length ? source_at(&scan->source, element->value, (size_t)length)
                                        : nothing;
    if (!value) return declined(scan, "truncated");
    note(scan, level, element, value);
    /* Text in front of the element that names its character set: rare enough for pydicom. */
    int encoding = element->tag < CHARACTER_SET && !scan->in_meta ? OTHER : level->encoding;
    node_t *node = add_node(scan);
    if (!node) return 0;
    *node = (node_t){.tag = element->tag,
                     .next = (uint32_t)scan->tree.count,
                     .value = element->value,
                     .length = (uint32_t)length,
                     .vr = element->vr,
                     .real = vr,
                     .fragments = element->length == UNDEFINED,
                     .encoding = (uint8_t)encoding};
    *position = end;
    return 1;
}

static int one_element(scan_t *scan, level_t *level, const element_t *element,
                       uint64_t *position) {
    if (element->length != UNDEFINED && element->length > level->end - element->value)
        return declined(scan, "truncated");
    if (element->tag >> 16 & 1 && element->length != UNDEFINED) hold_creator(scan, level, element);
    if (level->group == element->tag >> 16 && level->creators > MOST_CREATORS)
        return declined(scan, "many private creators");
    vr_t vr = effective_vr(scan, level, element);
    if (vr == VR('U', 'N') && element->length >= 8) {
        /* Items inside an unknown value: a sequence in implicit VR little endian (PS3.5 6.2.2). */
        const unsigned char *start = source_at(&scan->source, element->value, 4);
        if (start && tag_at(start) == ITEM) vr = VR('S', 'Q');
        if (element->vr && element->length == UNDEFINED) vr = VR('S', 'Q');
    }
    if (vr == VR('S', 'Q')) return sequence(scan, level, element, position);
    return plain_element(scan, level, element, vr, position);
}

/* Writers declare the wrong VR encoding: the first element tells the real one. */
static int real_encoding(scan_t *scan, level_t *level, uint64_t position) {
    if (level->end - position < 8 || (level->depth && level->implicit)) return 1;
    const unsigned char *head = source_at(&scan->source, position, 6);
    if (!head) return declined(scan, "truncated");
    level->implicit = !(0x40 < head[4] && head[4] < 0x5b && 0x40 < head[5] && head[5] < 0x5b);
    return 1;
}

static int rest_is_padding(scan_t *scan, const level_t *level, uint64_t position) {
    size_t left = (size_t)(level->end - position);
    const unsigned char *rest = left ? source_at(&scan->source, position, left) : NULL;
    if (left && (!rest || level->depth)) return declined(scan, "truncated");
    for (size_t i = 0; i < left; i++)
        if (rest[i]) return declined(scan, "truncated");
    return 1;
}

static int stops(const scan_t *scan, uint32_t tag) {
    if (scan->in_meta) return tag >> 16 != 2;
    return tag == 0x7fe00008 || tag == 0x7fe00009 || tag == 0x7fe00010;
}

int data_set(scan_t *scan, level_t *level, uint64_t *position, int open_ended,
             element_t *stopped) {
    element_t element;
    uint32_t last = 0;
    int any = 0;
    if (!real_encoding(scan, level, *position)) return 0;
    while (level->end - *position >= 8) {
        if (!element_head(scan, *position, level, &element)) return 0;
        if (element.tag == ITEM_END && level->depth) {
            *position = element.value;
            return 1;
        }
        if (stopped && stops(scan, element.tag)) {
            *stopped = element;
            return 1;
        }
        if (element.tag >> 16 == 0xfffe || element.tag >> 16 == 4 || element.tag < 0x00010000)
            return declined(scan, "a delimiter, a directory record or a command");
        if (any && element.tag <= last) return declined(scan, "elements out of order");
        last = level->tag = element.tag;
        any = 1;
        if (!one_element(scan, level, &element, position)) return 0;
    }
    if (open_ended || !rest_is_padding(scan, level, *position))
        return declined(scan, "truncated");
    return 1;
}
