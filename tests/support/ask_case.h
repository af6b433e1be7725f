/* SPDX-License-Identifier: MIT
 *
 * ask_case: the module without Exim, for the tests of its questions: one message at a time to a
 * worker that does what the message says (tests/support/main_fakeworker.c).
 */
#ifndef MOON_TESTS_ASK_CASE_H
#define MOON_TESTS_ASK_CASE_H

#include "local_scan/ask.h"

#define SHORT_MS 300   /* for workers that never answer */
#define LONG_MS  60000 /* for those that do, on a busy machine */

extern char ask_case_program[4096];
extern struct moon_answer ask_case_answer;

void ask_case_find_program(void);
struct moon_settings ask_case_settings(int64_t timeout_ms);
/* One message of this sender's whose X-Fake says what the worker does. */
void ask_case_send_with(struct moon_ask *ask, const char *mode,
                        const struct moon_settings *settings);
void ask_case_send(struct moon_ask *ask, const char *mode, int64_t timeout_ms);
/* Of the connection. */
void ask_case_end(struct moon_ask *ask);
void ask_case_no_child(const char *what);

#endif
