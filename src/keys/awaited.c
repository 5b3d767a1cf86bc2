/* SPDX-License-Identifier: Apache-2.0 */
/*
 * awaited: an identity whose certificate a certification authority is still to send. The request lies where the
 * certificate is to be. The old identity does the work meanwhile, so that the configuration can name the new one at
 * once, and nothing is left to do when the answer comes but to put it there.
 */
#include "awaited.h"

#include <string.h>
#include <sys/stat.h>

void awaited_note(const struct conf *conf, const struct identity_conf *identity, time_t at, struct faults *faults)
{
    g_autofree char *request = identity_request(identity);
    bool late = identity->from != 0 && at >= identity->from;
    g_autofree char *text = g_strdup_printf(
        "%s is not there yet%s; when your CA has answered the request %s, put the certificate there, followed by its "
        "chain, and the daemon takes it",
        identity->certificate, late ? ", although its date has come" : "", request);
    if (late)
        faults_warn(faults, conf->file, identity->line, "%s", text);
    else
        faults_note(faults, conf->file, identity->line, "%s", text);
}

/* By the time of the last change of any kind: the daemon may be allowed to read the file only later. */
uint64_t awaited_arrivals(const GPtrArray *awaited)
{
    uint64_t arrivals = 0;
    for (guint i = 0; i < awaited->len; i++) {
        const struct identity_conf *identity = awaited->pdata[i];
        struct stat file;
        if (stat(identity->certificate, &file) == 0 && file.st_size > 0)
            arrivals = arrivals * 31 + (uint64_t)file.st_size + (uint64_t)file.st_ino +
                       (uint64_t)file.st_ctim.tv_sec * 1000000000u + (uint64_t)file.st_ctim.tv_nsec;
    }
    return arrivals;
}
