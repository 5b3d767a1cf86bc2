/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults: everything that is wrong with a configuration, each with file:line, so that one `domsec check` shows all.
 * There are three grades. With a fault the daemon does not start. A warning is for what will not work as it should, or
 * is dangerous. A note tells what an administrator should know, and may be as it should be.
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
/* A warning is shown by `check`, and makes it fail only under --strict. */
void faults_warn(struct faults *faults, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A note never makes it fail. */
void faults_note(struct faults *faults, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
size_t faults_errors(const struct faults *faults);   /* without warnings and notes */
size_t faults_warnings(const struct faults *faults); /* these alone */
size_t faults_count(const struct faults *faults);
/* "file:line: text", or "file: text" for line 0, with "warning: " or "note: " after the place where it is one. Lent. */
const char *faults_at(const struct faults *faults, size_t index);
enum fault_grade { FAULT_ERROR, FAULT_WARNING, FAULT_NOTE };
enum fault_grade faults_grade(const struct faults *faults, size_t index);
/* The same in its pieces; lent. */
struct fault {
    enum fault_grade grade;
    char *file;
    unsigned line; /* 0: the file as a whole */
    char *text;    /* printable */
    char *shown;   /* as faults_at() */
};
const struct fault *faults_entry(const struct faults *faults, size_t index);

DECLARE_OWNED(faults, struct faults *, faults_free)

#endif
