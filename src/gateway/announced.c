/* SPDX-License-Identifier: Apache-2.0 */
/*
 * announced: what a recipient's software is known to read. It said so in a signature (kept in the store, by the name of
 * the signer), or its certificate does (RFC 4262): the later of both counts.
 */
#include "learn.h"

#include "store/harvest.h"

#include <string.h>

bool capabilities_are_none(const struct capabilities *capabilities)
{
    return capabilities->ciphers == 0 && capabilities->key_transports == 0 && capabilities->digests == 0;
}

static const char *name_cipher(unsigned number)
{
    return cipher_name((enum cipher)number);
}

static const char *name_key_transport(unsigned number)
{
    return key_transport_name((enum key_transport)number);
}

static const char *name_digest(unsigned number)
{
    return digest_name((enum digest)number);
}

/* The kinds of words, each with the bits that it fills. */
static const struct {
    const char *(*name)(unsigned number);
    unsigned count;
    size_t offset;
} kinds[] = {
    {name_cipher, CIPHER_AES_256_CBC + 1, offsetof(struct capabilities, ciphers)},
    {name_key_transport, KEY_TRANSPORT_RSA_PKCS1 + 1, offsetof(struct capabilities, key_transports)},
    {name_digest, DIGEST_SHA512 + 1, offsetof(struct capabilities, digests)},
};

char *capabilities_words(const struct capabilities *capabilities)
{
    GString *words = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const unsigned *bits = (const unsigned *)(const void *)((const char *)capabilities + kinds[i].offset);
        for (unsigned j = 0; j < kinds[i].count; j++)
            if ((*bits & (1U << j)) != 0)
                g_string_append_printf(words, "%s%s", words->len > 0 ? " " : "", kinds[i].name(j));
    }
    return g_string_free(words, FALSE);
}

void capabilities_read_words(const char *words, struct capabilities *capabilities)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    *capabilities = (struct capabilities){0};
    for (char **word = list; *word != NULL; word++)
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
            unsigned *bits = (unsigned *)(void *)((char *)capabilities + kinds[i].offset);
            for (unsigned j = 0; j < kinds[i].count; j++)
                if (strcmp(*word, kinds[i].name(j)) == 0)
                    *bits |= 1U << j;
        }
}

static const struct candidate *chosen(const struct certs_answer *answer)
{
    return answer->found == FOUND && answer->chosen < answer->count ? &answer->list[answer->chosen] : NULL;
}

/* The one who decrypts announces under this name: a person, or the domain's gateway. */
static char *announcer(const struct candidate *candidate, const struct address *address)
{
    return candidate->personal || candidate->group != NULL ? certs_mailbox_name(address) : g_strdup(address->domain);
}

static enum found ask(const struct gateway *gateway, const struct candidate *candidate, const struct address *address,
                      int64_t deadline, struct capabilities *known, struct error *error)
{
    struct announcement announcement = {.name = announcer(candidate, address)};
    enum found found =
        gateway->store != NULL ? store_capabilities_find(gateway->store, deadline, &announcement, error) : FOUND_NONE;
    smime_certificate_capabilities(candidate->certificate, known);
    bool is_later = announcement.signed_at >= certificate_begins(candidate->certificate);
    if (found == FOUND && (is_later || capabilities_are_none(known)))
        capabilities_read_words(announcement.words, known);
    g_free(announcement.name);
    g_free(announcement.words);
    return found;
}

static bool is_asked(const struct recipient_lookup *answer)
{
    return chosen(&answer->certificates) != NULL && answer->destination.partner->capabilities.follow;
}

static void ask_for(const struct gateway *gateway, struct recipient_lookup *answer, int64_t deadline,
                    struct recipient_view *view)
{
    struct error *error = &answer->certificates.error;
    if (ask(gateway, chosen(&answer->certificates), answer->destination.address, deadline, &view->capabilities,
            error) != FOUND_FAILED)
        return;
    view->certificate = FOUND_FAILED; /* it may be in a form that no one reads */
    view->certificate_reason = error->said;
}

void announced_ask(const struct gateway *gateway, struct lookups *lookups, size_t count,
                   const struct patience *patience)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || is_asked(&lookups->answers[i]);
    if (!any)
        return;
    turns_leave(patience->turns);
    for (size_t i = 0; i < count; i++)
        if (is_asked(&lookups->answers[i]))
            ask_for(gateway, &lookups->answers[i], patience->deadline, &lookups->recipients[i]);
    turns_enter(patience->turns);
}
