/* SPDX-License-Identifier: MIT
 *
 * settings: the few things the module itself must know. Everything else is the worker's.
 */
#ifndef MOON_LOCAL_SCAN_SETTINGS_H
#define MOON_LOCAL_SCAN_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct moon_settings {
    const char *program;     /* MOONSCAN_PROGRAM: absolute path of the worker's program */
    const char *socket;      /* MOONSCAN_SOCKET: of the service; NULL: there shall be none */
    const char *snapshot;    /* MOONSCAN_SNAPSHOT: handed to the worker; NULL: its default */
    int64_t timeout_ms;      /* MOONSCAN_TIMEOUT: for a whole message; 0: not set */
    uint8_t failure;         /* MOONSCAN_FAILURE: enum moon_wire_verdict; 0: as the worker says */
    bool scan_authenticated; /* MOONSCAN_AUTHENTICATED */
    bool scan_loopback;      /* MOONSCAN_LOOPBACK */
};

/* Fills in what the environment says, and defaults for the rest. `get` answers for a name (getenv);
 * `complain` gets one line for each value that cannot be used; the default is then in force.
 * Strings are borrowed from `get`. */
void moon_settings_read(struct moon_settings *settings_r, char *(*get)(const char *name),
                        void (*complain)(const char *line));

/* One setting by its name in the environment; false (and one line to `complain`) when the value
 * cannot be used, then nothing changes. An empty value is no value. */
bool moon_settings_set(struct moon_settings *settings, const char *name, const char *value,
                       void (*complain)(const char *line));

#endif
