/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which revocation lists OpenSSL gets to see, and what it makes of those that were fetched. What a configuration and a
 * message come to together is in test_chain.c, and delta lists are in test_deltas.c.
 */
#include "support/counted.h"
#include "support/listed.h"

#include <dlfcn.h>

#define CRITICAL "1.2.3.4=critical,DER:0500"

TestSuite(lists, .init = listed_setup, .fini = listed_teardown);

/* A list whose signature is bad does not keep others from being heard. A list that was kept has an entry: without
 * entries its signature would still hold. */
Test(lists, bad_signatures)
{
    static const struct listed_row rows[] = {
        {"behind a forged one",
         ALICE,
         {ROOT_LIST, {RECEIVED, FORGER, .from = -60}, {RECEIVED, AUTHORITY}},
         GOOD,
         GOOD,
         NULL,
         -DAY},
        {"a forged one alone", ALICE, {ROOT_LIST, {CONFIGURED, FORGER}}, UNKNOWN, GOOD, UNKNOWN_LIST_SIGNATURE},
        {"a forged one beside another",
         ALICE,
         {ROOT_LIST, {CONFIGURED, FORGER}, {RECEIVED, FORGER, .from = -60}},
         UNKNOWN,
         GOOD,
         UNKNOWN_LIST_SIGNATURE},
        {"a forged one of the root",
         ALICE,
         {ROOT_LIST, {KEPT, AUTHORITY, CAROL}, {CONFIGURED, ROOT_FORGER, .from = -60}},
         GOOD,
         GOOD,
         NULL,
         -DAY},
        {"a newer one that cannot be used",
         ALICE,
         {ROOT_LIST, {KEPT, AUTHORITY}, {RECEIVED, AUTHORITY, .from = -60, .extension = CRITICAL}},
         GOOD,
         GOOD,
         NULL,
         -DAY},
    };
    LISTED_EXPECT_ALL(rows);
}

#define CAS "issuingDistributionPoint=critical,onlyCA:TRUE"
#define INDIRECT "issuingDistributionPoint=critical,indirectCRL:TRUE"
#define NO_TRUST NOT_CHECKED ": its CRL's signer is not trusted"

/* The path of a list's own issuer is as good as that of the certificate. */
Test(lists, of_other_issuers)
{
    static const struct listed_row rows[] = {
        {"an authority with another key",
         ALICE,
         {ROOT_LIST, {KEPT, ANEW, CAROL, .has_key_id = true}},
         GOOD,
         GOOD,
         NULL,
         -DAY},
        {"… received, behind one that is forged",
         ALICE,
         {ROOT_LIST, {RECEIVED, FORGER, .from = -60, .has_key_id = true}, {RECEIVED, ANEW, .has_key_id = true}},
         GOOD,
         GOOD,
         NULL,
         -DAY},
        {"… kept, behind one that is forged",
         ALICE,
         {ROOT_LIST, {RECEIVED, FORGER, .from = -60, .has_key_id = true}, {KEPT, ANEW, CAROL, .has_key_id = true}},
         GOOD,
         GOOD,
         NULL,
         -DAY},
        {"… and the root's is forged in the message",
         ALICE,
         {ROOT_LIST, {RECEIVED, ROOT_FORGER, .from = -60}, {KEPT, ANEW, CAROL, .has_key_id = true}},
         GOOD,
         GOOD,
         NULL,
         -DAY},
        {"indirect, and the older one",
         BOB,
         {{KEPT, ROOT, .extension = CAS},
          {KEPT, AUTHORITY},
          {KEPT, LISTS, ALICE, .from = -3 * DAY, .extension = INDIRECT}},
         GOOD,
         .from = -3 * DAY},
        {"indirect, and that of its issuer received",
         BOB,
         {{RECEIVED, ROOT, .extension = CAS}, {RECEIVED, AUTHORITY}, {KEPT, LISTS, ALICE, .extension = INDIRECT}},
         GOOD,
         .from = -DAY},
        {"indirect, behind one that is forged",
         BOB,
         {{KEPT, ROOT, .extension = CAS},
          {KEPT, AUTHORITY},
          {RECEIVED, ROOT_FORGER, .extension = USERS},
          {RECEIVED, LISTS, .extension = INDIRECT}},
         GOOD,
         .from = -DAY},
        {"indirect and kept, behind one that is forged",
         BOB,
         {{KEPT, ROOT, .extension = CAS},
          {KEPT, AUTHORITY},
          {RECEIVED, ROOT_FORGER, .extension = USERS},
          {KEPT, LISTS, ALICE, .extension = INDIRECT}},
         GOOD,
         .from = -DAY},
        {"indirect, and its issuer is revoked",
         BOB,
         {{KEPT, ROOT, .extension = CAS}, {KEPT, AUTHORITY, LISTS}, {KEPT, LISTS, ALICE, .extension = INDIRECT}},
         UNKNOWN,
         .reason = NO_TRUST},
        {"indirect, and it is not known whether its issuer is revoked",
         BOB,
         {{KEPT, ROOT, .extension = CAS}, {KEPT, LISTS, ALICE, .extension = INDIRECT}},
         UNKNOWN,
         .reason = NO_TRUST},
        {"her own", CAROL, {ROOT_LIST, {KEPT, CAROL, .extension = INDIRECT}}, UNKNOWN, GOOD, UNKNOWN_NO_LIST},
    };
    LISTED_EXPECT_ALL(rows);
}

/* Of the leaf nothing is known; the authority is revoked. */
Test(lists, beyond_what_is_unknown)
{
    static const struct listed_row rows[] = {
        {"no list", ALICE, {{KEPT, ROOT, AUTHORITY}}, UNKNOWN, REVOKED, UNKNOWN_NO_LIST},
        {"not yet valid",
         ALICE,
         {{KEPT, ROOT, AUTHORITY}, {KEPT, AUTHORITY, .from = 60}},
         UNKNOWN,
         REVOKED,
         NOT_CHECKED ": its CRL is not yet valid",
         .from = 60},
        {"out of date",
         ALICE,
         {{KEPT, ROOT, AUTHORITY}, {KEPT, AUTHORITY, .until = -60}},
         UNKNOWN,
         REVOKED,
         NOT_CHECKED ": its CRL is out of date",
         .from = -DAY},
    };
    LISTED_EXPECT_ALL(rows);
}

/* OpenSSL knows no entries of a list that was fetched. */
Test(lists, with_an_unknown_critical_extension)
{
    static const struct listed_row rows[] = {
        {"good", ALICE, {ROOT_LIST, {KEPT, AUTHORITY, .extension = CRITICAL}}, UNKNOWN, UNKNOWN, UNKNOWN_LIST_CRITICAL},
        {"revoked", ALICE, {ROOT_LIST, {REVOKING, .extension = CRITICAL}}, UNKNOWN, UNKNOWN, UNKNOWN_LIST_CRITICAL},
    };
    LISTED_EXPECT_ALL(rows);
}

/* That was verified before, at the time that counted there. */
Test(lists, path_is_not_verified_again)
{
    listed_expect(&(struct listed_row){"expired", LATE, {ROOT_LIST, {KEPT, AUTHORITY}}, GOOD, GOOD, NULL, -DAY});
}

/* What does not count leaves an answer as it was. */
Test(lists, that_do_not_count)
{
    static const struct {
        struct listed lists[LISTS_MAX];
        enum revocation_check check;
        bool fetched;
    } rows[] = {
        {{{CONFIGURED, ROOT}, {CONFIGURED, AUTHORITY, ALICE}}, REVOCATION_CHECK_OFF, true},
        {{ROOT_LIST, {REVOKING}}, REVOCATION_CHECK_OFF, true},
        {{ROOT_LIST, {REVOKING}}, REVOCATION_CHECK_HARD, false},
        {{{NOWHERE}}, REVOCATION_CHECK_HARD, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(listing) struct listing *listing = listing_new(ALICE, rows[i].lists);
        listing->query.check = rows[i].check;
        listing->query.fetched = rows[i].fetched;
        revocation_source_crls.ask(listing->source, &listing->query, listing->answers);
        cr_expect_eq(listing->answers[0].status, UNKNOWN, "row %zu", i);
        cr_expect_null(listing->answers[0].reason, "row %zu: %s", i, listing->answers[0].reason);
        cr_expect_eq(listing->answers[0].until, FOREVER, "row %zu", i);
    }
}

/* What is known stands until the first of the lists ends, wherever it is from. */
Test(lists, how_long_they_hold)
{
    static const struct {
        struct listed lists[LISTS_MAX];
        long until;
    } rows[] = {
        {{{KEPT, ROOT, .until = 900}, {CONFIGURED, AUTHORITY, .until = 500}}, 499},
        {{{KEPT, ROOT, .until = 500}, {CONFIGURED, AUTHORITY, .until = 900}}, 499},
        {{{KEPT, ROOT, .until = 500}, {KEPT, AUTHORITY, .until = 900}}, 499},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(listing) struct listing *listing = listing_new(ALICE, rows[i].lists);
        revocation_source_crls.ask(listing->source, &listing->query, listing->answers);
        cr_expect_eq(listing->answers[0].status, GOOD, "row %zu", i);
        cr_expect_eq(listing->answers[0].until, listed_now() + rows[i].until, "row %zu", i);
    }
}

/* An empty list of what was received can have spoiled nothing. */
Test(lists, are_looked_at_once)
{
    static const struct listed lists[LISTS_MAX] = {ROOT_LIST};
    owned(listing) struct listing *listing = listing_new(ALICE, lists);
    counted.paths = 0;
    revocation_source_crls.ask(listing->source, &listing->query, listing->answers);
    cr_expect_eq(listing->answers[0].status, UNKNOWN);
    cr_expect_eq(counted.paths, 1);
}

/* --- while another thread brings a newer list --- */

static struct kept *replaced;

void *X509_CRL_get_meth_data(X509_CRL *crl)
{
    void *(*real)(X509_CRL *) = (void *(*)(X509_CRL *))dlsym(RTLD_NEXT, "X509_CRL_get_meth_data");
    if (replaced != NULL) {
        const struct listed newer = {KEPT, AUTHORITY, .number = 2};
        listing_keep(steal(&replaced), &newer);
    }
    return real(crl);
}

Test(lists, one_that_is_replaced_stays_while_it_is_looked_at)
{
    static const struct listed lists[LISTS_MAX] = {ROOT_LIST, {REVOKING}};
    owned(listing) struct listing *listing = listing_new(ALICE, lists);
    replaced = listing->kept;
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
    revocation_source_crls.ask(listing->source, &listing->query, listing->answers);
    cr_expect_null(replaced);
    cr_expect_eq(listing->answers[0].status, REVOKED);
}
