/* SPDX-License-Identifier: MIT
 *
 * authres_case: a plain message and its results, from which tests of our field set out.
 */
#ifndef MOON_TESTS_AUTHRES_CASE_H
#define MOON_TESTS_AUTHRES_CASE_H

#include "engine/auth/authres.h"

/* From a@example.com, everything passes; no signature. */
struct moon_message authres_case_message(void);
struct moon_results authres_case_results(void);
/* One that passes, of example.com. */
struct moon_dkim_sig authres_case_signature(void);

#endif
