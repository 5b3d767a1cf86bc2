/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_uri: checks the URI of a key in a token before anything else sees it.
 *
 * URIs are shown in messages, logs and `domsec status`, and a command line is visible to all users of a machine. So a
 * PIN in a URI is refused here, and only a file may be its source: a source that is a program (RFC 7512 §2.4 allows
 * "|command") would run with the rights of the daemon.
 */
#include "conf/token_uri.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

bool token_uri_is(const char *uri)
{
    return g_ascii_strncasecmp(uri, "pkcs11:", strlen("pkcs11:")) == 0;
}

char *token_uri_pin_file(const P11KitUri *uri)
{
    const char *source = p11_kit_uri_get_pin_source(uri);
    if (source != NULL && text_begins_with(source, "file:"))
        return g_filename_from_uri(source, NULL, NULL);
    return source != NULL && source[0] == '/' ? g_strdup(source) : NULL;
}

const char *token_uri_parameters(const P11KitUri *uri)
{
    return p11_kit_uri_get_vendor_query(uri, TOKEN_URI_PARAMETERS);
}

/* RFC 7512 §2.3: an attribute that is not known must not be passed over. */
static bool check(P11KitUri *uri, struct error *error)
{
    g_autofree char *pin_file = token_uri_pin_file(uri);
    const char *module = p11_kit_uri_get_module_path(uri);
    if (p11_kit_uri_get_pin_value(uri) != NULL)
        return error_set(error, ERROR_CONFIGURATION,
                         "pin-value puts the PIN where logs and other users can see it; put it into a file and name "
                         "that in passphrase_file or pin-source");
    if (p11_kit_uri_get_pin_source(uri) != NULL && pin_file == NULL)
        return error_set(error, ERROR_CONFIGURATION,
                         "pin-source must be \"file:\" and an absolute path, or an absolute path");
    if (module != NULL && module[0] != '/')
        return error_set(error, ERROR_CONFIGURATION, "module-path must be an absolute path");
    return !p11_kit_uri_any_unrecognized(uri) ||
           error_set(error, ERROR_CONFIGURATION,
                     "an attribute is unknown; RFC 7512 has token, serial, model, "
                     "manufacturer, object, id, type, module-path, module-name, pin-source");
}

P11KitUri *token_uri_parse(const char *text, struct error *error)
{
    owned(token_uri) P11KitUri *uri = p11_kit_uri_new();
    if (uri == NULL) {
        error_set(error, ERROR_TEMPORARY, "out of memory");
        return NULL;
    }
    int result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    if (result != P11_KIT_URI_OK) {
        error_set_foreign(error, ERROR_CONFIGURATION, p11_kit_uri_message(result), "not a valid URI of a token");
        return NULL;
    }
    return check(uri, error) ? steal(&uri) : NULL;
}

char *token_uri_renamed(const char *text, const char *label, const char *pin_file, struct error *error)
{
    owned(token_uri) P11KitUri *uri = token_uri_parse(text, error);
    CK_ATTRIBUTE name = {CKA_LABEL, (void *)label, strlen(label)};
    char *whole = NULL;
    if (uri == NULL)
        return NULL;
    g_autofree char *source = pin_file != NULL ? g_filename_to_uri(pin_file, NULL, NULL) : NULL;
    if (source != NULL && p11_kit_uri_get_pin_source(uri) == NULL)
        p11_kit_uri_set_pin_source(uri, source);
    bool good = p11_kit_uri_clear_attribute(uri, CKA_ID) == P11_KIT_URI_OK &&
                p11_kit_uri_set_attribute(uri, &name) == P11_KIT_URI_OK &&
                p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &whole) == P11_KIT_URI_OK;
    char *result = good ? g_strdup(whole) : NULL;
    free(whole);
    if (!good)
        error_set(error, ERROR_TEMPORARY, "out of memory");
    return result;
}
