/* SPDX-License-Identifier: Apache-2.0 */
/* spool: the same bytes come back from memory, from a mapping and from a file; failures stick. */
#include "mail/spool.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool refuse_tmpfile;
static int refused;

/* Stands before libc's open(), to play a file system without O_TMPFILE. */
int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (refuse_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        refused++;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static char byte_at(size_t offset)
{
    return (char)((offset * 2654435761u) >> 13);
}

/* Writes `total` bytes in pieces and compares what comes back. */
static void roundtrip(const struct limits *limits, size_t total, size_t piece)
{
    struct error error = {0};
    owned(spool) struct spool *spool = spool_new(limits);
    g_autofree char *data = g_malloc(total + 1);
    for (size_t i = 0; i < total; i++)
        data[i] = byte_at(i);
    for (size_t at = 0; at < total; at += piece)
        cr_assert(spool_write(spool, data + at, MIN(piece, total - at), &error), "%s", error.text);
    cr_expect(spool_length(spool) == total);
    struct slice bytes, again;
    cr_assert(spool_finish(spool, &bytes, &error), "%s", error.text);
    cr_expect(slice_equal(bytes, (struct slice){data, total}), "%zu in pieces of %zu", total, piece);
    spool_forget(spool);
    cr_assert(spool_finish(spool, &again, &error));
    cr_expect(again.data == bytes.data && again.len == total);
    cr_expect(slice_equal(again, (struct slice){data, total}), "after spool_forget()");
    cr_expect(spool_length(spool) == total);
}

static const size_t totals[] = {1, 4095, 16384, 16385, 131072, 131073, 1000000, 3000001};
static const size_t pieces[] = {1000, 57, 65535, 65536, 300000, 5000000};
static const size_t memories[] = {0, 1, 16384, 200000, 64 << 20};

static void all_roundtrips(void)
{
    g_autofree char *folder = g_dir_make_tmp("domsec-spool-XXXXXX", NULL);
    struct limits limits = {.spool_dir = folder};
    for (size_t m = 0; m < G_N_ELEMENTS(memories); m++) {
        limits.memory = memories[m];
        for (size_t t = 0; t < G_N_ELEMENTS(totals); t++) {
            for (size_t p = 0; p < G_N_ELEMENTS(pieces); p++)
                roundtrip(&limits, totals[t], pieces[p]);
        }
    }
    cr_expect(g_rmdir(folder) == 0, "a spool file has a name");
}

Test(spool, roundtrips)
{
    all_roundtrips();
}

Test(spool, roundtrips_without_tmpfile)
{
    refuse_tmpfile = true;
    all_roundtrips();
    cr_expect(refused > 0);
}

Test(spool, empty_is_valid)
{
    struct limits limits = {.memory = 0, .spool_dir = "/nonexistent"};
    struct error error = {0};
    struct slice bytes = SLICE_NONE;
    owned(spool) struct spool *spool = spool_new(&limits);
    cr_assert(spool_write(spool, NULL, 0, &error));
    cr_assert(spool_finish(spool, &bytes, &error));
    cr_expect(bytes.data != NULL && bytes.len == 0);
    spool_forget(spool);
    spool_free(NULL);
}

Test(spool, no_write_after_finish)
{
    struct limits limits = {.memory = 100, .spool_dir = "/tmp"};
    struct error error = {0};
    struct slice bytes;
    owned(spool) struct spool *spool = spool_new(&limits);
    cr_assert(spool_write(spool, "a", 1, &error));
    cr_assert(spool_finish(spool, &bytes, &error));
    cr_expect(!spool_write(spool, "b", 1, &error));
    cr_expect(error.kind == ERROR_BUG);
}

Test(spool, a_missing_folder_is_temporary_and_sticks)
{
    struct limits limits = {.memory = 4, .spool_dir = "/nonexistent/spool"};
    struct error error = {0};
    struct slice bytes;
    owned(spool) struct spool *spool = spool_new(&limits);
    cr_assert(spool_write(spool, "abcd", 4, &error));
    cr_expect(!spool_write(spool, "e", 1, &error));
    cr_expect(error.kind == ERROR_TEMPORARY);
    /* The reply shows this to the other side, whom our folders are no business of. */
    cr_expect(strstr(error.text, "spool_directory") != NULL && strstr(error.text, "/nonexistent/spool") == NULL);
    error = (struct error){0};
    cr_expect(!spool_write(spool, "", 0, &error) || !spool_write(spool, "f", 1, &error));
    cr_expect(error.kind == ERROR_TEMPORARY);
    cr_expect(!spool_finish(spool, &bytes, &error), "a spool with a hole must not finish");
    cr_expect(error.kind == ERROR_TEMPORARY);
}

/* A file size limit plays the full disk. */
static void full_disk(size_t piece)
{
    struct limits limits = {.memory = 1000, .spool_dir = "/tmp"};
    struct error error = {0};
    struct slice bytes;
    char data[1000] = {0};
    bool good = true;
    owned(spool) struct spool *spool = spool_new(&limits);
    for (size_t i = 0; i < 1000 && good; i++)
        good = spool_write(spool, data, piece, &error);
    good = good && spool_finish(spool, &bytes, &error);
    cr_expect(!good);
    cr_expect(error.kind == ERROR_TEMPORARY);
    error = (struct error){0};
    cr_expect(!spool_finish(spool, &bytes, &error));
    cr_expect(error.kind == ERROR_TEMPORARY);
}

Test(spool, full_disk)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100000, 100000};
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    full_disk(1000);
    full_disk(101); /* fails when it is finished */
}

Test(spool, a_file_is_not_resident_while_written)
{
    struct limits limits = {.memory = 1 << 20, .spool_dir = "/tmp"};
    struct error error = {0};
    struct slice bytes;
    g_autofree char *chunk = g_strnfill(65536, 'x');
    struct rusage before, after;
    owned(spool) struct spool *spool = spool_new(&limits);
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < 1024; i++)
        cr_assert(spool_write(spool, chunk, 65536, &error), "%s", error.text);
    cr_assert(spool_finish(spool, &bytes, &error));
    getrusage(RUSAGE_SELF, &after);
    cr_expect(after.ru_maxrss - before.ru_maxrss < 8 << 10, "%ld kB more", after.ru_maxrss - before.ru_maxrss);
}
