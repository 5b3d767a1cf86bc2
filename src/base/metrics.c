/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: counters and gauges in one hash table under one mutex.
 *
 * Each message adds a few times, so the cost of the lock is not measurable. The key is "name\nlabels": a line feed
 * sorts before every character of a name, so sorted keys keep the series of one metric together, as the exposition
 * format requires. There are no histograms.
 */
#include "base/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE 512

static GMutex metrics_lock;
static GHashTable *metrics; /* char * → struct sample *, both owned */

struct sample {
    double value;
    bool is_gauge;
};

/* The sample, made if need be. Under the lock. */
static struct sample *sample_of(const char *name, const char *labels)
{
    char safe[KEY_SIZE / 2];
    char key[KEY_SIZE];
    text_printable(safe, sizeof(safe), labels != NULL ? labels : "", labels != NULL ? strlen(labels) : 0);
    snprintf(key, sizeof(key), "%s\n%s", name, safe);
    if (metrics == NULL)
        metrics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    struct sample *sample = g_hash_table_lookup(metrics, key);
    if (sample == NULL) {
        sample = g_new0(struct sample, 1);
        g_hash_table_insert(metrics, g_strdup(key), sample);
    }
    return sample;
}

void metrics_add(const char *name, const char *labels, double value)
{
    g_mutex_lock(&metrics_lock);
    sample_of(name, labels)->value += value;
    g_mutex_unlock(&metrics_lock);
}

void metrics_set(const char *name, const char *labels, double value)
{
    g_mutex_lock(&metrics_lock);
    *sample_of(name, labels) = (struct sample){value, true};
    g_mutex_unlock(&metrics_lock);
}

static gboolean has_name(gpointer key, gpointer value, gpointer name)
{
    size_t length = strlen(name);
    (void)value;
    return strncmp(key, name, length) == 0 && ((const char *)key)[length] == '\n';
}

void metrics_forget(const char *name)
{
    g_mutex_lock(&metrics_lock);
    if (metrics != NULL)
        g_hash_table_foreach_remove(metrics, has_name, (gpointer)name);
    g_mutex_unlock(&metrics_lock);
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

static void append_sample(GString *text, const char *key, const struct sample *sample, GString *last_name)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    const char *end = strchr(key, '\n');
    size_t length = (size_t)(end - key);
    if (last_name->len != length || memcmp(last_name->str, key, length) != 0) {
        g_string_truncate(last_name, 0);
        g_string_append_len(last_name, key, (gssize)length);
        g_string_append_printf(text, "# TYPE %s %s\n", last_name->str, sample->is_gauge ? "gauge" : "counter");
    }
    g_string_append(text, last_name->str);
    if (end[1] != '\0')
        g_string_append_printf(text, "{%s}", end + 1);
    /* Independent of the locale's decimal point. */
    g_string_append_printf(text, " %s\n", g_ascii_formatd(number, sizeof(number), "%.15g", sample->value));
}

static GString *metrics_text(void)
{
    GString *text = g_string_new(NULL);
    GString *last_name = g_string_new(NULL);
    g_mutex_lock(&metrics_lock);
    GList *keys = metrics != NULL ? g_list_sort(g_hash_table_get_keys(metrics), compare_keys) : NULL;
    for (GList *item = keys; item != NULL; item = item->next)
        append_sample(text, item->data, g_hash_table_lookup(metrics, item->data), last_name);
    g_list_free(keys);
    g_mutex_unlock(&metrics_lock);
    g_string_free(last_name, TRUE);
    return text;
}

void metrics_print(FILE *stream)
{
    g_autoptr(GString) text = metrics_text();
    fwrite(text->str, 1, text->len, stream);
}

static bool write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        length -= (size_t)written;
    }
    return true;
}

bool metrics_save(const char *path, struct error *error)
{
    g_autoptr(GString) text = metrics_text();
    g_autofree char *temporary = g_strdup_printf("%s.XXXXXX", path);
    int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set(error, ERROR_TEMPORARY, "metrics file %s: %s", path, g_strerror(errno));
    /* The collector runs as another user, and the umask of the daemon is strict. */
    bool written = fchmod(fd, 0644) == 0 && write_all(fd, text->str, text->len);
    int cause = errno;
    if (close(fd) != 0 && written) {
        written = false;
        cause = errno;
    }
    if (written && g_rename(temporary, path) != 0) {
        written = false;
        cause = errno;
    }
    if (written)
        return true;
    g_unlink(temporary);
    return error_set(error, ERROR_TEMPORARY, "metrics file %s: %s", path, g_strerror(cause));
}

void metrics_reset(void)
{
    g_mutex_lock(&metrics_lock);
    if (metrics != NULL)
        g_hash_table_remove_all(metrics);
    g_mutex_unlock(&metrics_lock);
}
