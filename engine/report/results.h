/* SPDX-License-Identifier: MIT
 *
 * results (report): the results and the decision as JSON, one shape for `moonscan check --json` and
 * the decision log. docs/decision-log.md describes every key.
 */
#ifndef MOON_REPORT_RESULTS_H
#define MOON_REPORT_RESULTS_H

#include "engine/base/json.h"
#include "engine/verdict/scan.h"

/* Each writes its members into the object that is open. */
void moon_json_message(struct moon_json *json, const struct moon_message *msg);
/* `everything`: with the terms that SPF went through, too much for a record. */
void moon_json_results(struct moon_json *json, const struct moon_results *results, bool everything);
void moon_json_outcome(struct moon_json *json, const struct moon_message *msg,
                       const struct moon_outcome *outcome);
/* DNS evidence: the answers that explain results other than pass (all when `everything`). */
void moon_json_dns(struct moon_json *json, const struct moon_outcome *outcome, bool everything);

#endif
