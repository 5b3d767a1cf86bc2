/* SPDX-License-Identifier: Apache-2.0 */
/* What an examination says of each layer: where it is, whether our key shows it, and which account pays for it. */
#include "gateway/internal.h"

#include "support/attack.h"

/* What no S/MIME software writes: as the last layer it is broken, and inside CBC it may be the work of an attacker. */
#define NOISY "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\nX: \x85\xfe\r\n\r\nMAA=\r\n"
#define UNIX_ENTITY "Content-Type: text/plain\n\na line that is longer than two blocks\nand another one of them\n"

static char *shut(const EVP_CIPHER *cipher, const struct pki *to, const char *content, bool wrong_padding)
{
    GByteArray *der = attack_envelop_der(cipher, to, content, false);
    der->data[der->len - 17] ^= wrong_padding ? 0x80 : 0;
    char *entity = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    return entity;
}

/* One octet after another: nothing of DER in quoted-printable is a line by itself. Frees cms. g_free(). */
static char *quoted(CMS_ContentInfo *cms)
{
    GByteArray *der = attack_der(cms);
    GString *text = g_string_new("Content-Type: application/pkcs7-mime; name=smime.p7m\r\n"
                                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    for (guint i = 0; i < der->len; i++)
        g_string_append_printf(text, "=%02X%s", der->data[i], i % 24 == 23 ? "=\r\n" : "");
    g_byte_array_unref(der);
    CMS_ContentInfo_free(cms);
    return g_string_free(text, FALSE);
}

static void add_unsigned(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    static const unsigned char token[] = {0x30, 0x03, 0x04, 0x01, 'x'};
    (void)cms;
    cr_assert(CMS_unsigned_add1_attr_by_txt(info, "1.2.840.113549.1.9.16.2.14", V_ASN1_SEQUENCE, token, sizeof(token)));
}

static void as_receipt(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)info;
    cr_assert(CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_receipt)));
}

static char *named(char *entity, const char *name)
{
    GString *text = g_string_new(entity);
    g_free(entity);
    g_string_replace(text, "smime.p7m", name, 1);
    return g_string_free(text, FALSE);
}

/* SEQUENCE { INTEGER 1, OID id-data, OCTET STRING, OCTET STRING } */
#define RECEIPT "\x30\x17\x02\x01\x01\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\x04\x02id\x04\x03sig"

/* One layer. S: signed by alice; T: in clear; U: with unsigned attributes, and no base64 around it; R: a receipt in
 * place of the content; E: encrypted to org by AES-GCM; N: named as a document; C: by AES-CBC; B: with a wrong padding;
 * X: to another; G: garbage; A: alone in a multipart; M: beside a text; P: beside another part of the same kind.
 * g_free(). */
static char *put_on(const struct org *org, char layer, const char *content)
{
    static unsigned boundaries;
    const char *twice = layer == 'P' ? content : "\r\ntext\r\n";
    boundaries++;
    switch (layer) {
    case 'S':
        return attack_opaque("", attack_sign(&(struct attack){.signer = org->alice, .content = content}));
    case 'T':
        return attack_clear(
            "", content,
            attack_sign(&(struct attack){.signer = org->alice, .content = content, .flags = CMS_DETACHED}));
    case 'U':
        return quoted(attack_sign(&(struct attack){.signer = org->alice, .content = content, .spoil = add_unsigned}));
    case 'R':
        return attack_opaque(
            "", attack_sign(&(struct attack){.signer = org->alice, .content = RECEIPT, .alter = as_receipt}));
    case 'N':
        return named(shut(EVP_aes_128_gcm(), org->dca, content, false), "invoice.xml.p7m");
    case 'E':
        return shut(EVP_aes_128_gcm(), org->dca, content, false);
    case 'C':
    case 'B':
        return shut(EVP_aes_128_cbc(), org->dca, content, layer == 'B');
    case 'X':
        return shut(EVP_aes_128_gcm(), org->alice, content, false);
    case 'G':
        return g_strdup("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n");
    case 'A':
        return g_strdup_printf("Content-Type: multipart/mixed; boundary=\"m%u\"\r\n\r\n--m%u\r\n%s\r\n--m%u--\r\n",
                               boundaries, boundaries, content, boundaries);
    default:
        return g_strdup_printf("Content-Type: multipart/mixed; boundary=\"m%u\"\r\n\r\n--m%u\r\n%s\r\n--m%u\r\n%s\r\n"
                               "--m%u--\r\n",
                               boundaries, boundaries, content, boundaries, twice, boundaries);
    }
}

/* The content in these layers, the outermost first; g_free(). */
static char *entity_of(const struct org *org, const char *layers, const char *content)
{
    char *entity = g_strdup(content);
    for (size_t i = strlen(layers); i > 0; i--) {
        g_autofree char *inside = entity;
        entity = put_on(org, layers[i - 1], inside);
    }
    return entity;
}

/* A message of it; g_free(). */
static char *wrapped(const struct org *org, const char *layers, const char *content)
{
    g_autofree char *entity = entity_of(org, layers, content);
    return g_strconcat(ATTACK_TOP, entity, NULL);
}

static struct sent take(const struct rig *rig, bool outbound, const char *layers, const char *content)
{
    g_autofree char *text = wrapped(outbound ? &rig->acme : &rig->partner, layers, content);
    return outbound ? rig_outbound(rig, text) : attack_in(rig, text);
}

/* For each layer its place, then i: inside an encryption that our key was used on; k: in a part that only our key
 * opens; p: a part among others; l: over the limit; s: its line ends were changed; e: it is open, and no entity is in
 * it; what became of it. g_free(). */
static char *shown(const struct examination *examination)
{
    static const char *const opened[] = {
        [OPENED] = "", [OPENED_NO_KEY] = "!no key", [OPENED_FAILED] = "!failed", [OPENED_BROKEN] = "!broken"};
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < examination->count; i++) {
        const struct examined_layer *layer = &examination->layers[i];
        g_string_append_printf(text, "%s%s%s%s%s%s%s%s%s", i > 0 ? " " : "", layer->part, layer->inside ? "i" : "",
                               layer->by_our_key ? "k" : "", layer->partial ? "p" : "", layer->over_limit ? "l" : "",
                               layer->spool != NULL ? "s" : "",
                               layer->opened == OPENED && layer->inner == NULL ? "e" : "", opened[layer->opened]);
        cr_expect(layer->over_limit || layer->source != NULL, "%zu", i);
    }
    return g_string_free(text, FALSE);
}

static const struct {
    bool outbound;
    const char *layers, *content, *shown;
    unsigned opened, signatures;
    bool uses_key; /* something is charged to the account of what our key shows */
} rows[] = {
    {false, "S", ATTACK_ENTITY, "1", 1, 1, false},
    {false, "SS", ATTACK_ENTITY, "1 1.1", 2, 2, false},
    {false, "ESS", ATTACK_ENTITY, "1 1.1i 1.1.1i", 3, 2, true},
    {false, "X", ATTACK_ENTITY, "1!no key", 1, 0, false},
    {false, "G", ATTACK_ENTITY, "1!failed", 1, 0, false},
    {false, "BS", ATTACK_ENTITY, "1!broken", 2, 0, true},
    {false, "S", UNIX_ENTITY, "1s", 1, 1, false},
    {false, "S", "no header\n", "1", 1, 1, false},
    {false, "ES", UNIX_ENTITY, "1 1.1is", 2, 1, true},
    {false, "MS", ATTACK_ENTITY, "1.1p", 1, 1, false},
    {false, "EMS", ATTACK_ENTITY, "1 1.1.1ip", 2, 1, true},
    {false, "AE", ATTACK_ENTITY, "1", 1, 0, true},
    {false, "SAE", ATTACK_ENTITY, "1 1.1.1p!no key", 2, 1, false},
    {true, "AE", ATTACK_ENTITY, "1.1p", 1, 0, true},
    {true, "MEMS", ATTACK_ENTITY, "1.1p 1.1.1.1ikp", 2, 1, true},
    {true, "MEMSMS", ATTACK_ENTITY, "1.1p 1.1.1.1ikp 1.1.1.1.1.1ikp", 3, 2, true},
    {true, "MEM", ATTACK_ENTITY, "1.1p", 1, 0, true},
    {true, "MB", UNIX_ENTITY, "1.1ps!broken", 1, 0, true},
    {false, "AT", ATTACK_ENTITY, "1.1p", 1, 1, false},
    {false, "AS", ATTACK_ENTITY, "1.1p", 1, 1, false},
    {false, "AN", ATTACK_ENTITY, "1.1p!no key", 1, 0, false},
    {false, "R", ATTACK_ENTITY, "1e", 1, 1, false},
    {true, "MR", ATTACK_ENTITY, "1.1pe", 1, 1, false},
    {false, "S", NOISY, "1 1.1!failed", 2, 1, false},
    {false, "E", NOISY, "1 1.1i!failed", 2, 0, true},
    {false, "C", NOISY, "1!broken", 2, 0, true},
    {false, "U", ATTACK_ENTITY, "1", 1, 1, false},
    {false, "EU", ATTACK_ENTITY, "1 1.1i", 2, 1, true},
    {false, "CU", ATTACK_ENTITY, "1 1.1i!failed", 2, 1, true},
    {false, "CS", ATTACK_ENTITY, "1 1.1i", 2, 1, true},
};

Test(examine, layers)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent sent = take(rig, rows[i].outbound, rows[i].layers, rows[i].content);
        const struct examination *examination = sent.result->mail.examination;
        g_autofree char *layers = shown(examination);
        cr_expect_str_eq(layers, rows[i].shown, "row %zu: %s", i, layers);
        cr_expect_eq(examination->work.layers, rows[i].opened, "row %zu: %u", i, examination->work.layers);
        cr_expect_eq(examination->work.signatures, rows[i].signatures, "row %zu: %u", i, examination->work.signatures);
        cr_expect_eq(sent.result->accounts.inside.spent > 0, rows[i].uses_key, "row %zu", i);
        cr_expect_gt(sent.result->accounts.visible.spent, 0, "row %zu", i);
    }
    examination_free(NULL);
}

/* What is beyond the limit, and only that, is said to be. */
static const struct {
    bool outbound;
    const char *layers, *shown;
    const char *says; /* of the last layer */
} limited[] = {
    {false, "SS", "1 1.1", ""},
    {false, "SSS", "1 1.1 1.1.1!failed", "more than 2 S/MIME layers"},
    {false, "SSB", "1 1.1 1.1.1!failed", "more than 2 S/MIME layers"},
    {false, "SSX", "1 1.1 1.1.1!no key", NULL},
    {false, "SSG", "1 1.1 1.1.1!failed", NULL},
    {false, "CU", "1 1.1i!failed", "unsigned attributes inside encryption without protection against changes"},
    {false, "SCU", "1 1.1 1.1.1i!failed", "more than 2 S/MIME layers"},
    {true, "MEPS", "1.1p 1.1.1.1ikp 1kpl!failed", "more than 2 signed or encrypted parts"},
    {true, "MEPPS", "1.1p 1.1.1.1.1ikp 1kpl!failed", "more than 2 signed or encrypted parts"},
    {true, "PEMS", "1.1p 1.1.1.1ikp 1kpl!failed 1.2p", ""},
    {true, "PPS", "1.1.1p 1.1.2p 1pl!failed", "more than 2 signed or encrypted parts"},
};

Test(examine, limit_of_layers)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", ATTACK_LAX);
    const struct org *const orgs[] = {&rig->acme, &rig->partner};
    for (size_t i = 0; i < G_N_ELEMENTS(orgs); i++)
        ((struct limits *)&gateway_conf(orgs[i]->gateway)->limits)->layers = 2;
    for (size_t i = 0; i < G_N_ELEMENTS(limited); i++) {
        AUTO_SENT struct sent sent = take(rig, limited[i].outbound, limited[i].layers, ATTACK_ENTITY);
        const struct examination *examination = sent.result->mail.examination;
        const struct error *error = &examination->layers[examination->count - 1].error;
        g_autofree char *layers = shown(examination);
        cr_expect_str_eq(layers, limited[i].shown, "row %zu: %s", i, layers);
        if (limited[i].says != NULL)
            cr_expect_str_eq(error->text, limited[i].says, "row %zu: %s", i, error->text);
        else
            cr_expect(error->text[0] != '\0' && strstr(error->text, "more than") == NULL, "row %zu: %s", i,
                      error->text);
        cr_expect(error->kind == ERROR_NONE || error->kind == ERROR_PERMANENT, "row %zu", i);
    }
}

/* As for a padding that is wrong. */
Test(examine, noise_is_said_to_be_no_decryption)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    AUTO_SENT struct sent in = take(rig, false, "C", NOISY);
    const struct examined_layer *layer = &in.result->mail.examination->layers[0];
    cr_expect_str_eq(layer->error.text, SMIME_CANNOT_DECRYPT);
    cr_expect_eq(layer->error.kind, ERROR_PERMANENT);
}

/* What came out of a decryption that failed stands beside the layers, and is never one of them. */
Test(examine, in_vain)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", ATTACK_LAX);
    AUTO_SENT struct sent in = take(rig, false, "SBS", ATTACK_ENTITY);
    const struct examination *examination = in.result->mail.examination, *vain = examination_in_vain(examination);
    cr_assert_not_null(vain);
    cr_expect_eq(vain->depth, 2);
    cr_expect(vain->inside && vain->root != NULL);
    cr_expect_eq(vain->count, 1);
    cr_expect_null(vain->next_vain);
    cr_expect_null(examination->layers[1].inner);
    cr_expect_null(examination->layers[1].layer.inner.data);
    cr_expect_null(examination_entity(examination, 2));
    cr_expect_eq(examination_if_opened(examination, 1), examination_entity(examination, 1));
    cr_expect_eq(examination_if_opened(examination, 2), vain->root);

    AUTO_SENT struct sent out = take(rig, true, "SPB", ATTACK_ENTITY);
    const struct examination *parts = out.result->mail.examination;
    cr_assert_eq(parts->count, 3);
    cr_expect_eq(parts->whole, 1);
    cr_expect_not_null(parts->layers[1].inner);
    cr_assert_not_null(parts->vain);
    cr_expect_not_null(parts->vain->next_vain);
    cr_expect_null(examination_in_vain(parts));
}

/* --- an examination by itself --- */

/* As it is done for what leaves, with these limits; accounts come back with what was spent. */
static struct examination *look(const struct rig *rig, const struct message *message, const struct limits *limits,
                                struct accounts *accounts)
{
    accounts->inside.limit = UINT64_MAX;
    return examine(&(struct examine_options){.keys = rig->acme.gateway->keys,
                                             .at = time(NULL),
                                             .limits = limits,
                                             .direction = DIRECTION_OUTBOUND,
                                             .accounts = accounts,
                                             .opens_parts = true},
                   message);
}

/* What the examination of a message with these layers costs, apart from what only our key shows. */
static uint64_t spent_on(const struct rig *rig, const char *layers, const char *content, const struct limits *limits)
{
    struct accounts accounts = {.visible.limit = UINT64_MAX};
    g_autofree char *text = wrapped(&rig->acme, layers, content);
    owned(message) struct message *message = rig_message(&rig->acme, text, strlen(text));
    owned(examination) struct examination *examination = look(rig, message, limits, &accounts);
    cr_assert_gt(examination->count, 0);
    return accounts.visible.spent;
}

Test(examine, line_ends_are_paid_for)
{
    owned(rig) struct rig *rig = rig_new("", "");
    const struct limits *limits = &gateway_conf(rig->acme.gateway)->limits;
    g_autofree char *line = g_strnfill(20000, 'x');
    g_autofree char *lf = g_strconcat("Content-Type: text/plain\n\n", line, "+++\n", NULL);
    g_autofree char *crlf = g_strconcat("Content-Type: text/plain\r\n\r\n", line, "\r\n", NULL);
    uint64_t length = strlen(lf), usual = spent_on(rig, "S", crlf, limits);
    cr_assert_eq(length, strlen(crlf));
    uint64_t more = spent_on(rig, "S", lf, limits) - usual;
    /* Twice; signatures differ by an octet or two. */
    cr_expect(more > 3 * length * COST_DECODED / 2 && more < 5 * length * COST_DECODED / 2, "%" G_GUINT64_FORMAT, more);

    struct accounts accounts = {.visible.limit = usual + length};
    g_autofree char *text = wrapped(&rig->acme, "S", lf);
    owned(message) struct message *message = rig_message(&rig->acme, text, strlen(text));
    owned(examination) struct examination *examination = look(rig, message, limits, &accounts);
    const struct examined_layer *layer = &examination->layers[0];
    cr_assert_eq(layer->opened, OPENED);
    cr_expect_null(layer->inner);
    cr_expect_null(layer->spool, "what is not paid for is not done");
    cr_expect_str_eq(layer->error.text, BUDGET_SPENT);
}

/* A header that would be refused is not looked at, either. */
Test(examine, line_ends_that_are_not_paid_for_are_the_reason)
{
    owned(rig) struct rig *rig = rig_new("", "");
    struct limits limits = gateway_conf(rig->acme.gateway)->limits;
    limits.header_size = 1000;
    g_autofree char *line = g_strnfill(20000, 'x');
    g_autofree char *mixed = g_strconcat("Content-Type: text/plain\nX: +", line, "\r\n\r\n", NULL);
    g_autofree char *crlf = g_strconcat("Content-Type: text/plain\r\nX: ", line, "\r\n\r\n", NULL);
    uint64_t length = strlen(mixed), usual = spent_on(rig, "S", crlf, &limits);
    cr_assert_eq(length, strlen(crlf));
    for (unsigned i = 0; i < 2; i++) {
        bool is_paid = i & 1;
        struct accounts accounts = {.visible.limit = usual + (is_paid ? 5 : 3) * length * COST_DECODED / 2};
        g_autofree char *text = wrapped(&rig->acme, "S", mixed);
        owned(message) struct message *message = rig_message(&rig->acme, text, strlen(text));
        owned(examination) struct examination *examination = look(rig, message, &limits, &accounts);
        const struct examined_layer *layer = &examination->layers[0];
        cr_assert_eq(layer->opened, OPENED);
        cr_expect_null(layer->inner);
        cr_expect_eq(strcmp(layer->error.text, BUDGET_SPENT) != 0, is_paid, "%s", layer->error.text);
    }
}

Test(examine, what_is_behind_too_large_a_header_is_not_paid_for)
{
    owned(rig) struct rig *rig = rig_new("", "");
    const struct limits *usual = &gateway_conf(rig->acme.gateway)->limits;
    struct limits limits = *usual;
    limits.header_size = 1000;
    g_autofree char *line = g_strnfill(2000, 'x');
    g_autofree char *body = g_strnfill(20000, '\n');
    g_autofree char *content = g_strconcat("X: ", line, "\r\n\r\n", body, NULL);
    cr_expect_gt(spent_on(rig, "S", content, usual), spent_on(rig, "S", content, &limits) + 15000);
}

/* Nor does it matter to it what the key shows: only how long it is. */
Test(examine, what_our_key_shows_is_paid_from_its_own_account)
{
    owned(rig) struct rig *rig = rig_new("", "");
    const struct limits *limits = &gateway_conf(rig->acme.gateway)->limits;
    g_autofree char *parts = entity_of(&rig->acme, "MS", ATTACK_ENTITY);
    g_autofree char *fill = g_strnfill(strlen(parts) - strlen(ATTACK_ENTITY), 'x');
    g_autofree char *plain = g_strconcat(ATTACK_ENTITY, fill, NULL);
    cr_expect_eq(spent_on(rig, "E", parts, limits), spent_on(rig, "E", plain, limits));
}

/* Each key is tried, since the duration must not say which of them opened it. */
Test(examine, a_key_that_was_not_paid_for_is_not_forgotten)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    struct org *acme = &rig->acme;
    PKI_AUTO struct pki *second = pki_role(acme->ca, "domain-confidentiality-authority", "acme.test");
    owned(x509_stack) STACK_OF(X509) *both = sk_X509_new_null();
    owned(BIO) BIO *content = BIO_new_mem_buf(ATTACK_ENTITY, -1);
    g_free(pki_write(acme->folder, "second.pem", second, NULL));
    g_free(pki_write_key(acme->folder, "second.key", second));
    acme->people =
        "{ domain = \"acme.test\"; role = \"domain-confidentiality-authority\"; certificate = \"second.pem\"; "
        "key = \"file:second.key\"; },\n";
    rig_open(acme, &rig->partner, "", NULL);
    cr_assert(X509_up_ref(second->cert) && sk_X509_push(both, second->cert) > 0 && X509_up_ref(acme->dca->cert) &&
              sk_X509_push(both, acme->dca->cert) > 0);
    g_autofree char *entity = attack_opaque("", CMS_encrypt(both, content, EVP_aes_128_cbc(), CMS_BINARY));
    g_autofree char *text = g_strconcat(ATTACK_TOP, entity, NULL);
    uint64_t limit = UINT64_MAX;
    for (unsigned keys = 2; keys > 0; keys--) {
        struct accounts accounts = {.visible.limit = limit};
        owned(message) struct message *message = rig_message(acme, text, strlen(text));
        owned(examination) struct examination *examination =
            look(rig, message, &gateway_conf(acme->gateway)->limits, &accounts);
        const struct examined_layer *layer = &examination->layers[0];
        cr_expect_eq(layer->layer.facts.attempted, keys);
        cr_assert_eq(layer->opened, OPENED, "%s", layer->error.text);
        cr_expect_not_null(layer->inner);
        cr_expect_str_eq(layer->error.text, keys == 2 ? "" : BUDGET_SPENT);
        limit = accounts.visible.spent - 1;
    }
}

/* Our own trouble with one part is not forgotten over the next, even if that is worked on in vain. */
Test(examine, a_failure_in_a_part_stays)
{
    owned(rig) struct rig *rig = rig_new("", "");
    struct limits limits = gateway_conf(rig->acme.gateway)->limits;
    g_autofree char *lines = g_strnfill(4000, '\n');
    g_autofree char *large = g_strconcat("Content-Type: text/plain\n\n", lines, NULL);
    g_autofree char *first = put_on(&rig->acme, 'S', large);
    limits.memory = 6000;
    limits.spool_dir = (char *)"/nonexistent";
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *second = put_on(&rig->acme, i == 0 ? 'E' : 'B', ATTACK_ENTITY);
        g_autofree char *text = g_strdup_printf(ATTACK_TOP "Content-Type: multipart/mixed; boundary=o\r\n\r\n"
                                                           "--o\r\n%s\r\n--o\r\n%s\r\n--o--\r\n",
                                                first, second);
        struct accounts accounts = {.visible.limit = UINT64_MAX};
        owned(message) struct message *message = rig_message(&rig->acme, text, strlen(text));
        owned(examination) struct examination *examination = look(rig, message, &limits, &accounts);
        cr_assert_eq(examination->count, 2);
        cr_expect_eq(examination->failure.kind, ERROR_TEMPORARY, "%zu: %s", i, examination->failure.text);
    }
}

/* With the key of another message; in place of the noise stands a text that is no longer. */
Test(examine, noise_is_replaced)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *line = g_strnfill(1000, 'x');
    g_autofree char *content = g_strconcat("Content-Type: text/plain\r\n\r\n", line, NULL);
    GByteArray *der = attack_envelop_der(EVP_aes_128_cbc(), rig->partner.dca, content, false);
    GByteArray *other = attack_envelop_der(EVP_aes_128_cbc(), rig->partner.dca, content, false);
    cr_assert_eq(der->len, other->len);
    memcpy(der->data + der->len - 1040, other->data + other->len - 1040, 1040); /* all blocks */
    AUTO_SENT struct sent in = attack_open_der(rig, der);
    const struct examination *examination = in.result->mail.examination, *vain = examination_in_vain(examination);
    cr_assert_not_null(vain);
    cr_expect_str_eq(vain->root->type, "text/plain");
    cr_expect_eq(vain->root->body.data, examination->layers[0].source->body.data);
    cr_expect(vain->root->body.len >= 1000 && vain->root->body.len < 1100, "%zu", vain->root->body.len);
    g_byte_array_unref(other);
    g_byte_array_unref(der);
}
