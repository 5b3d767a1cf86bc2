/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/layers.h"

#include "support/views.h"

#include <criterion/criterion.h>

static const struct partner partner;
static const struct partner *const partners[] = {&partner};

static struct judgement judge(const struct views *views)
{
    const struct authors authors = {.partners = (const struct partner **)partners, .count = 1};
    const struct originator originator = {0};
    struct judgement judgement;
    memset(&judgement, 0xff, sizeof(judgement));
    policy_judge(&views->all, &originator, &authors, &judgement);
    return judgement;
}

static const struct {
    const char *name;
    const char *layers;
    const char *each, *sums;
    const char *bad; /* bad_signature; NULL: "" */
} rows[] = {
    /* signatures */
    {"the domain's signature", "domain", "pass/holds", "domain=pass@0/counts"},
    {"the originator's", "originator", "pass/holds", "originator=pass@0/counts"},
    {"one without a type is the originator's", "untyped", "pass/holds", "originator=pass@0/counts"},
    {"one of both types", "domain/and=originator", "pass/holds", "domain=pass@0/counts originator=pass@0/counts"},
    {"the domain's and the originator's stay apart", "domain originator", "pass/holds pass/holds",
     "domain=pass@0/counts originator=pass@1/counts"},
    {"a reviewer's is neither", "review", "pass/holds", ""},
    {"a broken one", "domain/invalid", "fail", "domain=fail@0", "invalid"},
    {"a broken signer beside a good one", "domain+domain/invalid", "fail", "domain=fail@0", "invalid"},
    {"… before a good one", "domain/invalid+domain", "fail", "domain=fail@0", "invalid"},
    {"one by a stranger holds all the same", "domain/path=fail", "fail/holds", "domain=fail@0", "path0=fail"},
    {"one that cannot be checked now counts for hope", "domain/path=temperror", "temperror/holds",
     "domain=temperror@0/counts unchecked", "path0=temperror"},
    {"an empty layer", "empty", "none/holds", ""},
    {"an empty layer around another", "empty originator", "none/holds pass/holds", "originator=pass@1/counts"},
    {"a broken one is not hidden by a good one outside", "domain domain/invalid", "pass/holds fail",
     "domain=fail@1/counts", "invalid"},
    {"… nor inside", "domain/invalid domain", "fail pass/holds", "domain=fail@0/counts", "invalid"},
    {"the first of two that are as bad", "domain/invalid domain/path=fail", "fail fail/holds", "domain=fail@0",
     "invalid"},
    {"the first reason is kept", "domain/path=fail originator/invalid", "fail/holds fail",
     "domain=fail@0 originator=fail@1", "path0=fail"},
    {"… of what could not be checked", "domain/path=temperror originator/mailbox=temperror",
     "temperror/holds temperror/holds", "domain=temperror@0/counts originator=temperror@1/counts unchecked",
     "path0=temperror"},
    {"what is bad comes before what could not be checked", "domain/path=temperror originator/invalid",
     "temperror/holds fail", "domain=temperror@0/counts originator=fail@1", "invalid"},
    {"… in the other order", "domain/invalid originator/path=temperror", "fail temperror/holds",
     "domain=fail@0 originator=temperror@1/counts", "invalid"},
    {"the originator's as bad as the domain's", "originator/path=fail originator/path=policy",
     "fail/holds policy/holds", "originator=fail@0", "path0=fail"},

    /* layers that do not open */
    {"a signature that cannot be read may be anyone's", "empty/broken", "permerror/shut",
     "domain=permerror@0 originator=permerror@0", "broken"},
    {"… and has signers, as beyond a limit", "domain/broken", "permerror/shut",
     "domain=permerror@0 originator=permerror@0", "broken"},
    {"… within a list agent's", "agent/mailbox=policy domain/broken", "policy/holds permerror/shut",
     "domain=permerror@1 originator=permerror@1", "broken"},
    {"… within a good one", "domain empty/broken", "pass/holds permerror/shut",
     "domain=permerror@1/counts originator=permerror@1", "broken"},
    {"one that cannot be read now", "empty/later", "temperror", "domain=temperror@0 originator=temperror@0"},
    {"a compressed layer", "compressed originator", "none/holds pass/holds", "originator=pass@1/counts"},
    {"a compressed layer that is broken", "compressed/broken", "permerror/shut",
     "domain=permerror@0 originator=permerror@0", "broken"},
    {"… cannot be opened now", "compressed/later", "temperror", "domain=temperror@0 originator=temperror@0"},
    {"a good signature around what cannot be read", "domain/unread", "permerror/shut", "domain=permerror@0", "unread"},
    {"… an originator's", "originator/unread", "permerror/shut", "originator=permerror@0", "unread"},
    {"… around what cannot be read now", "domain/unread_later", "temperror", "domain=temperror@0/counts"},
    {"a compressed layer around what cannot be read", "compressed/unread", "permerror/shut",
     "domain=permerror@0 originator=permerror@0", "unread"},

    /* encryption */
    {"encrypted to us", "gcm", "pass/holds", "decrypted"},
    {"encrypted with a weak cipher", "old", "policy/holds", "malleable decrypted weak"},
    {"a weak cipher of others", "old/nokey", "neutral", "undecryptable"},
    {"a weak cipher that does not open", "old/broken", "fail", "malleable weak undecryptable spoiled"},
    {"a weak cipher around a good one", "old gcm", "policy/holds pass/holds", "malleable decrypted weak"},
    {"a broken one around one of others", "cbc/broken gcm/nokey", "fail neutral", "malleable undecryptable spoiled"},
    {"encrypted in another's name", "gcm/encrypter=policy", "policy/holds", "decrypted"},
    {"encrypted to others", "gcm/nokey", "neutral", "undecryptable"},
    {"encrypted to others, in CBC", "cbc/nokey", "neutral", "undecryptable"},
    {"encrypted to us, within to others", "gcm gcm/nokey", "pass/holds neutral", "decrypted undecryptable"},
    {"encrypted to us, and tampered with", "gcm/broken", "fail", "undecryptable"},
    {"encrypted to us, and no disk space", "gcm/later", "temperror", "undecryptable"},
    {"encrypted to us around what cannot be read", "gcm/unread", "fail", "decrypted undecryptable"},
    {"… in CBC", "cbc/unread", "fail", "malleable decrypted undecryptable spoiled"},
    {"encrypted to us, in CBC", "cbc", "pass/holds", "malleable decrypted"},
    {"encrypted to us, in CBC, and broken", "cbc/broken", "fail", "malleable undecryptable spoiled"},
    {"… garbled", "cbc/garbled", "fail", "malleable undecryptable spoiled"},
    {"in CBC to us, within to others", "cbc gcm/nokey", "pass/holds neutral", "malleable decrypted undecryptable"},
    {"in CBC to us, within broken", "cbc gcm/broken", "pass/holds fail", "malleable decrypted undecryptable spoiled"},
    {"in CBC to us, within a broken signature", "cbc empty/broken", "pass/holds permerror/shut",
     "domain=permerror@1 originator=permerror@1 malleable decrypted", "broken"},

    /* what counts */
    {"within what protects against changes, a signature counts", "gcm domain", "pass/holds pass/holds",
     "domain=pass@1/counts decrypted"},
    {"around it as well", "domain gcm", "pass/holds pass/holds", "domain=pass@0/counts decrypted"},
    {"within CBC a signature counts", "cbc domain originator", "pass/holds pass/holds pass/holds",
     "domain=pass@1/counts originator=pass@2/counts malleable decrypted"},
    {"around it none does", "domain/and=originator cbc", "pass/holds pass/holds",
     "domain=pass@0 originator=pass@0 malleable decrypted"},
    {"… nor does one within another around it", "domain originator cbc", "pass/holds pass/holds pass/holds",
     "domain=pass@0 originator=pass@1 malleable decrypted"},
    {"the domain's around it, the originator's within", "domain cbc originator", "pass/holds pass/holds pass/holds",
     "domain=pass@0 originator=pass@2/counts malleable decrypted"},
    {"around CBC of others that was not tried", "domain cbc/nokey", "pass/holds neutral",
     "domain=pass@0/counts undecryptable"},
    {"within GCM that is around CBC", "gcm domain cbc", "pass/holds pass/holds pass/holds",
     "domain=pass@1 malleable decrypted"},
    {"a bad one within CBC does not count", "cbc domain/path=fail", "pass/holds fail/holds",
     "domain=fail@1 malleable decrypted", "path0=fail"},
    {"one that could not be checked counts", "cbc originator/path=temperror", "pass/holds temperror/holds",
     "originator=temperror@1/counts malleable decrypted unchecked", "path0=temperror"},
    {"one within two encryptions", "cbc gcm domain", "pass/holds pass/holds pass/holds",
     "domain=pass@2/counts malleable decrypted"},
    {"a signature in CBC in a part does not count", "part/cbc part/domain", "neutral neutral",
     "domain=neutral@1 malleable"},

    /* mailing list agents */
    {"somebody's around an originator's", "untyped/mailbox=policy originator", "pass/agent/holds pass/holds",
     "originator=pass@1/counts"},
    {"… around the domain's", "untyped/mailbox=policy domain", "pass/agent/holds pass/holds", "domain=pass@1/counts"},
    {"… that is encrypted", "untyped/mailbox=policy gcm originator", "pass/agent/holds pass/holds pass/holds",
     "originator=pass@2/counts decrypted"},
    {"… that is bad", "untyped/mailbox=policy originator/invalid", "pass/agent/holds fail", "originator=fail@1",
     "invalid"},
    {"somebody's around nothing", "untyped/mailbox=policy", "policy/holds", "originator=policy@0", "mailbox=policy"},
    {"somebody's that is bad, around another", "untyped/mailbox=policy/path=fail originator", "fail/holds pass/holds",
     "originator=fail@0/counts", "path0=fail"},
    {"the author's own around another's", "untyped originator", "pass/holds pass/holds", "originator=pass@0/counts"},
    {"the author's own around somebody's", "untyped untyped/mailbox=policy", "pass/holds policy/holds",
     "originator=policy@1/counts", "mailbox=policy"},
    {"an agent's around an originator's", "agent/mailbox=policy originator", "pass/agent/holds pass/holds",
     "originator=pass@1/counts"},
    {"… an empty layer between them", "agent/mailbox=policy empty originator", "pass/agent/holds none/holds pass/holds",
     "originator=pass@2/counts"},
    {"an agent's by itself is the originator's", "agent", "pass/holds", "originator=pass@0/counts"},
    {"… in another's name", "agent/mailbox=policy", "policy/holds", "originator=policy@0", "mailbox=policy"},
    {"… around an empty layer", "agent/mailbox=policy empty", "policy/holds none/holds", "originator=policy@0",
     "mailbox=policy"},
    {"… around a part", "agent/mailbox=policy part/originator", "policy/holds neutral", "originator=policy@0",
     "mailbox=policy"},
    {"an agent's that is broken, by itself", "agent/invalid", "fail", "originator=fail@0", "invalid"},
    {"… keeps what is worse", "agent/path=temperror/mailbox=policy", "temperror/holds",
     "originator=temperror@0/counts unchecked", "path0=temperror"},
    {"an agent's that is broken, around another", "agent/invalid domain", "fail/agent pass/holds",
     "domain=pass@1/counts", "invalid"},
    {"two agents", "agent/mailbox=policy agent/mailbox=neutral", "pass/agent/holds neutral/holds",
     "originator=neutral@1", "mailbox=neutral"},
    {"two agents around the author", "agent/mailbox=policy agent/mailbox=neutral originator",
     "pass/agent/holds pass/agent/holds pass/holds", "originator=pass@2/counts"},
    {"an agent in a part", "originator part/agent", "pass/holds neutral", "originator=pass@0/counts"},
    {"an agent in a part, in another's name", "part/agent/mailbox=policy", "neutral", "originator=neutral@0",
     "mailbox=policy"},

    /* parts among other parts: never a verdict on the message */
    {"a signed part", "part/domain", "neutral", "domain=neutral@0"},
    {"an originator's part", "part/originator", "neutral", "originator=neutral@0"},
    {"a signed part within a signed message", "domain part/domain/invalid", "pass/holds fail", "domain=pass@0/counts",
     "invalid"},
    {"… of the other kind", "domain part/originator/invalid", "pass/holds fail",
     "domain=pass@0/counts originator=fail@1", "invalid"},
    {"the worst of several parts", "part/domain part/domain/invalid", "neutral fail", "domain=fail@1", "invalid"},
    {"a part that cannot be checked now: no other time will tell more", "part/domain/path=temperror", "neutral",
     "domain=neutral@0 unchecked", "path0=temperror"},
    {"an encrypted part", "part/gcm", "neutral", ""},
    {"an encrypted part of others", "part/gcm/nokey", "neutral", "sealed_part"},
    {"… before another part", "part/gcm/nokey part/domain", "neutral neutral", "domain=neutral@1 sealed_part"},
    {"… that is hidden", "domain part/gcm/nokey/hidden", "pass/holds hidden/none", "domain=pass@0/counts"},
    {"a compressed part", "part/compressed", "neutral", ""},
    {"an empty signed part", "part/empty", "none", ""},
    {"a part that does not open", "part/gcm/broken", "neutral", "sealed_part"},
    {"a signed part that does not open", "part/empty/broken", "neutral/shut", "", "broken"},
    {"… now", "part/empty/later", "neutral/shut", ""},
    {"… now, and has signers", "part/domain/later", "neutral/shut", ""},
    {"a compressed part that does not open", "part/compressed/broken", "neutral/shut", "", "broken"},
    {"a signed part whose content cannot be read", "part/domain/unread", "neutral", "domain=neutral@0", "unread"},
    {"… now", "part/domain/unread_later", "neutral", "domain=neutral@0"},
    {"an encrypted part whose content cannot be read", "part/gcm/unread", "neutral", "", "unread"},
    {"a garbled part", "part/cbc/garbled", "neutral", "malleable sealed_part"},

    /* hidden, and too many */
    {"a hidden part", "domain part/originator/invalid/hidden", "pass/holds hidden/none", "domain=pass@0/counts"},
    {"a hidden part does not make an agent of the one around it", "agent originator/hidden", "pass/holds hidden/none",
     "originator=pass@0/counts"},
    {"more parts than allowed", "domain part/empty/limit", "pass/holds permerror",
     "domain=pass@0/counts originator=permerror@1", "limit"},
    {"… that are not looked at", "part/empty/limit", "permerror", "domain=permerror@0 originator=permerror@0", "limit"},
    {"… and one that could not be checked", "domain/path=temperror part/empty/limit", "temperror/holds permerror",
     "domain=temperror@0/counts originator=permerror@1", "limit"},
    {"… are said before what else is wrong", "domain/invalid part/empty/limit", "fail permerror",
     "domain=fail@0 originator=permerror@1", "limit"},
};

Test(layers, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(views) struct views *views = views_new(rows[i].layers);
        struct judgement judgement = judge(views);
        g_autofree char *each = views_tell_layers(&judgement), *sums = views_tell_sums(&judgement);
        cr_expect_str_eq(each, rows[i].each, "%s: %s", rows[i].name, each);
        cr_expect_str_eq(sums, rows[i].sums, "%s: %s", rows[i].name, sums);
        cr_expect_str_eq(judgement.bad_signature, rows[i].bad != NULL ? rows[i].bad : "", "%s: %s", rows[i].name,
                         judgement.bad_signature);
        judgement_clear(&judgement);
    }
}

Test(layers, reasons)
{
    static const struct {
        const char *layers;
        const char *reason;        /* of the last layer */
        const char *undecryptable; /* undecryptable_reason; NULL: "" */
    } reasons[] = {
        {"gcm", "decrypted with the key of us.test"},
        {"gcm/anonymous", "decrypted with the key of this gateway"},
        {"cbc", "decrypted with the key of us.test; the encryption does not protect against changes"},
        {"old", "decrypted with the key of us.test; weak cipher des-ede3-cbc; the encryption does not protect against "
                "changes"},
        {"gcm/encrypter=policy", "encrypter=policy"},
        {"compressed", "compressed, opened"},
        {"gcm/nokey", "nokey", "nokey"},
        {"gcm/broken", "broken", "broken"},
        {"gcm/later", "later", "later"},
        {"empty/broken", "broken"},
        {"part/domain", "the signature covers only part 1 of the message"},
        {"part/domain/invalid", "invalid"},
        {"part/compressed", "a compressed part among other parts"},
        {"part/gcm", "an encrypted part among other parts"},
        {"part/gcm/nokey", "an encrypted part among other parts is not decrypted"},
        {"part/gcm/broken", "a part that cannot be opened on its own: broken"},
        {"domain/hidden", ""},
        {"part/empty/limit", "limit"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
        owned(views) struct views *views = views_new(reasons[i].layers);
        struct judgement judgement = judge(views);
        const char *reason = judgement.layers[judgement.layer_count - 1].finding.reason;
        const char *undecryptable = reasons[i].undecryptable != NULL ? reasons[i].undecryptable : "";
        cr_expect_str_eq(reason, reasons[i].reason, "%s: %s", reasons[i].layers, reason);
        cr_expect_str_eq(judgement.undecryptable_reason, undecryptable, "%s", reasons[i].layers);
        judgement_clear(&judgement);
    }
}

/* What is not open is not taken for open where no error says why. */
Test(layers, shut_without_an_error)
{
    static const struct {
        const char *layers, *each, *sums;
    } shut[] = {
        {"gcm/nokey", "neutral", "undecryptable"},
        {"gcm/later", "temperror", "undecryptable"},
        {"domain/later", "temperror", "domain=temperror@0 originator=temperror@0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(shut); i++) {
        owned(views) struct views *views = views_new(shut[i].layers);
        views->errors[0] = (struct error){0};
        struct judgement judgement = judge(views);
        g_autofree char *each = views_tell_layers(&judgement), *sums = views_tell_sums(&judgement);
        cr_expect_str_eq(each, shut[i].each, "%s: %s", shut[i].layers, each);
        cr_expect_str_eq(sums, shut[i].sums, "%s: %s", shut[i].layers, sums);
        judgement_clear(&judgement);
    }
}

Test(layers, without_a_layer_nothing_is_signed)
{
    static const struct views nothing;
    struct judgement judgement = judge(&nothing);
    g_autofree char *sums = views_tell_sums(&judgement);
    cr_expect_str_eq(sums, "");
    cr_expect_str_eq(judgement.domain.reason, "no domain signature");
    cr_expect_str_eq(judgement.originator.reason, "no originator's signature");
    judgement_clear(&judgement);
    cr_expect_eq(judgement.layers, NULL);
    cr_expect_eq(judgement.layer_count, 0);
}

/* A signature without a type is the domain's by agreement with each author's partner, and only the outermost one. */
Test(layers, by_agreement)
{
    static char *anchors[] = {(char *)"anchors.pem", NULL}, *no_anchors[] = {NULL};
    static const struct {
        const char *layers;
        bool agreed, own_anchors;
        enum naming naming;
        size_t domain; /* the layer that is the domain's; 9: none */
        bool typed;    /* it says so itself */
    } rows_of_agreement[] = {
        {"untyped/domain=pass", true, true, NAMING_ADDRESS, 0},
        {"untyped/domain=pass", true, true, NAMING_MAILBOX, 0},
        {"untyped/domain=pass", true, false, NAMING_PINNED, 0},
        {"untyped/domain=pass", true, false, NAMING_ADDRESS, 9},
        {"untyped/domain=pass", false, true, NAMING_ADDRESS, 9},
        {"untyped/domain=policy", true, true, NAMING_ADDRESS, 9},
        {"untyped/domain=pass/path=fail", true, true, NAMING_ADDRESS, 0},
        {"untyped/domain=pass/path=temperror", true, true, NAMING_ADDRESS, 0},
        {"untyped/domain=pass/weak", true, true, NAMING_ADDRESS, 0},
        {"untyped/domain=pass/invalid", true, true, NAMING_ADDRESS, 9},
        {"gcm untyped/domain=pass", true, true, NAMING_ADDRESS, 1},
        {"compressed untyped/domain=pass", true, true, NAMING_ADDRESS, 1},
        {"untyped/domain=pass gcm", true, true, NAMING_ADDRESS, 0},
        {"untyped/domain=pass originator", true, true, NAMING_ADDRESS, 0},
        {"untyped/domain=pass untyped/domain=pass", true, true, NAMING_ADDRESS, 0},
        {"originator untyped/domain=pass", true, true, NAMING_ADDRESS, 9},
        {"empty untyped/domain=pass", true, true, NAMING_ADDRESS, 9},
        {"review untyped/domain=pass", true, true, NAMING_ADDRESS, 9},
        {"untyped/domain=pass domain", true, true, NAMING_ADDRESS, 1, true},
        {"untyped/domain=pass domain+review", true, true, NAMING_ADDRESS, 1, true},
        {"domain untyped/domain=pass", true, true, NAMING_ADDRESS, 0, true},
        {"untyped/domain=pass+untyped/domain=pass", true, true, NAMING_ADDRESS, 9},
        {"agent/domain=pass originator", true, true, NAMING_ADDRESS, 9},
        {"agent/domain=pass", true, true, NAMING_ADDRESS, 9},
        {"part/untyped/domain=pass", true, true, NAMING_ADDRESS, 9},
        {"originator/domain=pass", true, true, NAMING_ADDRESS, 9},
        {"review/domain=pass", true, true, NAMING_ADDRESS, 9},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows_of_agreement); i++)
        for (int second = 0; second < 2; second++) { /* the other author's partner has agreed to nothing */
            owned(views) struct views *views = views_new(rows_of_agreement[i].layers);
            struct partner one = {.naming = rows_of_agreement[i].naming,
                                  .anchors = rows_of_agreement[i].own_anchors ? anchors : no_anchors};
            struct partner other = {.naming = NAMING_ADDRESS, .anchors = anchors};
            const struct partner *both[] = {&one, &other};
            const struct authors authors = {.partners = both, .count = (size_t)second + 1};
            const struct originator originator = {0};
            struct judgement judgement;
            if (rows_of_agreement[i].agreed)
                one.base.inbound.without_signature_type = WITHOUT_TYPE_DOMAIN;
            one.base.partner = &one;
            other.base.partner = &other;
            policy_judge(&views->all, &originator, &authors, &judgement);
            size_t expected = rows_of_agreement[i].domain == 9 || (second && !rows_of_agreement[i].typed)
                                  ? JUDGED_NO_LAYER
                                  : rows_of_agreement[i].domain;
            cr_expect_eq(judgement.domain_layer, expected, "%s, %d: %zu", rows_of_agreement[i].layers, second,
                         judgement.domain_layer);
            judgement_clear(&judgement);
        }
}

/* A gateway that wraps a message three times signs within its encryption and around it. Under CBC only what is within
 * counts. */
Test(layers, by_agreement_within_and_around)
{
    static char *anchors[] = {(char *)"anchors.pem", NULL};
    static const struct {
        const char *layers;
        bool counts;
    } triples[] = {
        {"untyped/domain=pass/by=a cbc untyped/domain=pass/by=a", true},
        {"untyped/domain=pass/by=a cbc compressed untyped/domain=pass/by=a", true},
        {"untyped/domain=pass/by=a cbc untyped/domain=pass/by=b", false},
        {"untyped/domain=pass/nocert cbc untyped/domain=pass/nocert", false},
        {"untyped/domain=pass/by=a untyped/domain=pass/by=b cbc untyped/domain=pass/by=a", false},
        {"untyped/domain=pass/by=a+untyped/domain=pass/by=a cbc untyped/domain=pass/by=a", false},
        {"empty cbc untyped/domain=pass/by=a", false},
        {"domain/by=a cbc untyped/domain=pass/by=a", false},
        {"untyped/domain=policy/by=a cbc untyped/domain=policy/by=a", false},
        {"untyped/domain=pass/by=a cbc agent/domain=pass/by=a", false},
        {"cbc untyped/domain=pass/by=a originator/by=a", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(triples); i++) {
        owned(views) struct views *views = views_new(triples[i].layers);
        struct partner agreed = {.naming = NAMING_ADDRESS, .anchors = anchors};
        const struct partner *all[] = {&agreed};
        const struct authors authors = {.partners = all, .count = 1};
        const struct originator originator = {0};
        struct judgement judgement;
        agreed.base.inbound.without_signature_type = WITHOUT_TYPE_DOMAIN;
        agreed.base.partner = &agreed;
        policy_judge(&views->all, &originator, &authors, &judgement);
        cr_expect_eq(judgement.domain_counts, triples[i].counts, "%s", triples[i].layers);
        judgement_clear(&judgement);
    }
}

Test(layers, how_many_come_off_before_delivery)
{
    static const struct {
        const char *layers;
        size_t removable, with_originators; /* 0: the same */
    } removals[] = {
        {"gcm", 1},
        {"gcm/nokey", 0},
        {"gcm/unread", 0},
        {"gcm gcm", 2},
        {"originator gcm", 2},
        {"originator/invalid gcm", 2},
        {"domain", 1},
        {"review", 1},
        {"attributes", 1},
        {"domain review", 2},
        {"domain/path=fail", 1},
        {"domain/invalid", 0},
        {"domain/unread", 0},
        {"domain/unread_later", 0},
        {"domain/and=originator", 0, 1},
        {"originator", 0, 1},
        {"untyped", 0, 1},
        {"originator/weak", 0},
        {"originator/path=fail", 0},
        {"originator/mailbox=policy", 0},
        {"originator/path=temperror", 0},
        {"originator/unread", 0},
        {"originator+originator", 0},
        {"originator originator", 0, 2},
        {"originator originator/invalid", 0, 1},
        {"part/originator", 0},
        {"originator domain", 0, 2},
        {"domain originator", 1, 2},
        {"gcm domain originator", 2, 3},
        {"agent originator", 0},
        {"agent", 0, 1}, /* with none inside it is the originator's */
        {"gcm agent originator", 1},
        {"gcm agent/and=domain", 2},
        {"empty", 0},
        {"gcm empty", 2},
        {"domain empty", 2},
        {"domain gcm/nokey", 1},
        {"compressed", 0},
        {"compressed domain", 2},
        {"compressed originator", 0, 2},
        {"compressed compressed originator", 0, 3},
        {"domain gcm/anonymous", 1},
        {"compressed compressed domain", 3},
        {"gcm compressed", 2},
        {"gcm compressed originator", 2, 3},
        {"domain compressed", 2},
        {"domain compressed/unread", 1},
        {"domain compressed compressed", 3},
        {"originator compressed", 0, 2},
        {"gcm part/domain", 1},
        {"part/gcm", 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(removals); i++) {
        owned(views) struct views *views = views_new(removals[i].layers);
        struct judgement judgement = judge(views);
        for (int originators = 0; originators < 2; originators++) {
            size_t removable = policy_removable(&views->all, &judgement, originators);
            size_t expected =
                originators && removals[i].with_originators > 0 ? removals[i].with_originators : removals[i].removable;
            cr_expect_eq(removable, expected, "%s, %d: %zu", removals[i].layers, originators, removable);
        }
        judgement_clear(&judgement);
    }
}

/* One number for each CBC that may be the first to fail, the last if none fails. */
Test(layers, what_changes_can_make_come_off)
{
    static const struct {
        const char *layers, *endings;
    } cases[] = {
        {"cbc", "0 1"},
        {"old", "0 1"},
        {"cbc/nokey", "0"},
        {"gcm", "1"},
        {"gcm cbc", "1 2"},
        {"cbc gcm", "0 2"},
        {"cbc cbc", "0 1 2"},
        {"cbc originator cbc", "0 1 3"},
        {"domain cbc", "1 2"},
        {"originator cbc", "0 2"},
        {"domain/invalid cbc", "0 2"},
        {"cbc domain", "0 2"},
        {"cbc domain originator", "0 2"},
        {"cbc/unread", "0 0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        owned(views) struct views *views = views_new(cases[i].layers);
        struct judgement judgement = judge(views);
        g_autofree size_t *list = NULL;
        size_t count = policy_endings(&views->all, &judgement, false, &list);
        g_autoptr(GString) told = g_string_new(NULL);
        for (size_t j = 0; j < count; j++)
            g_string_append_printf(told, "%s%zu", j > 0 ? " " : "", list[j]);
        cr_expect_str_eq(told->str, cases[i].endings, "%s: %s", cases[i].layers, told->str);
        judgement_clear(&judgement);
    }
}

Test(layers, what_comes_off_before_a_domain_signature_goes_on)
{
    static const size_t none = JUDGED_NO_LAYER;
    static const struct {
        const char *layers;
        struct unwrapping unwrapping; /* depth, decrypted, reencrypt, history_layer */
    } unwrappings[] = {
        {"originator", {0, false, false, none}},
        {"domain", {0, false, false, none}},
        {"gcm", {1, true, false, none}},
        {"originator gcm", {2, true, false, none}},
        {"gcm originator", {1, true, false, none}},
        {"gcm/nokey", {0, false, false, none}},
        {"gcm/unread", {0, false, false, none}},
        {"gcm gcm", {1, true, true, none}},
        {"gcm gcm/nokey", {1, true, true, none}},
        {"gcm originator gcm/nokey", {1, true, true, none}},
        {"gcm gcm/nokey empty/broken", {1, true, true, none}},
        {"gcm gcm/nokey originator", {1, true, true, none}},
        {"gcm gcm originator", {1, true, true, none}},
        {"gcm/nokey gcm/nokey", {0, false, false, none}},
        {"gcm empty/broken", {1, true, false, none}},
        {"agent", {1, false, false, 0}},
        {"agent originator", {1, false, false, 0}},
        {"originator agent", {2, false, false, 1}},
        {"agent agent", {1, false, false, 0}},
        {"untyped+agent", {1, false, false, 0}},
        {"agent gcm", {2, true, false, 0}},
        {"gcm agent", {1, true, false, none}},
        {"agent/unread", {0, false, false, none}},
        {"agent part/gcm", {1, false, false, 0}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(unwrappings); i++) {
        owned(views) struct views *views = views_new(unwrappings[i].layers);
        const struct unwrapping *expected = &unwrappings[i].unwrapping;
        struct unwrapping found;
        policy_unwrap(&views->all, true, &found);
        cr_expect_eq(found.depth, expected->depth, "%s: %zu", unwrappings[i].layers, found.depth);
        cr_expect_eq(found.decrypted, expected->decrypted, "%s", unwrappings[i].layers);
        cr_expect_eq(found.reencrypt, expected->reencrypt, "%s", unwrappings[i].layers);
        cr_expect_eq(found.history_layer, expected->history_layer, "%s", unwrappings[i].layers);
        policy_unwrap(&views->all, false, &found);
        cr_expect(found.depth == 0 && !found.decrypted && !found.reencrypt && found.history_layer == none,
                  "%s, by a stranger", unwrappings[i].layers);
    }
}

Test(layers, whose_review_counts)
{
    static const struct {
        const char *layers;
        bool reviewed, may_be;
    } reviews[] = {
        {"review/by=AA", true},
        {"review/by=BB", true},
        {"review/by=CC", false},
        {"review/nocert", false},
        {"domain/by=AA", false},
        {"domain/and=review/by=AA", true},
        {"review/by=AA/path=fail", false},
        {"review/by=AA/path=temperror", false, true},
        {"review/by=CC/path=temperror", false},
        {"domain/by=AA/path=temperror", false},
        {"review/by=AA/path=temperror review/by=BB", true, true},
        {"review/by=CC+review/by=AA", true},
        {"review+review/by=AA", true},
        {"domain review/by=AA", true},
        {"review/by=CC review/by=AA", true},
        {"review/by=AA/path=fail review/by=AA", true},
        {"domain part/review/by=AA", false},
    };
    static const char *const reviewers[] = {"AA", "BB", NULL}, *const none[] = {NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(reviews); i++) {
        owned(views) struct views *views = views_new(reviews[i].layers);
        struct judgement judgement = judge(views);
        cr_expect_eq(policy_reviewed(&views->all, &judgement, reviewers), reviews[i].reviewed, "%s", reviews[i].layers);
        cr_expect_eq(policy_may_be_reviewed(&views->all, &judgement, reviewers), reviews[i].may_be, "%s",
                     reviews[i].layers);
        cr_expect_not(policy_reviewed(&views->all, &judgement, none), "%s", reviews[i].layers);
        cr_expect_not(policy_reviewed(&views->all, &judgement, NULL), "%s", reviews[i].layers);
        judgement_clear(&judgement);
    }
}
