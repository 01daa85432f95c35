/* Python's door to the rewriting of files: sessions that remember decisions, and one file at a time. */
#include "python.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "keys.h"
#include "pixels.h"
#include "rewrite.h"
#include "tree.h"

static const uint64_t IN_MEMORY = 16u << 20;  /* a larger file is read in parts */
static const uint64_t LARGEST_FRAME = 64u << 20;
static const char EXPLICIT_LITTLE[] = "1.2.840.10008.1.2.1", IMPLICIT_LITTLE[] = "1.2.840.10008.1.2";

typedef struct {
    PyObject_HEAD
    session_t session;
    PyObject *decider; /* has plan, private_plan and answer */
    PyObject *kept;    /* the bytes that the session points into */
    PyObject *patient, *meta_before, *meta_after;
    int failed; /* an exception that is no Exception has to go on */
    int busy;   /* a file is being written, and may be asking Python */
} session_object;

/* ---- asking Python ------------------------------------------------------------------------- */

/* What the decider returned, NULL where it raised: what it cannot decide, nobody here can. */
static PyObject *decided(session_object *self, PyObject *result) {
    if (result || !PyErr_ExceptionMatches(PyExc_Exception)) {
        self->failed |= !result;
        return result;
    }
    PyErr_Clear();
    return NULL;
}

static int take_plan(PyObject *tuple, plan_t *plan) {
    const char *vr, *other;
    int label;
    if (!PyArg_ParseTuple(tuple, "IIIiCbbbbbbss", &plan->number, &plan->place, &plan->most,
                          &plan->days, &label, &plan->kind, &plan->swift, &plan->masked,
                          &plan->needs_place, &plan->needs_value, &plan->by_code, &vr, &other))
        return 0;
    plan->label = (char)(label < 128 ? label : 0);
    plan->vr = *vr ? VR(vr[0], vr[1]) : 0;
    plan->other_vr = *other ? VR(other[0], other[1]) : 0;
    return 1;
}

static int plan_from(session_object *self, PyObject *tuple, plan_t *plan) {
    tuple = decided(self, tuple);
    int taken = tuple && take_plan(tuple, plan);
    if (tuple && !taken) self->failed = 1;
    Py_XDECREF(tuple);
    return taken;
}

static int ask_plan(void *context, uint32_t place, uint32_t tag, plan_t *plan) {
    session_object *self = context;
    return plan_from(self, PyObject_CallMethod(self->decider, "plan", "II", place, tag), plan);
}

static int ask_private(void *context, word_t creator, uint32_t tag, plan_t *plan) {
    session_object *self = context;
    return plan_from(self, PyObject_CallMethod(self->decider, "private_plan", "s#I", creator.text,
                                               (Py_ssize_t)creator.length, tag),
                     plan);
}

static int ask_answer(void *context, const plan_t *plan, const asked_t *asked, out_t *written,
                      answer_t *answer) {
    session_object *self = context;
    char vr[3] = {(char)(asked->vr >> 8), (char)asked->vr, 0};
    Py_buffer bytes;
    int label, unsure;
    PyObject *tuple = decided(
        self, PyObject_CallMethod(self->decider, "answer", "Isy#y#", plan->number, vr, asked->data,
                                  (Py_ssize_t)asked->length,
                                  asked->around_length ? asked->around : asked->data,
                                  (Py_ssize_t)asked->around_length));
    if (!tuple) return 0;
    int taken = PyArg_ParseTuple(tuple, "y*CIp", &bytes, &label, &answer->given, &unsure);
    if (taken) {
        answer->label = (char)(label < 128 ? label : 0);
        answer->unsure = (uint8_t)unsure;
        out_bytes(written, bytes.buf, (size_t)bytes.len);
        PyBuffer_Release(&bytes);
    } else {
        self->failed = 1;
    }
    Py_DECREF(tuple);
    return taken;
}

/* ---- sessions ------------------------------------------------------------------------------ */

static int take_fixed(session_object *self, PyObject *list) {
    Py_ssize_t count = PyTuple_GET_SIZE(list);
    fixed_t *fixed = calloc((size_t)count + 1, sizeof *fixed);
    self->session.fixed = fixed;
    if (!fixed) return 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t length;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(list, i), "Iy#", &fixed[i].tag, &fixed[i].bytes,
                              &length))
            return 0;
        fixed[i].length = (size_t)length;
        self->session.fixed_count++;
    }
    return 1;
}

static int take_known(session_object *self, PyObject *list) {
    Py_ssize_t count = PyTuple_GET_SIZE(list);
    self->session.known.words = calloc((size_t)count + 1, sizeof(word_t));
    if (!self->session.known.words) return 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *one = PyTuple_GET_ITEM(list, i);
        if (!PyBytes_Check(one)) {
            PyErr_SetString(PyExc_TypeError, "known numbers are bytes");
            return 0;
        }
        self->session.known.words[i] =
            (word_t){PyBytes_AS_STRING(one), (size_t)PyBytes_GET_SIZE(one)};
        self->session.known.count++;
    }
    return 1;
}

static PyObject *session_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"decider",    "fixed",   "known",       "key",        "keeps_private",
                            "patient",    "meta_before", "meta_after", NULL};
    PyObject *decider, *fixed, *known, *patient, *before, *after;
    const char *key;
    Py_ssize_t key_length;
    int keeps_private;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO!O!y#pSSS", names, &decider,
                                     &PyTuple_Type, &fixed, &PyTuple_Type, &known, &key,
                                     &key_length, &keeps_private, &patient, &before, &after))
        return NULL;
    session_object *self = (session_object *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    self->decider = Py_NewRef(decider);
    self->kept = PyTuple_Pack(2, fixed, known);
    self->patient = Py_NewRef(patient);
    self->meta_before = Py_NewRef(before);
    self->meta_after = Py_NewRef(after);
    self->session.keeps_private = keeps_private;
    self->session.decider = (decider_t){ask_plan, ask_private, ask_answer, self};
    mac_start(&self->session.mac, (const unsigned char *)key, (size_t)key_length);
    if (!self->kept || !take_fixed(self, fixed) || !take_known(self, known)) {
        if (!PyErr_Occurred()) PyErr_NoMemory();
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int session_traverse(PyObject *object, visitproc visit, void *arg) {
    session_object *self = (session_object *)object;
    Py_VISIT(self->decider);
    Py_VISIT(self->kept);
    return 0;
}

static int session_clear(PyObject *object) {
    Py_CLEAR(((session_object *)object)->decider);
    return 0;
}

static void session_dealloc(PyObject *object) {
    session_object *self = (session_object *)object;
    PyObject_GC_UnTrack(object);
    session_free(&self->session);
    free((void *)self->session.fixed);
    free(self->session.known.words);
    Py_XDECREF(self->decider);
    Py_XDECREF(self->kept);
    Py_XDECREF(self->patient);
    Py_XDECREF(self->meta_before);
    Py_XDECREF(self->meta_after);
    Py_TYPE(object)->tp_free(object);
}

PyTypeObject session_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "imagehaven.dicom.native._core.Session",
    .tp_doc = "Remembers what was decided on instances that share people, kind and days.",
    .tp_basicsize = sizeof(session_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = session_new,
    .tp_traverse = session_traverse,
    .tp_clear = session_clear,
    .tp_dealloc = session_dealloc,
};

/* ---- a buffer for one file after the other ------------------------------------------------- */

typedef struct {
    size_t room;
    unsigned char bytes[];
} buffer_t;

/* The buffer of the last file, where no other thread has it: fresh memory costs as much as a copy. */
static buffer_t *spare;

static buffer_t *take_buffer(size_t room) {
    buffer_t *buffer = __atomic_exchange_n(&spare, NULL, __ATOMIC_ACQ_REL);
    if (buffer && buffer->room >= room) return buffer;
    free(buffer);
    buffer = malloc(sizeof *buffer + room);
    if (buffer) buffer->room = room;
    return buffer;
}

static void give_buffer(buffer_t *buffer) {
    free(__atomic_exchange_n(&spare, buffer, __ATOMIC_ACQ_REL));
}

/* ---- one file ------------------------------------------------------------------------------ */

typedef struct {
    scan_t scan;
    telling_t telling;
    uint32_t *tags; /* that `telling` points into */
    buffer_t *buffer;
    unsigned char people[32];
    out_t pixels_key, head;
    rewrite_t rewrite;
    new_file_t file;
    Py_buffer view;
    int descriptor, keyed;
} job_t;

static int read_source(job_t *job, const char *path) {
    struct stat status;
    source_t *source = &job->scan.source;
    source->descriptor = job->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (job->descriptor < 0 || fstat(job->descriptor, &status) || !S_ISREG(status.st_mode))
        return declined(&job->scan, "unreadable");
    source->size = (uint64_t)status.st_size;
    if (source->size > IN_MEMORY) return 1;
    job->buffer = take_buffer((size_t)source->size + 1);
    if (!job->buffer) return declined(&job->scan, "no memory");
    for (uint64_t at = 0; at < source->size;) {
        ssize_t got = pread(job->descriptor, job->buffer->bytes + at, (size_t)(source->size - at), (off_t)at);
        if (got <= 0) return declined(&job->scan, "unreadable");
        at += (uint64_t)got;
    }
    source->all = job->buffer->bytes;
    return 1;
}

/* Read the header, and find the keys of its decisions. */
static int read_keys(job_t *job, const char *path) {
    scan_t *found = &job->scan;
    if (path && !read_source(job, path)) return 0;
    if (!scan(found) || !keys_of(found, &job->telling, job->people, &job->pixels_key)) return 0;
    job->keyed = 1;
    if (strcmp(found->syntax, EXPLICIT_LITTLE) && strcmp(found->syntax, IMPLICIT_LITTLE))
        return declined(found, "compressed pixels");
    return 1;
}

static int take_shape(PyObject *tuple, shape_t *shape) {
    unsigned long long pixels;
    if (!PyArg_ParseTuple(tuple, "pIKiiii", &shape->look, &shape->frames, &pixels, &shape->bits,
                          &shape->stored, &shape->high, &shape->is_signed))
        return 0;
    shape->pixels = (size_t)pixels;
    int sound = !shape->look || ((shape->bits == 8 || shape->bits == 16) && shape->stored > 0 &&
                                 shape->stored <= shape->high + 1 && shape->high < shape->bits);
    if (!sound) PyErr_SetString(PyExc_ValueError, "no such pixels");
    return sound;
}

/* Look at every frame; the source's length was compared with the shape by whoever made it. */
static int look(job_t *job, const shape_t *shape) {
    source_t *source = &job->scan.source;
    uint64_t size = (uint64_t)shape->pixels * (uint64_t)(shape->bits / 8);
    unsigned char *frame = NULL;
    int plain = 1;
    if (!shape->look) return 1;
    if (size > LARGEST_FRAME || size * shape->frames > job->scan.pixel_length)
        return declined(&job->scan, "frames that are not as they were said to be");
    if (!source->all && !(frame = malloc((size_t)size + 1)))
        return declined(&job->scan, "no memory");
    for (uint32_t i = 0; plain && i < shape->frames; i++) {
        uint64_t at = job->scan.pixel_offset + i * size;
        const unsigned char *pixels = frame;
        if (source->all)
            pixels = source_at(source, at, (size_t)size);
        else if (pread(source->descriptor, frame, (size_t)size, (off_t)at) != (ssize_t)size)
            pixels = NULL;
        plain = pixels && is_plain(shape, pixels);
    }
    free(frame);
    return plain || declined(&job->scan, "pixels that may be drawn on");
}

static void put_group_length(out_t *head, size_t at) {
    size_t length = head->length - at - 12;
    for (int i = 0; !head->failed && i < 4; i++)
        head->data[at + 8 + (size_t)i] = (char)(length >> 8 * i);
}

/* Preamble, prefix and file meta (PS3.10 section 7.1). */
static void put_file_head(out_t *head, PyObject *before, PyObject *after, const char *instance,
                          size_t length) {
    static const char empty[128];
    out_bytes(head, empty, sizeof empty);
    out_literal(head, "DICM");
    size_t start = head->length;
    put_head(head, 0x00020000, VR('U', 'L'), 4);
    out_bytes(head, empty, 4);
    out_bytes(head, PyBytes_AS_STRING(before), (size_t)PyBytes_GET_SIZE(before));
    put_head(head, 0x00020003, VR('U', 'I'), (uint32_t)length);
    out_bytes(head, instance, length);
    out_bytes(head, PyBytes_AS_STRING(after), (size_t)PyBytes_GET_SIZE(after));
    put_group_length(head, start);
}

static void put_pixel_head(job_t *job) {
    vr_t vr = job->scan.pixel_vr ? job->scan.pixel_vr : VR('O', 'W');
    uint32_t length = job->scan.pixel_length;
    if (job->scan.pixel_tag == 0x7fe00008) vr = VR('O', 'F');
    if (job->scan.pixel_tag == 0x7fe00009) vr = VR('O', 'D');
    if (!is_long(vr) && length + length % 2 > LONGEST_SHORT) vr = VR('U', 'N');
    put_head(&job->rewrite.out, job->scan.pixel_tag, vr, length + length % 2);
    job->file.start = job->scan.pixel_offset;
    job->file.length = length;
}

/* A value that names the new file, without the padding of its VR. */
static word_t noted(const rewrite_t *rewrite, int which) {
    size_t length = rewrite->noted_length[which];
    return trimmed((const unsigned char *)rewrite->out.data + rewrite->noted[which], length);
}

static int is_name(word_t word) {
    for (size_t i = 0; i < word.length; i++)
        if (word.text[i] != '.' && (word.text[i] < '0' || word.text[i] > '9')) return 0;
    return word.length > 0 && word.length <= 64;
}

static int write_file(job_t *job, session_object *session, const char *folder) {
    word_t study = noted(&job->rewrite, STUDY), series = noted(&job->rewrite, SERIES);
    word_t instance = noted(&job->rewrite, INSTANCE);
    char path[4096], name[80];
    if (!is_name(study) || !is_name(series) || !is_name(instance))
        return declined(&job->scan, "odd UIDs");
    int length = snprintf(path, sizeof path, "%s/%s/%.*s/%.*s", folder,
                          PyBytes_AS_STRING(session->patient), (int)study.length, study.text,
                          (int)series.length, series.text);
    if (length < 0 || length >= (int)sizeof path) return declined(&job->scan, "a long path");
    snprintf(name, sizeof name, "%.*s.dcm", (int)instance.length, instance.text);
    put_file_head(&job->head, session->meta_before, session->meta_after,
                  job->rewrite.out.data + job->rewrite.noted[INSTANCE],
                  job->rewrite.noted_length[INSTANCE]);
    if (job->scan.has_pixels) put_pixel_head(job);
    if (job->head.failed || job->rewrite.out.failed) return declined(&job->scan, "no memory");
    job->file.folder = path;
    job->file.name = name;
    job->file.head = &job->head;
    job->file.data_set = &job->rewrite.out;
    job->file.source = &job->scan.source;
    int result;
    Py_BEGIN_ALLOW_THREADS
    result = write_new(&job->file);
    Py_END_ALLOW_THREADS
    if (result == NOT_READ) return declined(&job->scan, "unreadable");
    if (result == WRITTEN) return 1;
    PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
    return 0;
}

/* ---- what goes out ------------------------------------------------------------------------- */

static PyObject *text_of(word_t word) {
    return PyUnicode_DecodeLatin1(word.text, (Py_ssize_t)word.length, NULL);
}

static PyObject *counts_of(const rewrite_t *rewrite) {
    PyObject *counts = PyDict_New();
    for (int i = 1; counts && i < 128; i++) {
        char label[2] = {(char)i, 0};
        if (!rewrite->counts[i]) continue;
        PyObject *count = PyLong_FromUnsignedLong(rewrite->counts[i]);
        if (!count || PyDict_SetItemString(counts, label, count)) Py_CLEAR(counts);
        Py_XDECREF(count);
    }
    return counts;
}

/* The pseudonyms of this file: (tag, original, pseudonym), or a session's number. */
static PyObject *given_of(job_t *job) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < job->rewrite.given_count; i++) {
        const given_t *given = &job->rewrite.given[i];
        PyObject *one;
        if (given->tag) {
            const unsigned char *value = source_at(&job->scan.source, given->value, given->length);
            word_t original = trimmed(value ? value : (const unsigned char *)"",
                                      value ? given->length : 0);
            one = Py_BuildValue("Is#s#", given->tag, original.text, (Py_ssize_t)original.length,
                                job->rewrite.out.data + given->start, (Py_ssize_t)given->width);
        } else {
            one = PyLong_FromUnsignedLong(given->given);
        }
        if (!one || PyList_Append(list, one)) Py_CLEAR(list);
        Py_XDECREF(one);
    }
    return list;
}

static PyObject *written(job_t *job) {
    word_t modality = {"", 0};
    if (job->rewrite.noted_length[MODALITY]) modality = noted(&job->rewrite, MODALITY);
    const char *second = memchr(modality.text, '\\', modality.length);
    if (second)
        modality = trimmed((const unsigned char *)modality.text, (size_t)(second - modality.text));
    return Py_BuildValue("NNNNKs#NNy#", text_of(noted(&job->rewrite, STUDY)),
                         text_of(noted(&job->rewrite, SERIES)),
                         text_of(noted(&job->rewrite, INSTANCE)), text_of(modality),
                         (unsigned long long)job->file.size, job->file.sha256, (Py_ssize_t)64,
                         counts_of(&job->rewrite), given_of(job), job->people,
                         (Py_ssize_t)sizeof job->people);
}

/* (why, key of the session or None, key of the pixels or None) */
static PyObject *left_alone(job_t *job) {
    if (!job->keyed) return Py_BuildValue("sOO", job->scan.why, Py_None, Py_None);
    return Py_BuildValue("sy#y#", job->scan.why, job->people, (Py_ssize_t)sizeof job->people,
                         job->pixels_key.data, (Py_ssize_t)job->pixels_key.length);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int take_tags(PyObject *telling, job_t *job) {
    tags_t *lists[] = {&job->telling.anywhere, &job->telling.top, &job->telling.pixels,
                       &job->telling.own};
    if (!PyTuple_Check(telling) || PyTuple_GET_SIZE(telling) != 4) {
        PyErr_SetString(PyExc_TypeError, "telling is a tuple of four tables of tags");
        return 0;
    }
    for (int i = 0; i < 4; i++) { /* bytes of sorted numbers, in the order of this machine */
        char *bytes;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(telling, i), &bytes, &length)) return 0;
        *lists[i] = (tags_t){(const uint32_t *)(const void *)bytes, (size_t)length / 4};
    }
    return 1;
}

/* The session and the shape for a file; NULL when there is none, with `why` or an exception. */
static session_object *known(job_t *job, PyObject *sessions, PyObject *shapes, shape_t *shape) {
    session_object *found = NULL;
    PyObject *key = PyBytes_FromStringAndSize(job->pixels_key.data,
                                              (Py_ssize_t)job->pixels_key.length);
    PyObject *people = PyBytes_FromStringAndSize((const char *)job->people, sizeof job->people);
    PyObject *of_pixels = key && people ? PyDict_GetItemWithError(shapes, key) : NULL;
    PyObject *session = of_pixels ? PyDict_GetItemWithError(sessions, people) : NULL;
    if (of_pixels == Py_None)
        declined(&job->scan, "pixels or a document to look at");
    else if (session && PyObject_TypeCheck(session, &session_type)) {
        if (take_shape(of_pixels, shape)) found = (session_object *)Py_NewRef(session);
    } else if (!PyErr_Occurred())
        declined(&job->scan, "new");
    Py_XDECREF(key);
    Py_XDECREF(people);
    return found;
}

static int run(job_t *job, const char *path, const char *folder, PyObject *sessions,
               PyObject *shapes) {
    shape_t shape;
    int done;
    Py_BEGIN_ALLOW_THREADS
    done = read_keys(job, path);
    Py_END_ALLOW_THREADS
    session_object *session = done ? known(job, sessions, shapes, &shape) : NULL;
    if (!session) return 0;
    Py_BEGIN_ALLOW_THREADS
    done = look(job, &shape);
    Py_END_ALLOW_THREADS
    if (done && session->busy) done = declined(&job->scan, "another thread has the session");
    if (done) {
        job->rewrite.scan = &job->scan;
        job->rewrite.session = &session->session;
        session->busy = 1;
        done = rewrite(&job->rewrite);
        session->busy = 0;
        if (session->failed) done = 0; /* and an exception stands */
        session->failed = 0;
    }
    done = done && write_file(job, session, folder);
    Py_DECREF(session);
    return done;
}

PyObject *rewrite_file(PyObject *module, PyObject *arguments) {
    state_t *state = PyModule_GetState(module);
    PyObject *given, *telling, *sessions, *shapes, *result = NULL;
    const char *folder;
    job_t *job = PyMem_Calloc(1, sizeof *job);
    if (!job) return PyErr_NoMemory();
    job->descriptor = -1;
    job->scan.dictionary = &state->dictionary;
    if (PyArg_ParseTuple(arguments, "OyO!O!O!", &given, &folder, &PyTuple_Type, &telling,
                         &PyDict_Type, &sessions, &PyDict_Type, &shapes) &&
        take_tags(telling, job) && !PyObject_GetBuffer(given, &job->view, PyBUF_SIMPLE)) {
        const char *path = PyBytes_Check(given) ? job->view.buf : NULL;
        if (!path) {
            job->scan.source.all = job->view.len ? job->view.buf : (const void *)"";
            job->scan.source.size = (uint64_t)job->view.len;
            job->scan.source.descriptor = -1;
        }
        int done = run(job, path, folder, sessions, shapes);
        if (!PyErr_Occurred()) result = done ? written(job) : left_alone(job);
    }
    if (job->view.obj) PyBuffer_Release(&job->view);
    if (job->descriptor >= 0) close(job->descriptor);
    source_free(&job->scan.source);
    tree_free(&job->scan.tree);
    out_free(&job->pixels_key);
    out_free(&job->head);
    out_free(&job->rewrite.out);
    if (job->buffer) give_buffer(job->buffer);
    PyMem_Free(job);
    return result;
}
