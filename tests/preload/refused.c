/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refused: notes each system call that the filter of a sandbox refuses (base/sandbox.h). The call fails as it does
 * without this.
 *
 *     LD_PRELOAD=…/refused.so REFUSED_CALLS=/tmp/x/refused domsec-milter …
 *
 * In place of the error the filter raises a signal, whose handler appends the number of the call to the file and
 * returns the error. Calls that only an attacker makes end the process as ever.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define CALLS 1024

static int file = -1;
static bool deadly[CALLS];
static struct sigaction before;

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("REFUSED_CALLS");
    if (path != NULL)
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

scmp_filter_ctx seccomp_init(uint32_t action)
{
    scmp_filter_ctx (*real)(uint32_t) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "seccomp_init");
    return real(action == SCMP_ACT_ERRNO(ENOSYS) ? SCMP_ACT_TRAP : action);
}

static int add(scmp_filter_ctx filter, uint32_t action, int call, unsigned count, const struct scmp_arg_cmp *list)
{
    int (*real)(scmp_filter_ctx, uint32_t, int, unsigned, const struct scmp_arg_cmp *) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "seccomp_rule_add_array");
    return real(filter, action, call, count, list);
}

int seccomp_rule_add(scmp_filter_ctx filter, uint32_t action, int call, unsigned count, ...)
{
    struct scmp_arg_cmp list[6];
    va_list arguments;
    va_start(arguments, count);
    for (unsigned i = 0; i < count && i < 6; i++)
        list[i] = va_arg(arguments, struct scmp_arg_cmp);
    va_end(arguments);
    if (action == SCMP_ACT_TRAP && call >= 0 && call < CALLS)
        deadly[call] = true;
    return action == SCMP_ACT_TRAP ? 0 : add(filter, action, call, count, list); /* TRAP is what all others get */
}

static void set_result(void *context, long result)
{
    ucontext_t *interrupted = context;
#if defined(__x86_64__)
    interrupted->uc_mcontext.gregs[REG_RAX] = result;
#elif defined(__aarch64__)
    interrupted->uc_mcontext.regs[0] = (unsigned long)result;
#else
#error "how does a system call return its result here?"
#endif
}

static void on_call(int number, siginfo_t *information, void *context)
{
    int call = information->si_syscall;
    char line[32];
    if (call >= 0 && call < CALLS && deadly[call]) {
        sigaction(SIGSYS, &before, NULL);
        raise(SIGSYS);
        return;
    }
    int saved = errno, length = snprintf(line, sizeof(line), "%d\n", call);
    if (write(file, line, (size_t)length) != length)
        abort();
    errno = saved;
    set_result(context, -ENOSYS);
    (void)number;
}

int seccomp_load(const scmp_filter_ctx filter)
{
    int (*real)(const scmp_filter_ctx) = NULL;
    const struct sigaction note = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    *(void **)&real = dlsym(RTLD_NEXT, "seccomp_load");
    if (fcntl(file, F_GETFD) < 0)
        open_file(); /* a process that was forked has closed it */
    sigaction(SIGSYS, &note, &before);
    /* clone3() is meant to fail, and glibc calls it with all signals blocked. */
    return add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_clone3, 0, NULL) == 0 ? real(filter) : -EINVAL;
}
