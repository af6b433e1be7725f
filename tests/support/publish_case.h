/* SPDX-License-Identifier: MIT
 *
 * publish_case: a configuration folder and a state folder of a test, and what a subcommand prints.
 */
#ifndef MOON_TESTS_PUBLISH_CASE_H
#define MOON_TESTS_PUBLISH_CASE_H

/* The folder that holds both, the two, and what was printed last. */
extern char publish_folder[64], publish_etc[128], publish_var[128], publish_printed[65536];

/* cmocka's setup and teardown. */
int publish_case_begin(void **state);
int publish_case_end(void **state);
/* Writes etc/path; its folders are made. */
void publish_case_put(const char *path, const char *text);
/* Runs a subcommand; what it prints is in publish_printed. */
int publish_case_run(int (*command)(int, char **), const char *const *words);
/* `moonscan publish` with both folders, and one word more when it is not NULL. */
int publish_case_publish(const char *more);
/* Fails unless this was printed. */
void publish_case_expect(const char *want);
/* The value of a record of the snapshot in force; NULL when it is missing. Valid until the next. */
const char *publish_case_in_force(const char *key);

#endif
