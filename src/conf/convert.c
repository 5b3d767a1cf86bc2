/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert: checks the text of a value and converts it to the form in the snapshot. There is one function per kind of
 * value; networks, sockets and sources of certificates have their own files. Files that a path names are not opened
 * here. A folder to write in is looked at, because its absence would show only late.
 */
#include "partners.h"
#include "words.h"

#include "base/fold.h"
#include "conf/address_set.h"
#include "conf/token_uri.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *convert_path(const char *text, const struct place *place)
{
    return g_canonicalize_filename(text, place->folder);
}

/* "sqlite:PATH", with an absolute path. */
char *convert_store(const char *text, const struct place *place)
{
    static const char scheme[] = "sqlite:";
    if (!text_begins_with(text, scheme) || text[strlen(scheme)] == '\0') {
        place_fault(place, "\"%s\": \"%s\" is not of the form \"sqlite:PATH\"", place->key, text);
        return NULL;
    }
    g_autofree char *path = convert_path(text + strlen(scheme), place);
    return g_strconcat(scheme, path, NULL);
}

char *convert_domain(const char *text, const struct place *place)
{
    char *domain = domain_of_mail(text);
    if (domain == NULL)
        place_fault(place, "\"%s\": \"%s\" is not a domain", place->key, text);
    return domain;
}

char *convert_oid(const char *text, const struct place *place)
{
    ASN1_OBJECT *object = g_ascii_isdigit(text[0]) ? OBJ_txt2obj(text, 1) : NULL;
    bool good = object != NULL;
    ASN1_OBJECT_free(object);
    if (good)
        return g_strdup(text);
    ERR_clear_error();
    place_fault(place, "\"%s\": \"%s\" is not a dotted object identifier such as \"1.2.826.0.1\"", place->key, text);
    return NULL;
}

static char *convert_one_of(const char *text, const char *const *words, const struct place *place)
{
    if (g_strv_contains(words, text))
        return g_strdup(text);
    g_autofree char *list = g_strjoinv("\", \"", (char **)words);
    place_fault(place, "\"%s\": \"%s\" is not one of \"%s\"", place->key, text, list);
    return NULL;
}

char *convert_br_type(const char *text, const struct place *place)
{
    return convert_one_of(text, br_type_words, place);
}

char *convert_br_generation(const char *text, const struct place *place)
{
    return convert_one_of(text, br_generation_words, place);
}

char *convert_origin(const char *text, const struct place *place)
{
    return convert_one_of(text, origin_words, place);
}

/* "rsa-3072" stands for RSA keys of that length or more. */
char *convert_key_kind(const char *text, const struct place *place)
{
    guint64 bits = 0;
    if (g_strv_contains(key_kind_words, text) ||
        (text_begins_with(text, "rsa-") &&
         g_ascii_string_to_unsigned(text + strlen("rsa-"), 10, 2048, 16384, &bits, NULL)))
        return g_strdup(text);
    place_fault(place, "\"%s\": \"%s\" is not a kind of key, such as \"rsa-3072\", \"p-256\" or \"ed25519\"",
                place->key, text);
    return NULL;
}

/* "bob@acme.test" or "*@acme.test", in its normal form. */
char *convert_address_pattern(const char *text, const struct place *place)
{
    struct error error = {0};
    char *pattern = address_pattern_normalise(text, &error);
    if (pattern == NULL)
        place_fault(place, "\"%s\": %s", place->key, error.text);
    return pattern;
}

bool lists_is_name(const char *member)
{
    return text_begins_with(member, "list:") || text_begins_with(member, "file:");
}

/* Also "list:NAME", and "file:PATH" with an absolute path. */
char *convert_address_member(const char *text, const struct place *place)
{
    if (!lists_is_name(text))
        return convert_address_pattern(text, place);
    const char *rest = text + strlen("list:");
    if (rest[0] == '\0') {
        place_fault(place, "\"%s\": \"%s\" names no list; write \"list:NAME\" or \"file:PATH\"", place->key, text);
        return NULL;
    }
    g_autofree char *path = text_begins_with(text, "file:") ? convert_path(rest, place) : NULL;
    return path != NULL ? g_strconcat("file:", path, NULL) : g_strdup(text);
}

/* Logins are compared without ASCII case, as Postfix does. */
char *convert_login(const char *text, const struct place *place)
{
    (void)place;
    return g_ascii_strdown(text, -1);
}

/* "local@domain" with the local part in lower case and the domain in A-labels. */
char *convert_address(const char *text, const struct place *place)
{
    struct error error = {0};
    g_autofree char *address = address_pattern_normalise(text, &error);
    if (address != NULL && !address_pattern_is_wide(address))
        return steal(&address);
    place_fault(place, "\"%s\": \"%s\" is not an address such as \"gateway@partner.test\"", place->key, text);
    return NULL;
}

/* One component of the domain part of an X.500 name (RFC 3183 §3.1.1). */
char *convert_x500(const char *text, const struct place *place)
{
    static const char *const types[] = {"C=", "ST=", "L=", "O=", "OU="};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (text_begins_with(text, types[i]) && text[strlen(types[i])] != '\0')
            return g_strdup(text);
    place_fault(place, "\"%s\": \"%s\" is not one of \"C=…\", \"ST=…\", \"L=…\", \"O=…\", \"OU=…\"", place->key, text);
    return NULL;
}

/* ".acme.test" matches acme.test and the domains below it. */
char *convert_local_domain(const char *text, const struct place *place)
{
    if (text[0] != '.')
        return convert_domain(text, place);
    g_autofree char *domain = convert_domain(text + 1, place);
    return domain == NULL ? NULL : g_strconcat(".", domain, NULL);
}

/* RFC 8601 §2.5: a token is kept, and an internationalised name becomes A-labels, because not every message may
 * contain UTF-8. */
char *convert_authserv_id(const char *text, const struct place *place)
{
    static const char token[] = "!#$%&'*+-.^_`{|}~";
    bool is_token = true;
    for (const char *c = text; *c != '\0'; c++)
        is_token = is_token && (g_ascii_isalnum(*c) || strchr(token, *c) != NULL);
    if (is_token)
        return g_strdup(text);
    char *domain = domain_normalise(text);
    if (domain == NULL)
        place_fault(place, "\"%s\": \"%s\" is not a host name or another word without spaces", place->key, text);
    return domain;
}

/* RFC 5322 §3.6.8. A name that is not valid would never match a field. */
char *convert_field_name(const char *text, const struct place *place)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isgraph(*c) || *c == ':') {
            place_fault(place, "\"%s\": \"%s\" is not the name of a header field, such as \"Sensitivity\"", place->key,
                        text);
            return NULL;
        }
    return g_strdup(text);
}

/* A tag of one letter or without any would be found in ordinary Subjects; a long one could not be told from a text. */
char *convert_tag(const char *text, const struct place *place)
{
    char *tag = fold_text(slice_of(text));
    size_t length = tag != NULL ? strlen(tag) : 0;
    if (length >= 2 && length <= TAG_MAX)
        return tag;
    g_free(tag);
    place_fault(place, "\"%s\": \"%s\" is not a tag such as \"[encrypt]\", of 2 to %d bytes", place->key, text,
                TAG_MAX);
    return NULL;
}

/* "NAME: VALUE" */
char *convert_header(const char *text, const struct place *place)
{
    g_auto(GStrv) halves = g_strsplit(text, ":", 2);
    if (halves[1] == NULL || halves[0][0] == '\0') {
        place_fault(place, "\"%s\": \"%s\" is not a field with its value, such as \"Sensitivity: private\"", place->key,
                    text);
        return NULL;
    }
    g_autofree char *name = convert_field_name(g_strchomp(halves[0]), place);
    g_autofree char *lower = name != NULL ? g_ascii_strdown(name, -1) : NULL;
    g_autofree char *value = fold_text(slice_of(halves[1]));
    return lower != NULL && value != NULL ? g_strconcat(lower, ": ", value, NULL) : NULL;
}

char *convert_kind(const char *text, const struct place *place)
{
    g_autofree char *words = NULL;
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        const char *name = kind_name((enum kind)(1u << i));
        if (strcmp(name, text) == 0)
            return g_strdup(text);
        char *longer = words != NULL ? g_strconcat(words, "\", \"", name, NULL) : g_strdup(name);
        g_free(words);
        words = longer;
    }
    place_fault(place, "\"%s\" must be one of \"%s\", not \"%s\"", place->key, words, text);
    return NULL;
}

char *convert_certificate_kind(const char *text, const struct place *place)
{
    for (int i = 0; i < CERTIFICATE_KINDS; i++)
        if (strcmp(text, certificate_kind_name((enum certificate_kind)i)) == 0)
            return g_strdup(text);
    place_fault(place, "\"%s\": \"%s\" is not one of \"own\", \"group\", \"domain\"", place->key, text);
    return NULL;
}

/* RFC 2634 §3.4: ub-privacy-mark-length. */
char *convert_mark(const char *text, const struct place *place)
{
    if (strlen(text) <= 128)
        return g_strdup(text);
    place_fault(place, "\"%s\" must not be longer than 128 bytes in UTF-8", place->key);
    return NULL;
}

char *convert_folder(const char *text, const struct place *place)
{
    g_autofree char *path = convert_path(text, place);
    struct stat status;
    if (stat(path, &status) != 0)
        place_fault(place, "\"%s\": %s: %s", place->key, path, g_strerror(errno));
    else if (!S_ISDIR(status.st_mode))
        place_fault(place, "\"%s\": %s is not a directory", place->key, path);
    else if (access(path, W_OK | X_OK) != 0)
        place_fault(place, "\"%s\": %s: not writable: %s", place->key, path, g_strerror(errno));
    else
        return steal(&path);
    return NULL;
}

/* A variable with which the dynamic linker loads other code is not a module's. */
char *convert_variable(const char *text, const struct place *place)
{
    const char *equals = strchr(text, '=');
    bool good = equals != NULL && equals != text && !g_ascii_isdigit(text[0]) && !text_begins_with(text, "LD_");
    for (const char *c = text; good && c < equals; c++)
        good = g_ascii_isalnum(*c) || *c == '_';
    if (good)
        return g_strdup(text);
    place_fault(place, "\"%s\": \"%s\" is not a variable such as \"SOFTHSM2_CONF=/etc/domsec/softhsm2.conf\"",
                place->key, text);
    return NULL;
}

static char *convert_token_key(const char *text, const struct place *place)
{
    struct error error = {0};
    P11KitUri *uri = token_uri_parse(text, &error);
    p11_kit_uri_free(uri);
    if (uri != NULL)
        return g_strdup(text);
    place_fault(place, "\"%s\": %s", place->key, error.text);
    return NULL;
}

/* Only keys/ knows which schemes exist. */
char *convert_key(const char *text, const struct place *place)
{
    if (token_uri_is(text))
        return convert_token_key(text, place);
    g_autofree char *scheme = g_uri_parse_scheme(text);
    if (scheme == NULL) {
        place_fault(place, "\"%s\": \"%s\" is not a URI; write \"file:%s\" for a file", place->key, text, text);
        return NULL;
    }
    if (strcmp(scheme, "file") != 0)
        return g_strdup(text);
    const char *path = text + strlen("file:");
    if (text_begins_with(path, "//"))
        path += 2; /* file:///etc/… with an empty host, RFC 8089 §2 */
    if (path[0] == '\0') {
        place_fault(place, "\"%s\": \"%s\" has no file name", place->key, text);
        return NULL;
    }
    g_autofree char *absolute = convert_path(path, place);
    return g_strconcat("file:", absolute, NULL);
}
