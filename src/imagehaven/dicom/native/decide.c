#include "decide.h"

#include <stdlib.h>

static const size_t MOST_REMEMBERED = 2u << 20; /* bytes of values; then it is all forgotten */
enum { LONGEST_REMEMBERED = 4096 };

static const plan_t *add_plan(session_t *session, const plan_t *plan, const void *key,
                              size_t length) {
    if (session->plan_count == session->plan_room) {
        size_t room = session->plan_room ? 2 * session->plan_room : 256;
        plan_t *larger = realloc(session->plans, room * sizeof *larger);
        if (!larger) return NULL;
        session->plans = larger;
        session->plan_room = room;
    }
    if (!memo_add(&session->plan_numbers, key, length, (uint32_t)session->plan_count)) return NULL;
    session->plans[session->plan_count] = *plan;
    return &session->plans[session->plan_count++];
}

const plan_t *plan_of(session_t *session, uint32_t place, uint32_t tag) {
    uint32_t key[2] = {place, tag};
    const uint32_t *number = memo_find(&session->plan_numbers, key, sizeof key);
    if (number) return &session->plans[*number];
    plan_t plan = {.tag = tag};
    if (!session->decider.plan(session->decider.context, place, tag, &plan)) return NULL;
    return add_plan(session, &plan, key, sizeof key);
}

const plan_t *private_plan_of(session_t *session, word_t creator, uint32_t tag) {
    out_t *key = &session->key;
    uint32_t number_of_block = tag & 0xffff00ff; /* in whichever block it stands */
    key->length = 0;
    out_literal(key, "private");
    out_bytes(key, &number_of_block, sizeof number_of_block);
    out_bytes(key, creator.text, creator.length);
    if (key->failed) return NULL;
    const uint32_t *number = memo_find(&session->plan_numbers, key->data, key->length);
    if (number) return &session->plans[*number];
    plan_t plan = {.tag = number_of_block, .is_private = 1};
    if (!session->decider.private_plan(session->decider.context, creator, number_of_block, &plan))
        return NULL;
    return add_plan(session, &plan, key->data, key->length);
}

static void forget_answers(session_t *session) {
    memo_free(&session->answer_numbers);
    session->answer_count = 0;
    session->written.length = 0;
}

static int remember(session_t *session, const answer_t *answer) {
    if (session->answer_count == session->answer_room) {
        size_t room = session->answer_room ? 2 * session->answer_room : 1024;
        answer_t *larger = realloc(session->answers, room * sizeof *larger);
        if (!larger) return 0;
        session->answers = larger;
        session->answer_room = room;
    }
    if (!memo_add(&session->answer_numbers, session->key.data, session->key.length,
                  (uint32_t)session->answer_count))
        return 0;
    session->answers[session->answer_count++] = *answer;
    return 1;
}

int answer_of(session_t *session, const plan_t *plan, const asked_t *asked, answer_t *answer) {
    out_t *key = &session->key;
    uint32_t around = (uint32_t)asked->around_length;
    key->length = 0;
    out_bytes(key, &plan->number, sizeof plan->number);
    out_bytes(key, &asked->vr, sizeof asked->vr);
    out_bytes(key, &around, sizeof around);
    out_bytes(key, asked->around, asked->around_length);
    out_bytes(key, asked->data, asked->length);
    if (key->failed) return 0;
    const uint32_t *number = memo_find(&session->answer_numbers, key->data, key->length);
    if (number) {
        *answer = session->answers[*number];
        return 1;
    }
    if (session->written.length + session->answer_numbers.keys.length > MOST_REMEMBERED)
        forget_answers(session);
    *answer = (answer_t){.start = session->written.length};
    decider_t *decider = &session->decider;
    if (!decider->answer(decider->context, plan, asked, &session->written, answer)) return 0;
    answer->length = (uint32_t)(session->written.length - answer->start);
    if (session->written.failed) return 0;
    return asked->length > LONGEST_REMEMBERED || remember(session, answer);
}

void session_free(session_t *session) {
    memo_free(&session->plan_numbers);
    memo_free(&session->answer_numbers);
    free(session->plans);
    free(session->answers);
    out_free(&session->written);
    out_free(&session->key);
}
