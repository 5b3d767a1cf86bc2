/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a part among other parts hides: a signature inside it that does not hold, on the way out; a security label that
 * is too high, or that nobody can read, on the way in.
 */
#include "support/attack.h"

#include "smime/attributes.h"

#define BESIDE(mark, entity)                                                                                           \
    "Content-Type: multipart/mixed; boundary=" mark "\r\n\r\n--" mark "\r\n\r\nread this first\r\n--" mark "\r\n",     \
        entity, "\r\n--" mark "--\r\n"
#define LAYERS_LIMIT 10       /* the default of layers_limit */
#define MIME_PARTS_LIMIT 1000 /* … of mime_parts_limit */
#define THREE_PARTS                                                                                                    \
    "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=s\r\n\r\n--s\r\n\r\na\r\n"     \
    "--s\r\n\r\nb\r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\nc\r\n--s--\r\n"

static void break_signature(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    unsigned char *last = (unsigned char *)ASN1_STRING_get0_data(signature) + ASN1_STRING_length(signature) - 1;
    (void)cms;
    *last ^= 1;
}

static char *sign_entity(const struct pki *signer, const char *content, bool clear, bool broken)
{
    const struct attack attack = {.signer = signer,
                                  .content = content,
                                  .flags = clear ? CMS_DETACHED : 0,
                                  .spoil = broken ? break_signature : NULL};
    CMS_ContentInfo *cms = attack_sign(&attack);
    return clear ? attack_clear("", content, cms) : attack_opaque("", cms);
}

/* RFC 3183 §3.2: all signatures inside are valid, or there is no domain signature. Inside two of Alice's own ones, a
 * third; each way of writing them. */
Test(attack_partial, bad_signature_below_a_good_one_gets_no_domain_signature)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", "");
    for (unsigned i = 0; i < 8; i++) {
        bool clear = i & 1, broken = i & 2, beside = i & 4;
        g_autofree char *inner = sign_entity(rig->acme.alice, ATTACK_ENTITY, !clear, broken);
        g_autofree char *content = beside ? g_strconcat(BESIDE("in", inner), NULL) : g_strdup(inner);
        g_autofree char *outer = sign_entity(rig->acme.alice, content, clear, false);
        g_autofree char *text = g_strconcat(ATTACK_TOP BESIDE("out", outer), NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(out.result->reply.verdict, broken ? VERDICT_REJECT : VERDICT_ACCEPT, "%u: %s", i,
                     out.result->reply.reason);
        cr_expect_eq(out.result->made.treatment.sign, !broken, "%u", i);
    }
}

Test(attack_partial, broken_form_of_a_signature_gets_no_domain_signature)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    g_autofree char *text = g_strconcat(ATTACK_TOP BESIDE("out", THREE_PARTS), NULL);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_assert_eq(out.result->reply.verdict, VERDICT_REJECT, "%s", out.result->reply.reason);
    cr_assert_not_null(strstr(out.result->reply.text, "exactly two parts"), "%s", out.result->reply.text);
}

/* … and inside what is encrypted to us: it is opened for that alone, and leaves as it came. What nobody here can open
 * is the policy's to stop. */
Test(attack_partial, bad_signature_encrypted_to_us_gets_no_domain_signature)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", "");
    const EVP_CIPHER *ciphers[] = {EVP_aes_128_cbc(), EVP_aes_256_gcm()};
    for (unsigned i = 0; i < 16; i++) {
        bool ours = i & 1, broken = i & 2, twice = i & 4;
        const struct pki *to = ours ? rig->acme.dca : rig->partner.dca;
        const EVP_CIPHER *cipher = ciphers[i / 8];
        g_autofree char *inner = sign_entity(rig->acme.alice, ATTACK_ENTITY, true, broken);
        g_autofree char *once = attack_opaque("", attack_envelop(cipher, to, inner, false));
        g_autofree char *beside = g_strconcat(BESIDE("in", once), NULL);
        g_autofree char *part = twice ? attack_opaque("", attack_envelop(cipher, to, beside, false)) : g_strdup(once);
        g_autofree char *text = g_strconcat(ATTACK_TOP BESIDE("out", part), NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        bool stops = ours && broken;
        cr_expect_eq(out.result->reply.verdict, stops ? VERDICT_REJECT : VERDICT_ACCEPT, "%u: %s", i,
                     out.result->reply.reason);
        cr_expect_eq(out.result->made.treatment.sign, !stops, "%u", i);
        cr_expect_null(strstr(out.bytes, "the secret line"), "%u", i);
        cr_expect(stops || strstr(out.bytes, part) != NULL, "%u: as it came", i);
    }
}

/* Whether it opens is nobody's business: the message goes on in each case, and does not cost more than it may. */
Test(attack_partial, broken_ciphertext_to_us_tells_nothing)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    owned(CMS_ContentInfo) CMS_ContentInfo *cms =
        attack_envelop(EVP_aes_128_cbc(), rig->acme.dca, ATTACK_ENTITY, false);
    GByteArray *der = attack_der(cms);
    const guint from_end[] = {0, 1, 17, 33};
    for (size_t i = 0; i < G_N_ELEMENTS(from_end); i++) {
        if (from_end[i] > 0)
            der->data[der->len - from_end[i]] ^= 0x55;
        g_autofree char *part = attack_opaque_der("", der->data, der->len);
        g_autofree char *text = g_strconcat(ATTACK_TOP BESIDE("out", part), NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);

        cr_expect_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%zu: %s", i, out.result->reply.reason);
        cr_expect(out.result->made.treatment.sign, "%zu", i);
        cr_expect_eq(out.result->plan.judgement.layer_count, 1, "%zu", i);
    }
    g_byte_array_unref(der);
}

static char *envelop_broken(const struct rig *rig, const char *content)
{
    g_autofree char *longer = g_strconcat(content, "epilogue, long enough for what breaks to be in it", NULL);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = attack_envelop(EVP_aes_128_cbc(), rig->acme.dca, longer, false);
    GByteArray *der = attack_der(cms);
    der->data[der->len - 17] ^= 0x80;
    char *entity = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    return entity;
}

/* What is inside a part and cannot be looked at counts as bad, as it does in a layer around the whole message: parts
 * that are too many, MIME that is over a limit, a compression that is broken. It does not help to put the parts that
 * are too many where the padding is wrong. */
Test(attack_partial, what_cannot_be_looked_at_gets_no_domain_signature)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    g_autofree char *bad = sign_entity(rig->acme.alice, ATTACK_ENTITY, true, true);
    g_autofree char *good = sign_entity(rig->acme.alice, ATTACK_ENTITY, true, false);
    g_autoptr(GString) parts = g_string_new("Content-Type: multipart/mixed; boundary=in\r\n\r\n");
    g_autoptr(GString) signatures = g_string_new(parts->str);

    for (unsigned i = 0; i < MIME_PARTS_LIMIT; i++)
        g_string_append(parts, "--in\r\n\r\nx\r\n");
    for (unsigned i = 0; i < LAYERS_LIMIT; i++)
        g_string_append_printf(signatures, "--in\r\n%s\r\n", good);
    g_string_append(signatures, "--in--\r\n");
    g_autofree char *vain = envelop_broken(rig, signatures->str);
    g_autofree char *open = attack_opaque("", attack_envelop(EVP_aes_128_cbc(), rig->acme.dca, parts->str, false));
    g_autofree char *compressed = attack_compress(parts->str, parts->len);
    g_autofree char *sound = attack_compress(good, strlen(good)), *broken = g_strdup(sound);
    char *middle = broken + strlen(broken) / 2;
    middle += !g_ascii_isalnum(*middle) + !g_ascii_isalnum(middle[1]);
    *middle = *middle == 'A' ? 'B' : 'A';
    const struct {
        const char *first, *second;
        bool refused;
    } rows[] = {
        {vain, bad, true},  {vain, good, true}, {vain, "\r\ntext\r\n", false}, {open, "", true},
        {broken, "", true}, {sound, "", false}, {compressed, "", true},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *both = g_strconcat(rows[i].first, "\r\n--out\r\n", rows[i].second, NULL);
        g_autofree char *text = g_strconcat(ATTACK_TOP BESIDE("out", both), NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(out.result->reply.verdict, rows[i].refused ? VERDICT_REJECT : VERDICT_ACCEPT, "%zu: %s", i,
                     out.result->reply.reason);
        cr_expect_eq(out.result->made.treatment.sign, !rows[i].refused, "%zu", i);
    }
}

/* Each within the one before, and all with a padding that is wrong. */
Test(attack_partial, broken_ciphertexts_count_for_the_limit)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    g_autofree char *entity = g_strdup(ATTACK_ENTITY);
    for (unsigned i = 0; i < LAYERS_LIMIT; i++) {
        g_autofree char *beside = g_strconcat(BESIDE("in", entity), NULL);
        g_free(entity);
        entity = envelop_broken(rig, beside);
    }
    for (unsigned parts = 1; parts <= 2; parts++) {
        g_autofree char *both = g_strconcat(entity, parts == 2 ? "\r\n--out\r\n" : NULL, entity, NULL);
        g_autofree char *text = g_strconcat(ATTACK_TOP BESIDE("out", both), NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(out.result->reply.verdict, parts == 2 ? VERDICT_REJECT : VERDICT_ACCEPT, "%s",
                     out.result->reply.reason);
    }
}

/* A stranger, whose message is not signed anyway, is told the same whatever is inside. */
Test(attack_partial, strangers_learn_nothing_of_signatures_under_encryption)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    const struct rig_envelope stranger = {"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"};
    g_autofree char *first = NULL;
    for (unsigned i = 0; i < 4; i++) {
        g_autofree char *inner = sign_entity(i & 2 ? rig->acme.alice : rig->partner.alice, ATTACK_ENTITY, true, i & 1);
        g_autofree char *shut = attack_opaque("", attack_envelop(EVP_aes_128_cbc(), rig->acme.dca, inner, false));
        g_autofree char *text =
            i & 2 ? g_strconcat(ATTACK_TOP BESIDE("out", shut), NULL) : g_strconcat(ATTACK_TOP, shut, NULL);
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &stranger, text, strlen(text));
        cr_expect_eq(out.result->reply.verdict, VERDICT_REJECT, "%u: %s", i, out.result->reply.reason);
        if (first == NULL)
            first = g_strdup(out.result->reply.text);
        cr_expect_str_eq(out.result->reply.text, first, "%u", i);
    }
}

/* Nor whether our key opens what they send, be it the whole message. */
Test(attack_partial, strangers_learn_nothing_of_what_our_key_opens)
{
    static const char *const policies[] = {
        "outbound = { protect = \"none\"; unreadable = \"reject\"; };",
        "outbound = { protect = \"encrypt\"; no_certificate = \"reject\"; }; certificates = ();",
        "outbound = { protect = \"sign\"; unreadable = \"reject\"; };",
        "outbound = { protect = \"sign\"; unauthentic = \"unsigned\"; };",
    };
    static const struct rig_envelope strangers[] = {
        {"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"},
        {"alice@acme.test", "bob@partner.test", "us@acme.test", NULL, "198.51.100.1"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(policies) * G_N_ELEMENTS(strangers); i++) {
        owned(rig) struct rig *rig = rig_new(policies[i / 2], "");
        g_autofree char *first = NULL;
        for (unsigned from_end = 0; from_end < 60; from_end += 20) {
            GByteArray *der = attack_envelop_der(EVP_aes_128_cbc(), rig->acme.dca,
                                                 ATTACK_ENTITY "and another line, that is long enough\r\n", false);
            der->data[der->len - 1 - from_end] ^= from_end > 0 ? 0x80 : 0; /* 20: of the padding, 40: noise */
            g_autofree char *text = attack_opaque_der(ATTACK_TOP, der->data, der->len);
            g_byte_array_unref(der);
            AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &strangers[i % 2], text, strlen(text));
            g_autofree char *answer = g_strdup_printf("%u %s", out.result->reply.code, out.result->reply.text);

            if (first == NULL)
                first = g_strdup(answer);
            cr_expect_str_eq(answer, first, "%zu %u: %s", i, from_end, answer);
        }
    }
}

/* What our key opens in a part is looked at for our own signature. Of a stranger's message for us and for others at
 * once, how many parts are inside, and what they are, shows in no answer; what stands beside it counts as ever. */
Test(attack_partial, strangers_learn_nothing_of_the_parts_that_our_key_opens)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"none\"; }; inbound = { require = \"none\"; otherwise = \"reject\"; "
                "max_classification = \"confidential\"; };",
                "");
    const struct rig_envelope stranger = {"eve@partner.test", "bob@partner.test", "us@acme.test", NULL, "198.51.100.1"};
    g_autofree char *first = NULL;
    g_autofree char *good = sign_entity(rig->partner.alice, ATTACK_ENTITY, true, false);
    for (unsigned i = 0; i < 3 * 3; i++) {
        unsigned beside = i / 3 == 0 ? LAYERS_LIMIT - 2 : i / 3 == 1 ? LAYERS_LIMIT - 1 : LAYERS_LIMIT;
        g_autoptr(GString) inside = g_string_new("Content-Type: multipart/mixed; boundary=in\r\n\r\n");
        g_autoptr(GString) text = g_string_new("From: eve@partner.test\r\n" ATTACK_FIELDS
                                               "Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\n");
        for (unsigned j = 0; j < LAYERS_LIMIT; j++)
            g_string_append_printf(inside, "--in\r\n%s\r\n", i % 3 == 0 ? "\r\nx" : good);
        g_string_append(inside, "--in--\r\n");
        g_autofree char *open =
            i % 3 == 2 ? envelop_broken(rig, inside->str)
                       : attack_opaque("", attack_envelop(EVP_aes_128_cbc(), rig->acme.dca, inside->str, false));
        g_string_append(text, open);
        for (unsigned j = 0; j < beside; j++)
            g_string_append_printf(text, "\r\n--out\r\n%s", good);
        g_string_append(text, "\r\n--out--\r\n");
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &stranger, text->str, text->len);
        const char *results = out.result->made.authentication_results;
        cr_expect_eq(out.result->reply.verdict, beside < LAYERS_LIMIT ? VERDICT_ACCEPT : VERDICT_REJECT, "%u: %s", i,
                     out.result->reply.reason);
        g_autofree char *answer = g_strconcat(out.result->reply.text, "; ", results, NULL);
        if (i % 3 == 0) {
            g_free(first);
            first = g_strdup(answer);
        }
        cr_expect_str_eq(answer, first, "%u: %s", i, answer);
    }
}

/* What policy refuses as a whole does not leave as an attachment either: for whomever it is encrypted, even broken. */
Test(attack_partial, encrypted_part_is_unreadable)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; unreadable = \"reject\"; };", "");
    const struct pki *to[] = {rig->acme.dca, rig->partner.dca};
    for (size_t i = 0; i < 6; i++) {
        g_autofree char *entity = attack_opaque("", attack_envelop(EVP_aes_128_cbc(), to[i % 2], ATTACK_ENTITY, false));
        if (i / 2 == 1) /* not even base64 */
            memset(strstr(entity, "\r\n\r\n") + 4, '!', 64);
        g_autofree char *within = i / 2 == 2 ? sign_entity(rig->acme.alice, entity, true, false) : g_strdup(entity);
        g_autofree char *text = g_strconcat(ATTACK_TOP BESIDE("out", within), NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);

        cr_expect_eq(out.result->reply.verdict, VERDICT_REJECT, "%zu: %s", i, out.result->reply.reason);
        cr_expect_not_null(strstr(out.result->reply.text, "unreadable"), "%zu: %s", i, out.result->reply.text);
    }
    AUTO_SENT struct sent plain = rig_outbound(rig, ATTACK_TOP "\r\nx\r\n");
    cr_expect_eq(plain.result->reply.verdict, VERDICT_ACCEPT, "%s", plain.result->reply.reason);
}

/* --- labels --- */

static void label_secret(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    const struct security_label label = {.policy = "1.2.3", .classification = 4};
    (void)cms;
    craft_add_attribute(info, OID_SECURITY_LABEL, &(struct sign_options){.label = &label});
}

static void label_unreadable(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    cr_assert(CMS_signed_add1_attr_by_txt(info, OID_SECURITY_LABEL, V_ASN1_OCTET_STRING, "x", 1));
}

static void label_twice(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    label_secret(cms, info);
    label_secret(cms, info);
}

static void label_unsigned(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    static const char label[] = "1\x04\x06\x02\x2a\x03"; /* SET { 1.2.3 } */
    (void)cms;
    cr_assert(CMS_unsigned_add1_attr_by_txt(info, OID_SECURITY_LABEL, V_ASN1_SET, label, sizeof(label) - 1));
}

static void label_second(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
    CMS_SignerInfo *first = sk_CMS_SignerInfo_value(infos, 0);
    label_secret(cms, first != info ? first : sk_CMS_SignerInfo_value(infos, 1));
}

static const struct {
    void (*alter)(CMS_ContentInfo *cms, CMS_SignerInfo *info);
    bool among_others;
    const char *inbound;
    enum verdict verdict;
} labels[] = {
    {NULL, false, "max_classification = \"confidential\";", VERDICT_ACCEPT},
    {NULL, true, "max_classification = \"confidential\";", VERDICT_ACCEPT},
    {label_secret, false, "max_classification = \"confidential\";", VERDICT_REJECT},
    {label_secret, true, "max_classification = \"confidential\";", VERDICT_REJECT},
    {label_secret, true, "max_classification = \"secret\";", VERDICT_ACCEPT},
    {label_secret, true, "accept_labels = ( \"1.2.4\" );", VERDICT_REJECT},
    {label_unreadable, false, "max_classification = \"top-secret\";", VERDICT_REJECT},
    {label_unreadable, false, "accept_labels = ( \"1.2.3\" );", VERDICT_REJECT},
    {label_unreadable, false, "", VERDICT_ACCEPT},
    {label_unreadable, true, "accept_labels = ( \"1.2.3\" );", VERDICT_REJECT},
    {label_second, true, "max_classification = \"confidential\";", VERDICT_REJECT},
    {label_second, true, "max_classification = \"secret\";", VERDICT_REJECT}, /* RFC 2634 §3.1: all the same */
    {label_twice, false, "accept_labels = ( \"1.2.3\" );", VERDICT_REJECT},
    {label_unsigned, false, "accept_labels = ( \"1.2.3\" );", VERDICT_REJECT},
};

Test(attack_partial, labels_hidden_in_a_part_or_unreadable_are_refused)
{
    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
        g_autofree char *policy =
            g_strdup_printf("inbound = { require = \"none\"; otherwise = \"reject\"; %s };", labels[i].inbound);
        owned(rig) struct rig *rig = rig_new("", policy);
        const struct attack attack = {.signer = rig->acme.alice,
                                      .second = labels[i].alter == label_second ? rig->acme.alice : NULL,
                                      .alter = labels[i].alter};
        g_autofree char *entity = attack_opaque("", attack_sign(&attack));
        g_autofree char *text = labels[i].among_others ? g_strconcat(ATTACK_TOP BESIDE("out", entity), NULL)
                                                       : g_strconcat(ATTACK_TOP, entity, NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->reply.verdict, labels[i].verdict, "%zu: %s", i, in.result->reply.reason);
        attack_expect_safe(&in, labels[i].inbound);
    }
}

/* Behind more parts than are looked at. */
Test(attack_partial, labels_that_are_not_looked_for_are_refused)
{
    for (unsigned parts = LAYERS_LIMIT - 1; parts <= LAYERS_LIMIT; parts++) {
        owned(rig) struct rig *rig = rig_new(
            "", "inbound = { require = \"none\"; otherwise = \"reject\"; max_classification = \"confidential\"; };");
        g_autofree char *entity = sign_entity(rig->acme.alice, ATTACK_ENTITY, true, false);
        g_autoptr(GString) text = g_string_new(ATTACK_TOP "Content-Type: multipart/mixed; boundary=out\r\n\r\n");

        for (unsigned i = 0; i <= parts; i++)
            g_string_append_printf(text, "--out\r\n%s\r\n", entity);
        g_string_append(text, "--out--\r\n");
        AUTO_SENT struct sent in = attack_in(rig, text->str);

        cr_expect_eq(in.result->reply.verdict, parts < LAYERS_LIMIT ? VERDICT_ACCEPT : VERDICT_REJECT, "%s",
                     in.result->reply.reason);
    }
}

/* Others may read what is followed by something else, with whatever media type parameters, or none. */
Test(attack_partial, objects_with_something_behind_hide_nothing)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; };",
                "inbound = { require = \"none\"; otherwise = \"reject\"; max_classification = \"confidential\"; };");
    for (unsigned i = 0; i < 4; i++) {
        bool labelled = i & 1, among_others = i & 2;
        owned(CMS_ContentInfo) CMS_ContentInfo *cms =
            attack_sign(&(struct attack){.signer = rig->acme.alice, .alter = labelled ? label_secret : NULL});
        GByteArray *der = attack_der(cms);
        g_byte_array_append(der, (const guint8 *)"\0x", 2);
        g_autofree char *entity = attack_opaque_der("", der->data, der->len);
        g_byte_array_unref(der);
        g_autofree char *text =
            among_others ? g_strconcat(ATTACK_TOP BESIDE("out", entity), NULL) : g_strconcat(ATTACK_TOP, entity, NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        AUTO_SENT struct sent in = attack_in(rig, text);

        cr_expect_eq(out.result->reply.verdict, VERDICT_REJECT, "%u: %s", i, out.result->reply.reason);
        cr_expect_eq(in.result->reply.verdict, VERDICT_REJECT, "%u: %s", i, in.result->reply.reason);
    }
}
