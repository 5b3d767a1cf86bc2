/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe: describes a certificate, for people and for scripts. Names come through keys/, which makes them printable.
 * This file does not judge: trust/ decides whether a certificate may be used, and `domsec explain` shows it.
 */
#include "describe.h"

#include "keys/profile.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

char *describe_id(const X509 *certificate)
{
    char sha256[65];
    certificate_fingerprint(certificate, sha256);
    return g_strndup(sha256, FINGERPRINT_DIGITS);
}

char *describe_addresses(const X509 *certificate)
{
    bool odd = false;
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);
    g_autofree char *text = g_strjoinv(", ", addresses);
    if (!odd)
        return steal(&text);
    return g_strdup_printf("%s%s(a malformed address)", text, *text != '\0' ? ", " : "");
}

char *describe_name(const X509 *certificate)
{
    g_autofree char *addresses = describe_addresses(certificate);
    return *addresses != '\0' ? steal(&addresses) : certificate_subject(certificate);
}

bool describe_time(const ASN1_TIME *time, char text[32])
{
    struct tm tm = {0};
    if (ASN1_TIME_to_tm(time, &tm) != 1) {
        g_strlcpy(text, "unreadable", 32);
        return false;
    }
    return strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

char *describe_date(const ASN1_TIME *time)
{
    char text[32];
    if (describe_time(time, text))
        text[strlen("2000-01-01")] = '\0';
    return g_strdup(text);
}

long describe_days_left(const X509 *certificate)
{
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
        return -1;
    return seconds < 0 ? days - 1L : days;
}

char *describe_days(const X509 *certificate)
{
    long left = describe_days_left(certificate);
    return left < 0 ? g_strdup("expired") : g_strdup_printf("%ld", left);
}

char *describe_usage(const X509 *certificate)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } usages[] = {{KU_DIGITAL_SIGNATURE, "digitalSignature"},
                  {KU_NON_REPUDIATION, "nonRepudiation"},
                  {KU_KEY_ENCIPHERMENT, "keyEncipherment"},
                  {KU_DATA_ENCIPHERMENT, "dataEncipherment"},
                  {KU_KEY_AGREEMENT, "keyAgreement"},
                  {KU_KEY_CERT_SIGN, "keyCertSign"},
                  {KU_CRL_SIGN, "cRLSign"}};
    /* OpenSSL fills its cache of extensions at the first query, so its prototype has no const. */
    uint32_t usage = X509_get_key_usage((X509 *)certificate);
    if (usage == UINT32_MAX)
        return g_strdup("any");
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(usages); i++)
        if ((usage & usages[i].bit) != 0)
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", usages[i].name);
    return g_string_free(text, FALSE);
}

char *describe_key(const EVP_PKEY *key)
{
    if (key == NULL)
        return g_strdup("unreadable");
    g_autofree char *kind = key_kind(key);
    if (strcmp(kind, "other") != 0)
        return steal(&kind);
    const char *name = EVP_PKEY_get0_type_name(key);
    g_autofree char *lower = g_ascii_strdown(name != NULL ? name : "unknown", -1);
    return g_strdup_printf("%s-%d", lower, EVP_PKEY_get_bits(key));
}

/* As the S/MIME Baseline Requirements call it. */
static char *describe_type(const struct certificate_profile *profile)
{
    if (profile->type == NULL)
        return g_strdup("not declared");
    return g_strdup_printf("%s-validated, %s generation", profile->type, profile->generation);
}

static const char *describe_purpose(const struct certificate_profile *profile)
{
    if (profile->signs && profile->encrypts)
        return profile->content_commitment ? "signatures with content commitment, and encryption (dual use)"
                                           : "signatures and encryption (dual use)";
    if (profile->signs)
        return profile->content_commitment ? "signatures with content commitment" : "signatures";
    return profile->encrypts ? "encryption" : "neither signatures nor encryption";
}

void description_make(const X509 *certificate, struct description *description)
{
    certificate_fingerprint(certificate, description->sha256);
    describe_time(X509_get0_notBefore(certificate), description->from);
    describe_time(X509_get0_notAfter(certificate), description->until);
    description->subject = certificate_subject(certificate);
    description->issuer = certificate_issuer(certificate);
    description->serial = certificate_serial(certificate);
    description->usage = describe_usage(certificate);
    description->key = describe_key(X509_get0_pubkey(certificate));
    owned(certificate_profile) struct certificate_profile profile = {0};
    certificate_profile_read(certificate, &profile);
    description->type = describe_type(&profile);
    description->policies = profile.policies[0] != NULL ? g_strjoinv(", ", profile.policies) : g_strdup("none");
    description->purpose = describe_purpose(&profile);
}

void description_clear(struct description *description)
{
    g_free(description->subject);
    g_free(description->issuer);
    g_free(description->serial);
    g_free(description->usage);
    g_free(description->key);
    g_free(description->type);
    g_free(description->policies);
}

json_t *describe_string(const char *text)
{
    if (text == NULL)
        return json_null();
    g_autofree char *printable = text_printable_copy(text, strlen(text));
    return json_string(printable);
}

static void describe_profile(const X509 *certificate, json_t *json)
{
    owned(certificate_profile) struct certificate_profile profile = {0};
    certificate_profile_read(certificate, &profile);
    json_object_set_new(json, "signs", json_boolean(profile.signs));
    json_object_set_new(json, "encrypts", json_boolean(profile.encrypts));
    json_object_set_new(json, "content_commitment", json_boolean(profile.content_commitment));
    json_object_set_new(json, "smime_br", describe_string(profile.type));
    json_object_set_new(json, "generation", describe_string(profile.generation));
    json_t *policies = json_array();
    for (char **each = profile.policies; *each != NULL; each++)
        json_array_append_new(policies, json_string(*each));
    json_object_set_new(json, "policies", policies);
}

json_t *describe_json(const X509 *certificate)
{
    struct description description;
    description_make(certificate, &description);
    json_t *json = json_object();
    json_object_set_new(json, "sha256", json_string(description.sha256));
    json_object_set_new(json, "subject", json_string(description.subject));
    json_object_set_new(json, "issuer", json_string(description.issuer));
    json_object_set_new(json, "serial", json_string(description.serial));
    json_t *list = json_array();
    bool odd = false;
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);
    for (char **address = addresses; *address != NULL; address++)
        json_array_append_new(list, json_string(*address));
    json_object_set_new(json, "addresses", list);
    json_object_set_new(json, "not_before", json_string(description.from));
    json_object_set_new(json, "not_after", json_string(description.until));
    json_object_set_new(json, "days_left", json_integer(describe_days_left(certificate)));
    json_object_set_new(json, "key", json_string(description.key));
    json_object_set_new(json, "key_usage", json_string(description.usage));
    describe_profile(certificate, json);
    description_clear(&description);
    return json;
}

void describe_print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}
