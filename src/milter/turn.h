/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn: the turns of one message at cryptographic work.
 */
#ifndef DOMSEC_MILTER_TURN_H
#define DOMSEC_MILTER_TURN_H

#include "service.h"

struct turn {
    struct service *service;
    char *client; /* fair_client() */
    struct waiting waiting;
    bool paused;   /* between two turns */
    int64_t total; /* microseconds of this thread's processor time that the message has used */
    int64_t began; /* microseconds of this thread's processor time, when the turn began or rested */
};

/* The functions of struct turns; context is the turn. */
void turn_enter(void *context);
void turn_leave(void *context);
void turn_rest(void *context);
void turn_tell(void *context);

#endif
