/* SPDX-License-Identifier: MIT
 *
 * follow: opens a file of the configuration for whoever publishes, often root, although tenants may
 * write in some of the folders: a link there could name a file that is none of theirs.
 */
#ifndef MOON_CMD_FOLLOW_H
#define MOON_CMD_FOLLOW_H

/* Opens base/path for reading; the caller closes. `base` itself may be anything. Below it a
 * symbolic link is followed only when the folder it stands in belongs to root or to us and nobody
 * else may write there. -1: *why_r is a constant or strerror's text, and NULL when there is no such
 * file. */
int moon_follow_open(const char *base, const char *path, const char **why_r);

#endif
