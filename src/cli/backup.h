/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: what `domsec backup` and `domsec restore` share: the list that stands at the beginning of a backup. It is
 * JSON behind its length (8 octets, most significant first), and the contents of the files follow it in its order.
 *
 *     { "files": [ { "path", "size", "mode", "owner", "group", "store" } ],
 *       "folders": [ { "path", "mode", "owner", "group" } ] }
 *
 * Paths are absolute; store: it is the database. Folders are those that hold the files, outer ones first.
 */
#ifndef DOMSEC_CLI_BACKUP_H
#define DOMSEC_CLI_BACKUP_H

#define BACKUP_LENGTH 8                       /* octets */
#define BACKUP_LIST_MAX (256UL * 1024 * 1024) /* octets of JSON */

#endif
