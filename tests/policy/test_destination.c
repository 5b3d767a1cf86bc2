/* SPDX-License-Identifier: Apache-2.0 */
/* Where a recipient's copy goes, and which rules count, by the address as given and as the MTA reads it. */
#include "policy/policy.h"

#include "support/folder.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>

struct row {
    const char *given;
    const char *read, *mailer; /* {rcpt_addr} and {rcpt_mailer}; NULL: the MTA does not send it */
    const char *expected;
};

/* "local", or "arrives", or nothing; "unclear" with its kind; the address, if it is not the one given; then the rules
 * that count. */
static char *tell(const struct recipient *recipient, const struct destination *destination)
{
    static const char *const unclear[] = {"", "route ", "domain ", "next "};
    GString *text = g_string_new(destination->local ? "local " : destination->arrives ? "arrives " : "");
    g_string_append(text, unclear[destination->unclear]);
    if (recipient_is_redirected(recipient))
        g_string_append_printf(text, "to=%s ", destination->address->text);
    for (size_t i = 0; i < destination->rule_count; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "+" : "", destination->rules[i]->partner->name);
    return g_string_free(text, FALSE);
}

static void expect(const struct conf *conf, const struct row *row)
{
    struct error error = {0};
    owned(envelope) struct envelope *envelope = envelope_new();
    struct address address;
    struct destination destination;
    cr_assert(address_parse_path(slice_of(row->given), &address, &error), "%s", error.text);
    struct recipient *recipient = envelope_add_recipient(envelope, &address);
    recipient_set_reading(recipient, row->read, NULL, row->mailer);
    policy_destination(conf, recipient, &destination);
    g_autofree char *told = tell(recipient, &destination);
    cr_expect_str_eq(told, row->expected, "%s as %s by %s: %s", row->given, row->read, row->mailer, told);
    cr_expect_eq(policy_direction(conf, recipient, 1), destination.local ? DIRECTION_INBOUND : DIRECTION_OUTBOUND);
    cr_expect_eq(destination.address, destination.address->domain == recipient->resolved.domain ? &recipient->resolved
                                                                                                : &recipient->address);
    cr_expect_eq(destination.partner, conf_partner(conf, destination.address->domain));
}

/* Ours is acme.test. Of the others only secret.test, signed.test, reviewed.test, readable.test and refused.test ask for
 * anything. */
static struct conf *configuration(const char *fallback)
{
    static const char *const policies[][2] = {
        {"secret.test", "outbound = { protect = \"sign+encrypt\"; };"},
        {"signed.test", "outbound = { protect = \"sign\"; };"},
        {"reviewed.test", "outbound = { require_review = ( \"domsec.conf\" ); };"},
        {"readable.test", "outbound = { unreadable = \"reject\"; };"},
        {"refused.test", "outbound = { refuse = true; };"},
        {"plain.test", "outbound = { protect = \"none\"; };"},
        {"xn--bcher-kva.test", "outbound = { protect = \"encrypt\"; };"},
        {"plain.secret.test", "outbound = { protect = \"none\"; };"},
        {"other.test.example", "outbound = { protect = \"sign\"; };"},
        {"corp.example", "outbound = { protect = \"sign\"; };"},
    };
    char *folder = folder_new();
    g_autofree char *policy_dir = g_build_filename(folder, "policy.d", NULL);
    owned(faults) struct faults *faults = faults_new();
    g_mkdir(policy_dir, 0700);
    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        g_autofree char *text = g_strdup_printf("domain = \"%s\";\n%s\n", policies[i][0], policies[i][1]);
        g_autofree char *name = g_strdup_printf("%s.conf", policies[i][0]);
        folder_write(policy_dir, name, text);
    }
    if (fallback != NULL)
        folder_write(policy_dir, "default.conf", fallback);
    g_autofree char *file = folder_file(folder, "domsec.conf",
                                        "local_domains = ( \"acme.test\", \"branch.acme.example\", "
                                        "\"corp\" );\n"
                                        "policy_dir = \"policy.d\";\n");
    struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    folder_remove(folder);
    return conf;
}

#define SECRET "secret.test.conf"
#define SIGNED "signed.test.conf"
#define PLAIN "plain.test.conf"
#define BUILT_IN "built-in"

/* The MTA does not say how it reads the address. */
static const struct row unread[] = {
    {"bob@secret.test", NULL, NULL, SECRET},
    {"BOB@SECRET.Test.", NULL, NULL, SECRET},
    {"bob@deep.secret.test", NULL, NULL, SECRET},
    {"bob@other.test", NULL, NULL, BUILT_IN},
    {"alice@acme.test", NULL, NULL, "local " BUILT_IN},
    {"postmaster", NULL, NULL, "local " BUILT_IN},
    {"bob@[127.0.0.1]", NULL, NULL, BUILT_IN},
    {"root@localhost", NULL, NULL, BUILT_IN},
    {"o'neil+x=y/z&q@other.test", NULL, NULL, BUILT_IN},

    /* a route to a protected domain, whatever domain it ends in */
    {"bob%secret.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%secret.test@plain.test", NULL, NULL, "route " PLAIN},
    {"bob%secret.test@secret.test", NULL, NULL, "route " SECRET},
    {"bob%secret.test@[127.0.0.1]", NULL, NULL, "route " BUILT_IN},
    {"bob%secret.test@[IPv6:::1]", NULL, NULL, "route " BUILT_IN},
    {"bob%secret.test@localhost", NULL, NULL, "route " BUILT_IN},
    {"bob%secret.test@gw.acme.test", NULL, NULL, "route " BUILT_IN},
    {"bob%secret.test", NULL, NULL, "route " BUILT_IN},
    {"secret.test!bob@other.test", NULL, NULL, "route " BUILT_IN},
    {"\"bob@secret.test\"@other.test", NULL, NULL, "route " BUILT_IN},
    {"\"bob\\@secret.test\"@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%SECRET.test.@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%deep.secret.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%signed.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%reviewed.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%readable.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%refused.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%b\xc3\xbc"
     "cher.test@other.test",
     NULL, NULL, "route " BUILT_IN},
    {"bob%xn--bcher-kva.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%B\xc3\x9c"
     "CHER.TEST@other.test",
     NULL, NULL, "route " BUILT_IN},
    {"bob%plain.test@other.test", NULL, NULL, BUILT_IN},
    {"bob%plain.secret.test@other.test", NULL, NULL, BUILT_IN},
    {"bob%notsecret.test@other.test", NULL, NULL, BUILT_IN},
    {"secret.test%plain.test@other.test", NULL, NULL, BUILT_IN}, /* the first is a name */
    {"plain.test!secret.test@other.test", NULL, NULL, BUILT_IN}, /* … and here the last */
    {"a%@other.test", NULL, NULL, BUILT_IN},
    {"50%off@plain.test", NULL, NULL, PLAIN},

    /* several levels, mixed */
    {"bob%secret.test%plain.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%plain.test%secret.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"plain.test!secret.test!bob@other.test", NULL, NULL, "route " BUILT_IN},
    {"plain.test!bob%secret.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"secret.test!bob%plain.test@other.test", NULL, NULL, "route " BUILT_IN},
    {"\"bob@secret.test@plain.test\"@other.test", NULL, NULL, "route " BUILT_IN},
    {"\"bob%secret.test@plain.test\"@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%secret.test%@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%a.test%b.test%c.test%d.test%e.test%f.test@other.test", NULL, NULL, BUILT_IN},
    {"bob%a.test%b.test%c.test%d.test%e.test%f.test%g.test@other.test", NULL, NULL, "route " BUILT_IN},

    /* what is not a domain as it stands may be one to others */
    {"\"bob@secret.test \"@other.test", NULL, NULL, "route " BUILT_IN},
    {"\"bob@secret(x).test\"@other.test", NULL, NULL, "route " BUILT_IN},
    {"\"<bob@secret.test>\"@other.test", NULL, NULL, "route " BUILT_IN},
    {"\"bob@secret.test,carol@other.test\"@other.test", NULL, NULL, "route " BUILT_IN},
    {"\"bob@[192.0.2.1]\"@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%secret.test..@other.test", NULL, NULL, "route " BUILT_IN},

    /* source routes */
    {"<@other.test:bob@plain.test>", NULL, NULL, PLAIN},
    {"<@other.test:bob@secret.test>", NULL, NULL, "route " SECRET},
    {"<@secret.test:bob@plain.test>", NULL, NULL, "route " PLAIN},
    {"<@plain.test,@secret.test:bob@plain.test>", NULL, NULL, "route " PLAIN},
    {"<@other.test:bob%secret.test@plain.test>", NULL, NULL, "route " PLAIN},
    {"<@[192.0.2.1]:bob@plain.test>", NULL, NULL, "route " PLAIN},

    /* what may be for us is judged by what arrives */
    {"bob%secret.test@acme.test", NULL, NULL, "route " BUILT_IN},
    {"bob%plain.test@acme.test", NULL, NULL, "route " BUILT_IN},
    {"alice%acme.test@[127.0.0.1]", NULL, NULL, "route " BUILT_IN},
    {"acme.test!alice@other.test", NULL, NULL, "route " BUILT_IN},
    {"<@other.test:alice@acme.test>", NULL, NULL, "route " BUILT_IN},

    /* abbreviated */
    {"bob%secret@other.test", NULL, NULL, "route " BUILT_IN},
    {"secret!bob@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%branch@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob%sec@other.test", NULL, NULL, BUILT_IN},
    {"bob%localhost@other.test", NULL, NULL, BUILT_IN},
    {"bob%xn--bcher-kva@other.test", NULL, NULL, "route " BUILT_IN},
    {"bob@secret", NULL, NULL, "domain " BUILT_IN},
    {"bob@signed", NULL, NULL, "domain " BUILT_IN},
    {"bob@plain", NULL, NULL, BUILT_IN}, /* plain.secret.test asks for nothing, and plain.test neither */
    {"alice@corp", NULL, NULL, "local " BUILT_IN},
    {"bob@branch", NULL, NULL, "domain " BUILT_IN},
    {"bob@branch.acme", NULL, NULL, BUILT_IN},
    {"bob@readable", NULL, NULL, "domain " BUILT_IN},
    {"bob@reviewed", NULL, NULL, "domain " BUILT_IN},
    {"bob@letter", NULL, NULL, BUILT_IN}, /* as long as "secret" */

    /* Postfix's sendmail(1): rewritten, and no route is resolved yet */
    {"bob%secret.test@localhost", "bob%secret.test@localhost", NULL, "route " BUILT_IN},
    {"bob%secret.test@localhost", "bob@plain.test", NULL, "route " BUILT_IN},
    {"bob@secret", "bob@secret", NULL, BUILT_IN},
    {"bob@secret.test", "bob@plain.test", NULL, SECRET},
    /* a cut milter_rcpt_macros */
    {"bob%secret.test@localhost", NULL, "smtp", "route " BUILT_IN},
    /* no address */
    {"bob%secret.test@localhost", "User unknown in virtual alias table", "error", "route " BUILT_IN},
    {"bob@secret.test", "5.1.1 no such user", "error", SECRET},
    {"bob@secret.test", "", "smtp", SECRET},
    {"bob@secret.test", "<>", "smtp", SECRET},
    {"bob%secret.test@localhost", "bob@secret.test@plain.test", "smtp", "route " BUILT_IN},
};

/* The MTA says where it delivers to. */
static const struct row readings[] = {
    {"bob@secret.test", "bob@secret.test", "smtp", SECRET},
    {"BOB@SECRET.test.", "bob@secret.test", "smtp", SECRET},
    {"bob@other.test", "bob@other.test", "smtp", BUILT_IN},
    {"alice@acme.test", "alice@acme.test", "virtual", "local " BUILT_IN},
    {"b@b\xc3\xbc"
     "cher.test",
     "b@xn--bcher-kva.test", "smtp", "xn--bcher-kva.test.conf"},

    /* a route */
    {"bob%secret.test@[127.0.0.1]", "bob@secret.test", "smtp", "to=bob@secret.test " SECRET},
    {"bob%secret.test@localhost", "bob@secret.test", "discard", "to=bob@secret.test " SECRET},
    {"bob%secret.test@acme.test", "bob@secret.test", "smtp", "to=bob@secret.test " SECRET},
    {"bob%secret.test", "bob@secret.test", "smtp", "to=bob@secret.test " SECRET},
    {"bob@secret", "bob@secret.test", "smtp", "to=bob@secret.test " SECRET},
    {"<@a.test,@b.test:bob@secret.test>", "bob@secret.test", "smtp", SECRET},
    {"\"bob@secret(x).test\"@gw.test", "bob@plain.test", "smtp", "to=bob@plain.test " PLAIN},

    /* both rules count, if they ask for anything */
    {"bob%secret.test@signed.test", "bob@secret.test", "smtp", "to=bob@secret.test " SECRET "+" SIGNED},
    {"bob%plain.test@signed.test", "bob@plain.test", "smtp", "to=bob@plain.test " PLAIN "+" SIGNED},
    {"bob%plain.test@reviewed.test", "bob@plain.test", "smtp", "to=bob@plain.test " PLAIN "+reviewed.test.conf"},
    {"bob%plain.test@readable.test", "bob@plain.test", "smtp", "to=bob@plain.test " PLAIN "+readable.test.conf"},
    {"bob%signed.test@plain.test", "bob@signed.test", "smtp", "to=bob@signed.test " SIGNED},

    /* never weaker than the address as given */
    {"bob@secret.test", "bob@plain.test", "smtp", "to=bob@plain.test " PLAIN "+" SECRET},
    {"bob@secret.test", "bob@other.test", "error", "to=bob@other.test " BUILT_IN "+" SECRET},
    {"bob@secret.test", "alice@acme.test", "virtual", "arrives to=alice@acme.test " SECRET},
    {"bob@secret.test", "alice", "local", "arrives to=alice " SECRET},
    {"alice@acme.test", "bob@secret.test", "smtp", "to=bob@secret.test " SECRET}, /* a virtual user */

    /* what is for us after all */
    {"alice%acme.test@[127.0.0.1]", "alice@acme.test", "virtual", "local to=alice@acme.test " BUILT_IN},
    {"alice@plain.test", "alice@acme.test", "virtual", "local to=alice@acme.test " BUILT_IN},
    {"postmaster", "postmaster@acme.test", "virtual", "local to=postmaster@acme.test " BUILT_IN},
    {"postmaster", "postmaster@gw.example", "local", "local to=postmaster@gw.example " BUILT_IN},
    {"postmaster", "postmaster@secret.test", "smtp", "to=postmaster@secret.test " SECRET},
    {"bob%x.test", "bob@secret.test", "local", "to=bob@secret.test " SECRET},
    {"alice@acme.test", "alice", "local", "local to=alice " BUILT_IN},
    {"root@gw.example", "root@gw.example", "local", BUILT_IN},

    /* what still looks like a route is one for the next host */
    {"bob%secret.test@other.test", "bob%secret.test@other.test", "smtp", BUILT_IN "+" SECRET},
    {"bob%secret.test@localhost", "bob%secret.test@localhost", "smtp", BUILT_IN "+" SECRET},
    {"bob%secret.test%x.test@localhost", "bob%secret.test@x.test", "smtp",
     "to=bob%secret.test@x.test " BUILT_IN "+" SECRET},
    {"secret.test!bob@signed.test", "secret.test!bob@signed.test", "smtp", SIGNED "+" SECRET},
    {"bob%secret.test@acme.test", "bob%secret.test@acme.test", "virtual", "arrives " SECRET},
    {"bob%plain.test@acme.test", "bob%plain.test@acme.test", "virtual", "local " BUILT_IN},
    {"bob%acme.test@other.test", "bob%acme.test@other.test", "smtp", BUILT_IN},
    {"bob%plain.test@other.test", "bob%plain.test@other.test", "smtp", BUILT_IN},
    {"50%off@other.test", "50%off@other.test", "smtp", BUILT_IN},
    {"\"bob@secret(x).test\"@other.test", "\"bob@secret(x).test\"@other.test", "smtp", "next " BUILT_IN},
    {"\"bob@secret(x).test\"@acme.test", "\"bob@secret(x).test\"@acme.test", "virtual", "arrives next " BUILT_IN},
};

Test(destination, table)
{
    owned(conf) struct conf *conf = configuration(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(unread); i++)
        expect(conf, &unread[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(readings); i++)
        expect(conf, &readings[i]);
}

/* A rule for all domains protects those without a file of their own. */
Test(destination, default_rule)
{
    static const struct row rows[] = {
        {"bob%x.test@plain.test", NULL, NULL, "route " PLAIN},
        {"bob%plain.test@plain.test", NULL, NULL, PLAIN},
        {"bob%x@plain.test", NULL, NULL, "route " PLAIN},
        {"bob%plain.test@[127.0.0.1]", "bob@plain.test", "smtp", "to=bob@plain.test " PLAIN "+default.conf"},
        {"bob%x.test@plain.test", "bob%x.test@plain.test", "smtp", PLAIN "+default.conf"},
        {"bob%acme.test@plain.test", "bob%acme.test@plain.test", "smtp", PLAIN},
        {"bob%plain.test", "bob@plain.test", "smtp", "to=bob@plain.test " PLAIN},
        {"bob%plain.test@acme.test", "bob%plain.test@acme.test", "virtual", "local default.conf"},
        {"postmaster", "postmaster@acme.test", "virtual", "local to=postmaster@acme.test default.conf"},
    };
    owned(conf) struct conf *conf = configuration("outbound = { protect = \"sign\"; };\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(conf, &rows[i]);
}

/* Without a rule that asks for anything, no address is refused, unless it may be for us. */
Test(destination, nothing_is_protected)
{
    static const struct row rows[] = {
        {"bob%x.test@other.test", NULL, NULL, BUILT_IN},
        {"bob@x", NULL, NULL, BUILT_IN},
        {"\"bob@x(y)\"@other.test", "\"bob@x(y)\"@other.test", "smtp", BUILT_IN},
        {"\"bob@x(y)\"@other.test", NULL, NULL, "route " BUILT_IN},
        {"bob%acme.test@other.test", NULL, NULL, "route " BUILT_IN},
    };
    char *folder = folder_new();
    g_autofree char *file = folder_file(folder, "domsec.conf", "local_domains = ( \"acme.test\" );\n");
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(conf, &rows[i]);
    folder_remove(folder);
}

/* The only rule that there is asks for something. */
Test(destination, one_rule)
{
    static const struct row rows[] = {
        {"bob@secret", NULL, NULL, "domain " BUILT_IN},
        {"\"bob@x(y)\"@other.test", "\"bob@x(y)\"@other.test", "smtp", "next " BUILT_IN},
    };
    char *folder = folder_new();
    g_autofree char *policy_dir = g_build_filename(folder, "policy.d", NULL);
    g_mkdir(policy_dir, 0700);
    folder_write(policy_dir, SECRET, "domain = \"secret.test\";\noutbound = { protect = \"sign\"; };\n");
    g_autofree char *file =
        folder_file(folder, "domsec.conf", "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n");
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(conf, &rows[i]);
    folder_remove(folder);
}
