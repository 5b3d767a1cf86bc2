/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn: measures what a message has used, for the turns that service.c gives.
 */
#include "turn.h"

#include <glib.h>
#include <sched.h>
#include <time.h>

#define DEAR_FROM 5000 /* microseconds of a message */
#define DEAR_TIMES 8

static int64_t processor_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

/* What an honest message hardly ever needs counts more, so that what is hostile gets the smaller share. */
static uint64_t use(struct turn *turn)
{
    int64_t now = processor_time(), used = MAX(now - turn->began, 0);
    turn->began = now;
    turn->total += used;
    return (uint64_t)(turn->total > DEAR_FROM ? used * DEAR_TIMES : used);
}

void turn_enter(void *context)
{
    struct turn *turn = context;
    if (turn->paused)
        service_resume(turn->service, turn->client, &turn->waiting);
    else
        service_enter(turn->service, turn->client, &turn->waiting);
    turn->paused = false;
    turn->began = processor_time();
}

void turn_leave(void *context)
{
    struct turn *turn = context;
    service_pause(turn->service, turn->client, use(turn));
    turn->paused = true;
}

void turn_rest(void *context)
{
    struct turn *turn = context;
    service_rest(turn->service, turn->client, use(turn), &turn->waiting);
    sched_yield(); /* who is about to get in line, or sends a verdict, needs a processor, too */
}

/* As while it waits for a turn. */
void turn_tell(void *context)
{
    const struct turn *turn = context;
    if (turn->waiting.tell != NULL)
        turn->waiting.tell(turn->waiting.context);
}
