/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool: keeps the bytes of a message, whatever its size.
 *
 *     on the heap ──▶ anonymous mapping ──▶ unlinked file, written through ──▶ (finish) mapped read-only
 *
 * Most mail is small and needs one or two allocations. A larger message lives in an anonymous mapping: mremap() grows
 * it without copying, it holds only the pages written, and it returns to the system at once when freed, instead of
 * staying in a thread's heap. Beyond limits->memory, everything goes to a file through a small buffer. The file is
 * mapped only when it is complete, so that its pages need not be resident. After a failed write all further writes
 * fail, because a message with a hole must never be mistaken for a complete one. The file has no name and does not
 * outlive the process.
 */
#include "mail/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_SIZE ((size_t)16 << 10)
#define HEAP_SIZE ((size_t)128 << 10) /* a larger block is mapped */
#define BUFFER_SIZE ((size_t)64 << 10)

struct spool {
    const struct limits *limits;
    char *memory;    /* heap or mapping; once fd is open: the write buffer */
    size_t used;     /* bytes in memory */
    size_t room;     /* size of memory */
    size_t written;  /* bytes in the file */
    int fd;          /* -1: all is in memory */
    bool is_mapping; /* memory is an anonymous mapping */
    bool finished, failed;
    char *file_map; /* the finished file */
};

struct spool *spool_new(const struct limits *limits)
{
    struct spool *spool = g_new0(struct spool, 1);
    spool->limits = limits;
    spool->fd = -1;
    return spool;
}

static void free_memory(struct spool *spool)
{
    if (spool->is_mapping)
        munmap(spool->memory, spool->room);
    else
        g_free(spool->memory);
    spool->memory = NULL;
    spool->is_mapping = false;
    spool->used = spool->room = 0;
}

void spool_free(struct spool *spool)
{
    if (spool == NULL)
        return;
    free_memory(spool);
    if (spool->file_map != NULL)
        munmap(spool->file_map, spool->written);
    if (spool->fd >= 0)
        close(spool->fd);
    g_free(spool);
}

static void destroy_spool(void *spool)
{
    spool_free(spool);
}

void spool_give(struct spool *spool, struct rope *rope)
{
    rope_own(rope, spool, destroy_spool);
}

static bool fail(struct spool *spool, struct error *error, const char *what)
{
    int cause = errno;
    spool->failed = true;
    return error_set_foreign(error, ERROR_TEMPORARY, g_strerror(cause), "file in spool_directory: %s", what);
}

static char *map_memory(size_t size)
{
    char *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapping != MAP_FAILED ? mapping : NULL;
}

/* Moves the memory to a block of `room` bytes. NULL on failure; the old memory then remains. */
static char *resized(struct spool *spool, size_t room)
{
    if (room <= HEAP_SIZE)
        return g_try_realloc(spool->memory, room);
    if (spool->is_mapping) {
        char *moved = mremap(spool->memory, spool->room, room, MREMAP_MAYMOVE);
        return moved != MAP_FAILED ? moved : NULL;
    }
    char *mapping = map_memory(room);
    if (mapping == NULL)
        return NULL;
    if (spool->used > 0)
        memcpy(mapping, spool->memory, spool->used);
    g_free(steal(&spool->memory));
    return mapping;
}

/* Makes room for `needed` bytes in memory, which is not above limits->memory. */
static bool grow(struct spool *spool, size_t needed, struct error *error)
{
    size_t room = spool->room != 0 ? spool->room : FIRST_SIZE;
    while (room < needed)
        room = room <= SIZE_MAX / 2 ? room * 2 : needed;
    char *memory = resized(spool, room);
    if (memory == NULL) {
        errno = ENOMEM;
        return fail(spool, error, "memory");
    }
    spool->memory = memory;
    spool->room = room;
    spool->is_mapping = room > HEAP_SIZE;
    return true;
}

static int open_unlinked(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    /* File systems and kernels without O_TMPFILE answer with these. */
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOSYS))
        return fd;
    g_autofree char *path = g_build_filename(folder, "domsec-XXXXXX", NULL);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static bool write_through(struct spool *spool, const char *data, size_t length, struct error *error)
{
    while (length > 0) {
        ssize_t written = write(spool->fd, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(spool, error, "write");
        data += written;
        length -= (size_t)written;
        spool->written += (size_t)written;
    }
    return true;
}

/* Moves the bytes from memory to the file; memory becomes the write buffer. */
static bool move_to_file(struct spool *spool, struct error *error)
{
    spool->fd = open_unlinked(spool->limits->spool_dir);
    if (spool->fd < 0)
        return fail(spool, error, "open");
    if (!write_through(spool, spool->memory, spool->used, error))
        return false;
    free_memory(spool);
    spool->memory = g_malloc(BUFFER_SIZE);
    spool->room = BUFFER_SIZE;
    return true;
}

static bool write_buffered(struct spool *spool, const char *data, size_t length, struct error *error)
{
    if (length > spool->room - spool->used) {
        if (!write_through(spool, spool->memory, spool->used, error))
            return false;
        spool->used = 0;
    }
    if (length >= spool->room)
        return write_through(spool, data, length, error);
    memcpy(spool->memory + spool->used, data, length);
    spool->used += length;
    return true;
}

bool spool_write(struct spool *spool, const void *data, size_t length, struct error *error)
{
    if (spool->finished)
        return error_set(error, ERROR_BUG, "spool: written after it was finished");
    if (spool->failed)
        return error_set(error, ERROR_TEMPORARY, "file in spool_directory: an earlier write failed");
    if (length == 0)
        return true;
    if (spool->fd < 0) {
        size_t limit = spool->limits->memory;
        if (spool->used <= limit && length <= limit - spool->used) {
            if (length > spool->room - spool->used && !grow(spool, spool->used + length, error))
                return false;
            memcpy(spool->memory + spool->used, data, length);
            spool->used += length;
            return true;
        }
        if (!move_to_file(spool, error))
            return false;
    }
    return write_buffered(spool, data, length, error);
}

size_t spool_length(const struct spool *spool)
{
    return spool->written + spool->used;
}

bool spool_finish(struct spool *spool, struct slice *bytes, struct error *error)
{
    if (spool->failed)
        return error_set(error, ERROR_TEMPORARY, "file in spool_directory: an earlier write failed");
    if (!spool->finished && spool->fd >= 0) {
        if (!write_through(spool, spool->memory, spool->used, error))
            return false;
        free_memory(spool);
        char *map = mmap(NULL, spool->written, PROT_READ, MAP_PRIVATE, spool->fd, 0);
        if (map == MAP_FAILED)
            return fail(spool, error, "map");
        spool->file_map = map;
        close(spool->fd); /* the mapping keeps the file */
        spool->fd = -1;
    }
    spool->finished = true;
    if (spool->file_map != NULL)
        *bytes = (struct slice){spool->file_map, spool->written};
    else
        *bytes = (struct slice){spool->memory != NULL ? spool->memory : "", spool->used};
    return true;
}

bool spool_append(struct spool *spool, struct rope *rope, struct error *error)
{
    struct slice bytes = SLICE_NONE;
    spool_give(spool, rope);
    if (!spool_finish(spool, &bytes, error))
        return false;
    spool_lend(spool, bytes, rope);
    return true;
}

void spool_lend(const struct spool *spool, struct slice bytes, struct rope *rope)
{
    if (spool->file_map != NULL)
        rope_borrow_file(rope, bytes);
    else
        rope_borrow(rope, bytes);
}

void spool_forget(struct spool *spool)
{
    if (spool->file_map != NULL)
        madvise(spool->file_map, spool->written, MADV_DONTNEED);
}
