/* SPDX-License-Identifier: Apache-2.0 */
#include "support/openssl_ocsp.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct openssl_ocsp {
    char *folder;
    pid_t pid;
    FILE *said; /* open as long as it runs, because it writes a line now and then */
    unsigned port;
};

static void write_files(const struct openssl_ocsp *ocsp, const struct pki *ca, const struct pki *signer)
{
    folder_write(ocsp->folder, "index.txt",
                 "V\t491231235959Z\t\t01\tunknown\t/CN=good\n"
                 "R\t491231235959Z\t200101000000Z,keyCompromise\t02\tunknown\t/CN=revoked\n");
    g_free(pki_write(ocsp->folder, "ca.pem", ca, NULL));
    g_free(pki_write(ocsp->folder, "signer.pem", signer, NULL));
    g_free(pki_write_key(ocsp->folder, "signer.key", signer));
}

static void become_responder(const struct openssl_ocsp *ocsp, int out, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && chdir(ocsp->folder) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2)
        execlp("openssl", "openssl", "ocsp", "-port", "0", "-index", "index.txt", "-CA", "ca.pem", "-rsigner",
               "signer.pem", "-rkey", "signer.key", "-ndays", "1", (char *)NULL);
    _exit(127);
}

/* "ACCEPT [::]:46249 PID=28106" */
static unsigned read_port(FILE *said)
{
    char line[512];
    while (fgets(line, sizeof(line), said) != NULL) {
        const char *end = g_str_has_prefix(line, "ACCEPT ") ? strstr(line, " PID=") : NULL;
        const char *colon = end != NULL ? g_strrstr_len(line, end - line, ":") : NULL;
        if (colon != NULL)
            return (unsigned)g_ascii_strtoull(colon + 1, NULL, 10);
    }
    return 0;
}

struct openssl_ocsp *openssl_ocsp_start(const struct pki *ca, const struct pki *signer)
{
    struct openssl_ocsp *ocsp = g_new0(struct openssl_ocsp, 1);
    int ends[2];
    pid_t parent = getpid();
    ocsp->folder = folder_new();
    write_files(ocsp, ca, signer);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    ocsp->pid = fork();
    cr_assert_geq(ocsp->pid, 0);
    if (ocsp->pid == 0)
        become_responder(ocsp, ends[1], parent);
    close(ends[1]);
    ocsp->said = fdopen(ends[0], "r");
    ocsp->port = read_port(ocsp->said);
    cr_assert_neq(ocsp->port, 0, "openssl ocsp does not start");
    return ocsp;
}

void openssl_ocsp_stop(struct openssl_ocsp *ocsp)
{
    if (ocsp == NULL)
        return;
    kill(ocsp->pid, SIGKILL);
    waitpid(ocsp->pid, NULL, 0);
    fclose(ocsp->said);
    folder_remove(ocsp->folder);
    g_free(ocsp);
}

char *openssl_ocsp_url(const struct openssl_ocsp *ocsp)
{
    return g_strdup_printf("http://127.0.0.1:%u/", ocsp->port);
}

void openssl_ocsp_hang(struct openssl_ocsp *ocsp)
{
    int status = 0;
    cr_assert_eq(kill(ocsp->pid, SIGSTOP), 0);
    cr_assert_eq(waitpid(ocsp->pid, &status, WUNTRACED), ocsp->pid);
}
