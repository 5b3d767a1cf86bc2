/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crls: loads the configured CRLs and finds those of an issuer. The list is not kept in an X509_STORE, whose lookup by
 * the certificate's issuer would never find an indirect CRL, and which takes a lock for each lookup.
 */
#include "crls.h"

#include "base/file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define CRL_FILE_MAX (256 << 20)

struct crls {
    bool configured;
    GHashTable *by_issuer; /* unsigned long hash of the name → GPtrArray of X509_CRL * */
    GPtrArray *indirect;   /* those that cover other issuers, too (RFC 5280 §5.2.5) */
};

static void list_free(void *data)
{
    g_ptr_array_free(data, TRUE);
}

static GPtrArray *list_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)X509_CRL_free);
}

void crls_close(struct crls *crls)
{
    if (crls == NULL)
        return;
    g_hash_table_destroy(crls->by_issuer);
    g_ptr_array_free(crls->indirect, TRUE);
    g_free(crls);
}

static bool is_indirect(const X509_CRL *crl)
{
    int found = 0;
    ISSUING_DIST_POINT *point = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &found, NULL);
    bool indirect = point != NULL && point->indirectCRL;
    ISSUING_DIST_POINT_free(point);
    ERR_clear_error();
    return indirect;
}

static gpointer name_key(const X509_NAME *name)
{
    return GSIZE_TO_POINTER(X509_NAME_hash_ex(name, NULL, NULL, NULL));
}

/* Takes crl. */
static void add(struct crls *crls, X509_CRL *crl)
{
    if (is_indirect(crl)) {
        g_ptr_array_add(crls->indirect, crl);
        return;
    }
    gpointer key = name_key(X509_CRL_get_issuer(crl));
    GPtrArray *list = g_hash_table_lookup(crls->by_issuer, key);
    if (list == NULL) {
        list = list_new();
        g_hash_table_insert(crls->by_issuer, key, list);
    }
    g_ptr_array_add(list, crl);
}

static bool add_pem(struct crls *crls, BIO *file)
{
    for (X509_CRL *crl; (crl = PEM_read_bio_X509_CRL(file, NULL, NULL, NULL)) != NULL;)
        add(crls, crl);
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static bool add_der(struct crls *crls, const char *contents, gsize length)
{
    const unsigned char *at = (const unsigned char *)contents;
    const unsigned char *end = at + length;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)length);
    if (crl == NULL)
        return false;
    add(crls, crl);
    return at == end;
}

static bool refuse_file(const char *path, const char *contents, gsize length, struct error *error)
{
    if (g_strstr_len(contents, (gssize)length, "-----BEGIN X509 CRL-----") != NULL)
        return error_set_openssl(error, ERROR_CONFIGURATION, "%s: cannot parse the CRL", path);
    ERR_clear_error();
    bool other = g_strstr_len(contents, (gssize)length, "-----BEGIN ") != NULL;
    return error_set(error, ERROR_CONFIGURATION, "%s: contains no CRL%s", path,
                     other ? ", only other PEM data" : " in PEM or DER");
}

static bool add_file(struct crls *crls, const char *path, struct error *error)
{
    size_t length = 0;
    g_autofree char *contents = file_read(path, &length, error);
    if (contents == NULL)
        return error_prefix(error, "%s", path);
    if (length > CRL_FILE_MAX)
        return error_set(error, ERROR_CONFIGURATION, "%s: larger than %d MiB", path, CRL_FILE_MAX >> 20);
    ERR_clear_error();
    bool good;
    if (g_strstr_len(contents, (gssize)length, "-----BEGIN X509 CRL-----") != NULL) {
        owned(BIO) BIO *file = BIO_new_mem_buf(contents, (int)length);
        good = file != NULL && add_pem(crls, file);
    } else {
        good = add_der(crls, contents, length);
    }
    if (!good)
        return refuse_file(path, contents, length, error);
    ERR_clear_error();
    return true;
}

static bool add_folder(struct crls *crls, const char *folder, struct error *error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &failure);
    if (dir == NULL)
        return error_set(error, ERROR_CONFIGURATION, "%s", failure->message);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (name[0] == '.' || g_file_test(path, G_FILE_TEST_IS_DIR))
            continue;
        if (!add_file(crls, path, error))
            return false;
    }
    return true;
}

struct crls *crls_open(const struct revocation_conf *conf, const char *file, struct faults *faults)
{
    bool good = true;
    struct crls *crls = g_new0(struct crls, 1);
    crls->configured = conf->crls[0] != NULL;
    crls->by_issuer = g_hash_table_new_full(NULL, NULL, NULL, list_free);
    crls->indirect = list_new();
    for (char **path = conf->crls; *path != NULL; path++) {
        struct error error = {0};
        bool is_folder = g_file_test(*path, G_FILE_TEST_IS_DIR);
        if (is_folder ? add_folder(crls, *path, &error) : add_file(crls, *path, &error))
            continue;
        faults_add(faults, file, conf->crls_line, "crls: %s", error.text);
        good = false;
    }
    if (good)
        return crls;
    crls_close(crls);
    return NULL;
}

bool crls_are_configured(const struct crls *crls)
{
    return crls->configured;
}

/* Lowers *until to the second before time, unless that is past. */
static void note_time(const ASN1_TIME *time, time_t at, time_t *until)
{
    struct tm parts;
    if (time == NULL || !ASN1_TIME_to_tm(time, &parts))
        return;
    time_t when = timegm(&parts);
    if (when >= at)
        *until = MIN(*until, when - 1);
}

static void note_times(const GPtrArray *list, time_t at, time_t *until)
{
    for (guint i = 0; list != NULL && i < list->len; i++) {
        note_time(X509_CRL_get0_lastUpdate(g_ptr_array_index(list, i)), at, until);
        note_time(X509_CRL_get0_nextUpdate(g_ptr_array_index(list, i)), at, until);
    }
}

time_t crls_stable_until(const struct crls *crls, const STACK_OF(X509) * chain, time_t at)
{
    time_t until = G_MAXINT64;
    for (int i = 0; i < sk_X509_num(chain); i++)
        note_times(g_hash_table_lookup(crls->by_issuer, name_key(X509_get_issuer_name(sk_X509_value(chain, i)))), at,
                   &until);
    note_times(crls->indirect, at, &until);
    return until;
}

void crls_add(STACK_OF(X509_CRL) * list, X509_CRL *crl)
{
    if (!X509_CRL_up_ref(crl))
        return;
    if (sk_X509_CRL_push(list, crl) <= 0)
        X509_CRL_free(crl);
}

static void add_all(STACK_OF(X509_CRL) * list, const GPtrArray *crls)
{
    for (guint i = 0; crls != NULL && i < crls->len; i++)
        crls_add(list, g_ptr_array_index(crls, i));
}

STACK_OF(X509_CRL) * crls_of(const struct crls *crls, const X509_NAME *issuer)
{
    STACK_OF(X509_CRL) *list = sk_X509_CRL_new_null();
    if (list == NULL)
        return NULL;
    add_all(list, g_hash_table_lookup(crls->by_issuer, name_key(issuer)));
    add_all(list, crls->indirect);
    return list;
}
