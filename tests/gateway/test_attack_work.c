/* SPDX-License-Identifier: Apache-2.0 */
/* What one message may cost, whatever it nests in what. Counted, not timed. */
#include "support/counted.h"
#include "support/hostile.h"

#define INFLATED_MAX 51000000 /* what the price of an octet and the default of work_limit allow */

static bool says(const struct passage *passage, const char *text)
{
    const struct judgement *judgement = &passage->plan.judgement;
    for (size_t i = 0; i < judgement->layer_count; i++)
        if (strstr(judgement->layers[i].finding.reason, text) != NULL)
            return true;
    return strstr(judgement->bad_signature, text) != NULL;
}

static void expect_bounded(const struct hostile *hostile)
{
    unsigned verified = counted.signers + counted.signatures + counted.paths;
    cr_expect_leq(verified, hostile->verified, "%s: %u signatures", hostile->name, verified);
    cr_expect_leq(counted.inflated, INFLATED_MAX, "%s: %zu octets", hostile->name, counted.inflated);
    cr_expect_leq(counted.decoded, 12, "%s: %u objects", hostile->name, counted.decoded);
}

static char *encrypted(const struct rig *rig, const char *text, const EVP_CIPHER *cipher, bool wrong_padding)
{
    g_autofree char *content =
        g_strconcat("Content-Type: multipart/mixed; boundary=e\r\n\r\n--e\r\n", strstr(text, "Content-Type:"),
                    "\r\n--e--\r\nThis is an epilogue, which is longer than two blocks.\r\n", NULL);
    GByteArray *der = attack_envelop_der(cipher, rig->partner.dca, content, false);
    der->data[der->len - 17] ^= wrong_padding ? 0x80 : 0;
    char *shut = attack_opaque_der(ATTACK_TOP, der->data, der->len);
    g_byte_array_unref(der);
    return shut;
}

/* The answer to it must not tell whether the padding was right. */
static void expect_the_same_inside(const struct rig *rig, const struct hostile *hostile, const char *text)
{
    g_autofree char *authentic = encrypted(rig, text, EVP_aes_128_gcm(), false);
    g_autofree char *right = encrypted(rig, text, EVP_aes_128_cbc(), false);
    g_autofree char *wrong = encrypted(rig, text, EVP_aes_128_cbc(), true);
    counted = (struct counted){0};
    AUTO_SENT struct sent open = attack_in(rig, authentic);
    counted.decoded--; /* the encryption */
    expect_bounded(hostile);
    cr_expect(hostile->says == NULL || says(open.result, hostile->says), "%s, encrypted", hostile->name);
    counted = (struct counted){0};
    AUTO_SENT struct sent good = attack_in(rig, right);
    struct counted if_good = counted;
    counted = (struct counted){0};
    AUTO_SENT struct sent bad = attack_in(rig, wrong);
    cr_expect_arr_eq(&counted, &if_good, sizeof(counted), "%s: the same work: %u %u %u %u %zu, %u %u %u %u %zu",
                     hostile->name, counted.paths, counted.signatures, counted.signers, counted.decoded,
                     counted.inflated, if_good.paths, if_good.signatures, if_good.signers, if_good.decoded,
                     if_good.inflated);
    /* They differ by the length of the padding. */
    gint64 more = (gint64)good.result->accounts.inside.spent - (gint64)bad.result->accounts.inside.spent;
    cr_expect_lt(ABS(more), 1000, "%s: %ld", hostile->name, more);
    cr_expect_eq(good.result->accounts.visible.spent, bad.result->accounts.visible.spent, "%s", hostile->name);
    cr_expect(hostile->says == NULL || good.result->reply.verdict == bad.result->reply.verdict, "%s", hostile->name);
}

/* As they come, and where only our key shows what they are. With $HOSTILE_FOLDER set, leaves them and a configuration
 * there, for tests/bench/hostile. */
Test(work, hostile_messages)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", ATTACK_STRICT);
    const char *folder = g_getenv("HOSTILE_FOLDER");
    for (size_t i = 0; i < hostile_count; i++) {
        const struct hostile *hostile = &hostile_messages[i];
        g_autofree char *text = hostile->make(rig);
        if (folder != NULL) {
            g_autofree char *name = g_strconcat(hostile->name, ".eml", NULL);
            folder_write(folder, name, text);
            continue;
        }
        counted = (struct counted){0};
        AUTO_SENT struct sent in = attack_in(rig, text);
        expect_bounded(hostile);
        attack_expect_safe(&in, hostile->name);
        cr_expect(hostile->says != NULL || !says(in.result, "more "), "%s", hostile->name);
        cr_expect(hostile->says == NULL || says(in.result, hostile->says), "%s", hostile->name);
        if (hostile->says != NULL)
            attack_expect_refused(&in, hostile->name);
        if (strlen(text) < 1000000)
            expect_the_same_inside(rig, hostile, text);
    }
    if (folder == NULL)
        return;
    AUTO_SENT struct sent good = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
    folder_write(folder, "good.eml", good.bytes);
    g_autofree char *copy = g_strdup_printf("cp -r '%s' '%s/configuration'", rig->partner.folder, folder);
    cr_assert_eq(system(copy), 0);
}

/* What our key opens among other parts does not change what is said of what everyone sees. */
Test(work, two_accounts)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", ATTACK_LAX);
    g_autofree char *seen = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    g_autofree char *bomb = NULL;
    for (size_t i = 0; i < hostile_count; i++)
        if (strcmp(hostile_messages[i].name, "bombs-nested") == 0)
            bomb = hostile_messages[i].make(rig);
    GByteArray *der = attack_envelop_der(EVP_aes_128_gcm(), rig->acme.dca, strstr(bomb, "Content-Type:"), false);
    g_autofree char *shut = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    g_autofree char *text = g_strconcat(ATTACK_TOP "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n", shut,
                                        "\r\n--o\r\n", seen, "\r\n--o--\r\n", NULL);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    const struct accounts *accounts = &out.result->accounts;
    cr_expect(budget_is_spent(&accounts->inside));
    cr_expect_not(budget_is_spent(&accounts->visible));
    const struct layer_view *last = &out.result->lookups.views[out.result->lookups.layers.count - 1];
    cr_expect(last->opened == OPENED && last->signers[0].trust[0].path.outcome == OUTCOME_PASS);
}

/* The certificate of a partner's gateway comes with each of its messages. Its path and names were looked at before. */
Test(work, what_is_known_costs_nothing_again)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };", ATTACK_STRICT);
    AUTO_SENT struct sent out = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
    for (unsigned i = 0; i < 3; i++) {
        counted = (struct counted){0};
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(in.result->reply.verdict, VERDICT_ACCEPT);
        cr_expect_eq(counted.signers, 1, "the message's own signature is verified");
        cr_expect_eq(counted.paths > 0, i == 0, "message %u: %u paths", i, counted.paths);
        /* OpenSSL itself decodes them once when it first looks at a certificate. */
        cr_expect_eq(counted.names > 2, i == 0, "message %u: names were decoded %u times", i, counted.names);
        cr_expect(i == 0 || counted.signatures == 0, "message %u: %u signatures of certificates", i,
                  counted.signatures);
    }
    for (unsigned i = 0; i < 3; i++) {
        counted = (struct counted){0};
        AUTO_SENT struct sent again = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
        cr_expect_eq(again.result->reply.verdict, VERDICT_ACCEPT);
        cr_expect_eq(counted.paths + counted.signatures + counted.names, 0, "outbound %u: %u, %u, %u", i, counted.paths,
                     counted.signatures, counted.names);
    }
}

/* A postmaster can allow more. */
Test(work, limit)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    g_autofree char *entity = g_strnfill(20000000, 'x');
    memcpy(entity, ATTACK_ENTITY, strlen(ATTACK_ENTITY));
    g_autofree char *inner = attack_compress(entity, strlen(entity));
    g_autofree char *text = g_strconcat(ATTACK_TOP, inner, NULL);
    const struct {
        const char *extra;
        bool opened;
    } rows[] = {{"work_limit = 100;", true}, {"work_limit = 50;", false}, {"work_limit = 150;", true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        rig_open(&rig->partner, &rig->acme, ATTACK_LAX, rows[i].extra);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(says(in.result, BUDGET_SPENT), !rows[i].opened, "%s", rows[i].extra);
        gateway_unref(g_steal_pointer(&rig->partner.gateway));
    }
}
