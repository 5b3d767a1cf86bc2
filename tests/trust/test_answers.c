/* SPDX-License-Identifier: Apache-2.0 */
/* What OCSP answers are worth, and what they come to beside each other. No responder is asked. */
#include "support/embed.h"
#include "support/responder.h"

#include "trust/ocsp.h"
#include "trust/revocation.h"
#include "trust/unknown.h"

#define GOOD REVOCATION_GOOD
#define REVOKED REVOCATION_REVOKED
#define UNKNOWN REVOCATION_UNKNOWN
#define R V_OCSP_CERTSTATUS_REVOKED
#define FOREVER G_MAXINT64

static struct fetching rig;
static time_t now;

static void setup(void)
{
    now = time(NULL);
    rig = (struct fetching){.root = pki_ca("Root")};
    rig.authority = pki_sub_ca(rig.root, "Authority");
    rig.alice = pki_person(rig.authority, "alice@acme.test");
}

static void teardown(void)
{
    pki_free(rig.root);
    pki_free(rig.authority);
    pki_free(rig.alice);
}

TestSuite(answers, .init = setup, .fini = teardown);

Test(answers, are_judged_at_a_time)
{
    static const time_t at = 1800000000;
    static const struct {
        struct kept_answer answer;
        enum revocation_status status;
        const char *reason;
    } rows[] = {
        {{GOOD, at + 300, at + 900, 0}, GOOD, NULL},
        {{GOOD, at + 301, at + 900, 0}, UNKNOWN, UNKNOWN_ANSWER_FUTURE},
        {{GOOD, at - 9, at, 0}, GOOD, NULL},
        {{GOOD, at - 9, at - 1, 0}, UNKNOWN, UNKNOWN_ANSWER_STALE},
        {{GOOD, at - 9, at + 9, at + 1}, GOOD, NULL},
        {{GOOD, at - 9, at + 9, at}, UNKNOWN, UNKNOWN_ANSWER_RESPONDER_EXPIRED},
        {{REVOKED, at + 301, at - 1, at}, REVOKED, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *reason = NULL;
        cr_expect_eq(ocsp_judge(&rows[i].answer, at, &reason), rows[i].status, "row %zu", i);
        cr_expect_eq(g_strcmp0(reason, rows[i].reason), 0, "row %zu: %s", i, reason);
    }
}

/* --- asking --- */

Test(answers, each_question_has_a_nonce_of_its_own)
{
    struct ocsp_question questions[2];
    unsigned char *der[2];
    size_t lengths[2];
    for (size_t i = 0; i < 2; i++) {
        cr_assert(ocsp_ask(&questions[i], rig.alice->cert, rig.authority->cert, true));
        der[i] = ocsp_encode(&questions[i], &lengths[i]);
        cr_assert_not_null(der[i]);
    }
    cr_assert_eq(lengths[0], lengths[1]);
    cr_expect_neq(memcmp(der[0], der[1], lengths[0]), 0);
    for (size_t i = 0; i < 2; i++) {
        OPENSSL_free(der[i]);
        ocsp_question_clear(&questions[i]);
    }
}

/* --- reading --- */

enum change {
    NO_CHANGE,
    CRITICAL,
    NOT_CRITICAL,
    CRITICAL_NONCE,
    CRITICAL_NONCE_FIRST, /* and another critical one behind it */
    NOT_CRITICAL_FIRST,   /* the same */
    BAD_FROM,
    BAD_UNTIL,
    BEHIND_255, /* answers about another certificate */
    BEHIND_256,
    OTHER_DIGEST, /* in the identifier of the certificate */
    TRAILING
};

static void add_extension(OCSP_BASICRESP *basic, const char *type, int critical)
{
    ASN1_OBJECT *object = OBJ_txt2obj(type, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, (const unsigned char *)"\4\1x", 3);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, value);
    cr_assert(OCSP_BASICRESP_add_ext(basic, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

#define NONCE "1.3.6.1.5.5.7.48.1.2"

static void add_extensions(OCSP_BASICRESP *basic, enum change change)
{
    if (change == CRITICAL_NONCE || change == CRITICAL_NONCE_FIRST)
        add_extension(basic, NONCE, 1);
    if (change == NOT_CRITICAL || change == NOT_CRITICAL_FIRST)
        add_extension(basic, "1.2.3.4", 0);
    if (change == CRITICAL || change == CRITICAL_NONCE_FIRST || change == NOT_CRITICAL_FIRST)
        add_extension(basic, "1.2.3.5", 1);
}

static void spoil_time(OCSP_BASICRESP *basic, enum change change)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    OCSP_single_get0_status(OCSP_resp_get0(basic, 0), NULL, NULL, &from, &until);
    cr_assert(ASN1_STRING_set(change == BAD_FROM ? from : until, "20261301000000Z", -1) == 1);
}

static OCSP_BASICRESP *behind(unsigned others)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    PKI_AUTO struct pki *bob = pki_person(rig.authority, "bob@acme.test");
    OCSP_CERTID *other = OCSP_cert_to_id(EVP_sha1(), bob->cert, rig.authority->cert);
    OCSP_CERTID *own = OCSP_cert_to_id(EVP_sha1(), rig.alice->cert, rig.authority->cert);
    ASN1_TIME *from = X509_time_adj(NULL, -3600, &now), *until = X509_time_adj(NULL, 3600, &now);
    for (unsigned i = 0; i <= others; i++)
        cr_assert_not_null(
            OCSP_basic_add1_status(basic, i < others ? other : own, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from, until));
    OCSP_CERTID_free(other);
    OCSP_CERTID_free(own);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return basic;
}

/* The authority signs what is changed. */
static void apply_change(GByteArray *answer, enum change change)
{
    const unsigned char *at = answer->data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)answer->len);
    OCSP_BASICRESP *basic =
        change >= BEHIND_255 ? behind(change == BEHIND_255 ? 255 : 256) : OCSP_response_get1_basic(response);
    unsigned char *der = NULL;
    if (change < BAD_FROM)
        add_extensions(basic, change);
    else if (change < BEHIND_255)
        spoil_time(basic, change);
    cr_assert(OCSP_basic_sign(basic, rig.authority->cert, rig.authority->key, EVP_sha256(), NULL, 0) == 1);
    OCSP_RESPONSE *changed = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int length = i2d_OCSP_RESPONSE(changed, &der);
    g_byte_array_set_size(answer, 0);
    g_byte_array_append(answer, der, (guint)length);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(changed);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
}

static GByteArray *answer_of(struct responder *says, enum change change)
{
    says->now = now;
    GByteArray *answer = responder_answer(says, &rig);
    if (change == TRAILING) {
        g_byte_array_append(answer, (const guint8 *)"", 1);
    } else if (change == OTHER_DIGEST) {
        unsigned char *sha1 = memmem(answer->data, answer->len, "\x2b\x0e\x03\x02\x1a", 5);
        cr_assert_not_null(sha1);
        sha1[4] = 0x7f;
    } else if (change != NO_CHANGE) {
        apply_change(answer, change);
    }
    return answer;
}

static const char *read_answer(const GByteArray *answer, time_t at, struct kept_answer *read)
{
    const struct ocsp_question question = {.certificate = rig.alice->cert, .issuer = rig.authority->cert};
    return ocsp_read(&question, (struct slice){(const char *)answer->data, answer->len}, at, read);
}

Test(answers, are_read)
{
    static const struct {
        struct responder says;
        enum change change;
        long later; /* in seconds, it is read */
        const char *fault;
        enum revocation_status status;
        long from, until; /* seconds from now */
    } rows[] = {
        {{0}, NO_CHANGE, 0, NULL, GOOD, -3600, 3600},
        {{.status = R}, NO_CHANGE, 0, NULL, REVOKED, -3600, 3600},
        {{.from = 300, .until = 900}, NO_CHANGE, 0, NULL, GOOD, 300, 900},
        {{.from = 301, .until = 900}, NO_CHANGE, 0, UNKNOWN_ANSWER_FUTURE, UNKNOWN, 0, 0},
        {{.from = 301, .until = 900, .status = R}, NO_CHANGE, 0, UNKNOWN_ANSWER_FUTURE, UNKNOWN, 0, 0},
        {{0}, NO_CHANGE, 3600, NULL, GOOD, -3600, 3600},
        {{0}, NO_CHANGE, 3601, UNKNOWN_ANSWER_STALE, UNKNOWN, 0, 0},
        {{.status = R}, NO_CHANGE, 3601, NULL, REVOKED, -3600, 3600},
        {{.no_end = true}, NO_CHANGE, 0, UNKNOWN_ANSWER_NO_END, UNKNOWN, 0, 0},
        {{.no_end = true, .status = R}, NO_CHANGE, 0, NULL, REVOKED, -3600, 600},
        {{.status = V_OCSP_CERTSTATUS_UNKNOWN}, NO_CHANGE, 0, UNKNOWN_ANSWER_UNKNOWN, UNKNOWN, 0, 0},
        {{0}, CRITICAL, 0, UNKNOWN_ANSWER_CRITICAL, UNKNOWN, 0, 0},
        {{.critical = true}, NO_CHANGE, 0, UNKNOWN_ANSWER_CRITICAL, UNKNOWN, 0, 0},
        {{0}, NOT_CRITICAL, 0, NULL, GOOD, -3600, 3600},
        {{0}, CRITICAL_NONCE, 0, NULL, GOOD, -3600, 3600},
        {{0}, CRITICAL_NONCE_FIRST, 0, UNKNOWN_ANSWER_CRITICAL, UNKNOWN, 0, 0},
        {{0}, NOT_CRITICAL_FIRST, 0, UNKNOWN_ANSWER_CRITICAL, UNKNOWN, 0, 0},
        {{0}, BAD_FROM, 0, UNKNOWN_ANSWER_IS_NONE, UNKNOWN, 0, 0},
        {{0}, BAD_UNTIL, 0, UNKNOWN_ANSWER_IS_NONE, UNKNOWN, 0, 0},
        {{.status = R}, BAD_UNTIL, 0, UNKNOWN_ANSWER_IS_NONE, UNKNOWN, 0, 0},
        {{0}, BEHIND_255, 0, NULL, GOOD, -3600, 3600},
        {{0}, BEHIND_256, 0, UNKNOWN_ANSWER_OTHER, UNKNOWN, 0, 0},
        {{0}, OTHER_DIGEST, 0, UNKNOWN_ANSWER_OTHER, UNKNOWN, 0, 0},
        {{0}, TRAILING, 0, UNKNOWN_ANSWER_IS_NONE, UNKNOWN, 0, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct responder says = rows[i].says;
        struct kept_answer read;
        GByteArray *answer = answer_of(&says, rows[i].change);
        const char *fault = read_answer(answer, now + rows[i].later, &read);
        cr_expect_eq(g_strcmp0(fault, rows[i].fault), 0, "row %zu: %s", i, fault);
        cr_expect_eq(read.status, rows[i].status, "row %zu", i);
        cr_expect(fault != NULL || (read.from == now + rows[i].from && read.until == now + rows[i].until &&
                                    read.responder_until == 0),
                  "row %zu: %ld, %ld", i, (long)(read.from - now), (long)(read.until - now));
        cr_expect_eq(ERR_peek_error(), 0, "row %zu", i);
        g_byte_array_unref(answer);
        responder_clear(&says);
    }
}

/* The key of a responder is as strong as those of a path, and its certificate says that nothing revokes it. */
Test(answers, are_signed_by_responders)
{
    const struct {
        struct pki_spec spec;
        const char *fault;
    } rows[] = {
        {{.eku = "OCSPSigning", .extensions = PKI_LIST("noCheck=ignored")}, NULL},
        {{.eku = "OCSPSigning", .extensions = PKI_LIST("noCheck=ignored"), .key = PKI_RSA}, NULL},
        {{.eku = "OCSPSigning", .extensions = PKI_LIST("noCheck=ignored"), .key = PKI_RSA_1024}, UNKNOWN_ANSWER_SIGNER},
        {{.eku = "",
          .basic = "",
          .key_usage = "",
          .no_key_ids = true,
          .extensions = PKI_LIST("noCheck=ignored", "extendedKeyUsage=OCSPSigning")},
         NULL},
        {{.eku = "OCSPSigning"}, UNKNOWN_ANSWER_RESPONDER_MAY_BE_REVOKED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki_spec spec = rows[i].spec;
        struct kept_answer read;
        spec.issuer = rig.authority;
        spec.subject = PKI_LIST("CN=Responder");
        struct responder says = {.signer = RESPONDER_DELEGATED, .key = pki_issue(&spec)};
        GByteArray *answer = answer_of(&says, NO_CHANGE);
        const char *fault = read_answer(answer, now, &read);
        cr_expect_eq(g_strcmp0(fault, rows[i].fault), 0, "row %zu: %s", i, fault);
        cr_expect_eq(read.status, rows[i].fault == NULL ? GOOD : UNKNOWN, "row %zu", i);
        if (fault == NULL)
            cr_expect_eq(read.responder_until, certificate_ends(says.key->cert), "row %zu", i);
        g_byte_array_unref(answer);
        responder_clear(&says);
    }
}

/* --- beside each other --- */

struct known {
    enum revocation_status status; /* UNKNOWN: there is no answer */
    long from, until;              /* seconds from now; FOREVER */
    long responder_until;          /* … 0: the authority itself */
};

struct case_of {
    struct known before, kept, embedded[2];
    enum { COUNTS, NOT_CHECKED_AT_ALL, LISTS_ONLY, ANSWERS_ONLY, NOTHING_FETCHED } what;
    const char *fault; /* of fetching it */
    enum revocation_status status;
    const char *reason;
    long from, until;
};

#define AT_ONCE LONG_MIN
#define BEFORE "before"
#define FAULT "fault"

static const struct case_of cases[] = {
    {.kept = {GOOD, -60, 3600}, .status = GOOD, .from = -60, .until = 3600},
    {.kept = {GOOD, -60, 0}, .status = GOOD, .from = -60, .until = 0},
    {.kept = {GOOD, -60, 3600, 100}, .status = GOOD, .from = -60, .until = 99},
    {.kept = {REVOKED, -60, 3600, 100}, .status = REVOKED, .from = -60, .until = 99},
    {.kept = {REVOKED, -60, 3600, AT_ONCE}, .status = REVOKED, .from = -60, .until = 3600},
    {.kept = {GOOD, -60, 3600, AT_ONCE}, .reason = UNKNOWN_ANSWER_RESPONDER_EXPIRED, .from = -60, .until = 3600},
    {.kept = {GOOD, -60, -1}, .reason = UNKNOWN_ANSWER_STALE, .from = -60, .until = FOREVER},
    /* on hold until it ran out, if what says that it is good is newer */
    {.before = {GOOD, -60, 9000}, .kept = {REVOKED, -7200, -3600}, .status = GOOD, .from = -60, .until = 9000},
    {.before = {GOOD, -60, 9000}, .kept = {REVOKED, -7200, -3600, 100}, .status = GOOD, .from = -60, .until = 9000},
    {.before = {GOOD, -7200, 9000}, .kept = {REVOKED, -7200, -3600}, .status = REVOKED, .from = -7200, .until = 9000},
    {.before = {GOOD, -9000, 9000}, .kept = {REVOKED, -7200, -3600}, .status = REVOKED, .from = -7200, .until = 9000},
    {.before = {GOOD, -60, 9000}, .kept = {REVOKED, -7200, 0}, .status = REVOKED, .from = -7200, .until = 0},
    {.before = {GOOD, -60, 9000}, .kept = {REVOKED, -7200, 3600}, .status = REVOKED, .from = -7200, .until = 3600},
    {.before = {REVOKED, -60, 9000}, .kept = {REVOKED, -7200, -3600}, .status = REVOKED, .from = -7200, .until = 9000},
    {.before = {GOOD, -60, 9000}, .kept = {GOOD, -7200, -3600, 100}, .status = GOOD, .from = -60, .until = 99},
    {.before = {REVOKED, -60, 9000}, .kept = {GOOD, -30, 3600}, .status = REVOKED, .from = -60, .until = 3600},
    /* what counts */
    {.kept = {REVOKED, -60, 3600}, .what = NOT_CHECKED_AT_ALL, .fault = FAULT, .reason = BEFORE, .until = FOREVER},
    {.kept = {REVOKED, -60, 3600}, .what = LISTS_ONLY, .reason = BEFORE, .until = FOREVER},
    {.kept = {REVOKED, -60, 3600}, .what = LISTS_ONLY, .fault = FAULT, .reason = FAULT, .until = FOREVER},
    {.kept = {GOOD, -60, 3600}, .what = ANSWERS_ONLY, .status = GOOD, .from = -60, .until = 3600},
    {.what = ANSWERS_ONLY, .fault = FAULT, .reason = FAULT, .until = FOREVER},
    {.kept = {GOOD, -60, 3600}, .what = NOTHING_FETCHED, .fault = FAULT, .reason = BEFORE, .until = FOREVER},
    {.kept = {GOOD, -60, 3600}, .fault = FAULT, .status = GOOD, .from = -60, .until = 3600},
    /* what came with a message */
    {.embedded = {{GOOD, -60, 3600}}, .status = GOOD, .from = -60, .until = 3600},
    {.embedded = {{GOOD, -60, -30}}, .reason = BEFORE, .until = FOREVER},
    {.embedded = {{GOOD, -60, 3600}, {REVOKED, -7200, 3600}}, .status = GOOD, .from = -60, .until = 3600},
    {.embedded = {{GOOD, -60, 3600}, {GOOD, -60, -30}}, .status = GOOD, .from = -60, .until = 3600},
    {.embedded = {{GOOD, -60, 3600}, {REVOKED, -60, 3600}}, .status = REVOKED, .from = -60, .until = 3600},
    {.embedded = {{REVOKED, -60, 3600}, {GOOD, -60, 3600}}, .status = REVOKED, .from = -60, .until = 3600},
    {.kept = {GOOD, -60, 3600}, .embedded = {{REVOKED, -7200, 1800}}, .status = GOOD, .from = -60, .until = 3600},
    {.kept = {GOOD, -60, 3600}, .embedded = {{REVOKED, -60, 1800}}, .status = REVOKED, .from = -60, .until = 1800},
    {.what = NOT_CHECKED_AT_ALL, .embedded = {{REVOKED, -60, 3600}}, .status = REVOKED, .from = -60, .until = 3600},
};

static struct kept *kept_of(const struct case_of *each)
{
    struct kept *kept = kept_new(NULL);
    struct kept_key key;
    time_t until = each->kept.responder_until == AT_ONCE ? now
                   : each->kept.responder_until != 0     ? now + each->kept.responder_until
                                                         : 0;
    cr_assert(kept_key(rig.alice->cert, rig.authority->cert, &key));
    if (each->kept.status != UNKNOWN)
        kept_add_answer(kept, &key,
                        &(struct kept_answer){each->kept.status, now + each->kept.from, now + each->kept.until, until});
    if (each->fault != NULL)
        kept_set_fault(kept, &key, each->fault);
    return kept;
}

static GPtrArray *embedded_of(const struct case_of *each)
{
    GPtrArray *list = embed_list();
    for (size_t i = 0; i < 2 && each->embedded[i].status != UNKNOWN; i++) {
        struct responder says = {.status = each->embedded[i].status == REVOKED ? R : V_OCSP_CERTSTATUS_GOOD,
                                 .from = each->embedded[i].from,
                                 .until = each->embedded[i].until};
        embed_add(list, answer_of(&says, NO_CHANGE));
    }
    return list;
}

static STACK_OF(X509) * chain_new(void)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    cr_assert(sk_X509_push(chain, rig.alice->cert) > 0 && sk_X509_push(chain, rig.authority->cert) > 0);
    return chain;
}

static time_t moment(long seconds)
{
    return seconds == FOREVER ? FOREVER : now + seconds;
}

Test(answers, beside_each_other)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct case_of *each = &cases[i];
        bool is_known = each->before.status != UNKNOWN;
        owned(kept) struct kept *kept = kept_of(each);
        g_autoptr(GPtrArray) embedded = embedded_of(each);
        owned(x509_lent) STACK_OF(X509) *chain = chain_new();
        const struct revocation_query query = {.chain = chain,
                                               .embedded = embedded,
                                               .check = each->what == NOT_CHECKED_AT_ALL ? REVOCATION_CHECK_OFF
                                                                                         : REVOCATION_CHECK_HARD,
                                               .fetched = each->what != ANSWERS_ONLY && each->what != NOTHING_FETCHED,
                                               .answers = each->what != LISTS_ONLY && each->what != NOTHING_FETCHED,
                                               .at = now};
        struct revocation_answer answers[2] = {{.status = each->before.status,
                                                .reason = is_known ? NULL : BEFORE,
                                                .from = is_known ? now + each->before.from : 0,
                                                .until = is_known ? now + each->before.until : FOREVER}};
        revocation_source_ocsp.ask(kept, &query, answers);
        cr_expect_eq(answers[0].status, each->status, "case %zu", i);
        cr_expect_eq(g_strcmp0(answers[0].reason, each->reason), 0, "case %zu: %s", i, answers[0].reason);
        cr_expect_eq(answers[0].from, each->from != 0 ? now + each->from : 0, "case %zu", i);
        cr_expect_eq(answers[0].until, moment(each->until), "case %zu", i);
    }
}

/* Each octet has its price, whatever it is. */
Test(answers, are_paid_for)
{
    struct budget budget = {.limit = UINT64_MAX};
    g_autofree char *octets = g_strnfill(1000, 'x');
    g_autoptr(GPtrArray) embedded = embed_list();
    embed_add(embedded, g_byte_array_append(g_byte_array_new(), (const guint8 *)octets, 1000));
    owned(x509_lent) STACK_OF(X509) *chain = chain_new();
    const struct revocation_query query = {.chain = chain, .embedded = embedded, .at = now, .budget = &budget};
    struct revocation_answer answers[2] = {0};
    revocation_source_ocsp.ask(NULL, &query, answers);
    cr_expect_eq(budget.spent, 1000 * ((uint64_t)COST_DER + 60));
}

Test(answers, of_unknown_signers_cost_no_signature)
{
    struct budget budget = {.limit = UINT64_MAX};
    struct kept_answer read;
    unsigned char *der = NULL;
    PKI_AUTO struct pki *stranger = pki_ca("Stranger");
    OCSP_BASICRESP *basic = behind(0);
    cr_assert(OCSP_basic_sign(basic, stranger->cert, stranger->key, EVP_sha256(), NULL, OCSP_NOCERTS) == 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int length = i2d_OCSP_RESPONSE(response, &der);
    const struct ocsp_question question = {
        .certificate = rig.alice->cert, .issuer = rig.authority->cert, .budget = &budget};
    const char *fault = ocsp_read(&question, (struct slice){(const char *)der, (size_t)length}, now, &read);
    cr_expect_eq(g_strcmp0(fault, UNKNOWN_ANSWER_SIGNER), 0, "%s", fault);
    cr_expect_eq(budget.spent, 0);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
}

/* Where nothing is checked no answer is looked up, though one was before. */
Test(answers, do_not_count_where_nothing_is_checked)
{
    const struct case_of revoked = {.kept = {REVOKED, -60, 3600}};
    owned(kept) struct kept *kept = kept_of(&revoked);
    owned(x509_lent) STACK_OF(X509) *chain = chain_new();
    const struct revocation_query hard = {.chain = chain, .check = REVOCATION_CHECK_HARD, .answers = true, .at = now};
    struct revocation_query off = hard;
    off.check = REVOCATION_CHECK_OFF;
    struct revocation_answer first[2] = {0}, second[2] = {0};
    revocation_source_ocsp.ask(kept, &hard, first);
    revocation_source_ocsp.ask(kept, &off, second);
    cr_expect_eq(first[0].status, REVOKED);
    cr_expect_eq(second[0].status, UNKNOWN);
}
