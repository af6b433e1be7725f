/* SPDX-License-Identifier: MIT
 *
 * cmd_case: a subcommand run in this process, in a folder of its own, with what it prints caught.
 */
#ifndef MOON_TESTS_SUPPORT_CMD_CASE_H
#define MOON_TESTS_SUPPORT_CMD_CASE_H

#include <stddef.h>

/* The folder of the running test; valid between begin and end. */
extern char moon_cmd_folder[64];
/* What the last command printed, standard output and error as they came; cut. */
extern char moon_cmd_printed[1 << 20];

/* cmocka's setup and teardown. */
int moon_cmd_begin(void **state);
int moon_cmd_end(void **state);
/* Writes a file below the folder; its folders are made. */
void moon_cmd_put(const char *path, const char *text);
/* Words end with NULL. The exit status. */
int moon_cmd_run(int (*command)(int, char **), const char *const *words);
/* Fails unless that was printed. */
void moon_cmd_wants(const char *want);
/* The whole file, to be freed; fails without it. */
char *moon_cmd_read(const char *path);

#endif
