/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults: everything that is wrong with a configuration, each with file:line, so that one `domsec check` shows all.
 */
#ifndef DOMSEC_CONF_FAULTS_H
#define DOMSEC_CONF_FAULTS_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *faults);
/* file is copied; line 0 means the file as a whole. The text is made printable. */
void faults_add(struct faults *faults, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A warning is shown by `check` and does not make it fail. */
void faults_warn(struct faults *faults, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
size_t faults_errors(const struct faults *faults); /* without the warnings */
size_t faults_count(const struct faults *faults);
/* "file:line: text", or "file: text" for line 0, "warning: " after the place where it is one. Lent. */
const char *faults_at(const struct faults *faults, size_t index);
bool faults_is_warning(const struct faults *faults, size_t index);

DECLARE_OWNED(faults, struct faults *, faults_free)

#endif
