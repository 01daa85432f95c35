/* One value as an element of the DICOM JSON Model, in the shape that `to_elements` writes. */
#ifndef IMAGEHAVEN_VALUES_H
#define IMAGEHAVEN_VALUES_H

#include "dictionary.h"
#include "out.h"

typedef struct {
    uint32_t tag;
    vr_t vr;
    const unsigned char *data;
    size_t length;
    int encoding; /* LATIN_1, UTF_8 or OTHER, for VRs that follow SpecificCharacterSet */
} value_t;

/* Append `{"vr":…}`; `plain`, where it is not NULL, gets the values as text between backslashes.
 * `has_plain` says whether there was any. 0 when the value has to be left to pydicom. */
int put_value(out_t *out, const value_t *value, out_t *plain, int *has_plain);

#endif
