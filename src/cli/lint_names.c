/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_names: which names a certificate of each type may have (S/MIME Baseline Requirements §7.1.4.2). Whether a name
 * is true is for the authority to check: this looks at its form.
 */
#include "lint.h"

#include <openssl/obj_mac.h>
#include <openssl/x509v3.h>
#include <string.h>

const char *const lint_types[LINT_TYPES] = {"mailbox", "organization", "sponsor", "individual"};

#define MAILBOX 1u
#define ORGANIZATION 2u
#define SPONSOR 4u
#define INDIVIDUAL 8u
#define ANY (MAILBOX | ORGANIZATION | SPONSOR | INDIVIDUAL)
#define OF_ORGANIZATION (ORGANIZATION | SPONSOR)
#define OF_PERSON (SPONSOR | INDIVIDUAL)

/* §7.1.4.2.3 to §7.1.4.2.6; another attribute only in the legacy generation. */
static const struct {
    int nid;
    unsigned allowed, required; /* for these types */
} attributes[] = {{NID_commonName, ANY, 0},
                  {NID_pkcs9_emailAddress, ANY, 0},
                  {NID_serialNumber, ANY, 0},
                  {NID_organizationName, OF_ORGANIZATION, OF_ORGANIZATION},
                  {NID_organizationIdentifier, OF_ORGANIZATION, OF_ORGANIZATION},
                  {NID_organizationalUnitName, OF_ORGANIZATION, 0},
                  {NID_givenName, OF_PERSON, 0},
                  {NID_surname, OF_PERSON, 0},
                  {NID_pseudonym, OF_PERSON, 0},
                  {NID_title, OF_PERSON, 0},
                  {NID_streetAddress, ORGANIZATION | OF_PERSON, 0},
                  {NID_localityName, ORGANIZATION | OF_PERSON, 0},
                  {NID_stateOrProvinceName, ORGANIZATION | OF_PERSON, 0},
                  {NID_postalCode, ORGANIZATION | OF_PERSON, 0},
                  {NID_countryName, ORGANIZATION | OF_PERSON, 0}};

static bool has_attribute(const struct lint_subject *subject, int nid)
{
    return X509_NAME_get_index_by_NID(X509_get_subject_name(subject->certificate), nid, -1) >= 0;
}

static bool is_address(const char *text)
{
    struct address address = {0};
    if (!certificate_address_parse(text, &address))
        return false;
    address_clear(&address);
    return true;
}

/* The local part as it is, the domain without case. */
static bool in_san(const struct lint_subject *subject, const char *address)
{
    for (char **each = subject->san_addresses; *each != NULL; each++) {
        const char *at = strrchr(*each, '@'), *own_at = strrchr(address, '@');
        if (at != NULL && own_at != NULL && at - *each == own_at - address &&
            strncmp(*each, address, (size_t)(at - *each)) == 0 && g_ascii_strcasecmp(at, own_at) == 0)
            return true;
    }
    return false;
}

/* --- subjectAltName, §7.1.4.2.1 --- */

static bool is_mail(const GENERAL_NAME *name)
{
    if (name->type == GEN_EMAIL)
        return true;
    return name->type == GEN_OTHERNAME && OBJ_obj2nid(name->d.otherName->type_id) == NID_id_on_SmtpUTF8Mailbox;
}

static void check_alternatives(const struct lint_subject *subject, struct lint_notes *notes)
{
    int critical = 0;
    bool has_mail = false, has_host = false;
    GENERAL_NAMES *names = X509_get_ext_d2i(subject->certificate, NID_subject_alt_name, &critical, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        has_mail = has_mail || is_mail(name);
        has_host = has_host || name->type == GEN_DNS || name->type == GEN_IPADD || name->type == GEN_URI;
    }
    bool has_subject = X509_NAME_entry_count(X509_get_subject_name(subject->certificate)) > 0;
    if (!has_mail)
        lint_fault(notes, "BR 7.1.4.2.1", "subjectAltName has no mail address");
    if (has_host)
        lint_fault(notes, "BR 7.1.4.2.1", "subjectAltName has a host, IP address or URI");
    if (names != NULL && critical == 1 && has_subject)
        lint_warn(notes, "BR 7.1.2.3", "subjectAltName is critical although there is a subject");
    GENERAL_NAMES_free(names);
    for (char **each = subject->addresses; *each != NULL; each++)
        if (!is_address(*each))
            lint_fault(notes, "BR 7.1.4.2.1", "\"%s\" is not a mail address", *each);
        else if (!in_san(subject, *each))
            lint_fault(notes, "BR 7.1.4.2.1", "the address %s of the subject is not in subjectAltName", *each);
}

/* --- the subject, §7.1.4.2.2 --- */

static char *attribute_text(const struct lint_subject *subject, int nid)
{
    const X509_NAME *name = X509_get_subject_name(subject->certificate);
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    unsigned char *utf8 = NULL;
    int length = at >= 0 ? ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))) : -1;
    char *text = length >= 0 ? g_strndup((const char *)utf8, (gsize)length) : NULL;
    OPENSSL_free(utf8);
    return text;
}

static bool is_role(const char *text)
{
    for (int role = 0; role < ROLE_COUNT; role++)
        if (g_ascii_strcasecmp(text, role_name((enum role)role)) == 0)
            return true;
    return false;
}

static void check_common_name(const struct lint_subject *subject, unsigned type, struct lint_notes *notes)
{
    const char *name = subject->common_names[0];
    g_autofree char *organization = attribute_text(subject, NID_organizationName);
    if (name == NULL)
        return;
    if (subject->common_names[1] != NULL)
        lint_fault(notes, "BR 7.1.4.2.2", "the subject has several common names");
    if (is_address(name)) {
        if (!in_san(subject, name))
            lint_fault(notes, "BR 7.1.4.2.2", "the common name %s is not in subjectAltName", name);
        return;
    }
    if (is_role(name)) /* RFC 3183 §3.1.1 */
        lint_fault(notes, "BR 7.1.4.2.2",
                   "the common name \"%s\" is the bare role, which no public authority may certify; make it a mail "
                   "address, such as %s@DOMAIN",
                   name, name);
    else if ((type & MAILBOX) != 0)
        lint_fault(notes, "BR 7.1.4.2.2", "the common name \"%s\" is not a mail address", name);
    else if ((type & ORGANIZATION) != 0 && g_strcmp0(name, organization) != 0)
        lint_fault(notes, "BR 7.1.4.2.2", "the common name \"%s\" is neither a mail address nor the organization",
                   name);
    else if ((type & OF_PERSON) != 0 && g_strcmp0(name, organization) == 0)
        lint_fault(notes, "BR 7.1.4.2.2", "the common name \"%s\" is not that of a person", name);
}

static void check_attributes(const struct lint_subject *subject, unsigned type, bool legacy, struct lint_notes *notes)
{
    const X509_NAME *name = X509_get_subject_name(subject->certificate);
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(X509_NAME_get_entry(name, i)));
        bool known = false, allowed = false;
        for (size_t j = 0; j < G_N_ELEMENTS(attributes); j++)
            if (attributes[j].nid == nid) {
                known = true;
                allowed = (attributes[j].allowed & type) != 0;
            }
        if (!allowed && (known || !legacy || type == MAILBOX))
            lint_fault(notes, "BR 7.1.4.2.2", "the subject may not have %s",
                       nid != NID_undef ? OBJ_nid2ln(nid) : "that attribute");
    }
    for (size_t j = 0; j < G_N_ELEMENTS(attributes); j++)
        if ((attributes[j].required & type) != 0 && !legacy && !has_attribute(subject, attributes[j].nid))
            lint_fault(notes, "BR 7.1.4.2.2", "the subject has no %s", OBJ_nid2ln(attributes[j].nid));
    bool named = has_attribute(subject, NID_givenName) || has_attribute(subject, NID_surname);
    bool pseudonymous = has_attribute(subject, NID_pseudonym);
    if ((type & OF_PERSON) != 0 && !legacy && !named && !pseudonymous)
        lint_fault(notes, "BR 7.1.4.2.2", "the subject has neither givenName or surname nor a pseudonym");
    if (named && pseudonymous)
        lint_fault(notes, "BR 7.1.4.2.2", "the subject has a name and a pseudonym");
    g_autofree char *country = attribute_text(subject, NID_countryName);
    if (country != NULL && (strlen(country) != 2 || !g_ascii_isupper(country[0]) || !g_ascii_isupper(country[1])))
        lint_fault(notes, "BR 7.1.4.2.2", "the countryName \"%s\" is not a code of two capital letters", country);
}

void lint_names(const struct lint_subject *subject, size_t type, bool legacy, struct lint_notes *notes)
{
    unsigned bit = 1u << type;
    if (subject->odd)
        lint_fault(notes, "BR 7.1.4.2.1", "a name cannot be parsed safely");
    check_alternatives(subject, notes);
    check_common_name(subject, bit, notes);
    check_attributes(subject, bit, legacy, notes);
}
