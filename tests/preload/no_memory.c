/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_memory: lets one allocation fail: the NO_MEMORYth that the program itself makes by malloc(). In domsec those are
 * the allocations of OpenSSL and jansson (base/memory.c).
 */
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);

static uintptr_t begin, end; /* of the program's code */
static atomic_ulong seen;
static unsigned long failing;

/* The program is the first object. */
static int find_program(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size, (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || (header->p_flags & PF_X) == 0)
            continue;
        begin = info->dlpi_addr + header->p_vaddr;
        end = begin + header->p_memsz;
    }
    return 1;
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("NO_MEMORY");
    dl_iterate_phdr(find_program, NULL);
    failing = text != NULL ? strtoul(text, NULL, 10) : 0;
}

void *malloc(size_t size)
{
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);
    if (caller < begin || caller >= end || atomic_fetch_add(&seen, 1) + 1 != failing)
        return __libc_malloc(size);
    errno = ENOMEM;
    return NULL;
}
