/* SPDX-License-Identifier: Apache-2.0 */
/*
 * breaker: counts failures in a row. The time is the caller's, so that no state changes by itself.
 */
#include "base/breaker.h"

#include <glib.h>

#define FAILURES 3
#define PAUSE_FIRST (2 * G_USEC_PER_SEC)
#define PAUSE_LONGEST (20 * G_USEC_PER_SEC)

struct breaker {
    GMutex lock;
    char *what;
    unsigned failures; /* in a row */
    int64_t pause;     /* 0: closed */
    int64_t until;     /* when the next probe is let through */
    bool probing;      /* one is under way */
};

static void open_for(struct breaker *breaker, int64_t pause, int64_t now)
{
    breaker->pause = MIN(pause, PAUSE_LONGEST);
    breaker->until = now + breaker->pause;
}

struct breaker *breaker_new(const char *what)
{
    struct breaker *breaker = g_new0(struct breaker, 1);
    g_mutex_init(&breaker->lock);
    breaker->what = g_strdup(what);
    return breaker;
}

void breaker_free(struct breaker *breaker)
{
    if (breaker == NULL)
        return;
    g_mutex_clear(&breaker->lock);
    g_free(breaker->what);
    g_free(breaker);
}

bool breaker_allows(struct breaker *breaker, int64_t now, struct error *error)
{
    g_mutex_lock(&breaker->lock);
    int64_t left = breaker->pause > 0 ? breaker->until - now : 0;
    unsigned failures = breaker->failures;
    if (breaker->pause > 0 && left <= 0) {
        open_for(breaker, breaker->probing ? 2 * breaker->pause : breaker->pause, now);
        breaker->probing = true;
    }
    g_mutex_unlock(&breaker->lock);
    if (left <= 0)
        return true;
    return error_set(error, ERROR_TEMPORARY,
                     "%s is not asked: it did not answer %u times in a row; the next try is in %d s", breaker->what,
                     failures, (int)((left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC));
}

bool breaker_answered(struct breaker *breaker)
{
    g_mutex_lock(&breaker->lock);
    bool was_open = breaker->pause > 0;
    breaker->failures = 0;
    breaker->pause = 0;
    breaker->probing = false;
    g_mutex_unlock(&breaker->lock);
    return was_open;
}

bool breaker_failed(struct breaker *breaker, int64_t now)
{
    bool changed = false;
    g_mutex_lock(&breaker->lock);
    breaker->failures++;
    if (breaker->probing) {
        open_for(breaker, 2 * breaker->pause, now);
        breaker->probing = false;
    } else if (breaker->pause == 0 && breaker->failures >= FAILURES) { /* else it was asked before that */
        open_for(breaker, PAUSE_FIRST, now);
        changed = true;
    }
    g_mutex_unlock(&breaker->lock);
    return changed;
}
