/* SPDX-License-Identifier: Apache-2.0 */
#include "support/slapd.h"

#include "support/folder.h"
#include "support/program.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

int slapd_reserve_port(unsigned *port)
{
    struct sockaddr_in name = loopback(0);
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    cr_assert_geq(fd, 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&name, length), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

void slapd_use(struct slapd *slapd, const struct pki *server)
{
    g_autofree char *certificate = pki_write(slapd->folder, "server.pem", server, NULL);
    g_autofree char *key = pki_write_key(slapd->folder, "server.key", server);
}

struct slapd *slapd_new(const char *suffix)
{
    struct slapd *slapd = g_new0(struct slapd, 1);
    slapd->folder = folder_new();
    slapd->suffix = g_strdup(suffix);
    slapd->issuer = pki_ca("Directory root");
    slapd->ca = pki_write(slapd->folder, "ca.pem", slapd->issuer, NULL);
    slapd->reserved[0] = slapd_reserve_port(&slapd->port);
    slapd->reserved[1] = slapd_reserve_port(&slapd->tls_port);
    PKI_AUTO struct pki *server = pki_issue(&(struct pki_spec){.issuer = slapd->issuer,
                                                               .subject = PKI_LIST("CN=directory"),
                                                               .san = PKI_LIST("dns:localhost"),
                                                               .eku = "serverAuth",
                                                               .key = PKI_EC});
    slapd_use(slapd, server);
    slapd->ldif = g_string_new(NULL);
    g_string_append_printf(slapd->ldif, "dn: %s\nobjectClass: domain\n", suffix);
    return slapd;
}

void slapd_free(struct slapd *slapd)
{
    if (slapd == NULL)
        return;
    slapd_stop(slapd);
    close(slapd->reserved[0]);
    close(slapd->reserved[1]);
    pki_free(slapd->issuer);
    folder_remove(slapd->folder);
    g_string_free(slapd->ldif, TRUE);
    g_free(slapd->suffix);
    g_free(slapd->ca);
    g_free(slapd);
}

/* --- its entries --- */

void slapd_value(struct slapd *slapd, const char *attribute, const void *data, size_t length)
{
    g_autofree char *text = g_base64_encode(data, length);
    g_string_append_printf(slapd->ldif, "%s:: %s\n", attribute, text);
}

void slapd_line(struct slapd *slapd, const char *line)
{
    g_string_append_printf(slapd->ldif, "%s\n", line);
}

void slapd_person(struct slapd *slapd, const char *dn, const char *mail)
{
    const char *value = strchr(dn, '=') + 1;
    g_autofree char *name = g_strndup(value, strcspn(value, ","));
    g_string_append_c(slapd->ldif, '\n');
    slapd_value(slapd, "dn", dn, strlen(dn));
    g_string_append_printf(slapd->ldif, "objectClass: inetOrgPerson\ncn: %s\nsn: %s\n", name, name);
    if (mail != NULL)
        slapd_value(slapd, "mail", mail, strlen(mail));
}

void slapd_certificate(struct slapd *slapd, X509 *certificate)
{
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    cr_assert_gt(length, 0);
    slapd_value(slapd, "userCertificate;binary", der, (size_t)length);
    OPENSSL_free(der);
}

/* --- the process --- */

static void load(struct slapd *slapd)
{
    g_autoptr(GString) conf = g_string_new(NULL);
    g_autofree char *file = g_build_filename(slapd->folder, "slapd.conf", NULL);
    g_autofree char *database = g_build_filename(slapd->folder, "database", NULL);
    for (const char *const *name = PKI_LIST("core", "cosine", "inetorgperson"); *name != NULL; name++)
        g_string_append_printf(conf, "include /etc/ldap/schema/%s.schema\n", *name);
    g_string_append_printf(conf,
                           "modulepath /usr/lib/ldap\nmoduleload back_mdb\nTLSCertificateFile %s/server.pem\n"
                           "TLSCertificateKeyFile %s/server.key\n%s\ndatabase mdb\nsuffix \"%s\"\n"
                           "rootdn \"" SLAPD_ADMIN "%s\"\nrootpw " SLAPD_PASSWORD
                           "\ndirectory %s\nmaxsize 67108864\ndbnosync\nindex mail,cn eq\n",
                           slapd->folder, slapd->folder, slapd->options != NULL ? slapd->options : "", slapd->suffix,
                           slapd->suffix, database);
    folder_write(slapd->folder, "slapd.conf", conf->str);
    folder_write(slapd->folder, "entries.ldif", slapd->ldif->str);
    cr_assert_eq(g_mkdir(database, 0700), 0);
    struct run loaded = run("/usr/sbin/slapadd -s -q -f '%s' -l '%s/entries.ldif'", file, slapd->folder);
    cr_assert_eq(loaded.status, 0, "slapadd: %s%s", loaded.out, loaded.err);
    cleanup_run(&loaded);
}

static bool listens(unsigned port)
{
    struct sockaddr_in name = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0;
    close(fd);
    return good;
}

void slapd_start(struct slapd *slapd)
{
    if (slapd->ldif->len > 0)
        load(slapd);
    g_string_truncate(slapd->ldif, 0);
    g_autofree char *file = g_build_filename(slapd->folder, "slapd.conf", NULL);
    g_autofree char *urls = g_strdup_printf("ldap://127.0.0.1:%u/ ldaps://127.0.0.1:%u/", slapd->port, slapd->tls_port);
    g_autofree char *log = g_build_filename(slapd->folder, "slapd.log", NULL);
    pid_t parent = getpid();
    slapd->pid = fork();
    cr_assert_geq(slapd->pid, 0);
    if (slapd->pid == 0) {
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
            _exit(127);
        execl("/usr/sbin/slapd", "slapd", "-d", "0", "-f", file, "-h", urls, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 2000 && !(listens(slapd->port) && listens(slapd->tls_port)); i++) {
        cr_assert_eq(waitpid(slapd->pid, NULL, WNOHANG), 0, "slapd has ended; see %s", log);
        g_usleep(10000);
    }
    cr_assert(listens(slapd->tls_port), "slapd does not listen");
}

void slapd_stop(struct slapd *slapd)
{
    if (slapd->pid == 0)
        return;
    kill(slapd->pid, SIGKILL);
    waitpid(slapd->pid, NULL, 0);
    slapd->pid = 0;
}

void slapd_pause(struct slapd *slapd)
{
    int status = 0;
    cr_assert_eq(kill(slapd->pid, SIGSTOP), 0);
    cr_assert_eq(waitpid(slapd->pid, &status, WUNTRACED), slapd->pid);
}

void slapd_resume(struct slapd *slapd)
{
    cr_assert_eq(kill(slapd->pid, SIGCONT), 0);
}
