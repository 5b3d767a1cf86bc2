/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Padding as an oracle: whoever sends changed copies of a message in CBC must not learn from what a delivery takes
 * whether the padding was right (Vaudenay), nor whether the key came out (Bleichenbacher, MMA). Work is counted, and so
 * are the edits, which are the MTA's work; the time is measured by `make timing`.
 */
#include "support/attack.h"

/* Longer than two blocks: a change reaches no further. */
#define EPILOGUE "This is an epilogue, which no signature covers.\r\n"
#define LONG EPILOGUE EPILOGUE EPILOGUE EPILOGUE EPILOGUE EPILOGUE
#define KEYS "null_signature = false;"

/* --- changed copies --- */

enum change { RIGHT, PADDING, KEY, UNWRAP, CHANGES, NO_CHANGE };
static const char *const changes[] = {"right", "padding", "key", "unwrap"};

struct variant {
    const char *name;
    const EVP_CIPHER *(*cipher)(void);
    bool oaep;
    bool two; /* recipients */
};
static const struct variant forms[] = {
    {"AES-128", EVP_aes_128_cbc, false, false},       {"AES-256", EVP_aes_256_cbc, false, false},
    {"OAEP", EVP_aes_256_cbc, true, false},           {"Triple DES", EVP_des_ede3_cbc, false, false},
    {"beside another", EVP_aes_256_cbc, false, true}, {"beside another, OAEP", EVP_aes_256_cbc, true, true},
};

static void add_recipient(CMS_ContentInfo *cms, const struct pki *to, bool oaep)
{
    CMS_RecipientInfo *info = CMS_add1_recipient_cert(cms, to->cert, oaep ? CMS_KEY_PARAM : 0);
    cr_assert_not_null(info);
    if (!oaep)
        return;
    EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(info);
    cr_assert(EVP_PKEY_encrypt_init(context) > 0 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0);
}

static GByteArray *envelop(const struct rig *rig, const struct variant *form, struct slice content)
{
    CMS_ContentInfo *cms = CMS_EnvelopedData_create(form->cipher());
    BIO *data = BIO_new_mem_buf(content.data, (int)content.len);
    add_recipient(cms, rig->partner.dca, form->oaep);
    if (form->two)
        add_recipient(cms, rig->acme.dca, form->oaep);
    cr_assert(CMS_set_detached(cms, 0) && CMS_final(cms, data, NULL, CMS_BINARY));
    BIO_free(data);
    GByteArray *der = attack_der(cms);
    CMS_ContentInfo_free(cms);
    return der;
}

/* Changes the encrypted keys of all recipients. Random octets look like the beginning of a short one, too, but not
 * behind a serial number. */
static void change_keys(GByteArray *der, const struct rig *rig, const struct variant *form)
{
    bool rsa = EVP_PKEY_is_a(rig->partner.dca->key, "RSA"), is_short = form->cipher == EVP_aes_128_cbc;
    const char *tag = rsa ? "\x04\x82\x01\x00" : is_short ? "\x04\x18" : "\x04\x28"; /* OCTET STRING */
    size_t length = rsa ? 4 : 2;
    guint8 *at = attack_find(der, tag, length), *end = der->data + der->len;
    unsigned changed = 0;
    for (; at != NULL; at = memmem(at + length, (size_t)(end - at) - length, tag, length)) {
        if (!rsa && memcmp(at - 4, "\x02\x02", 2) != 0) /* INTEGER of two octets */
            continue;
        at[20] ^= 1;
        changed++;
    }
    cr_assert_eq(changed, form->two ? 2 : 1);
}

/* content, encrypted and changed, as an entity; g_free(). Both variants of the padding have noise in the last block but
 * one. */
static char *changed_octets(const struct rig *rig, const struct variant *form, struct slice content, enum change change)
{
    guint block = (guint)EVP_CIPHER_get_block_size(form->cipher());
    GByteArray *der = envelop(rig, form, content);
    cr_assert_neq(content.len % block, 0);
    if (change == RIGHT)
        der->data[der->len - 2 * block] ^= 1;
    else if (change == PADDING)
        der->data[der->len - 1 - block] ^= 0x80;
    else if (change == UNWRAP)
        change_keys(der, rig, form);
    if (change == KEY) { /* that of another message */
        GByteArray *other = envelop(rig, form, content);
        cr_assert_eq(other->len, der->len);
        memcpy(der->data + der->len - content.len, other->data + der->len - content.len, content.len);
        g_byte_array_unref(other);
    }
    char *entity = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    return entity;
}

static char *changed(const struct rig *rig, const struct variant *form, const char *text, enum change change)
{
    g_autofree char *content = g_strconcat(text, strlen(text) % 8 == 0 ? "+" : NULL, NULL);
    return changed_octets(rig, form, slice_of(content), change);
}

/* --- what is around it --- */

enum around { NOTHING, OPAQUE, CLEAR, GCM, CBC, AROUNDS };

static char *message(const struct rig *rig, enum around around, const char *entity)
{
    const struct attack attack = {
        .signer = rig->acme.alice, .content = entity, .flags = around == CLEAR ? CMS_DETACHED : 0};
    switch (around) {
    case OPAQUE:
        return attack_opaque(ATTACK_TOP, attack_sign(&attack));
    case CLEAR:
        return attack_clear(ATTACK_TOP, entity, attack_sign(&attack));
    case GCM:
        return attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_gcm(), rig->partner.dca, entity, false));
    case CBC:
        return attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, entity, false));
    default:
        return g_strconcat(ATTACK_TOP, entity, NULL);
    }
}

/* --- what it costs --- */

struct cost {
    enum verdict verdict;
    unsigned code;
    struct work work;
    size_t edits, chunks;
    bool body;
};

static struct cost cost_of(const struct sent *sent)
{
    const struct passage *passage = sent->result;
    struct cost cost = {.verdict = passage->reply.verdict,
                        .code = passage->reply.code,
                        .work = passage->mail.examination->work,
                        .edits = passage->made.edits.count,
                        .chunks = passage->made.edits.body_chunks,
                        .body = passage->made.edits.body != NULL};
    cost.work.paths = passage->lookups.paths;
    cost.work.encrypters = passage->lookups.encrypters;
    return cost;
}

/* Policy can see each outcome, whichever it is. */
static void expect_supposed(const struct sent *sent, enum around around)
{
    const struct layers_view *view = &sent->result->lookups.if_opened;
    cr_expect_eq(view->whole, around == NOTHING ? 1 : 2);
    for (size_t i = 0; i < view->whole; i++) {
        cr_expect_eq(view->list[i].opened, OPENED);
        cr_expect_eq(view->list[i].error->kind, ERROR_NONE);
        cr_expect(view->list[i].has_content);
    }
}

static void expect_same(const struct cost *a, const struct cost *b, const char *what)
{
    cr_expect_eq(a->verdict, b->verdict, "%s: verdict", what);
    cr_expect_eq(a->code, b->code, "%s: code", what);
    cr_expect_eq(a->work.layers, b->work.layers, "%s: layers: %u, not %u", what, b->work.layers, a->work.layers);
    cr_expect_eq(a->work.signatures, b->work.signatures, "%s: signatures", what);
    cr_expect_eq(a->work.paths, b->work.paths, "%s: paths", what);
    cr_expect_eq(a->work.encrypters, b->work.encrypters, "%s: encrypters", what);
    cr_expect_eq(a->edits, b->edits, "%s: edits: %zu, not %zu", what, b->edits, a->edits);
    cr_expect_eq(a->body, b->body, "%s: body", what);
    cr_expect_eq(a->chunks, b->chunks, "%s: packets: %zu, not %zu", what, b->chunks, a->chunks);
}

static const char *const policies[] = {
    ATTACK_LAX,
    "inbound = { require = \"none\"; undecryptable = \"reject\"; subject_verified = \"[ok]\"; };",
    "inbound = { require = \"encrypt\"; otherwise = \"tag\"; };",
    "inbound = { require = \"encrypt\"; otherwise = \"quarantine\"; };",
    "inbound = { require = \"sign\"; otherwise = \"tag\"; subject_unverified = \"[?]\"; };",
    "inbound = { require = \"sign+encrypt\"; otherwise = \"quarantine\"; };",
    "inbound = { require = \"none\"; originator_signatures = \"remove\"; };",
};

/* With fields that the message lacks, without those that it has, with one that is the same, without any. */
static const char *const contents[] = {
    "Content-Type: text/plain; charset=utf-8\r\n\r\n" ATTACK_SECRET "\r\n" EPILOGUE,
    "Content-Type: text/plain\r\nContent-Language: en\r\nContent-Description: x\r\nContent-ID: <x@y>\r\n"
    "Content-Transfer-Encoding: 8bit\r\n\r\n" ATTACK_SECRET "\r\n" EPILOGUE,
    "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n" EPILOGUE EPILOGUE "+",
    ATTACK_SECRET "\r\nwithout a header\r\n" LONG LONG EPILOGUE,
    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\n" ATTACK_SECRET
    "\r\n--i\r\n\r\nb\r\n--i--\r\n" EPILOGUE,
};

Test(padding, a_delivery_takes_as_much_whatever_the_padding)
{
    for (size_t p = 0; p < G_N_ELEMENTS(policies); p++) {
        owned(rig) struct rig *rig = rig_new(KEYS, policies[p]);
        for (unsigned i = 0; i < G_N_ELEMENTS(contents) * AROUNDS; i++) {
            enum around around = i % AROUNDS;
            struct cost costs[2];
            for (enum change change = RIGHT; change <= PADDING; change++) {
                g_autofree char *entity = changed(rig, &forms[0], contents[i / AROUNDS], change);
                g_autofree char *text = message(rig, around, entity);
                AUTO_SENT struct sent in = attack_in(rig, text);
                costs[change] = cost_of(&in);
                cr_expect(costs[change].body, "%s: %u: %s", policies[p], i, changes[change]);
                expect_supposed(&in, around);
            }
            g_autofree char *what = g_strdup_printf("%s: content %u, around %u", policies[p], i / AROUNDS, i % AROUNDS);
            expect_same(&costs[RIGHT], &costs[PADDING], what);
        }
    }
}

static unsigned token_length;

/* Long enough for noise in the last blocks. */
static void add_unsigned(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    unsigned char token[84] = {0x30, (unsigned char)(token_length + 2), 0x04, (unsigned char)token_length};
    (void)cms;
    cr_assert(CMS_unsigned_add1_attr_by_txt(info, "1.2.840.113549.1.9.16.2.14", V_ASN1_SEQUENCE, token,
                                            (int)token_length + 4));
}

/* Noise in unsigned attributes leaves a signature what it is. One octet of padding: a wrong one counts as that. */
Test(padding, unsigned_attributes_are_as_much_work_whatever_the_padding)
{
    static const char header[] = "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    owned(rig) struct rig *rig = rig_new(KEYS, ATTACK_LAX);
    struct cost costs[2];
    GByteArray *der = g_byte_array_new();
    for (token_length = 64; der->len % 16 != 15; token_length = token_length < 79 ? token_length + 1 : 64) {
        CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = rig->acme.alice, .spoil = add_unsigned});
        g_byte_array_unref(der);
        der = attack_der(cms);
        CMS_ContentInfo_free(cms);
        g_byte_array_prepend(der, (const guint8 *)header, sizeof(header) - 1);
    }
    for (enum change change = RIGHT; change <= PADDING; change++) {
        struct slice content = {(const char *)der->data, der->len};
        g_autofree char *entity = changed_octets(rig, &forms[0], content, change);
        g_autofree char *text = message(rig, NOTHING, entity);
        AUTO_SENT struct sent in = attack_in(rig, text);
        costs[change] = cost_of(&in);
        cr_expect_eq(costs[change].work.layers, 2);
        cr_expect_eq(costs[change].work.signatures, 1);
    }
    expect_same(&costs[RIGHT], &costs[PADDING], "unsigned attributes");
    g_byte_array_unref(der);
}

/* What opens has the fields of a message that came with them. */
static void expect_same_for_all_keys(const struct rig *rig, const struct variant *form, enum around around)
{
    static const char content[] =
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" ATTACK_SECRET
        "\r\n" EPILOGUE;
    struct cost costs[CHANGES];
    for (enum change change = RIGHT; change < CHANGES; change++) {
        g_autofree char *entity = changed(rig, form, content, change);
        g_autofree char *text = message(rig, around, entity);
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_autofree char *what = g_strdup_printf("%s, around %d: %s", form->name, around, changes[change]);
        costs[change] = cost_of(&in);
        expect_same(&costs[RIGHT], &costs[change], what);
        cr_expect_eq(strstr(in.bytes, ATTACK_SECRET) != NULL, change == RIGHT, "%s", what);
    }
}

Test(padding, a_delivery_takes_as_much_whatever_the_key)
{
    for (enum pki_key key = PKI_EC; key <= PKI_RSA; key++) {
        owned(rig) struct rig *rig = rig_with_key(key, KEYS, policies[2]);
        for (size_t f = 0; f < G_N_ELEMENTS(forms); f++)
            for (enum around around = NOTHING; around < AROUNDS && (!forms[f].oaep || key == PKI_RSA); around++)
                expect_same_for_all_keys(rig, &forms[f], around);
    }
}

/* On the way out, what does not open is signed or encrypted as it is. A stranger's is not opened at all. */
Test(padding, what_leaves_takes_as_much_whatever_the_padding)
{
    static const char *const leaving[] = {
        "outbound = { protect = \"sign\"; };",
        "outbound = { protect = \"sign+encrypt\"; };",
        "outbound = { protect = \"encrypt\"; };",
        "outbound = { protect = \"sign\"; unauthentic = \"unsigned\"; };",
    };
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(leaving); i++) {
        owned(rig) struct rig *rig = rig_new(leaving[i / 2], ATTACK_LAX);
        const struct rig swapped = {.acme = rig->partner, .partner = rig->acme};
        const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", NULL, i % 2 == 0 ? "alice" : NULL,
                                          "192.0.2.1"};
        struct cost costs[CHANGES];
        for (enum change change = RIGHT; change < CHANGES; change++) {
            g_autofree char *entity = changed(&swapped, &forms[0], contents[0], change);
            g_autofree char *text = g_strconcat(ATTACK_TOP, entity, NULL);
            AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
            costs[change] = cost_of(&out);
            expect_same(&costs[RIGHT], &costs[change], leaving[i / 2]);
        }
    }
}

/* Small as it comes and as it is decrypted; too large for memory, with no folder to put it in, once the lines are
 * recoded or the field is kept as text. */
Test(padding, an_end_that_must_be_recoded_is_as_much_work_as_one_that_need_not)
{
    static const enum change copies[] = {NO_CHANGE, RIGHT, PADDING};
    static const struct {
        const char *begin, *line, *end;
    } rows[] = {
        {"Content-Type: text/plain\r\n\r\n", "==================================================\r\n", EPILOGUE},
        {"Content-Type: text/plain\r\nKept: x\r\n", "\tüüüüüüüüüüüüüüüüüüüüüüüüü\r\n", "\r\n" EPILOGUE},
    };
    owned(rig) struct rig *rig = rig_new(KEYS, ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(rows) * G_N_ELEMENTS(copies); i++) {
        const size_t row = i / G_N_ELEMENTS(copies);
        g_autoptr(GString) content = g_string_new(rows[row].begin);
        for (unsigned j = 0; j < 200; j++)
            g_string_append(content, rows[row].line);
        g_string_append(content, rows[row].end);
        g_autofree char *entity = changed(rig, &forms[0], content->str, copies[i % G_N_ELEMENTS(copies)]);
        g_autofree char *text = message(rig, NOTHING, entity);
        struct limits *limits = (struct limits *)&gateway_conf(rig->partner.gateway)->limits, usual = *limits;
        limits->memory = 17000;
        limits->spool_dir = (char *)"/nonexistent";
        AUTO_SENT struct sent in = attack_in(rig, text);
        *limits = usual;
        cr_expect_eq(rig_verdict(&in), VERDICT_TEMPFAIL, "%zu: %s", i, rig_reason(&in));
    }
}

/* What does not open is delivered as it came, under our result. */
Test(padding, what_does_not_open_is_replaced_by_itself)
{
    const char *const tops[] = {
        "Content-Description: folded\r\n\tby tabs\r\nContent-Empty:\r\nContent-Blank: \r\ncontent-twice: a\r\n"
        "Content-Twice:b\r\n",
        "",
    };
    owned(rig) struct rig *rig = rig_new(KEYS, ATTACK_LAX);
    for (unsigned i = 0; i < 2 * CHANGES; i++) {
        enum change change = i % CHANGES;
        g_autofree char *entity = changed(rig, &forms[0], contents[0], change);
        g_autofree char *text = g_strconcat(ATTACK_TOP, tops[i / CHANGES], entity, NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        size_t length = strlen(text);
        cr_assert(rig_verdict(&in) == VERDICT_ACCEPT);
        cr_expect(g_str_has_prefix(in.bytes, "Authentication-Results:"), "%s", in.bytes);
        bool same = in.length > length && strcmp(in.bytes + in.length - length, text) == 0;
        cr_expect_eq(same, change != RIGHT, "%s: %s", changes[change], in.bytes);
    }
}

/* Encrypted in base64, it is a third longer. */
Test(padding, a_body_goes_in_as_many_packets_whatever_the_padding)
{
    owned(rig) struct rig *rig = rig_new(KEYS, ATTACK_LAX);
    GString *content = g_string_new("Content-Type: text/plain\r\n\r\n");
    while (content->len < 60000)
        g_string_append(content, EPILOGUE);
    for (enum change change = RIGHT; change < CHANGES; change++) {
        g_autofree char *entity = changed(rig, &forms[0], content->str, change);
        g_autofree char *text = message(rig, NOTHING, entity);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->made.edits.body_chunks, 2, "%s", changes[change]);
    }
    g_string_free(content, TRUE);
}

/* What is inside must not show in whether the milter protocol can say it. */
Test(padding, a_field_inside_that_no_packet_holds)
{
    owned(rig) struct rig *rig = rig_new(KEYS, ATTACK_LAX);
    GString *content = g_string_new("Content-Type: text/plain\r\nContent-Description: x");
    struct cost costs[2];
    for (unsigned i = 0; i < 7000; i++)
        g_string_append(content, "\r\n\t123456789");
    g_string_append(content, "\r\n\r\n" ATTACK_SECRET "\r\n" EPILOGUE);
    for (enum change change = RIGHT; change <= PADDING; change++) {
        g_autofree char *entity = changed(rig, &forms[0], content->str, change);
        g_autofree char *text = message(rig, NOTHING, entity);
        AUTO_SENT struct sent in = attack_in(rig, text);
        costs[change] = cost_of(&in);
        cr_expect_eq(in.result->made.removed, 0);
        cr_expect_str_eq(in.bytes + in.length - strlen(text), text);
    }
    expect_same(&costs[RIGHT], &costs[PADDING], "a large field");
    g_string_free(content, TRUE);
}

/* A field that libmilter would not take, or that would not come back as it is, stays: the message must be delivered. */
Test(padding, a_long_field_does_not_keep_a_message_that_does_not_open)
{
    owned(rig) struct rig *rig = rig_new(KEYS, ATTACK_LAX);
    GString *top = g_string_new(ATTACK_TOP "Content-Description: ");
    for (unsigned i = 0; i < 7000; i++)
        g_string_append(top, "123456789\r\n\t");
    g_string_append(top, "x\r\n");
    g_autofree char *entity = changed(rig, &forms[0], contents[0], PADDING);
    g_autofree char *text = g_strconcat(top->str, entity, NULL);
    AUTO_SENT struct sent in = attack_in(rig, text);
    const struct edits *edits = &in.result->made.edits;
    for (size_t i = 0; i < edits->count; i++)
        cr_expect(edits->list[i].value == NULL || strlen(edits->list[i].value) < 65000, "%s", edits->list[i].name);
    cr_expect_str_eq(in.bytes + in.length - strlen(text), text);
    g_string_free(top, TRUE);
}

/* --- malleable = "refuse" --- */

static const struct {
    const char *policy;
    enum verdict verdict;
} refusing[] = {
    {"inbound = { require = \"none\"; malleable = \"refuse\"; };", VERDICT_ACCEPT},
    {"inbound = { require = \"none\"; malleable = \"refuse\"; undecryptable = \"reject\"; };", VERDICT_REJECT},
    {"inbound = { require = \"none\"; malleable = \"refuse\"; undecryptable = \"tempfail\"; };", VERDICT_TEMPFAIL},
    {"inbound = { require = \"encrypt\"; malleable = \"refuse\"; };", VERDICT_REJECT},
    {"inbound = { require = \"encrypt\"; otherwise = \"tag\"; malleable = \"refuse\"; };", VERDICT_ACCEPT},
    {"inbound = { require = \"sign\"; malleable = \"refuse\"; };", VERDICT_REJECT},
    {"inbound = { require = \"sign\"; otherwise = \"tag\"; malleable = \"refuse\"; };", VERDICT_ACCEPT},
    {"inbound = { require = \"sign\"; otherwise = \"quarantine\"; malleable = \"refuse\"; };", VERDICT_QUARANTINE},
    {"inbound = { require = \"sign+encrypt\"; otherwise = \"tag\"; malleable = \"refuse\"; };", VERDICT_ACCEPT},
    {"inbound = { require = \"sign\"; undecryptable = \"reject\"; otherwise = \"tag\"; malleable = \"refuse\"; };",
     VERDICT_REJECT},
};

/* Without what the message and the clock say; g_free(). */
static char *without_numbers(const char *line)
{
    g_autoptr(GRegex) numbers = g_regex_new(" (size|duration)=[0-9.]+", 0, 0, NULL);
    return g_regex_replace_literal(numbers, line, -1, 0, "", 0, NULL);
}

/* Not in the answer, nor in the report, nor in what is delivered. */
Test(padding, where_it_is_refused_nothing_depends_on_what_is_inside)
{
    for (size_t p = 0; p < G_N_ELEMENTS(refusing); p++) {
        owned(rig) struct rig *rig = rig_new(KEYS, refusing[p].policy);
        g_autofree char *broken =
            attack_opaque("", attack_sign(&(struct attack){.signer = rig->partner.alice, .content = ATTACK_ENTITY}));
        const char *const inside[] = {contents[0], contents[4], broken};
        for (enum around around = NOTHING; around < CBC; around++) {
            g_autofree char *first = NULL;
            struct cost cost = {0};
            for (unsigned i = 0; i < G_N_ELEMENTS(inside) * CHANGES; i++) {
                g_autofree char *content = g_strconcat(inside[i / CHANGES], "  " EPILOGUE, NULL);
                g_autofree char *entity = changed(rig, &forms[0], content, i % CHANGES);
                g_autofree char *text = message(rig, around, entity);
                AUTO_SENT struct sent in = attack_in(rig, text);
                g_autofree char *report = passage_report(in.result);
                g_autofree char *line = passage_log_line(in.result);
                g_autofree char *constant = without_numbers(line);
                g_autofree char *all = g_strconcat(report, constant, NULL);
                struct cost now = cost_of(&in);
                if (first == NULL) {
                    first = g_strdup(all);
                    cost = now;
                }
                cr_expect_str_eq(all, first, "%s: %u", refusing[p].policy, i);
                cr_expect_eq(now.edits, cost.edits, "%s: %u", refusing[p].policy, i);
                cr_expect_eq(now.body, around == GCM && reply_accepts(&in.result->reply), "%s", refusing[p].policy);
                cr_expect(around == GCM || rig_verdict(&in) == refusing[p].verdict, "%s: %s", refusing[p].policy,
                          rig_reason(&in));
                cr_expect_null(strstr(in.bytes, ATTACK_SECRET));
                cr_expect_not_null(strstr(all, "encrypted without protection against changes (aes-128-cbc)"), "%s",
                                   all);
            }
        }
    }
}

Test(padding, where_it_is_refused_a_signature_inside_counts)
{
    const struct {
        const char *policy;
        bool opens;
    } rows[] = {
        {"inbound = { require = \"none\"; malleable = \"refuse\"; };", false},
        {"inbound = { require = \"sign\"; otherwise = \"tag\"; malleable = \"refuse\"; };", true},
        {"inbound = { require = \"sign\"; signed_by = \"originator\"; otherwise = \"tag\"; malleable = \"refuse\"; };",
         true},
        {"inbound = { require = \"sign\"; signed_by = \"domain\"; otherwise = \"tag\"; malleable = \"refuse\"; };",
         false},
        {"inbound = { require = \"sign\"; signed_by = \"domain\"; otherwise = \"tag\"; malleable = \"accept\"; };",
         true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new(KEYS, rows[i].policy);
        g_autofree char *content =
            attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice, .content = ATTACK_ENTITY}));
        g_autofree char *text =
            attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, content, false));
        g_autofree char *gcm =
            attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_gcm(), rig->partner.dca, ATTACK_ENTITY, false));
        AUTO_SENT struct sent in = attack_in(rig, text), authenticated = attack_in(rig, gcm);
        cr_expect_eq(strstr(in.bytes, "body.smime-part=1.1") != NULL, rows[i].opens, "%s: %s", rows[i].policy,
                     in.bytes);
        cr_expect_eq(in.result->made.removed, rows[i].opens, "%s", rows[i].policy);
        cr_expect_not_null(strstr(authenticated.bytes, ATTACK_SECRET), "%s", rows[i].policy);
    }
}
