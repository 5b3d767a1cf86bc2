/* SPDX-License-Identifier: Apache-2.0 */
#include "notices.h"

#include <glib.h>

#define NOTICES_MAX 100

struct notice {
    enum log_level level;
    char *text;
};

struct notices {
    GMutex lock;
    GQueue queue; /* struct notice * */
};

static void notice_free(void *data)
{
    struct notice *notice = data;
    g_free(notice->text);
    g_free(notice);
}

struct notices *notices_new(void)
{
    struct notices *notices = g_new0(struct notices, 1);
    g_mutex_init(&notices->lock);
    g_queue_init(&notices->queue);
    return notices;
}

void notices_free(struct notices *notices)
{
    if (notices == NULL)
        return;
    g_queue_clear_full(&notices->queue, notice_free);
    g_mutex_clear(&notices->lock);
    g_free(notices);
}

void notices_add(struct notices *notices, enum log_level level, const char *format, ...)
{
    va_list arguments;
    struct notice *notice = g_new0(struct notice, 1);
    va_start(arguments, format);
    notice->level = level;
    notice->text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_mutex_lock(&notices->lock);
    bool has_room = g_queue_get_length(&notices->queue) < NOTICES_MAX;
    if (has_room)
        g_queue_push_tail(&notices->queue, notice);
    g_mutex_unlock(&notices->lock);
    if (!has_room)
        notice_free(notice);
}

char *notices_take(struct notices *notices, enum log_level *level)
{
    g_mutex_lock(&notices->lock);
    struct notice *notice = g_queue_pop_head(&notices->queue);
    g_mutex_unlock(&notices->lock);
    if (notice == NULL)
        return NULL;
    char *text = notice->text;
    *level = notice->level;
    g_free(notice);
    return text;
}
