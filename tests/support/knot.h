/* SPDX-License-Identifier: Apache-2.0 */
/*
 * knot: a real DNS server on loopback, with a signed zone "test" and zones below it. A failure aborts the test.
 *
 *     static const struct knot_zone zones[] = {{"acme.test", KNOT_SIGNED, "@ TXT hello\n"}};
 *     struct knot knot;
 *     knot_start(&knot, zones, G_N_ELEMENTS(zones));
 *     … knot.port, knot.anchor …
 *     knot_stop(&knot);
 */
#ifndef DOMSEC_TESTS_SUPPORT_KNOT_H
#define DOMSEC_TESTS_SUPPORT_KNOT_H

#include "conf/conf.h"
#include "support/folder.h"

#include <sys/types.h>

enum knot_kind {
    KNOT_SIGNED,   /* with NSEC3 */
    KNOT_UNSIGNED, /* "test" proves that it is not signed */
    KNOT_EXPIRED,  /* its signatures ended years ago */
    KNOT_TAMPERED, /* "good" in its records was replaced by "evil" after it was signed */
    KNOT_MISTAKEN, /* signed, and "test" names another key */
};

struct knot_zone {
    const char *name; /* one label below "test" */
    enum knot_kind kind;
    const char *records; /* lines of a zone file; SOA and NS are there */
};

struct knot {
    char *folder, *conf;
    char *anchor; /* file with the DS of "test" */
    char *log;
    unsigned port;
    pid_t pid;           /* 0: it does not run */
    struct dns_conf dns; /* asks this server and believes this anchor */
    char address[32];    /* "127.0.0.1@port" */
    char *resolver[2], *anchors[2];
};

void knot_start(struct knot *knot, const struct knot_zone *zones, size_t count);
/* Ends the server; its files stay. */
void knot_halt(struct knot *knot);
/* Starts it again, at the same port. */
void knot_resume(struct knot *knot);
/* Until knot_thaw() it hangs: the system takes what arrives, and nothing is answered. */
void knot_freeze(const struct knot *knot);
void knot_thaw(const struct knot *knot);
/* Expects that this process has asked servers on loopback only. */
void knot_stop(struct knot *knot);

#endif
