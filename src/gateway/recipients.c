/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipients: each recipient's rule, and a certificate to encrypt to (RFC 3183 §4.2), all in one batch. certs/ knows
 * candidates, trust/ says which of them may be used.
 */
#include "internal.h"
#include "learn.h"

struct acceptance {
    const struct certs_query *queries;
    const struct turns *turns;
    struct candidate_check check;
};

static void begin(void *context)
{
    turns_enter(((const struct acceptance *)context)->turns);
}

static void end(void *context)
{
    turns_leave(((const struct acceptance *)context)->turns);
}

static void tell(void *context)
{
    turns_tell(((const struct acceptance *)context)->turns);
}

static bool check_candidate(void *context, size_t query, const struct candidate *candidate, struct finding *finding)
{
    const struct acceptance *acceptance = context;
    return candidate_fits(&acceptance->check, &acceptance->queries[query], candidate, finding);
}

/* Both addresses where the MTA delivers to another one than the one given. */
static char *name_of(const struct recipient *recipient)
{
    const char *given = recipient->address.text;
    return recipient_is_redirected(recipient) ? g_strdup_printf("%s, delivered to %s", given, recipient->resolved.text)
                                              : g_strdup(given);
}

static void read_claims(const struct gateway *gateway, const struct rule_facts *facts,
                        const struct destination *destination, struct recipient_view *view)
{
    const struct rule *rules[CLAIMS_MAX];
    const struct rule *undecided = policy_claims(facts, destination, rules, &view->claim_count);
    for (size_t i = 0; i < view->claim_count; i++)
        view->claims[i] = (struct claim){rules[i], reviewers_of(gateway->reviewers, rules[i])};
    if (undecided == NULL || view->unclear != UNCLEAR_NOT)
        return;
    view->unclear = UNCLEAR_RULE;
    view->undecided = undecided;
}

static void read_recipient(const struct gateway *gateway, const struct rule_facts *facts,
                           const struct recipient *recipient, struct recipient_lookup *answer,
                           struct recipient_view *view)
{
    struct destination *destination = &answer->destination;
    policy_destination(gateway->conf, recipient, destination);
    answer->name = name_of(recipient);
    *view = (struct recipient_view){.text = answer->name,
                                    .local = destination->local,
                                    .arrives = destination->arrives,
                                    .unclear = destination->unclear,
                                    .certificate = FOUND_NONE,
                                    .certificate_reason = "not looked up"};
    read_claims(gateway, facts, destination, view);
}

static void ask_certificates(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                             const struct patience *patience)
{
    size_t total = mail->envelope->recipient_count, count = 0;
    g_autofree struct certs_query *queries = g_new0(struct certs_query, total + 1);
    g_autofree struct certs_answer *answers = g_new0(struct certs_answer, total + 1);
    g_autofree size_t *recipient_of = g_new0(size_t, total + 1);
    for (size_t i = 0; i < total; i++) {
        if (lookups->recipients[i].local)
            continue;
        recipient_of[count] = i;
        queries[count++] = (struct certs_query){.purpose = CERTS_ENCRYPT,
                                                .partner = lookups->answers[i].destination.partner,
                                                .address = lookups->answers[i].destination.address};
    }
    struct acceptance context = {.queries = queries, .turns = patience->turns, .check = {gateway, patience, mail->at}};
    const struct certs_acceptance accept = {.check = check_candidate,
                                            .context = &context,
                                            .begin = begin,
                                            .end = end,
                                            .tell = tell,
                                            .tell_every = TELL_EVERY};
    turns_leave(patience->turns);
    certs_ask(gateway->certs, queries, count, patience->deadline, &accept, answers);
    turns_enter(patience->turns);
    for (size_t i = 0; i < count; i++) {
        struct recipient_view *view = &lookups->recipients[recipient_of[i]];
        struct certs_answer *answer = &lookups->answers[recipient_of[i]].certificates;
        *answer = answers[i];
        if (answer->found == FOUND) {
            char *id = lookups->answers[recipient_of[i]].certificate_id;
            certificate_fingerprint(answer->list[answer->chosen].certificate, id);
            view->certificate_id = id;
        }
        view->certificate = answer->found;
        view->certificate_reason = answer->found == FOUND ? "found" : answer->error.said;
    }
}

static void add_shown(const struct fields *fields, const char *name, GHashTable *shown)
{
    const struct field *field = NULL;
    for (unsigned nth = 1; (field = fields_find(fields, name, nth)) != NULL; nth++) {
        struct addresses addresses = {0};
        struct error ignored = {0};
        if (!addresses_parse(field->value, &addresses, &ignored))
            continue; /* who stands in it is not known, so it may name no one */
        for (size_t i = 0; i < addresses.count; i++)
            g_hash_table_add(shown, address_key(&addresses.list[i]));
        addresses_clear(&addresses);
    }
}

/* Only who stands in To or Cc may be named to the other recipients. */
static void find_hidden(struct lookups *lookups, const struct mail *mail)
{
    g_autoptr(GHashTable) shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    add_shown(message_fields(mail->message), "To", shown);
    add_shown(message_fields(mail->message), "Cc", shown);
    for (size_t i = 0; i < mail->envelope->recipient_count; i++) {
        g_autofree char *key = address_key(&mail->envelope->recipients[i].address);
        lookups->recipients[i].hidden = !g_hash_table_contains(shown, key);
    }
}

void lookups_ask_recipients(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                            const struct patience *patience)
{
    size_t count = mail->envelope->recipient_count;
    lookups->recipients = g_new0(struct recipient_view, count + 1);
    lookups->answers = g_new0(struct recipient_lookup, count + 1);
    for (size_t i = 0; i < count; i++)
        read_recipient(gateway, &lookups->facts, &mail->envelope->recipients[i], &lookups->answers[i],
                       &lookups->recipients[i]);
    const struct plan_input input = {.conf = gateway->conf,
                                     .facts = &lookups->facts,
                                     .direction = mail->direction,
                                     .client = &mail->client,
                                     .originator = &mail->originator,
                                     .authors = &mail->authors,
                                     .message = mail->message,
                                     .layers = &lookups->layers,
                                     .recipients = lookups->recipients,
                                     .recipient_count = count,
                                     .least = mail->least};
    lookups->wants_certificates = mail->direction == DIRECTION_OUTBOUND && policy_wants_certificates(&input);
    if (lookups->wants_certificates)
        ask_certificates(lookups, gateway, mail, patience);
    if (lookups->wants_certificates)
        announced_ask(gateway, lookups, count, patience);
    if (lookups->wants_certificates && mail->message != NULL && count > 1 && policy_may_split(&input))
        find_hidden(lookups, mail);
}
