/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_bench: what the store costs.
 *
 *     store_bench folder COUNT FOLDER    writes certificates, each into a file of its own
 *     store_bench fill COUNT FILE        fills a store, and prints how many it took per second
 *     store_bench find COUNT FILE RUNS   looks up recipients of a store that was filled so; prints the processor's
 *                                        microseconds for one, of which half are there and half are not
 *
 * A recipient is looked up as the gateway does it: the mailbox, its domain, and the parent of the domain.
 */
#include "store/store.h"
#include "support/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 1000
#define SIZE 700 /* octets of a certificate with a P-256 key */

static double processor(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int write_folder(long count, const char *folder)
{
    struct pki *ca = pki_ca("bench");
    for (long i = 0; i < count; i++) {
        g_autofree char *address = g_strdup_printf("user%ld@d%ld.partner.test", i, i / 10);
        g_autofree char *name = g_strdup_printf("%ld.pem", i);
        PKI_AUTO struct pki *person = pki_person(ca, address);
        g_free(pki_write(folder, name, person, NULL));
    }
    pki_free(ca);
    return EXIT_SUCCESS;
}

static int complain(const struct error *error)
{
    fprintf(stderr, "store_bench: %s\n", error->text);
    return EXIT_FAILURE;
}

/* Any bytes: the store reads none. */
static bool add_batch(struct store *store, long first, long count, struct error *error)
{
    static char der[BATCH][SIZE], names[BATCH][40];
    static struct store_name named[BATCH];
    static struct store_addition list[BATCH];
    static enum store_added added[BATCH];
    for (long i = 0; i < count; i++) {
        for (size_t j = 0; j < SIZE; j++)
            der[i][j] = (char)g_random_int();
        g_snprintf(names[i], sizeof(names[i]), "user%ld@d%ld.partner.test", first + i, (first + i) / 10);
        named[i] = (struct store_name){names[i], 0};
        list[i] = (struct store_addition){.der = {der[i], SIZE},
                                          .added = 1,
                                          .not_before = 1000,
                                          .not_after = 9000,
                                          .names = &named[i],
                                          .name_count = 1};
    }
    return store_certificates_add(store, list, (size_t)count, added, error);
}

static int fill(long count, struct store *store)
{
    struct error error = {0};
    gint64 began = g_get_monotonic_time();
    for (long i = 0; i < count; i += BATCH)
        if (!add_batch(store, i, MIN(BATCH, count - i), &error))
            return complain(&error);
    printf("per_second=%.0f\n", (double)count * 1e6 / (double)(g_get_monotonic_time() - began));
    return EXIT_SUCCESS;
}

static bool find_one(struct store *store, long count, bool there, struct error *error)
{
    long who = (long)(g_random_double() * (double)count);
    g_autofree char *mailbox = g_strdup_printf("%s%ld@d%ld.partner.test", there ? "user" : "nobody", who, who / 10);
    const struct store_name names[] = {{mailbox, 0}, {strchr(mailbox, '@') + 1, 2}, {"partner.test", 2}};
    const struct store_question question = {.names = names, .count = 3, .at = 5000, .deadline = INT64_MAX};
    owned(store_certificates) struct store_certificates found = {0};
    enum found answer = store_certificates_find(store, &question, &found, error);
    if (answer == (there ? FOUND : FOUND_NONE))
        return true;
    return answer == FOUND_FAILED ? false : error_set(error, ERROR_BUG, "%s: not as it was filled", mailbox);
}

static int find(long count, struct store *store, long runs)
{
    struct error error = {0};
    double began = 0;
    for (long i = -runs / 10; i < runs; i++) { /* the first ones fill the caches */
        if (i == 0)
            began = processor();
        if (!find_one(store, count, i % 2 == 0, &error))
            return complain(&error);
    }
    printf("cpu_us=%.1f\n", (processor() - began) / (double)runs);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    long count = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
    if (count <= 0) {
        fprintf(stderr, "usage: store_bench folder|fill|find COUNT FILE [RUNS]\n");
        return EXIT_FAILURE;
    }
    if (strcmp(argv[1], "folder") == 0)
        return write_folder(count, argv[3]);
    owned(store) struct store *store = store_open(argv[3]);
    if (strcmp(argv[1], "fill") == 0)
        return fill(count, store);
    return find(count, store, argc > 4 ? strtol(argv[4], NULL, 10) : 10000);
}
