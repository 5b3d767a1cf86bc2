/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_import: adds certificates of other people and domains to the store, from files of every form and from folders.
 * offers.c reads them; this file decides which of them belong in the store, and cert_batch.c puts them there.
 */
#include "cert_import.h"

#include "cert_batch.h"
#include "cert_one.h"
#include "certs/certs.h"
#include "describe.h"
#include "offers.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 8 /* folders in each other */

struct intake {
    const struct conf *conf;
    bool only_show;
    struct cert_batch *batch;
    unsigned skipped, failed;
};

/* --- one certificate --- */

static bool is_authority(X509 *certificate)
{
    return X509_check_ca(certificate) == 1;
}

/* It completes no path. */
static bool is_root(X509 *certificate)
{
    return is_authority(certificate) && (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
}

static const char *why_no_root(X509 *certificate)
{
    return certificate_stands_alone(certificate, NULL)
               ? "a self-signed CA certificate is used only where a policy's certificates name it (naming = \"pinned\")"
               : "a root certificate belongs in trust_anchors, or in the anchors of a policy, if you trust it";
}

/* Says why a certificate does not belong in the store. */
static bool is_skipped(const struct intake *intake, X509 *certificate)
{
    bool root = is_root(certificate);
    if (!root && !certificate_has_expired(certificate, time(NULL)))
        return false;
    g_autofree char *subject = certificate_subject(certificate);
    g_autofree char *end = describe_date(X509_get0_notAfter(certificate));
    if (root)
        cert_batch_say(intake->batch, "skipped %s: %s", subject, why_no_root(certificate));
    else
        cert_batch_say(intake->batch, "skipped %s: the certificate expired on %s", subject, end);
    return true;
}

static bool take(struct intake *intake, const struct offer *offer, struct error *error)
{
    if (offer->certificate == NULL)
        cert_batch_say(intake->batch, "skipped %s", offer->note);
    if (offer->certificate == NULL || is_skipped(intake, offer->certificate)) {
        intake->skipped++;
        return true;
    }
    if (is_authority(offer->certificate))
        return cert_batch_add(intake->batch, offer->certificate,
                              " (an authority, which completes certification paths and is not trusted itself)", error);
    if (offer->note == NULL)
        return cert_batch_add(intake->batch, offer->certificate, NULL, error);
    g_autofree char *addresses = describe_addresses(offer->certificate);
    g_autofree char *note =
        g_strdup_printf(" (%s; %s)", *addresses != '\0' ? addresses : "without an address", offer->note);
    return cert_batch_add(intake->batch, offer->certificate, note, error);
}

/* --- files and folders --- */

/* Returns false only if the store cannot be written. */
static bool import_file(struct intake *intake, const char *path, bool is_named, struct error *error)
{
    struct error unread = {0};
    owned(offers) struct offers *offers = offers_new();
    if (!offers_read(offers, path, &intake->conf->limits, &unread)) {
        /* What else lies in a folder is no certificate, and no fault. */
        fprintf(stderr, "domsec: %s%s\n", is_named ? "" : "passed over ", unread.text);
        intake->failed += is_named;
        intake->skipped += !is_named;
    }
    for (size_t i = 0; i < offers_count(offers); i++)
        if (!take(intake, offers_at(offers, i), error))
            return false;
    return true;
}

static bool import_path(struct intake *intake, const char *path, unsigned depth, struct error *error);

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool import_folder(struct intake *intake, const char *path, unsigned depth, struct error *error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GDir) folder = depth < DEPTH_MAX ? g_dir_open(path, 0, &failure) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "domsec: %s%s%s\n", failure != NULL ? failure->message : path,
                failure != NULL ? "" : ": more than ", failure != NULL ? "" : G_STRINGIFY(DEPTH_MAX) " folders deep");
        intake->failed++;
        return true;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;)
        if (name[0] != '.')
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_name);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *inside = g_build_filename(path, names->pdata[i], NULL);
        if (!import_path(intake, inside, depth + 1, error))
            return false;
    }
    return true;
}

/* A link to a folder is followed only where it is named, so that none leads in a circle. */
static bool import_path(struct intake *intake, const char *path, unsigned depth, struct error *error)
{
    struct stat status;
    bool known = (depth == 0 ? stat(path, &status) : lstat(path, &status)) == 0;
    if (known && S_ISDIR(status.st_mode))
        return import_folder(intake, path, depth, error);
    return import_file(intake, path, depth == 0, error);
}

static int finish(const struct intake *intake)
{
    unsigned imported = cert_batch_imported(intake->batch), known = cert_batch_known(intake->batch);
    if (imported + known + intake->skipped + intake->failed > 1)
        printf("%u %s, %u already there, %u skipped\n", imported, intake->only_show ? "would be imported" : "imported",
               known, intake->skipped);
    if (imported > 0 && !intake->only_show && intake->conf->store == NULL)
        cert_print_reload_hint();
    if (intake->failed == 0 && imported + known == 0)
        fprintf(stderr, "domsec: there is nothing to import\n");
    return intake->failed == 0 && imported + known > 0 ? EX_OK : EX_DATAERR;
}

static bool import_all(struct intake *intake, char *const *paths, struct error *error)
{
    for (; *paths != NULL; paths++)
        if (!import_path(intake, *paths, 0, error))
            return false;
    return cert_batch_flush(intake->batch, error);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    struct intake intake = {0};
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(file),
        {"dry-run", 'n', OPTION_FLAG, &intake.only_show, NULL, "show what would be imported, and change nothing"},
    };
    int operands = 0;
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (operands == argc)
        return cli_usage(self, "at least one certificate file is required");
    owned(conf) struct conf *conf = cli_conf(file);
    if (conf == NULL)
        return EX_CONFIG;
    struct error error = {0};
    owned(cert_batch) struct cert_batch *batch = cert_batch_new(conf, intake.only_show);
    intake.conf = conf;
    intake.batch = batch;
    bool good = import_all(&intake, argv + operands, &error);
    status = finish(&intake);
    return good ? status : cli_failed(&error);
}

const struct command command_cert_import = {
    .name = "cert import",
    .arguments = "[-c FILE] [--dry-run] FILE|FOLDER...",
    .summary = "add certificates to the store",
    .details =
        "A file is in PEM, DER, PKCS #7 or LDIF, or is a signed message. Of a message, the certificates of those\n"
        "who signed it are taken. Root certificates and expired ones are left out, and the output says so. The\n"
        "exit status is 65 if a file could not be read, or if there was nothing to import.\n",
    .run = run,
};
