/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: the words that keys take, and what reports and messages call a value.
 */
#include "words.h"

#include "base/log.h"
#include "conf/conf.h"

#include <glib.h>
#include <string.h>

const char *const role_words[] = {"domain-signing-authority", "domain-confidentiality-authority", "review-authority",
                                  "attribute-authority", NULL};
const char *const approve_words[] = {"off", "manual", "anchored", NULL};
const char *const protect_words[] = {"none", "sign", "encrypt", "sign+encrypt", "triple", "opportunistic", NULL};
const char *const no_certificate_words[] = {"reject", "tempfail", "sign", "plain", NULL};
const char *const sign_as_words[] = {"domain", "mailbox", "mailbox+domain", NULL};
const char *const no_identity_words[] = {"reject", "domain", NULL};
const char *const unauthentic_words[] = {"reject", "tempfail", "unsigned", NULL};
const char *const require_words[] = {"none", "sign", "encrypt", "sign+encrypt", NULL};
const char *const otherwise_words[] = {"reject", "quarantine", "tag", NULL};
const char *const mode_words[] = {"enforce", "test", NULL};
const char *const undecryptable_words[] = {"deliver", "reject", "tempfail", NULL};
const char *const malleable_words[] = {"accept", "refuse", NULL};
const char *const unreadable_words[] = {"pass", "reject", "tempfail", NULL};
const char *const signed_by_words[] = {"any", "domain", "originator", "both", NULL};
const char *const originator_signatures_words[] = {"keep", "remove", NULL};
const char *const protected_headers_words[] = {"restore", "keep", NULL};
const char *const protect_headers_words[] = {"none", "sign", "baseline", "shy", NULL};
const char *const misleading_names_words[] = {"refuse", "accept", NULL};
const char *const classification_words[] = {"none",         "unmarked", "unclassified", "restricted",
                                            "confidential", "secret",   "top-secret",   NULL};
const char *const naming_words[] = {"rfc3183", "mailbox", "domain", "pinned", "address", NULL};
const char *const group_naming_words[] = {"pinned", "mailbox", NULL};
const char *const br_type_words[] = {"mailbox", "organization", "sponsor", "individual", NULL};
const char *const br_generation_words[] = {"legacy", "multipurpose", "strict", NULL};
const char *const key_kind_words[] = {"p-256", "p-384", "p-521", "ed25519", "ed448", "x25519", "x448", NULL};
const char *const origin_words[] = {"ca", "token", "os", "application", "gateway", "cloud", NULL};
const char *const without_type_words[] = {"originator", "domain", NULL};
const char *const format_words[] = {"clear", "opaque", NULL};
const char *const signature_words[] = {"rsa-pss", "rsa-pkcs1", NULL};
const char *const digest_words[] = {"sha256", "sha384", "sha512", NULL};
const char *const cipher_words[] = {"aes-128-gcm", "aes-256-gcm", "aes-128-cbc", "aes-192-cbc", "aes-256-cbc", NULL};
const char *const key_transport_words[] = {"rsa-oaep", "rsa-pkcs1", NULL};
const char *const revocation_check_words[] = {"off", "soft", "hard", NULL};
const char *const mixed_words[] = {"reject", "tempfail", "split", NULL};
const char *const crashing_words[] = {"tempfail", "reject", "quarantine", NULL};
const char *const log_level_words[] = {"error", "warning", "info", "debug", NULL};

G_STATIC_ASSERT(G_N_ELEMENTS(role_words) == ROLE_COUNT + 1);
G_STATIC_ASSERT(G_N_ELEMENTS(origin_words) == ORIGIN_CLOUD + 1);
G_STATIC_ASSERT((int)LOG_LEVEL_ERROR == 0 && (int)LOG_LEVEL_DEBUG == 3);

/* A number without a word is a bug in the caller; it must not cause a read past the table. */
static const char *word(const char *const *words, unsigned index)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (i == index)
            return words[i];
    return "?";
}

const char *role_name(enum role role)
{
    return role == ROLE_MAILBOX ? "mailbox" : word(role_words, role);
}

const char *approve_name(enum approve approve)
{
    return word(approve_words, approve);
}

const char *protect_name(enum protect protect)
{
    return word(protect_words, protect);
}

const char *no_certificate_name(enum no_certificate no_certificate)
{
    return word(no_certificate_words, no_certificate);
}

const char *unauthentic_name(enum unauthentic unauthentic)
{
    return word(unauthentic_words, unauthentic);
}

const char *sign_as_name(enum sign_as sign_as)
{
    return word(sign_as_words, sign_as);
}

const char *no_identity_name(enum no_identity no_identity)
{
    return word(no_identity_words, no_identity);
}

const char *require_name(enum require require)
{
    return word(require_words, require);
}

const char *otherwise_name(enum otherwise otherwise)
{
    return word(otherwise_words, otherwise);
}

const char *mode_name(enum mode mode)
{
    return word(mode_words, mode);
}

const char *undecryptable_name(enum undecryptable undecryptable)
{
    return word(undecryptable_words, undecryptable);
}

const char *unreadable_name(enum unreadable unreadable)
{
    return word(unreadable_words, unreadable);
}

const char *mixed_name(enum mixed mixed)
{
    return word(mixed_words, mixed);
}

const char *protect_headers_name(enum protect_headers headers)
{
    return word(protect_headers_words, headers);
}

const char *signature_name(enum signature signature)
{
    return word(signature_words, signature);
}

const char *digest_name(enum digest digest)
{
    return word(digest_words, digest);
}

const char *cipher_name(enum cipher cipher)
{
    return word(cipher_words, cipher);
}

const char *key_transport_name(enum key_transport key_transport)
{
    return word(key_transport_words, key_transport);
}

const char *key_origin_name(enum key_origin origin)
{
    return origin == ORIGIN_UNKNOWN ? NULL : word(origin_words, origin - ORIGIN_CA);
}

enum key_origin key_origin_of(const char *name)
{
    for (int origin = ORIGIN_CA; name != NULL && origin <= ORIGIN_CLOUD; origin++)
        if (strcmp(origin_words[origin - ORIGIN_CA], name) == 0)
            return (enum key_origin)origin;
    return ORIGIN_UNKNOWN;
}

const char *naming_name(enum naming naming)
{
    return word(naming_words, naming);
}
