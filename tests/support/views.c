/* SPDX-License-Identifier: Apache-2.0 */
#include "support/views.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <glib.h>
#include <string.h>

/* The value of "key=value"; NULL if the word is not about the key. */
static const char *value_of(const char *word, const char *key)
{
    size_t length = strlen(key);
    return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

enum outcome views_outcome(const char *name)
{
    for (enum outcome outcome = OUTCOME_NONE; outcome <= OUTCOME_PERMERROR; outcome++)
        if (strcmp(outcome_name(outcome), name) == 0)
            return outcome;
    cr_assert_fail("no outcome: %s", name);
    return OUTCOME_PERMERROR;
}

/* --- signers --- */

static bool claim(struct signer_view *view, struct signer_facts *facts, struct views_signer *detail, const char *kind)
{
    static const struct {
        const char *kind;
        enum signature_type type;
        size_t role; /* in struct signer_trust */
    } types[] = {
        {"originator", SIGNATURE_TYPE_ORIGINATOR, 0},
        {"domain", SIGNATURE_TYPE_DOMAIN, offsetof(struct signer_trust, domain)},
        {"attributes", SIGNATURE_TYPE_ATTRIBUTES, offsetof(struct signer_trust, attribute)},
        {"review", SIGNATURE_TYPE_REVIEW, offsetof(struct signer_trust, review)},
        {"untyped", 0, 0},
        {"agent", 0, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(types[i].kind, kind) != 0)
            continue;
        facts->types |= types[i].type;
        facts->ess.ml_expansions = strcmp(kind, "agent") == 0;
        for (size_t j = 0; j < VIEWS_PARTNERS && types[i].role != 0; j++)
            finding_set(&G_STRUCT_MEMBER(struct finding, &detail->trust[j], types[i].role), OUTCOME_PASS, "%s%zu", kind,
                        j);
        if (types[i].role == 0)
            finding_set(&view->mailbox, OUTCOME_PASS, "mailbox");
        return true;
    }
    return false;
}

static void set_label(struct security_label *label, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 2);
    cr_assert_eq(g_strv_length(parts), 2, "no label: %s", value);
    g_strlcpy(label->policy, parts[0], sizeof(label->policy));
    label->classification = (int)g_ascii_strtoll(parts[1], NULL, 10);
}

static bool set_trust(struct signer_view *view, struct views_signer *detail, const char *word)
{
    static const struct {
        const char *name;
        size_t role;
    } roles[] = {{"path", offsetof(struct signer_trust, path)},
                 {"domain", offsetof(struct signer_trust, domain)},
                 {"review", offsetof(struct signer_trust, review)},
                 {"attribute", offsetof(struct signer_trust, attribute)}};
    const char *value = value_of(word, "mailbox");
    if (value != NULL)
        return finding_set(&view->mailbox, views_outcome(value), "%s", word) || true;
    for (size_t i = 0; i < G_N_ELEMENTS(roles); i++)
        for (size_t j = 0; j < VIEWS_PARTNERS; j++) {
            g_autofree char *one = g_strdup_printf("%s%zu", roles[i].name, j);
            bool all = value_of(word, roles[i].name) != NULL;
            value = value_of(word, all ? roles[i].name : one);
            if (value == NULL)
                continue;
            finding_set(&G_STRUCT_MEMBER(struct finding, &detail->trust[j], roles[i].role), views_outcome(value),
                        "%s=%s", one, value);
            if (!all || j + 1 == VIEWS_PARTNERS)
                return true;
        }
    return false;
}

static bool set_validity(struct signer_view *view, struct signer_facts *facts, const char *word)
{
    facts->valid &= strcmp(word, "invalid") != 0 && strcmp(word, "nocert") != 0;
    if (strcmp(word, "nocert") == 0) {
        facts->has_certificate = false;
        view->subject = view->sha256 = NULL;
        view->trust = NULL;
    } else if (strcmp(word, "invalid") == 0 || strcmp(word, "unasked") == 0) {
        view->trust = NULL;
    } else if (strcmp(word, "fault") == 0) {
        facts->type_fault = true;
    } else if (strcmp(word, "weak") == 0) {
        facts->weak = true;
    } else {
        return false;
    }
    g_strlcpy(facts->reason, word, sizeof(facts->reason));
    return true;
}

static bool set_name(struct signer_view *view, struct signer_facts *facts, struct views_signer *detail,
                     const char *word)
{
    const char *value;
    if ((value = value_of(word, "and")) != NULL)
        return claim(view, facts, detail, value);
    if ((value = value_of(word, "by")) != NULL) {
        g_free(detail->sha256);
        view->sha256 = detail->sha256 = g_strdup(value);
    } else if (strcmp(word, "sender_mailbox") == 0) {
        view->sender_mailbox = true;
    } else if (strcmp(word, "sender_domain") == 0) {
        for (size_t i = 0; i < VIEWS_PARTNERS; i++)
            detail->trust[i].sender_domain = true;
    } else if (strcmp(word, "sender_domain0") == 0) {
        detail->trust[0].sender_domain = true;
    } else if (strcmp(word, "unchecked0") == 0 || strcmp(word, "unchecked1") == 0) {
        detail->trust[word[9] - '0'].unchecked = "is unchecked";
    } else if (strcmp(word, "sender_domain1") == 0) {
        detail->trust[1].sender_domain = true;
    } else {
        return false;
    }
    return true;
}

static bool set_ess(struct signer_facts *facts, const char *word)
{
    const char *label = value_of(word, "label"), *equal = value_of(word, "equal");
    if (label != NULL)
        set_label(&facts->ess.label, label);
    if (equal != NULL)
        set_label(&facts->ess.equivalents[facts->ess.equivalent_count++], equal);
    return label != NULL || equal != NULL;
}

/* --- layers --- */

static bool make_kind(struct layer_view *view, struct layer_facts *facts, const char *kind)
{
    static const struct {
        const char *kind, *cipher;
        enum layer_type type;
        bool authenticated, weak;
    } kinds[] = {
        {"empty", "", LAYER_SIGNED, false, false},
        {"compressed", "", LAYER_COMPRESSED, false, false},
        {"gcm", "aes-256-gcm", LAYER_AUTHENVELOPED, true, false},
        {"cbc", "aes-256-cbc", LAYER_ENVELOPED, false, false},
        {"old", "des-ede3-cbc", LAYER_ENVELOPED, false, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].kind, kind) != 0)
            continue;
        bool encrypted = kinds[i].cipher[0] != '\0';
        facts->type = kinds[i].type;
        facts->attempted = encrypted;
        facts->authenticated = kinds[i].authenticated;
        facts->weak = kinds[i].weak;
        g_strlcpy(facts->cipher, kinds[i].cipher, sizeof(facts->cipher));
        view->identity = encrypted ? "us.test" : NULL;
        return true;
    }
    return false;
}

/* What opening it came to. */
static bool set_opened(struct layer_view *view, struct layer_facts *facts, struct error *error, const char *word)
{
    static const struct {
        const char *word;
        enum opened opened;
        enum error_kind error;
    } results[] = {
        {"nokey", OPENED_NO_KEY, ERROR_PERMANENT},    {"broken", OPENED_FAILED, ERROR_PERMANENT},
        {"later", OPENED_FAILED, ERROR_TEMPORARY},    {"garbled", OPENED_BROKEN, ERROR_PERMANENT},
        {"limit", OPENED_NOT_SMIME, ERROR_PERMANENT}, {"unread", OPENED, ERROR_PERMANENT},
        {"unread_later", OPENED, ERROR_TEMPORARY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
        if (strcmp(results[i].word, word) != 0)
            continue;
        view->opened = results[i].opened;
        view->over_limit = strcmp(word, "limit") == 0;
        view->has_content = false;
        if (results[i].error != ERROR_NONE)
            error_set(error, results[i].error, "%s", word);
        if (view->opened == OPENED_NO_KEY)
            facts->attempted = 0;
        if (view->opened != OPENED)
            view->identity = NULL;
        return true;
    }
    return false;
}

static bool set_place(struct layer_view *view, struct layer_facts *facts, const char *word)
{
    const char *value;
    if (strcmp(word, "part") == 0)
        view->partial = true;
    else if (strcmp(word, "ours") == 0)
        view->by_our_key = true;
    else if (strcmp(word, "hidden") == 0)
        view->hidden = true;
    else if (strcmp(word, "tried") == 0)
        facts->attempted = 1;
    else if (strcmp(word, "anonymous") == 0)
        view->identity = NULL;
    else if ((value = value_of(word, "cipher")) != NULL)
        g_strlcpy(facts->cipher, value, sizeof(facts->cipher));
    else if ((value = value_of(word, "encrypter")) != NULL)
        finding_set(&view->encrypter, views_outcome(value), "%s", word);
    else if ((value = value_of(word, "bad_paths")) != NULL)
        view->bad_paths = (unsigned)g_ascii_strtoull(value, NULL, 10);
    else
        return false;
    return true;
}

/* --- all of them --- */

static void add_signer(struct views *views, size_t layer, const char *kind)
{
    struct layer_facts *facts = &views->facts[layer];
    size_t i = facts->signer_count++;
    cr_assert_lt(i, VIEWS_SIGNERS);
    struct signer_view *view = &views->signers[layer][i];
    struct views_signer *detail = &views->details[layer][i];
    views->signer_facts[layer][i] = (struct signer_facts){.has_certificate = true, .valid = true, .ess = ESS_NONE};
    detail->subject = g_strdup(kind);
    for (size_t j = 0; j < VIEWS_PARTNERS; j++)
        finding_set(&detail->trust[j].path, OUTCOME_PASS, "path%zu", j);
    *view = (struct signer_view){
        .facts = &views->signer_facts[layer][i], .subject = detail->subject, .trust = detail->trust};
    facts->type = LAYER_SIGNED;
    facts->signers = views->signer_facts[layer];
    cr_assert(claim(view, &views->signer_facts[layer][i], detail, kind), "no kind of layer: %s", kind);
}

static void add_word(struct views *views, size_t layer, const char *word)
{
    struct layer_view *view = &views->layers[layer];
    struct layer_facts *facts = &views->facts[layer];
    if (set_place(view, facts, word) || set_opened(view, facts, &views->errors[layer], word))
        return;
    cr_assert_gt(facts->signer_count, 0, "not for this kind of layer: %s", word);
    size_t i = facts->signer_count - 1;
    struct signer_view *signer = &views->signers[layer][i];
    struct signer_facts *signer_facts = &views->signer_facts[layer][i];
    struct views_signer *detail = &views->details[layer][i];
    cr_assert(set_validity(signer, signer_facts, word) || set_name(signer, signer_facts, detail, word) ||
                  set_ess(signer_facts, word) || set_trust(signer, detail, word),
              "no such word: %s", word);
}

static void add_layer(struct views *views, const char *text)
{
    static const char *const parts[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    size_t layer = views->all.count++;
    cr_assert_lt(layer, VIEWS_LAYERS);
    views->layers[layer] = (struct layer_view){.facts = &views->facts[layer],
                                               .part = parts[layer],
                                               .has_content = true,
                                               .error = &views->errors[layer],
                                               .signers = views->signers[layer],
                                               .encrypter.outcome = OUTCOME_PASS};
    g_auto(GStrv) signers = g_strsplit(text, "+", -1);
    for (char **signer = signers; *signer != NULL; signer++) {
        g_auto(GStrv) words = g_strsplit(*signer, "/", -1);
        char **kind = words;
        while (kind[1] != NULL && set_place(&views->layers[layer], &views->facts[layer], *kind))
            kind++;
        if (!make_kind(&views->layers[layer], &views->facts[layer], *kind))
            add_signer(views, layer, *kind);
        for (char **word = kind + 1; *word != NULL; word++)
            add_word(views, layer, *word);
    }
    views->all.whole += !views->layers[layer].partial;
    const struct layer_facts *facts = &views->facts[layer];
    views->all.malleable |= facts->attempted && !facts->authenticated;
}

struct views *views_new(const char *words)
{
    struct views *views = g_new0(struct views, 1);
    g_auto(GStrv) layers = g_strsplit(words, " ", -1);
    views->all.list = views->layers;
    for (char **layer = layers; *layer != NULL; layer++)
        if (**layer != '\0')
            add_layer(views, *layer);
    return views;
}

void views_free(struct views *views)
{
    for (size_t i = 0; i < VIEWS_LAYERS; i++)
        for (size_t j = 0; j < VIEWS_SIGNERS; j++) {
            g_free(views->details[i][j].subject);
            g_free(views->details[i][j].sha256);
        }
    g_free(views);
}

/* --- what was judged --- */

char *views_tell_layers(const struct judgement *judgement)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < judgement->layer_count; i++) {
        const struct judged_layer *judged = &judgement->layers[i];
        g_string_append_printf(text, "%s%s%s%s%s%s", i > 0 ? " " : "", judged->hidden ? "hidden/" : "",
                               outcome_name(judged->finding.outcome), judged->around_others ? "/agent" : "",
                               judged->shut ? "/shut" : "", judged->holds ? "/holds" : "");
    }
    return g_string_free(text, FALSE);
}

static void tell_sum(GString *text, const char *name, const struct finding *finding, size_t layer, bool counts)
{
    if (layer == JUDGED_NO_LAYER)
        g_string_append_printf(text, "%s%s", finding->outcome == OUTCOME_NONE ? "" : " odd", counts ? " counts" : "");
    else
        g_string_append_printf(text, " %s=%s@%zu%s", name, outcome_name(finding->outcome), layer,
                               counts ? "/counts" : "");
}

char *views_tell_sums(const struct judgement *judgement)
{
    GString *text = g_string_new(NULL);
    tell_sum(text, "domain", &judgement->domain, judgement->domain_layer, judgement->domain_counts);
    tell_sum(text, "originator", &judgement->originator, judgement->originator_layer, judgement->originator_counts);
    g_string_append_printf(text, "%s%s%s%s%s%s%s", judgement->malleable ? " malleable" : "",
                           judgement->decrypted ? " decrypted" : "", judgement->weakly_encrypted ? " weak" : "",
                           judgement->undecryptable ? " undecryptable" : "", judgement->spoiled ? " spoiled" : "",
                           judgement->encrypted_part ? " sealed_part" : "", judgement->bad_for_now ? " unchecked" : "");
    return g_strchug(g_string_free(text, FALSE));
}
