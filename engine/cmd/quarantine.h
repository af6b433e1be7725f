/* SPDX-License-Identifier: MIT
 *
 * quarantine: what the files of `moonscan quarantine` share.
 */
#ifndef MOON_CMD_QUARANTINE_H
#define MOON_CMD_QUARANTINE_H

#include "engine/cmd/quarantine_store.h"

struct moon_quarantine_options {
    struct moon_quarantine_filter filter;
    const char *exim;             /* the program that takes a released message */
    const char *log_path;         /* the decision log; releases are recorded there */
    const char *service_log_path; /* that of the service's workers, or NULL */
    bool json, yes, all;
    int64_t older_s; /* --older-than; negative: not given */
};

/* Hands the message to Exim, for the recipients it was for, then records that and removes the file;
 * in this order, so that a message may come twice but never gets lost. MOON_EIO with the reason. */
enum moon_status moon_quarantine_release(struct moon_arena *arena,
                                         const struct moon_quarantine_options *options,
                                         const struct moon_quarantine_entry *entry,
                                         struct moon_error *error);
/* Records and removes. */
enum moon_status moon_quarantine_expire(struct moon_arena *arena,
                                        const struct moon_quarantine_options *options,
                                        const struct moon_quarantine_entry *entry,
                                        struct moon_error *error);

/* The table, or a JSON object a line. */
enum moon_status moon_quarantine_print(struct moon_arena *arena,
                                       const struct moon_quarantine_entry *entries, size_t count,
                                       bool json);
/* One message: what is known of it, its header, and its line of the decision log. */
enum moon_status moon_quarantine_show(struct moon_arena *arena,
                                      const struct moon_quarantine_options *options,
                                      const struct moon_quarantine_entry *entry,
                                      struct moon_error *error);

/* A folder of the quarantine: a tenant's, or "default" for recipients of none. */
bool moon_quarantine_is_folder(const char *name);

#endif
