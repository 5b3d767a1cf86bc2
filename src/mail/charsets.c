/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charsets: GMime remembers every name of a character set in an encoded word or a parameter, and senders choose these
 * names, so memory would grow with each message and never be freed. So all names are dropped after a certain number of
 * bytes of text, when no thread uses one. The lock and the count are global because GMime's table is.
 */
#include "charsets.h"

#include "base/memory.h"

#include <errno.h>
#include <gmime/gmime.h>

/* GMime remembers at worst about ten times the length of a text. */
#define FORGET_AFTER ((size_t)1 << 20)

static GRWLock names;
static size_t seen;

static void forget(void)
{
    g_rw_lock_writer_lock(&names);
    if (__atomic_load_n(&seen, __ATOMIC_RELAXED) > FORGET_AFTER) {
        g_mime_charset_map_shutdown();
        g_mime_charset_map_init();
        __atomic_store_n(&seen, 0, __ATOMIC_RELAXED);
    }
    g_rw_lock_writer_unlock(&names);
}

void charsets_enter(size_t length)
{
    if (__atomic_add_fetch(&seen, length, __ATOMIC_RELAXED) > FORGET_AFTER)
        forget();
    g_rw_lock_reader_lock(&names);
}

void charsets_leave(void)
{
    g_rw_lock_reader_unlock(&names);
}

char *charsets_convert(const char *text, size_t length, const char *to, const char *from, size_t *converted)
{
    GIConv converter = g_iconv_open(to, from);
    if (converter == (GIConv)-1) {
        if (errno == ENOMEM)
            memory_note_failure();
        return NULL;
    }
    char *result = g_convert_with_iconv(text, (gssize)length, converter, NULL, converted, NULL);
    g_iconv_close(converter);
    return result;
}
