/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: what a certificate claims to be: its type and generation by the S/MIME Baseline Requirements of the
 * CA/Browser Forum (§7.1.6.1), its policies, and what its key is for. Whether its issuer was entitled to say so is
 * trust's to judge.
 */
#ifndef DOMSEC_KEYS_PROFILE_H
#define DOMSEC_KEYS_PROFILE_H

#include "keys/keys.h"

struct certificate_profile {
    /* "mailbox", "organization", "sponsor" or "individual", and "legacy", "multipurpose" or "strict"; static. Both
     * NULL: the certificate claims no type, or several. */
    const char *type, *generation;
    char **policies; /* dotted OIDs as in its certificatePolicies; empty: it has none, or they cannot be read */
    bool signs;      /* its key may sign, by its kind and its keyUsage; without keyUsage a key may do what it can */
    bool encrypts;   /* … and be encrypted to */
    bool content_commitment; /* its keyUsage has nonRepudiation, which RFC 5280 §4.2.1.3 calls contentCommitment */
};

void certificate_profile_read(const X509 *certificate, struct certificate_profile *profile);
void certificate_profile_clear(struct certificate_profile *profile);

/* The kind of a key in the words of the configuration: "rsa-2048", "p-256", "ed25519"; "other" for the rest. g_free().
 */
char *key_kind(const EVP_PKEY *key);
/* Whether a key is of a kind that certificates may be asked to have: "rsa-3072" fits RSA keys of 3072 bits and more,
 * and another word the keys of that kind. */
bool key_kind_fits(const EVP_PKEY *key, const char *kind);

static inline __attribute__((unused)) void cleanup_certificate_profile(struct certificate_profile *profile)
{
    certificate_profile_clear(profile);
}

#endif
