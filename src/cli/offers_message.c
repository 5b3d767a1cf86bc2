/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers_message: certificates in a signed message. Anyone can put any certificate into a message. So only a signature
 * that holds offers any: that of the signer, and others for the same address, which programs with a key of its own for
 * encryption send along. Whether such a certificate may be trusted is decided by its path, as for all of the store.
 */
#include "offers.h"

#include "mail/mime.h"
#include "smime/smime.h"

#include <openssl/x509v3.h>
#include <string.h>

#define DEPTH_MAX 16 /* layers and multiparts in each other */

struct reading {
    struct offers *offers;
    const struct limits *limits;
    bool encrypted;
    struct error error; /* of the last layer that could not be read */
};

bool offers_is_message(struct slice contents)
{
    const char *name = contents.data, *end = contents.data + contents.len;
    if (contents.len >= strlen("From ") && memcmp(name, "From ", strlen("From ")) == 0)
        return true;
    while (name < end && g_ascii_isgraph(*name) && *name != ':')
        name++;
    return name > contents.data && name < end && *name == ':';
}

/* --- one signature --- */

static bool share_address(const X509 *a, const X509 *b)
{
    bool odd = false;
    g_auto(GStrv) mine = certificate_addresses(a, &odd);
    g_auto(GStrv) theirs = certificate_addresses(b, &odd);
    for (char **each = mine; *each != NULL; each++)
        for (char **other = theirs; *other != NULL; other++)
            if (g_ascii_strcasecmp(*each, *other) == 0)
                return true;
    return false;
}

static const X509 *signer_like(const struct layer *layer, const X509 *certificate)
{
    for (size_t i = 0; i < layer->facts.signer_count; i++)
        if (layer->signers[i].facts->valid && share_address(layer->signers[i].certificate, certificate))
            return layer->signers[i].certificate;
    return NULL;
}

static bool has_signed(const struct layer *layer, const X509 *certificate)
{
    for (size_t i = 0; i < layer->facts.signer_count; i++)
        if (layer->signers[i].facts->valid && X509_cmp(layer->signers[i].certificate, certificate) == 0)
            return true;
    return false;
}

static void add_certificates(struct reading *reading, const struct layer *layer)
{
    for (int i = 0; i < sk_X509_num(layer->certificates); i++) {
        X509 *certificate = sk_X509_value(layer->certificates, i);
        g_autofree char *subject = certificate_subject(certificate);
        if (has_signed(layer, certificate))
            offers_add(reading->offers, certificate, "signed the message");
        else if (X509_check_ca(certificate) == 0 && signer_like(layer, certificate) != NULL)
            offers_add(reading->offers, certificate, "sent along by the signer, for the same address");
        else if (X509_check_ca(certificate) == 0)
            offers_leave_out(reading->offers, "%s: it is in the message, and not the signer's", subject);
    }
}

static void read_signed(struct reading *reading, const struct layer *layer)
{
    bool holds = false;
    for (size_t i = 0; i < layer->facts.signer_count; i++) {
        const struct signer_facts *facts = layer->signers[i].facts;
        holds = holds || facts->valid;
        if (!facts->valid)
            offers_leave_out(reading->offers, "the certificate %s of %s: the signature does not hold: %s",
                             facts->serial, facts->issuer, facts->reason);
    }
    if (holds)
        add_certificates(reading, layer);
}

/* --- the way inwards --- */

static void read_part(struct reading *reading, const struct part *part, unsigned depth);

/* RFC 8551 §3.8: a message that only carries certificates. */
static void read_certs_only(struct reading *reading, const struct part *part)
{
    struct slice bytes;
    struct error error = {0};
    owned(spool) struct spool *spool = spool_new(reading->limits);
    if (!part_is_pkcs7_mime(part) || !part_decode(part, spool, &error) || !spool_finish(spool, &bytes, &error))
        return;
    owned(x509_stack) STACK_OF(X509) *list = certificates_parse(bytes, NULL, &error);
    for (int i = 0; i < sk_X509_num(list); i++)
        offers_add(reading->offers, sk_X509_value(list, i), "sent without a signature");
}

static void read_entity(struct reading *reading, struct slice bytes, unsigned depth)
{
    struct slice header, body;
    owned(spool) struct spool *spool = NULL;
    if (!part_split(bytes, &header, &body) || !mime_is_canonical(header)) {
        spool = mime_from_unix(bytes, reading->limits, &bytes, &reading->error);
        if (spool == NULL)
            return;
    }
    owned(part) struct part *root = part_parse_entity(bytes, reading->limits, &reading->error);
    if (root != NULL)
        read_part(reading, root, depth);
}

static void read_part(struct reading *reading, const struct part *part, unsigned depth)
{
    if (depth >= DEPTH_MAX)
        return;
    struct layer layer = {0};
    const struct open_options options = {.limits = reading->limits};
    switch (depth == 0 ? smime_open(part, &options, &layer, &reading->error)
                       : smime_open_part(part, &options, &layer, &reading->error)) {
    case OPENED:
        if (layer.facts.type == LAYER_SIGNED)
            read_signed(reading, &layer);
        read_entity(reading, layer.inner, depth + 1);
        break;
    case OPENED_NO_KEY:
        reading->encrypted = true;
        break;
    case OPENED_NOT_SMIME:
        read_certs_only(reading, part);
        for (size_t i = 0; i < part->child_count; i++)
            read_part(reading, &part->children[i], depth + 1);
        break;
    case OPENED_BROKEN:
    case OPENED_FAILED:
        break;
    }
    layer_clear(&layer);
}

bool offers_read_message(struct offers *offers, struct slice contents, const struct limits *limits, struct error *error)
{
    struct reading reading = {.offers = offers, .limits = limits};
    const char *line_end = memchr(contents.data, '\n', contents.len);
    if (memcmp(contents.data, "From ", MIN(contents.len, strlen("From "))) == 0 && line_end != NULL) /* an mbox file */
        contents = (struct slice){line_end + 1, contents.len - (size_t)(line_end + 1 - contents.data)};
    read_entity(&reading, contents, 0);
    if (offers_count(offers) > 0)
        return true;
    if (reading.error.kind != ERROR_NONE && !reading.encrypted)
        return error_set(error, reading.error.kind, "the message cannot be read: %s", reading.error.text);
    return error_set(error, ERROR_PERMANENT, "a message %s, so it offers no certificate",
                     reading.encrypted ? "that is encrypted" : "without a signature");
}
