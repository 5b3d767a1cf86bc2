/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a good signature says holds for what is delivered: messages of the domain are changed at random, line by line
 * and octet by octet, and whatever still passes must be delivered with the signed content, whole and alone.
 * ATTACK_ROUNDS and ATTACK_SEED in the environment make a longer run.
 */
#include "support/attack.h"

#define BODY "the first line\r\n\r\nthe secret line\r\n"
#define MESSAGE ATTACK_TOP "Content-Type: text/plain; charset=us-ascii\r\n\r\n" BODY

static const char *const policies[] = {
    "outbound = { protect = \"sign\"; }; null_signature = false;",
    "outbound = { protect = \"sign\"; };",
    "outbound = { protect = \"sign\"; }; format = \"opaque\"; null_signature = false;",
    "outbound = { protect = \"sign+encrypt\"; }; cipher = \"aes-128-cbc\"; format = \"opaque\";",
    "outbound = { protect = \"triple\"; };",
};

/* Pieces that mean something to a parser. */
static const char *const pieces[] = {
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    "--",
    "=",
    "==",
    "\"",
    ";",
    ":",
    "(",
    ")",
    "\\",
    "\0",
    "A",
    "You are fired.\r\n",
    "Content-Type: text/html\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "From: ceo@acme.test\r\n",
    "boundary=x; ",
};

static void change(GString *text, size_t from, GRand *random)
{
    size_t at = from + (size_t)g_rand_int_range(random, 0, (gint32)(text->len - from));
    const char *line = strstr(text->str + at, "\r\n");
    size_t length = (size_t)g_rand_int_range(random, 1, 4);
    size_t to = line != NULL ? (size_t)(line + 2 - text->str) : text->len;
    switch (g_rand_int_range(random, 0, 6)) {
    case 0:
        text->str[at] = (char)(text->str[at] ^ (1 << g_rand_int_range(random, 0, 7)));
        break;
    case 1:
        g_string_erase(text, (gssize)at, (gssize)MIN(length, text->len - at));
        break;
    case 2:
        g_string_insert(text, (gssize)at, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
        break;
    case 3: /* the rest of a line away */
        g_string_erase(text, (gssize)at, (gssize)(to - at));
        break;
    case 4: { /* a line twice, elsewhere */
        g_autofree char *copy = g_strndup(text->str + at, to - at);
        size_t place = from + (size_t)g_rand_int_range(random, 0, (gint32)(text->len - from));
        g_string_insert(text, (gssize)place, copy);
        break;
    }
    default: /* at the beginning of a line */
        g_string_insert(text, (gssize)to, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
        break;
    }
}

/* The body of what is delivered, without its transfer encoding. */
static char *delivered(const struct rig *rig, const struct sent *in)
{
    struct error error = {0};
    const struct limits *limits = &gateway_conf(rig->partner.gateway)->limits;
    owned(message) struct message *message = rig_message(&rig->partner, in->bytes, in->length);
    owned(part) struct part *part = part_parse(message_header(message), message_body(message), limits, &error);
    owned(spool) struct spool *spool = spool_new(limits);
    struct slice content = SLICE_NONE;
    if (part == NULL || !part_decode(part, spool, &error) || !spool_finish(spool, &content, &error))
        return g_strdup(error.text);
    return g_strdup_printf("%s: %.*s", part->type, (int)content.len, content.data);
}

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? atol(text) : otherwise;
}

Test(mutations, what_passes_is_what_was_signed)
{
    long rounds = number("ATTACK_ROUNDS", 150);
    GRand *random = g_rand_new_with_seed((guint32)number("ATTACK_SEED", 3183));
    unsigned passed = 0;
    for (size_t p = 0; p < G_N_ELEMENTS(policies); p++) {
        owned(rig) struct rig *rig = rig_new(policies[p], ATTACK_STRICT);
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        size_t from = (size_t)(strstr(out.bytes, "Content-Type:") - out.bytes);
        for (long i = 0; i < rounds; i++) {
            g_autoptr(GString) text = g_string_new_len(out.bytes, (gssize)out.length);
            for (int n = g_rand_int_range(random, 1, 4); n > 0; n--)
                change(text, from, random);
            AUTO_SENT struct sent in = rig_inbound(rig, text->str, text->len);
            cr_assert(in.result->reply.verdict != VERDICT_TEMPFAIL, "%s\n%s", in.result->reply.reason, text->str);
            if (in.result->plan.judgement.domain.outcome != OUTCOME_PASS) {
                cr_assert_null(strstr(in.bytes, "smime=pass (domain"), "%s", text->str);
                continue;
            }
            passed++;
            g_autofree char *what = delivered(rig, &in);
            cr_assert_str_eq(what, "text/plain: " BODY, "policy %zu, round %ld: [%s]\n%s\n---\n%s", p, i, what,
                             text->str, in.bytes);
        }
    }
    cr_assert_gt(passed, 0, "some changes hurt nothing");
    g_rand_free(random);
}
