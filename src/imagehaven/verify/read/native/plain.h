/* Values that no check has anything to say of, whoever the patient is. */
#ifndef IMAGEHAVEN_PLAIN_H
#define IMAGEHAVEN_PLAIN_H

#include "walk.h"

/* Whether a binary value holds neither readable text nor a whole number of seven digits. */
int is_plain_binary(const char *vr, span_t value);

/* Whether each number of a DS or IS is one, and has fewer than `digits` letters and digits. */
int are_short_numbers(span_t value, int digits);

#endif
