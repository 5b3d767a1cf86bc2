/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: malloc() for OpenSSL and jansson that counts failures.
 *
 * The code that answers for a message compares the count of its thread before and after. OpenSSL's error queue cannot
 * serve for that: it holds few errors, and code on the way clears it. Not for our own allocations: those are GLib's.
 */
#include "base/memory.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>

static _Thread_local unsigned failures;

static void *counted(void *memory, size_t size)
{
    failures += memory == NULL && size > 0;
    return memory;
}

static void *allocate(size_t size)
{
    return counted(malloc(size), size);
}

static void *allocate_for_openssl(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return allocate(size);
}

static void *resize_for_openssl(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return counted(realloc(memory, size), size);
}

static void free_for_openssl(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

/* Before main(), since OpenSSL takes other functions only until it has allocated something. No program can forget it.
 */
__attribute__((constructor)) static void take_over(void)
{
    json_set_alloc_funcs(allocate, free);
    CRYPTO_set_mem_functions(allocate_for_openssl, resize_for_openssl, free_for_openssl);
}

unsigned memory_failures(void)
{
    return failures;
}

void memory_note_failure(void)
{
    failures++;
}
