/* Python's door to the verifier's reader: what was clean before, and words to look for. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memo.h"
#include "needles.h"
#include "plain.h"
#include "walk.h"

enum { MOST_FACTS = 16, MOST_WATCHED = 1024, LONGEST_KEPT = 1 << 16 };
static const size_t MOST_KEPT = 32u << 20;

typedef struct {
    PyObject_HEAD
    PyObject *dictionary; /* bytes: public_t, by tag */
    memo_t memo;
    uint32_t watched[MOST_WATCHED], facts[MOST_FACTS];
    int watching, fact_count, digits;
    char kinds[32]; /* VRs whose values are watched under any tag, one behind the other */
} seen_t;

typedef struct { /* one file being read */
    walk_t walk;
    seen_t *seen;
    PyObject *values; /* a list of those that are not known to be clean */
    PyObject *facts[MOST_FACTS];
    out_t key;
} reading_t;

/* ---- one value ----------------------------------------------------------------------------- */

static int is_watched(const seen_t *seen, uint32_t tag, const char *vr) {
    for (const char *kind = seen->kinds; *kind; kind += 2)
        if (!memcmp(vr, kind, 2)) return 1;
    int low = 0, high = seen->watching;
    while (low < high) {
        int middle = (low + high) / 2;
        if (seen->watched[middle] < tag) low = middle + 1;
        else high = middle;
    }
    return low < seen->watching && seen->watched[low] == tag;
}

/* All that what a check finds in a value depends on, but for the file's own knowledge. */
static void key_of(reading_t *reading, uint32_t tag, const char *vr, span_t value) {
    const walk_t *walk = &reading->walk;
    out_t *key = &reading->key;
    unsigned char fixed[4] = {(unsigned char)walk->meta, (unsigned char)walk->depth,
                              (unsigned char)vr[0], (unsigned char)vr[1]};
    key->length = 0;
    out_bytes(key, fixed, sizeof fixed);
    out_bytes(key, &tag, sizeof tag);
    for (int i = 0; i < walk->depth; i++)
        out_bytes(key, &walk->steps[i].tag, sizeof walk->steps[i].tag);
    for (int i = 0; i <= walk->depth && !walk->meta; i++) {
        uint64_t length = walk->declared[i] ? walk->charsets[i].length + 1 : 0;
        out_bytes(key, &length, sizeof length);
        if (length) out_bytes(key, walk->charsets[i].at, walk->charsets[i].length);
    }
    out_bytes(key, value.at, value.length);
}

static PyObject *steps_of(const walk_t *walk) {
    PyObject *steps = PyTuple_New(2 * walk->depth);
    for (int i = 0; steps && i < walk->depth; i++) {
        PyObject *tag = PyLong_FromUnsignedLong(walk->steps[i].tag);
        PyObject *item = PyLong_FromUnsignedLong(walk->steps[i].item);
        if (!tag || !item) {
            Py_XDECREF(tag);
            Py_XDECREF(item);
            Py_CLEAR(steps);
            break;
        }
        PyTuple_SET_ITEM(steps, 2 * i, tag);
        PyTuple_SET_ITEM(steps, 2 * i + 1, item);
    }
    return steps;
}

static PyObject *charsets_of(const walk_t *walk) {
    PyObject *charsets = PyList_New(0);
    for (int i = 0; charsets && i <= walk->depth && !walk->meta; i++) {
        if (!walk->declared[i]) continue;
        PyObject *one = PyBytes_FromStringAndSize((const char *)walk->charsets[i].at,
                                                  (Py_ssize_t)walk->charsets[i].length);
        if (!one || PyList_Append(charsets, one)) Py_CLEAR(charsets);
        Py_XDECREF(one);
    }
    return charsets;
}

/* Tell Python of a value: (number, key, meta, steps, tag, VR, charsets, bytes). */
static int tell(reading_t *reading, uint32_t number, uint32_t tag, const char *vr, span_t value) {
    const walk_t *walk = &reading->walk;
    int keeps = !number && value.length <= LONGEST_KEPT;
    PyObject *told = Py_BuildValue(
        "IN iNIs#Ny#", number,
        keeps ? PyBytes_FromStringAndSize(reading->key.data, (Py_ssize_t)reading->key.length)
              : Py_NewRef(Py_None),
        walk->meta, steps_of(walk), tag, vr, (Py_ssize_t)2, charsets_of(walk),
        (const char *)value.at, (Py_ssize_t)value.length);
    int done = told && !PyList_Append(reading->values, told);
    Py_XDECREF(told);
    return done;
}

static int take_value(walk_t *walk, uint32_t tag, const char *vr, span_t value) {
    reading_t *reading = (reading_t *)walk; /* its first member */
    seen_t *seen = reading->seen;
    for (int i = 0; !walk->depth && i < seen->fact_count; i++) {
        if (seen->facts[i] != tag) continue;
        PyObject *fact =
            PyBytes_FromStringAndSize((const char *)value.at, (Py_ssize_t)value.length);
        if (!fact) return 0;
        Py_XSETREF(reading->facts[i], fact);
    }
    if (!value.length) return 1;
    if (!is_watched(seen, tag, vr)) {
        int numbers = !memcmp(vr, "DS", 2) || !memcmp(vr, "IS", 2);
        if (numbers ? are_short_numbers(value, seen->digits)
                    : !is_text(vr) && is_plain_binary(vr, value))
            return 1;
    }
    key_of(reading, tag, vr, value);
    if (reading->key.failed) return 0;
    const uint32_t *number = memo_find(&seen->memo, reading->key.data, reading->key.length);
    if (number && !*number) return 1;
    return tell(reading, number ? *number : 0, tag, vr, value);
}

/* ---- one file ------------------------------------------------------------------------------ */

static PyObject *result_of(const reading_t *reading) {
    const walk_t *walk = &reading->walk;
    PyObject *facts = PyTuple_New(reading->seen->fact_count);
    PyObject *pixels = PyTuple_New(walk->pixel_count);
    for (int i = 0; facts && i < reading->seen->fact_count; i++)
        PyTuple_SET_ITEM(facts, i, Py_NewRef(reading->facts[i] ? reading->facts[i] : Py_None));
    for (int i = 0; pixels && i < walk->pixel_count; i++) {
        PyObject *range = Py_BuildValue("nn", (Py_ssize_t)walk->pixels[i].start,
                                        (Py_ssize_t)walk->pixels[i].end);
        if (!range) Py_CLEAR(pixels);
        else PyTuple_SET_ITEM(pixels, i, range);
    }
    return Py_BuildValue("ONnN", reading->values, pixels, (Py_ssize_t)walk->tail, facts);
}

static PyObject *seen_read(seen_t *self, PyObject *source) {
    Py_buffer buffer;
    if (PyObject_GetBuffer(source, &buffer, PyBUF_SIMPLE)) return NULL;
    reading_t reading = {.seen = self, .values = PyList_New(0)};
    PyObject *result = NULL;
    if (reading.values) {
        walk_t *walk = &reading.walk;
        walk->data = buffer.buf;
        walk->size = (size_t)buffer.len;
        walk->dictionary = (const public_t *)PyBytes_AS_STRING(self->dictionary);
        walk->known = (size_t)PyBytes_GET_SIZE(self->dictionary) / sizeof(public_t);
        walk->value = take_value;
        if (walk_file(walk)) result = result_of(&reading);
        else if (!PyErr_Occurred()) result = Py_NewRef(Py_None);
    }
    for (int i = 0; i < MOST_FACTS; i++) Py_XDECREF(reading.facts[i]);
    Py_XDECREF(reading.values);
    out_free(&reading.key);
    PyBuffer_Release(&buffer);
    return result;
}

static PyObject *seen_remember(seen_t *self, PyObject *arguments) {
    const char *key;
    Py_ssize_t length;
    unsigned number;
    if (!PyArg_ParseTuple(arguments, "y#I", &key, &length, &number)) return NULL;
    if (self->memo.keys.length + (size_t)length > MOST_KEPT ||
        memo_find(&self->memo, key, (size_t)length))
        Py_RETURN_FALSE;
    if (!memo_add(&self->memo, key, (size_t)length, number)) return PyErr_NoMemory();
    Py_RETURN_TRUE;
}

/* Watch one more tag, and forget what was remembered while it was not. */
static PyObject *seen_watch(seen_t *self, PyObject *argument) {
    unsigned long tag = PyLong_AsUnsignedLong(argument);
    if (PyErr_Occurred()) return NULL;
    if (tag > 0xffffffff) Py_RETURN_FALSE;
    if (is_watched(self, (uint32_t)tag, "??")) Py_RETURN_TRUE;
    if (self->watching == MOST_WATCHED) Py_RETURN_FALSE;
    int at = self->watching++;
    for (; at && self->watched[at - 1] > tag; at--) self->watched[at] = self->watched[at - 1];
    self->watched[at] = (uint32_t)tag;
    memo_free(&self->memo);
    Py_RETURN_TRUE;
}

static PyObject *seen_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(named)) {
    PyObject *dictionary, *facts;
    const char *kinds;
    Py_ssize_t letters;
    int digits;
    if (!PyArg_ParseTuple(arguments, "SO!s#i", &dictionary, &PyTuple_Type, &facts, &kinds, &letters,
                          &digits))
        return NULL;
    if (PyTuple_GET_SIZE(facts) > MOST_FACTS || letters % 2 ||
        (size_t)letters >= sizeof((seen_t *)0)->kinds ||
        PyBytes_GET_SIZE(dictionary) % (Py_ssize_t)sizeof(public_t)) {
        PyErr_SetString(PyExc_ValueError, "too many facts or kinds, or no dictionary");
        return NULL;
    }
    seen_t *self = (seen_t *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    memcpy(self->kinds, kinds, (size_t)letters);
    self->dictionary = Py_NewRef(dictionary);
    self->digits = digits;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(facts); i++)
        self->facts[self->fact_count++] =
            (uint32_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(facts, i));
    if (PyErr_Occurred()) Py_CLEAR(self);
    return (PyObject *)self;
}

static void seen_free(seen_t *self) {
    memo_free(&self->memo);
    Py_XDECREF(self->dictionary);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef seen_methods[] = {
    {"read", (PyCFunction)seen_read, METH_O, "Read a file: (values, pixels, tail, facts) or None."},
    {"remember", (PyCFunction)seen_remember, METH_VARARGS, "Remember a value by its key; False: not done."},
    {"watch", (PyCFunction)seen_watch, METH_O, "Tell of every value of a tag; False: too many."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject seen_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "imagehaven.verify.read.native._reader.Seen",
    .tp_basicsize = sizeof(seen_t),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = seen_new,
    .tp_dealloc = (destructor)seen_free,
    .tp_methods = seen_methods,
};

/* ---- words --------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    needles_t needles;
} words_t;

static PyObject *words_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(named)) {
    PyObject *given;
    if (!PyArg_ParseTuple(arguments, "O!", &PyTuple_Type, &given)) return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(given);
    span_t *spans = PyMem_Calloc((size_t)count + 1, sizeof *spans);
    if (!spans) return PyErr_NoMemory();
    words_t *self = (words_t *)type->tp_alloc(type, 0);
    for (Py_ssize_t i = 0; self && i < count; i++) {
        char *at;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(given, i), &at, &length)) Py_CLEAR(self);
        else spans[i] = (span_t){(const unsigned char *)at, (size_t)length};
    }
    if (self && !needles_take(&self->needles, spans, (size_t)count)) {
        Py_CLEAR(self);
        PyErr_NoMemory();
    }
    PyMem_Free(spans);
    return (PyObject *)self;
}

static void words_free(words_t *self) {
    needles_free(&self->needles);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *words_may_be_in(words_t *self, PyObject *arguments) {
    Py_buffer buffer;
    Py_ssize_t start, end;
    if (!PyArg_ParseTuple(arguments, "y*nn", &buffer, &start, &end)) return NULL;
    int found = 0;
    if (end > buffer.len) end = buffer.len;
    if (start >= 0 && start < end)
        found = needles_in(&self->needles, (span_t){(const unsigned char *)buffer.buf + start,
                                                    (size_t)(end - start)});
    PyBuffer_Release(&buffer);
    if (found < 0) return PyErr_NoMemory();
    return PyBool_FromLong(found);
}

static PyMethodDef words_methods[] = {
    {"may_be_in", (PyCFunction)words_may_be_in, METH_VARARGS, "Whether bytes may hold a word."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject words_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "imagehaven.verify.read.native._reader.Words",
    .tp_basicsize = sizeof(words_t),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = words_new,
    .tp_dealloc = (destructor)words_free,
    .tp_methods = words_methods,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_reader", "The verifier's reader of well-formed files.", -1,
    NULL, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__reader(void) {
    PyObject *module = PyModule_Create(&definition);
    if (!module) return NULL;
    if (PyModule_AddType(module, &seen_type) || PyModule_AddType(module, &words_type))
        Py_CLEAR(module);
    return module;
}
