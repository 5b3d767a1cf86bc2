/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_batch: puts certificates into the store, or without one into certificate_directory.
 *
 * A transaction costs a write that waits for the disk, so the store gets a thousand at a time; the lines about them
 * wait for it. The directory gets one at a time, and its files are read again when they are listed.
 */
#include "cert_batch.h"

#include <stdio.h>

#define BATCH 1000

/* A line of the output: about a certificate, or any text. */
struct entry {
    X509 *certificate;
    char *text; /* the whole line, or what stands behind the certificate's */
};

struct cert_batch {
    const struct conf *conf;
    struct store *store; /* NULL: the directory */
    bool only_show;
    GArray *entries;
    unsigned imported, known;
};

static void entry_clear(void *data)
{
    struct entry *entry = data;
    X509_free(entry->certificate);
    g_free(entry->text);
}

struct cert_batch *cert_batch_new(const struct conf *conf, bool only_show)
{
    struct cert_batch *batch = g_new0(struct cert_batch, 1);
    batch->conf = conf;
    batch->only_show = only_show;
    batch->store = conf->store != NULL ? store_open(conf->store) : NULL;
    batch->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    g_array_set_clear_func(batch->entries, entry_clear);
    return batch;
}

void cert_batch_free(struct cert_batch *batch)
{
    if (batch == NULL)
        return;
    store_close(batch->store);
    g_array_unref(batch->entries);
    g_free(batch);
}

unsigned cert_batch_imported(const struct cert_batch *batch)
{
    return batch->imported;
}

unsigned cert_batch_known(const struct cert_batch *batch)
{
    return batch->known;
}

static bool write_directory(const struct cert_batch *batch, enum store_added *added, struct error *error)
{
    for (guint i = 0; i < batch->entries->len; i++) {
        X509 *certificate = g_array_index(batch->entries, struct entry, i).certificate;
        bool is_new = true;
        if (certificate != NULL && !certs_directory_import(batch->conf, certificate, &is_new, error))
            return false;
        added[i] = is_new ? STORE_NEW : STORE_KNOWN;
    }
    return true;
}

static bool write_store(const struct cert_batch *batch, enum store_added *added, struct error *error)
{
    guint count = 0, length = batch->entries->len;
    g_autofree struct store_addition *additions = g_new0(struct store_addition, length);
    g_autofree enum store_added *results = g_new0(enum store_added, length);
    for (guint i = 0; i < length; i++) {
        X509 *certificate = g_array_index(batch->entries, struct entry, i).certificate;
        if (certificate != NULL)
            certs_addition_make(certificate, &additions[count++]);
    }
    bool good = count == 0 || store_certificates_add(batch->store, additions, count, results, error);
    for (guint i = 0; i < count; i++)
        certs_addition_clear(&additions[i]);
    for (guint i = 0, at = 0; i < length; i++)
        if (g_array_index(batch->entries, struct entry, i).certificate != NULL)
            added[i] = results[at++];
    return good;
}

static void print_entry(struct cert_batch *batch, const struct entry *entry, enum store_added added)
{
    if (entry->certificate == NULL) {
        puts(entry->text);
        return;
    }
    char sha256[65];
    certificate_fingerprint(entry->certificate, sha256);
    g_autofree char *subject = certificate_subject(entry->certificate);
    bool is_new = added != STORE_KNOWN;
    printf("%s %s  %s%s\n",
           batch->only_show ? "would import"
           : is_new         ? "imported"
                            : "already there:",
           sha256, subject, entry->text);
    batch->imported += is_new;
    batch->known += !is_new;
}

bool cert_batch_flush(struct cert_batch *batch, struct error *error)
{
    g_autofree enum store_added *added = g_new0(enum store_added, batch->entries->len);
    bool good = batch->only_show || (batch->store != NULL ? write_store : write_directory)(batch, added, error);
    for (guint i = 0; good && i < batch->entries->len; i++)
        print_entry(batch, &g_array_index(batch->entries, struct entry, i), added[i]);
    g_array_set_size(batch->entries, 0);
    return good;
}

void cert_batch_say(struct cert_batch *batch, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const struct entry entry = {.text = g_strdup_vprintf(format, arguments)};
    va_end(arguments);
    g_array_append_val(batch->entries, entry);
}

bool cert_batch_add(struct cert_batch *batch, X509 *certificate, const char *note, struct error *error)
{
    const struct entry entry = {certificate, g_strdup(note != NULL ? note : "")};
    X509_up_ref(certificate);
    g_array_append_val(batch->entries, entry);
    return batch->entries->len < (batch->store != NULL ? BATCH : 1) || cert_batch_flush(batch, error);
}
