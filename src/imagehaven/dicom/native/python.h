/* What the two doors of the core share: the dictionary, and sources that Python gives. */
#ifndef IMAGEHAVEN_PYTHON_H
#define IMAGEHAVEN_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dictionary.h"

typedef struct {
    dictionary_t dictionary;
    PyObject *tables; /* keeps the bytes that `dictionary` points into */
} state_t;

/* The session type, and the function that rewrites one file (see rewriter.c). */
extern PyTypeObject session_type;
PyObject *rewrite_file(PyObject *module, PyObject *arguments);

#endif
