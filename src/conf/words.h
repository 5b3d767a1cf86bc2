/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: the words of the configuration for the values of its enums, each list in the order of its enum and
 * NULL-terminated. Private to conf/.
 */
#ifndef DOMSEC_CONF_WORDS_H
#define DOMSEC_CONF_WORDS_H

extern const char *const role_words[];
extern const char *const protect_words[];
extern const char *const approve_words[];
extern const char *const no_certificate_words[];
extern const char *const sign_as_words[];
extern const char *const no_identity_words[];
extern const char *const unauthentic_words[];
extern const char *const require_words[];
extern const char *const otherwise_words[];
extern const char *const mode_words[];
extern const char *const undecryptable_words[];
extern const char *const malleable_words[];
extern const char *const unreadable_words[];
extern const char *const signed_by_words[];
extern const char *const originator_signatures_words[];
extern const char *const protected_headers_words[];
extern const char *const protect_headers_words[];
extern const char *const misleading_names_words[];
extern const char *const classification_words[];
extern const char *const naming_words[];
extern const char *const group_naming_words[];
extern const char *const br_type_words[];
extern const char *const br_generation_words[];
extern const char *const key_kind_words[]; /* and "rsa-" with a number of bits */
extern const char *const origin_words[];   /* ORIGIN_CA and so on */
extern const char *const without_type_words[];
extern const char *const format_words[];
extern const char *const signature_words[];
extern const char *const digest_words[];
extern const char *const cipher_words[];
extern const char *const key_transport_words[];
extern const char *const revocation_check_words[];
extern const char *const mixed_words[];
extern const char *const crashing_words[];
extern const char *const log_level_words[];

/* Every source of certificates, as the default of `sources` is written. */
#define SOURCES_DEFAULT "pinned directory store ldap dns harvest"

#endif
