#include "json.h"

#include "tree.h"
#include "values.h"

static column_t *column_of(const json_t *json, uint32_t tag) {
    size_t low = 0, high = json->promoted_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (json->promoted[middle].tag == tag) return &json->columns[json->promoted[middle].column];
        if (json->promoted[middle].tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int plain(scan_t *scan, const node_t *node, out_t *out, column_t *column) {
    static const unsigned char nothing[1];
    const unsigned char *data =
        node->length ? source_at(&scan->source, node->value, node->length) : nothing;
    value_t value = {node->tag, node->real, data, node->length, node->encoding};
    int has_plain;
    if (!data) return declined(scan, "truncated");
    if (!put_value(out, &value, column ? &column->values : NULL, &has_plain))
        return declined(scan, "a value breaks its VR or its character set");
    if (column) column->present = has_plain;
    return 1;
}

/* The elements between two nodes as one object; `json` only at the top, where columns come from. */
static int object(scan_t *scan, uint32_t first, uint32_t end, out_t *out, const json_t *json);

static int sequence(scan_t *scan, uint32_t place, out_t *out) {
    const node_t *nodes = scan->tree.nodes;
    uint32_t end = nodes[place].next;
    out_literal(out, "{\"vr\":\"SQ\"");
    for (uint32_t item = place + 1; item < end; item = nodes[item].next) {
        if (item > place + 1)
            out_literal(out, ",");
        else
            out_literal(out, ",\"Value\":[");
        if (!object(scan, item + 1, nodes[item].next, out, NULL)) return 0;
    }
    if (place + 1 < end) out_literal(out, "]");
    out_literal(out, "}");
    return 1;
}

static int object(scan_t *scan, uint32_t first, uint32_t end, out_t *out, const json_t *json) {
    const node_t *nodes = scan->tree.nodes;
    out_literal(out, "{");
    for (uint32_t at = first; at < end; at = nodes[at].next) {
        const node_t *node = &nodes[at];
        if (at > first) out_literal(out, ",");
        out_literal(out, "\"");
        out_hex(out, node->tag);
        out_literal(out, "\":");
        if (node->real == VR('S', 'Q') ? !sequence(scan, at, out)
                                       : !plain(scan, node, out, json ? column_of(json, node->tag)
                                                                      : NULL))
            return 0;
    }
    out_literal(out, "}");
    return 1;
}

int put_json(scan_t *scan, const json_t *json) {
    uint32_t main = (uint32_t)scan->main, end = (uint32_t)scan->tree.count;
    if (!object(scan, 0, main, json->meta, NULL) || !object(scan, main, end, json->elements, json))
        return 0;
    if (json->meta->failed || json->elements->failed) return declined(scan, "no memory");
    return 1;
}
