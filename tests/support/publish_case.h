/* SPDX-License-Identifier: MIT
 *
 * publish_case: cmd_case with a configuration folder and a state folder.
 */
#ifndef MOON_TESTS_PUBLISH_CASE_H
#define MOON_TESTS_PUBLISH_CASE_H

#include "tests/support/cmd_case.h"

/* The two folders, below moon_cmd_folder. */
extern char publish_etc[128], publish_var[128];

/* cmocka's setup; its teardown is moon_cmd_end. */
int publish_case_begin(void **state);
/* Writes etc/path; its folders are made. */
void publish_case_put(const char *path, const char *text);
/* `moonscan publish` with both folders, and one word more when it is not NULL. */
int publish_case_publish(const char *more);
/* The value of a record of the snapshot in force; NULL when it is missing. Valid until the next. */
const char *publish_case_in_force(const char *key);

#endif
