/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool: bytes are appended, then read as one slice. Up to limits->memory they are in memory, beyond it in an unlinked
 * temporary file (O_TMPFILE, mode 0600) in limits->spool_dir, mapped read-only once finished. Not thread-safe.
 */
#ifndef DOMSEC_MAIL_SPOOL_H
#define DOMSEC_MAIL_SPOOL_H

#include "base/bytes.h"
#include "base/error.h"
#include "conf/conf.h"

struct spool;

/* limits must outlive the spool. */
struct spool *spool_new(const struct limits *limits);
void spool_free(struct spool *spool);
/* Gives the spool to a rope that borrows its bytes, and that frees it. */
void spool_give(struct spool *spool, struct rope *rope);
/* Finishes the spool, appends its bytes to the rope, and gives it to the rope, also if it fails. */
bool spool_append(struct spool *spool, struct rope *rope, struct error *error);
/* ERROR_TEMPORARY if the disk is full. */
bool spool_write(struct spool *spool, const void *data, size_t length, struct error *error);
size_t spool_length(const struct spool *spool);
/* Ends the writes. The slice lives until spool_free(). A second call gives the same slice. */
bool spool_finish(struct spool *spool, struct slice *bytes, struct error *error);
/* After spool_finish(): the rope borrows some of its bytes. */
void spool_lend(const struct spool *spool, struct slice bytes, struct rope *rope);
/* After spool_finish(): drops the resident pages of a mapped file, which return from the file when they are read; no
 * effect on bytes in memory. For a stage that is done with large bytes that may be needed again. */
void spool_forget(struct spool *spool);

DECLARE_OWNED(spool, struct spool *, spool_free)

#endif
