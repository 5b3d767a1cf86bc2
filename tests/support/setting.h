/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting: a configuration in a temporary folder, loaded, with its trust: what each test of trust/ begins with.
 *
 *     AUTO_SETTING setting = setting_new("trust_anchors = ( \"ca.pem\" );", "naming = \"domain\";");
 *     ... write "ca.pem" and so on into setting->folder; partner is partner.test's ...
 *     setting_open(setting);
 *     setting_expect(setting, &(struct chain_query){.leaf = …}, OUTCOME_PASS, "valid", "what it is about");
 */
#ifndef DOMSEC_TESTS_SUPPORT_SETTING_H
#define DOMSEC_TESTS_SUPPORT_SETTING_H

#include "support/pki.h"
#include "trust/trust.h"

#include <criterion/criterion.h>
#include <openssl/err.h>

struct setting {
    char *folder;
    struct conf *conf;
    struct trust *trust;
    struct faults *faults;
    const struct partner *partner; /* partner.test.conf */
};

/* Writes domsec.conf and partner.test.conf with these keys; nothing is loaded yet. */
struct setting *setting_new(const char *main_keys, const char *rule_keys);
void setting_free(struct setting *setting);
DECLARE_OWNED(setting, struct setting *, setting_free)
#define AUTO_SETTING owned(setting) struct setting *

/* Loads the configuration and opens trust. Returns false if trust_open() refused; the reasons are in faults. */
bool setting_try(struct setting *setting);

/* As setting_try(), but a refusal fails the test. */
void setting_open(struct setting *setting);

/* Asks trust_check_chain() with the setting's partner, and with the present time unless `asked` has another. */
void setting_judge(const struct setting *setting, const struct chain_query *asked, struct finding *finding);

/* Expects this outcome, with `says` in its reason. what: for the message of a failure. */
void setting_expect(const struct setting *setting, const struct chain_query *query, enum outcome expected,
                    const char *says, const char *what);

#endif
