/* SPDX-License-Identifier: MIT
 *
 * settings: from Exim's environment (`add_environment`), which a local user cannot forge, or from
 * the `begin local_scan` options of a static build. No file is read.
 */
#include "local_scan/settings.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/wire/wire.h"

#ifndef MOON_PROGRAM
#define MOON_PROGRAM "/usr/bin/moonscan"
#endif
#define SETTINGS_SOCKET        "/run/moonscan/scan.sock" /* MOON_SERVE_SOCKET of the program */
#define SETTINGS_TIMEOUT_MAX_S 3600 /* no client waits longer for the end of its message */
#define SETTINGS_PATH_MAX      1024u
#define SETTINGS_SOCKET_MAX    107u /* sockaddr_un, without the end of the string */

struct settings_word {
    const char *word;
    uint8_t value;
};

static bool word_value(const struct settings_word *words, size_t count, const char *word,
                       uint8_t *value_r)
{
    for (size_t i = 0; i < count; i++)
        if (moon_span_is_nocase(moon_span_of(words[i].word), word)) {
            *value_r = words[i].value;
            return true;
        }
    return false;
}

static bool is_path(const char *value)
{
    size_t n = strnlen(value, SETTINGS_PATH_MAX);
    if (value[0] != '/' || n == SETTINGS_PATH_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)value[i] < ' ')
            return false;
    return true;
}

/* What a setting takes, for the complaint; NULL when it was taken. */
static const char *take(struct moon_settings *settings, const char *name, const char *value)
{
    static const struct settings_word failures[] = {
        {"defer", MOON_WIRE_DEFER}, {"accept", MOON_WIRE_ACCEPT}, {"reject", MOON_WIRE_REJECT}};
    static const struct settings_word scan[] = {{"skip", 0}, {"scan", 1}};
    uint64_t seconds;
    uint8_t word;

    if (strcmp(name, "MOONSCAN_PROGRAM") == 0) {
        if (!is_path(value))
            return "an absolute path";
        settings->program = value;
    } else if (strcmp(name, "MOONSCAN_SOCKET") == 0) {
        bool none = moon_span_is_nocase(moon_span_of(value), "none");
        if (!none && (!is_path(value) || strlen(value) > SETTINGS_SOCKET_MAX))
            return "an absolute path of at most 107 bytes, or none";
        settings->socket = none ? NULL : value;
    } else if (strcmp(name, "MOONSCAN_SNAPSHOT") == 0) {
        if (!is_path(value))
            return "an absolute path";
        settings->snapshot = value;
    } else if (strcmp(name, "MOONSCAN_TIMEOUT") == 0) {
        if (!moon_span_number(moon_span_of(value), SETTINGS_TIMEOUT_MAX_S, &seconds) ||
            seconds == 0)
            return "seconds, 1 to 3600";
        settings->timeout_ms = (int64_t)seconds * 1000;
    } else if (strcmp(name, "MOONSCAN_FAILURE") == 0) {
        if (!word_value(failures, sizeof failures / sizeof *failures, value, &word))
            return "defer, accept or reject";
        settings->failure = word;
    } else if (strcmp(name, "MOONSCAN_AUTHENTICATED") == 0) {
        if (!word_value(scan, sizeof scan / sizeof *scan, value, &word))
            return "skip or scan";
        settings->scan_authenticated = word != 0;
    } else if (strcmp(name, "MOONSCAN_LOOPBACK") == 0) {
        if (!word_value(scan, sizeof scan / sizeof *scan, value, &word))
            return "skip or scan";
        settings->scan_loopback = word != 0;
    } else {
        return "another name";
    }
    return NULL;
}

bool moon_settings_set(struct moon_settings *settings, const char *name, const char *value,
                       void (*complain)(const char *line))
{
    char line[256], shown[65];

    if (!value || value[0] == '\0')
        return true;
    const char *wanted = take(settings, name, value);
    if (!wanted)
        return true;
    (void)snprintf(shown, sizeof shown, "%s", value); /* cut: only shown */
    for (char *c = shown; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    (void)snprintf(line, sizeof line, /* cannot be cut: all parts are short */
                   "moonscan: %s=\"%s\" cannot be used, it takes %s; the default is in force", name,
                   shown, wanted);
    complain(line);
    return false;
}

void moon_settings_read(struct moon_settings *settings_r, char *(*get)(const char *name),
                        void (*complain)(const char *line))
{
    static const char *const names[] = {
        "MOONSCAN_PROGRAM", "MOONSCAN_SOCKET",        "MOONSCAN_SNAPSHOT", "MOONSCAN_TIMEOUT",
        "MOONSCAN_FAILURE", "MOONSCAN_AUTHENTICATED", "MOONSCAN_LOOPBACK"};

    *settings_r = (struct moon_settings){.program = MOON_PROGRAM, .socket = SETTINGS_SOCKET};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)moon_settings_set(settings_r, names[i], get(names[i]), complain); /* complained */
}
