/* Python's door to the scanner: sources and tags in, the buffers of Arrow columns out. */
#include "python.h"

#include "batch.h"

static int table(PyObject *tables, Py_ssize_t place, size_t width, const void **start,
                 size_t *count) {
    PyObject *bytes = PyTuple_GetItem(tables, place);
    if (!bytes) return 0;
    if (!PyBytes_Check(bytes) || (size_t)PyBytes_GET_SIZE(bytes) % width) {
        PyErr_SetString(PyExc_ValueError, "a dictionary table is no whole number of entries");
        return 0;
    }
    *start = PyBytes_AS_STRING(bytes);
    *count = (size_t)PyBytes_GET_SIZE(bytes) / width;
    return 1;
}

static PyObject *set_dictionary(PyObject *module, PyObject *tables) {
    state_t *state = PyModule_GetState(module);
    dictionary_t made = {0};
    if (!PyTuple_Check(tables) || state->tables) { /* a scan may be reading the one that is set */
        PyErr_SetString(PyExc_TypeError, "the dictionary is a tuple of four tables, given once");
        return NULL;
    }
    if (!table(tables, 0, sizeof(entry_t), (const void **)&made.public_tags, &made.public_count) ||
        !table(tables, 1, sizeof(entry_t), (const void **)&made.repeaters, &made.repeater_count) ||
        !table(tables, 2, sizeof(creator_t), (const void **)&made.creators, &made.creator_count) ||
        !table(tables, 3, sizeof(entry_t), (const void **)&made.private_tags, &made.private_count))
        return NULL;
    for (size_t i = 0; i < made.creator_count; i++) {
        size_t first = made.creators[i].first, count = made.creators[i].count;
        if (first > made.private_count || count > made.private_count - first) {
            PyErr_SetString(PyExc_ValueError, "a private creator has entries beyond the table");
            return NULL;
        }
    }
    state->tables = Py_NewRef(tables);
    state->dictionary = made;
    Py_RETURN_NONE;
}

/* ---- what comes in ------------------------------------------------------------------------- */

typedef struct {
    file_t *files;
    Py_buffer *views;
    Py_ssize_t count, viewed;
} sources_t;

static void release(sources_t *sources) {
    for (Py_ssize_t i = 0; i < sources->viewed; i++) PyBuffer_Release(&sources->views[i]);
    PyMem_Free(sources->views);
    PyMem_Free(sources->files);
}

/* Paths are `bytes`, files in memory any other buffer: a memoryview of bytes, say. */
static int take_sources(PyObject *list, sources_t *sources) {
    sources->count = PyList_GET_SIZE(list);
    sources->files = PyMem_Calloc((size_t)sources->count + 1, sizeof *sources->files);
    sources->views = PyMem_Calloc((size_t)sources->count + 1, sizeof *sources->views);
    if (!sources->files || !sources->views) {
        PyErr_NoMemory();
        return 0;
    }
    for (Py_ssize_t i = 0; i < sources->count; i++) {
        PyObject *one = PyList_GET_ITEM(list, i);
        Py_buffer *view = &sources->views[i];
        if (PyObject_GetBuffer(one, view, PyBUF_SIMPLE)) return 0;
        sources->viewed++;
        if (PyBytes_Check(one)) {
            if (strlen(view->buf) != (size_t)view->len) {
                PyErr_SetString(PyExc_ValueError, "a path holds a NUL");
                return 0;
            }
            sources->files[i].path = view->buf;
        } else {
            sources->files[i].data = view->len ? view->buf : (const void *)"";
            sources->files[i].size = (size_t)view->len;
        }
    }
    return 1;
}

static int by_tag(const void *one, const void *other) {
    uint32_t a = ((const promoted_t *)one)->tag, b = ((const promoted_t *)other)->tag;
    return (a > b) - (a < b);
}

static promoted_t *take_tags(PyObject *tags) {
    Py_ssize_t count = PyTuple_GET_SIZE(tags);
    promoted_t *promoted = PyMem_Calloc((size_t)count + 1, sizeof *promoted);
    if (!promoted) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        promoted[i].tag = (uint32_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(tags, i));
        promoted[i].column = (uint32_t)i;
    }
    qsort(promoted, (size_t)count, sizeof *promoted, by_tag);
    for (Py_ssize_t i = 1; i < count && !PyErr_Occurred(); i++)
        if (promoted[i].tag == promoted[i - 1].tag)
            PyErr_SetString(PyExc_ValueError, "a tag is asked for twice");
    if (PyErr_Occurred()) {
        PyMem_Free(promoted);
        return NULL;
    }
    return promoted;
}

/* ---- what goes out ------------------------------------------------------------------------- */

static int put(PyObject *list, PyObject *value) {
    int failed = !value || PyList_Append(list, value);
    Py_XDECREF(value);
    return !failed;
}

static PyObject *bytes_of(const void *data, size_t length) {
    return PyBytes_FromStringAndSize(length ? data : "", (Py_ssize_t)length);
}

static PyObject *reasons(const batch_t *batch) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < batch->count; i++)
        if (!put(list, batch->why[i] ? PyUnicode_FromString(batch->why[i]) : Py_NewRef(Py_None)))
            Py_CLEAR(list);
    return list;
}

static PyObject *columns_of(const batch_t *batch) {
    PyObject *list = PyList_New(0);
    size_t bits = batch->count / 8 + 1, offsets = (batch->count + 1) * sizeof(int64_t);
    for (size_t i = 0; list && i < batch->column_count; i++) {
        const text_column_t *column = &batch->columns[i];
        PyObject *present = bytes_of(column->present, bits);
        PyObject *places = bytes_of(column->offsets, offsets);
        PyObject *values = bytes_of(column->values.data, column->values.length);
        int whole = present && places && values;
        if (!put(list, whole ? PyTuple_Pack(3, present, places, values) : NULL)) Py_CLEAR(list);
        Py_XDECREF(present);
        Py_XDECREF(places);
        Py_XDECREF(values);
    }
    return list;
}

static PyObject *numbers_of(const batch_t *batch) {
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < NUMBERS; i++)
        if (!put(list, bytes_of(batch->numbers[i], batch->count * sizeof(int64_t)))) Py_CLEAR(list);
    return list;
}

static PyObject *result_of(const batch_t *batch) {
    PyObject *why = reasons(batch), *columns = columns_of(batch), *numbers = numbers_of(batch);
    PyObject *result = why && columns && numbers ? PyTuple_Pack(3, why, columns, numbers) : NULL;
    Py_XDECREF(why);
    Py_XDECREF(columns);
    Py_XDECREF(numbers);
    return result;
}

static PyObject *scan_files(PyObject *module, PyObject *arguments) {
    state_t *state = PyModule_GetState(module);
    PyObject *list, *tags, *result = NULL;
    sources_t sources = {0};
    batch_t batch = {.dictionary = &state->dictionary};
    int done = 0;
    if (!PyArg_ParseTuple(arguments, "O!O!p", &PyList_Type, &list, &PyTuple_Type, &tags,
                          &batch.hashing))
        return NULL;
    if (!state->tables) {
        PyErr_SetString(PyExc_RuntimeError, "set_dictionary comes first");
        return NULL;
    }
    promoted_t *promoted = take_tags(tags);
    if (promoted && take_sources(list, &sources)) {
        batch.files = sources.files;
        batch.count = (size_t)sources.count;
        batch.promoted = promoted;
        batch.promoted_count = (size_t)PyTuple_GET_SIZE(tags);
        Py_BEGIN_ALLOW_THREADS
        done = batch_make(&batch) && batch_run(&batch);
        Py_END_ALLOW_THREADS
        if (done)
            result = result_of(&batch);
        else
            PyErr_NoMemory();
        Py_BEGIN_ALLOW_THREADS
        batch_free(&batch);
        Py_END_ALLOW_THREADS
    }
    release(&sources);
    PyMem_Free(promoted);
    return result;
}

/* ---- the module ---------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"set_dictionary", set_dictionary, METH_O,
     "Take the dictionaries: public tags, repeating groups, private creators, private tags."},
    {"scan_files", scan_files, METH_VARARGS,
     "Scan a list of paths (bytes) and buffers; say why not, text columns, number columns."},
    {"rewrite_file", rewrite_file, METH_VARARGS,
     "Write one file anew: a path (bytes) or buffer, the folder, what tells, sessions, shapes."},
    {NULL, NULL, 0, NULL},
};

static int traverse(PyObject *module, visitproc visit, void *arg) {
    state_t *state = PyModule_GetState(module);
    Py_VISIT(state->tables);
    return 0;
}

static int clear(PyObject *module) {
    state_t *state = PyModule_GetState(module);
    Py_CLEAR(state->tables);
    return 0;
}

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "imagehaven.dicom.native._core",
    .m_doc = "The compiled scanner of DICOM headers, and the writer of de-identified files.",
    .m_size = sizeof(state_t),
    .m_methods = methods,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__core(void) {
    PyObject *module = PyModule_Create(&definition);
    if (!module) return NULL;
    memset(PyModule_GetState(module), 0, sizeof(state_t));
    if (PyModule_AddType(module, &session_type)) Py_CLEAR(module);
    return module;
}
