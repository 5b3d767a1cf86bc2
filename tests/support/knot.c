/* SPDX-License-Identifier: Apache-2.0 */
#include "support/knot.h"

#include "support/daemon.h"
#include "support/program.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* --- who is asked --- */

/* Packets and connections of this process that are for another machine: a resolver asks the root unless it is given
 * others. */
static gint strangers;

static void look_at(const struct sockaddr *to)
{
    bool elsewhere = false;
    if (to != NULL && to->sa_family == AF_INET)
        elsewhere = ntohl(((const struct sockaddr_in *)to)->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
    else if (to != NULL && to->sa_family == AF_INET6)
        elsewhere = !IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)to)->sin6_addr);
    if (elsewhere)
        g_atomic_int_inc(&strangers);
}

int connect(int fd, const struct sockaddr *to, socklen_t length)
{
    int (*real)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
    look_at(to);
    return real(fd, to, length);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
        (ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "sendto");
    look_at(to);
    return real(fd, data, size, flags, to, length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t (*real)(int, const struct msghdr *, int) =
        (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
    look_at(message->msg_name);
    return real(fd, message, flags);
}

/* --- zones and their server --- */

#define HEAD "$ORIGIN %s.\n$TTL 300\n@ SOA ns.test. hostmaster.test. 1 3600 900 86400 300\n@ NS ns.test.\n"

static void zone_conf(GString *conf, const char *name, bool is_signing)
{
    g_string_append_printf(conf, "  - domain: %s.\n", name);
    if (is_signing)
        g_string_append(conf, "    dnssec-signing: on\n    dnssec-policy: own\n");
}

static bool is_signed_by_server(const struct knot_zone *zone)
{
    return zone->kind == KNOT_SIGNED || zone->kind == KNOT_MISTAKEN;
}

/* One configuration for the server, and one for kzonesign, which signs what the server only serves. */
static char *write_conf(const struct knot *knot, const char *name, const struct knot_zone *zones, size_t count)
{
    bool is_server = g_str_equal(name, "knot.conf");
    GString *conf = g_string_new(NULL);
    g_string_append_printf(conf,
                           "server:\n    rundir: \"%s\"\n    listen: 127.0.0.1@%u\n"
                           "    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n"
                           "log:\n  - target: stderr\n    any: info\n"
                           "database:\n    storage: \"%s\"\n    kasp-db-max-size: 10M\n    journal-db-max-size: 10M\n"
                           "    timer-db-max-size: 10M\n"
                           "policy:\n  - id: own\n    manual: on\n    nsec3: on\n    nsec3-iterations: 0\n"
                           "    cds-cdnskey-publish: none\n"
                           "template:\n  - id: default\n    storage: \"%s\"\n    file: \"%%s.zone\"\n"
                           "    zonefile-sync: -1\n    journal-content: none\n    zonefile-load: whole\n"
                           "zone:\n",
                           knot->folder, knot->port, knot->folder, knot->folder);
    zone_conf(conf, "test", true);
    for (size_t i = 0; i < count; i++)
        zone_conf(conf, zones[i].name, is_server ? is_signed_by_server(&zones[i]) : zones[i].kind != KNOT_UNSIGNED);
    g_autofree char *text = g_string_free(conf, FALSE);
    return folder_file(knot->folder, name, text);
}

static char *keymgr(const char *conf, const char *zone, const char *command)
{
    owned(run) struct run got = run("/usr/sbin/keymgr -c '%s' %s %s", conf, zone, command);
    expect_status(got, 0);
    return g_strdup(got.out);
}

/* Makes the key of a zone; returns its DS records. */
static char *make_key(const char *conf, const char *zone)
{
    g_autofree char *made = keymgr(conf, zone,
                                   "generate algorithm=ecdsap256sha256 ksk=yes zsk=yes created=1546300800 "
                                   "publish=1546300800 ready=1546300800 active=1546300800");
    return keymgr(conf, zone, "ds");
}

/* The last digit of each digest. */
static void spoil(char *ds)
{
    for (char *end = strchr(ds, '\n'); end != NULL; end = strchr(end + 1, '\n'))
        end[-1] = end[-1] == '0' ? '1' : '0';
}

static void write_zone(const struct knot *knot, const char *name, const char *records)
{
    g_autofree char *file = g_strdup_printf("%s.zone", name);
    g_autofree char *text = g_strdup_printf(HEAD "%s", name, records);
    folder_write(knot->folder, file, text);
}

static void sign(const struct knot *knot, const char *conf, const struct knot_zone *zone)
{
    owned(run) struct run got = run("kzonesign -c '%s' -o '%s' %s%s", conf, knot->folder,
                                    zone->kind == KNOT_EXPIRED ? "-t 1577836800 " : "", zone->name);
    expect_status(got, 0);
    g_autofree char *file = g_strdup_printf("%s.zone", zone->name);
    g_autofree char *text = folder_read(knot->folder, file);
    cr_assert(strstr(text, "RRSIG") != NULL, "%s", text);
    if (zone->kind == KNOT_TAMPERED) {
        g_auto(GStrv) parts = g_strsplit(text, "good", -1);
        g_autofree char *evil = g_strjoinv("evil", parts);
        folder_write(knot->folder, file, evil);
    }
}

static void make_zones(struct knot *knot, const struct knot_zone *zones, size_t count)
{
    g_autofree char *signer = write_conf(knot, "sign.conf", zones, count);
    GString *parent = g_string_new("ns A 127.0.0.1\n");
    for (size_t i = 0; i < count; i++) {
        g_string_append_printf(parent, "%s. NS ns.test.\n", zones[i].name);
        write_zone(knot, zones[i].name, zones[i].records);
        if (zones[i].kind == KNOT_UNSIGNED)
            continue;
        g_autofree char *ds = make_key(signer, zones[i].name);
        if (zones[i].kind == KNOT_MISTAKEN)
            spoil(ds);
        g_string_append(parent, ds);
        if (!is_signed_by_server(&zones[i]))
            sign(knot, signer, &zones[i]);
    }
    write_zone(knot, "test", parent->str);
    g_string_free(parent, TRUE);
    g_autofree char *ds = make_key(signer, "test");
    knot->anchor = folder_file(knot->folder, "test.ds", ds);
}

void knot_resume(struct knot *knot)
{
    fflush(NULL);
    knot->pid = fork();
    cr_assert(knot->pid >= 0);
    if (knot->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        int out = open(knot->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out, 1);
        dup2(out, 2);
        execl("/usr/sbin/knotd", "knotd", "-c", knot->conf, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 400; i++) {
        owned(run) struct run got =
            run("kdig @127.0.0.1 -p %u +short +retry=0 +timeout=1 +dnssec test. SOA", knot->port);
        if (strstr(got.out, "SOA") != NULL)
            return;
        g_usleep(20000);
    }
    g_autofree char *text = folder_read(knot->folder, "log");
    cr_assert_fail("knotd does not answer:\n%s", text);
}

void knot_start(struct knot *knot, const struct knot_zone *zones, size_t count)
{
    *knot = (struct knot){.folder = folder_new(), .port = daemon_free_port()};
    knot->conf = write_conf(knot, "knot.conf", zones, count);
    knot->log = g_build_filename(knot->folder, "log", NULL);
    make_zones(knot, zones, count);
    g_snprintf(knot->address, sizeof(knot->address), "127.0.0.1@%u", knot->port);
    knot->resolver[0] = knot->address;
    knot->anchors[0] = knot->anchor;
    static char *records[] = {"smimea", "cert", NULL};
    knot->dns =
        (struct dns_conf){.resolver = knot->resolver, .anchors = knot->anchors, .records = records, .timeout = 5};
    knot_resume(knot);
}

void knot_halt(struct knot *knot)
{
    if (knot->pid > 0) {
        kill(knot->pid, SIGKILL);
        waitpid(knot->pid, NULL, 0);
    }
    knot->pid = 0;
}

void knot_freeze(const struct knot *knot)
{
    kill(knot->pid, SIGSTOP);
    cr_assert_eq(waitpid(knot->pid, NULL, WUNTRACED), knot->pid); /* all of its threads have stopped */
}

void knot_thaw(const struct knot *knot)
{
    kill(knot->pid, SIGCONT);
}

void knot_stop(struct knot *knot)
{
    knot_halt(knot);
    g_free(knot->conf);
    g_free(knot->log);
    g_free(knot->anchor);
    folder_remove(knot->folder);
    cr_expect_eq(g_atomic_int_get(&strangers), 0, "%d times this process asked elsewhere than on loopback",
                 g_atomic_int_get(&strangers));
}
