/* What was decided on the elements of one group of instances, remembered.
 *
 * Whoever decides is asked once for each place and tag (a plan), and once for each value of a plan
 * (an answer). Instances that share a session share everything that a decision depends on: the
 * people that they name, what they are, the machine, the days. */
#ifndef IMAGEHAVEN_DECIDE_H
#define IMAGEHAVEN_DECIDE_H

#include "memo.h"
#include "scan.h"
#include "swift.h"

enum { REMOVE, ITEMS, NO_ITEMS, ONE_VALUE };                        /* plan_t.kind */
enum { ASK, MAP_UID, NUMBERS, WORDS, MOVE_DATE, MOVE_MOMENT, TIME }; /* plan_t.swift */

typedef struct { /* what is done with the elements of one tag in one place */
    uint32_t number; /* by which the decider knows it */
    uint32_t tag;    /* to write: a private element may get another one */
    uint32_t place;  /* that the items of a sequence stand in */
    uint32_t most;   /* values that binary numbers may be, 0 for any count */
    int32_t days;    /* to move dates by */
    char label;      /* the action that is counted */
    uint8_t kind, swift;
    uint8_t masked;      /* a sequence of which one item remains, with dummies */
    uint8_t needs_place; /* a sequence that may be empty, but has to be there */
    uint8_t needs_value; /* and one whose items have to be there */
    uint8_t by_code;     /* a value that the code beside it decides on */
    uint8_t is_private;
    vr_t vr, other_vr; /* that a swift value must have */
} plan_t;

typedef struct { /* what one value becomes: an element as it is written, or nothing */
    size_t start;    /* in `session_t.written` */
    uint32_t length; /* 0 when it is removed */
    uint32_t given;  /* the decider's number for the pseudonyms that were given, 0 for none */
    char label;      /* 0 where nothing is counted */
    uint8_t unsure;  /* a text with so many digits that another instance's UID may stand in it */
} answer_t;

typedef struct { /* an element that stands in every file, whatever the source has */
    uint32_t tag;
    const char *bytes;
    size_t length;
} fixed_t;

typedef struct { /* one value, and the parts of a code that it is judged by */
    const unsigned char *data;
    size_t length;
    vr_t vr;
    const unsigned char *around;
    size_t around_length;
} asked_t;

typedef struct {
    /* Each returns 0 where the file has to be left to the decider as a whole. */
    int (*plan)(void *context, uint32_t place, uint32_t tag, plan_t *plan);
    int (*private_plan)(void *context, word_t creator, uint32_t tag, plan_t *plan);
    int (*answer)(void *context, const plan_t *plan, const asked_t *asked, out_t *written,
                  answer_t *answer);
    void *context;
} decider_t;

typedef struct {
    decider_t decider;
    const fixed_t *fixed; /* in the order of their tags */
    size_t fixed_count;
    words_t known;
    mac_t mac;
    int keeps_private;
    /* remembered */
    plan_t *plans;
    size_t plan_count, plan_room;
    memo_t plan_numbers, answer_numbers;
    answer_t *answers;
    size_t answer_count, answer_room;
    out_t written, key;
} session_t;

/* NULL or 0 when the file has to be left to the decider. A plan is good until the next is asked. */
const plan_t *plan_of(session_t *session, uint32_t place, uint32_t tag);
const plan_t *private_plan_of(session_t *session, word_t creator, uint32_t tag);
int answer_of(session_t *session, const plan_t *plan, const asked_t *asked, answer_t *answer);
void session_free(session_t *session);

#endif
