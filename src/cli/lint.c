/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint: reads the request or certificate that is examined, and collects what was found. A request becomes a
 * certificate that stands in for it, so that one set of rules looks at both.
 */
#include "lint.h"

#include "base/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define FILE_MAX (1024 * 1024)

static void note_free(void *data)
{
    struct lint_note *note = data;
    g_free(note->text);
    g_free(note);
}

void lint_notes_init(struct lint_notes *notes)
{
    notes->list = g_ptr_array_new_with_free_func(note_free);
}

void lint_notes_clear(struct lint_notes *notes)
{
    if (notes->list != NULL)
        g_ptr_array_unref(notes->list);
    notes->list = NULL;
}

static void add(struct lint_notes *notes, bool warning, const char *section, char *text)
{
    struct lint_note *note = g_new0(struct lint_note, 1);
    *note = (struct lint_note){.warning = warning, .section = section, .text = text};
    g_ptr_array_add(notes->list, note);
}

void lint_fault(struct lint_notes *notes, const char *section, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(notes, false, section, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void lint_warn(struct lint_notes *notes, const char *section, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(notes, true, section, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

unsigned lint_faults(const struct lint_notes *notes)
{
    unsigned count = 0;
    for (guint i = 0; i < notes->list->len; i++)
        count += !((const struct lint_note *)notes->list->pdata[i])->warning;
    return count;
}

/* --- the file --- */

static X509_REQ *parse_request(const char *data, size_t length)
{
    owned(BIO) BIO *memory = BIO_new_mem_buf(data, (int)length);
    X509_REQ *request = memory != NULL ? PEM_read_bio_X509_REQ(memory, NULL, NULL, NULL) : NULL;
    const unsigned char *at = (const unsigned char *)data;
    if (request == NULL)
        request = d2i_X509_REQ(NULL, &at, (long)length);
    ERR_clear_error();
    return request;
}

static bool copy_extensions(X509_REQ *request, X509 *certificate)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    bool good = true;
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions) && good; i++)
        good = X509_add_ext(certificate, sk_X509_EXTENSION_value(extensions, i), -1) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return good;
}

/* OpenSSL reads the extensions only of a certificate that is complete: any key signs it. */
static bool complete(X509 *certificate)
{
    owned(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    return key != NULL && X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), 0) != NULL && X509_sign(certificate, key, EVP_sha256()) > 0;
}

static X509 *from_request(X509_REQ *request, struct error *error)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (key == NULL || X509_REQ_verify(request, key) != 1) {
        error_set(error, ERROR_PERMANENT, "the signature of the request does not fit its key");
        return NULL;
    }
    owned(X509) X509 *certificate = X509_new();
    if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        X509_set_subject_name(certificate, X509_REQ_get_subject_name(request)) != 1 ||
        X509_set_pubkey(certificate, key) != 1 || !copy_extensions(request, certificate) || !complete(certificate)) {
        error_set_openssl(error, ERROR_PERMANENT, "the request cannot be read");
        return NULL;
    }
    return steal(&certificate);
}

static X509 *from_certificate(struct slice contents, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *list = certificates_parse(contents, NULL, error);
    return list != NULL ? sk_X509_shift(list) : NULL;
}

bool lint_subject_read(const char *file, struct lint_subject *subject, struct error *error)
{
    g_autofree char *data = NULL;
    gsize length = 0;
    memset(subject, 0, sizeof(*subject));
    g_autoptr(GError) problem = NULL;
    if (!g_file_get_contents(file, &data, &length, &problem))
        return error_set(error, ERROR_PERMANENT, "%s", problem->message);
    if (length > FILE_MAX)
        return error_set(error, ERROR_PERMANENT, "%s: too large for a request or certificate", file);
    owned(X509_REQ) X509_REQ *request = parse_request(data, length);
    subject->is_request = request != NULL;
    subject->certificate =
        request != NULL ? from_request(request, error) : from_certificate((struct slice){data, length}, error);
    if (subject->certificate == NULL) {
        g_autofree char *reason = g_strdup(error->text);
        return error_set(error, ERROR_PERMANENT, "%s: %s", file, reason);
    }
    bool odd[3] = {false};
    certificate_profile_read(subject->certificate, &subject->profile);
    subject->common_names = certificate_common_names(subject->certificate, &odd[0]);
    subject->addresses = certificate_addresses(subject->certificate, &odd[1]);
    subject->san_addresses = certificate_san_addresses(subject->certificate, &odd[2]);
    subject->odd = odd[0] || odd[1] || odd[2];
    return true;
}

void lint_subject_clear(struct lint_subject *subject)
{
    X509_free(subject->certificate);
    certificate_profile_clear(&subject->profile);
    g_strfreev(subject->common_names);
    g_strfreev(subject->addresses);
    g_strfreev(subject->san_addresses);
    memset(subject, 0, sizeof(*subject));
}
