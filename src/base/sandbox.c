/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: the lists, by name, so that libseccomp leaves out what a processor or a kernel does not have. They hold what
 * glibc, OpenSSL, GMime, SQLite, libunbound, libldap and libcurl use, on Debian 12 and 13. clone3() is not there: its
 * flags lie in memory, where no filter sees them, and glibc then uses clone(), which is for threads alone.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <glib.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const char *const for_all[] = {
    /* memory */
    "brk", "madvise", "membarrier", "mincore", "mlock", "mlock2", "mmap", "mprotect", "mremap", "munlock", "munmap",
    /* threads and signals */
    "exit", "exit_group", "futex", "futex_waitv", "get_robust_list", "getcpu", "getpid", "getppid", "gettid", "getuid",
    "geteuid", "getgid", "getegid", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sched_getaffinity", "sched_yield", "set_robust_list", "sigaltstack", "tgkill",
    /* time and chance */
    "clock_getres", "clock_gettime", "clock_nanosleep", "getrandom", "gettimeofday", "nanosleep", "time",
    /* what is open */
    "close", "fcntl", "fstat", "poll", "ppoll", "read", "readv", "recvfrom", "recvmsg", "sendmsg", "sendto", "write",
    "writev"};

static const char *const for_daemon[] = {
    /* files */
    "access", "chmod", "close_range", "copy_file_range", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64",
    "fallocate", "fchmod", "fchmodat", "fchmodat2", "fchown", "fdatasync", "flock", "fstatfs", "fsync", "ftruncate",
    "getcwd", "getdents", "getdents64", "ioctl", "link", "linkat", "lseek", "lstat", "memfd_create", "mkdir", "mkdirat",
    "msync", "newfstatat", "open", "openat", "openat2", "pipe", "pipe2", "pread64", "preadv", "preadv2", "pwrite64",
    "pwritev", "pwritev2", "readlink", "readlinkat", "rename", "renameat", "renameat2", "rmdir", "sendfile", "stat",
    "statfs", "statx", "sync_file_range", "truncate", "umask", "unlink", "unlinkat", "utimensat",
    /* sockets */
    "accept", "accept4", "bind", "connect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "eventfd2", "getpeername", "getsockname", "getsockopt", "listen", "pselect6", "recvmmsg", "select",
    "sendmmsg", "setsockopt", "shutdown", "socket", "socketpair", "timerfd_create", "timerfd_gettime",
    "timerfd_settime",
    /* threads and signals */
    "getgroups", "getpgrp", "getpriority", "getresgid", "getresuid", "getrlimit", "getrusage", "kill", "pause", "prctl",
    "prlimit64", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getparam", "sched_getscheduler", "set_tid_address", "signalfd4", "sysinfo",
    "times", "tkill", "uname", "wait4", "waitid"};

/* None of our libraries makes these calls. */
static const char *const deadly[] = {"bpf",
                                     "chroot",
                                     "delete_module",
                                     "execve",
                                     "execveat",
                                     "finit_module",
                                     "fork",
                                     "init_module",
                                     "kexec_file_load",
                                     "kexec_load",
                                     "mount",
                                     "open_by_handle_at",
                                     "pidfd_getfd",
                                     "perf_event_open",
                                     "pivot_root",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "ptrace",
                                     "setgid",
                                     "setgroups",
                                     "setns",
                                     "setregid",
                                     "setresgid",
                                     "setresuid",
                                     "setreuid",
                                     "setuid",
                                     "umount2",
                                     "unshare",
                                     "userfaultfd",
                                     "vfork"};

/* A name that this processor does not have is left out. */
static bool add(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number >= 0 && seccomp_rule_add(filter, action, number, 0) != 0)
            return false;
    }
    return true;
}

/* A process is a thread that is not its parent's. */
static bool add_clone(scmp_filter_ctx filter, enum sandbox sandbox, uint32_t forbidden)
{
    const struct scmp_arg_cmp is_thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
    const struct scmp_arg_cmp is_process = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
    return seccomp_rule_add(filter, forbidden, SCMP_SYS(clone), 1, is_process) == 0 &&
           (sandbox != SANDBOX_DAEMON || seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, is_thread) == 0);
}

static bool fill(scmp_filter_ctx filter, enum sandbox sandbox)
{
    uint32_t forbidden = sandbox == SANDBOX_DAEMON ? SCMP_ACT_TRAP : SCMP_ACT_KILL_PROCESS;
    return seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
           add(filter, SCMP_ACT_ALLOW, for_all, G_N_ELEMENTS(for_all)) &&
           add(filter, forbidden, deadly, G_N_ELEMENTS(deadly)) &&
           (sandbox != SANDBOX_DAEMON || add(filter, SCMP_ACT_ALLOW, for_daemon, G_N_ELEMENTS(for_daemon))) &&
           add_clone(filter, sandbox, forbidden);
}

void sandbox_hide(void)
{
    const struct rlimit none = {0, 0};
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
}

bool sandbox_enter(enum sandbox sandbox, struct error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    bool filled = filter != NULL && fill(filter, sandbox);
    int failure = filled ? seccomp_load(filter) : -ENOMEM;
    if (filter != NULL)
        seccomp_release(filter);
    return failure == 0 || error_set(error, ERROR_CONFIGURATION,
                                     "the kernel does not take a filter of system calls (%s); set seccomp = false",
                                     g_strerror(-failure));
}
