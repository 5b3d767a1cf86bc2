/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash: makes a program crash where it meets certain text, as a bug in one of its libraries would.
 *
 *     LD_PRELOAD=…/crash.so domsec-milter …
 *
 * strpbrk() looks at each header field, idn2_lookup_u8() at each domain with other letters than ASCII, and memmem() at
 * the content of multiparts and of what is signed. Where the text has CRASH- and the name of a signal, that happens.
 * CRASH-STACK overflows the stack, CRASH-EXEC starts a program, and CRASH-KILL is the end without a crash.
 * CRASH-ALL-SEGV waits for CRASH_TOGETHER threads, so that they crash at the same time.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_uint waiting;

static __attribute__((noinline)) size_t overflow(volatile const char *above)
{
    volatile char room[4096];
    room[0] = 1;
    return above == room ? 0 : overflow(room) + (size_t)room[0]; /* never equal, which no compiler knows */
}

static void crash_together(void)
{
    const char *count = getenv("CRASH_TOGETHER");
    unsigned wanted = count != NULL ? (unsigned)strtoul(count, NULL, 10) : 1;
    atomic_fetch_add(&waiting, 1);
    for (int i = 0; i < 300 && atomic_load(&waiting) < wanted; i++)
        usleep(1000);
    raise(SIGSEGV);
}

static void crash(const char *how)
{
    static int *volatile nowhere;
    if (strncmp(how, "SEGV", 4) == 0)
        *nowhere = 1;
    else if (strncmp(how, "ABRT", 4) == 0)
        abort();
    else if (strncmp(how, "STACK", 5) == 0)
        overflow(NULL);
    else if (strncmp(how, "BUS", 3) == 0)
        raise(SIGBUS);
    else if (strncmp(how, "ILL", 3) == 0)
        raise(SIGILL);
    else if (strncmp(how, "FPE", 3) == 0)
        raise(SIGFPE);
    else if (strncmp(how, "TRAP", 4) == 0)
        raise(SIGTRAP);
    else if (strncmp(how, "EXEC", 4) == 0)
        execl("/bin/true", "true", NULL);
    else if (strncmp(how, "KILL", 4) == 0)
        raise(SIGKILL);
    else if (strncmp(how, "ALL-SEGV", 8) == 0)
        crash_together();
}

static void look(const char *text, size_t length)
{
    for (; length > 6; text++, length--) {
        char how[16] = "";
        if (text[0] != 'C' || memcmp(text, "CRASH-", 6) != 0)
            continue;
        memcpy(how, text + 6, length - 6 < sizeof(how) ? length - 6 : sizeof(how) - 1);
        crash(how);
    }
}

void *memmem(const void *text, size_t length, const void *part, size_t part_length)
{
    void *(*real)(const void *, size_t, const void *, size_t);
    *(void **)&real = dlsym(RTLD_NEXT, "memmem");
    look(text, length);
    return real(text, length, part, part_length);
}

char *strpbrk(const char *text, const char *accepted)
{
    char *(*real)(const char *, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "strpbrk");
    look(text, strlen(text));
    return real(text, accepted);
}

int idn2_lookup_u8(const uint8_t *text, uint8_t **ascii, int flags);
int idn2_lookup_u8(const uint8_t *text, uint8_t **ascii, int flags)
{
    int (*real)(const uint8_t *, uint8_t **, int);
    *(void **)&real = dlsym(RTLD_NEXT, "idn2_lookup_u8");
    look((const char *)text, strlen((const char *)text));
    return real(text, ascii, flags);
}
