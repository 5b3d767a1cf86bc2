/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers_file: reads a file for `domsec cert import`. The form is told from the contents, never from the file's name.
 */
#include "offers.h"

#include "base/file.h"

static bool read_plain(struct offers *offers, struct slice contents, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *list = certificates_parse(contents, NULL, error);
    for (int i = 0; i < sk_X509_num(list); i++)
        offers_add(offers, sk_X509_value(list, i), NULL);
    return list != NULL;
}

/* A message may have certificates in PEM in its text, and `openssl x509 -text` writes what looks like a field. */
static bool read_any(struct offers *offers, char *contents, size_t length, const struct limits *limits,
                     struct error *error)
{
    struct slice bytes = {contents, length};
    if (offers_is_ldif(bytes))
        return offers_read_ldif(offers, contents, length, error);
    if (!offers_is_message(bytes))
        return read_plain(offers, bytes, error);
    struct error ignored = {0};
    return offers_read_message(offers, bytes, limits, error) || read_plain(offers, bytes, &ignored);
}

bool offers_read(struct offers *offers, const char *file, const struct limits *limits, struct error *error)
{
    size_t length = 0;
    g_autofree char *contents = file_read(file, &length, error);
    bool good = contents != NULL && read_any(offers, contents, length, limits, error);
    if (!good && error->kind == ERROR_CONFIGURATION)
        error->kind = ERROR_PERMANENT; /* the configuration does not name this file */
    return good || error_prefix(error, "%s", file);
}
