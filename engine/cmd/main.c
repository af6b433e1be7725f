/* SPDX-License-Identifier: MIT
 *
 * main: picks the subcommand.
 */
#include <stdio.h>
#include <string.h>

#include "engine/cmd/cmd.h"

#define VERSION "0.1.0"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} commands[] = {
    {"bench", moon_cmd_bench, "time the engine on a corpus of messages"},
    {"check", moon_cmd_check, "evaluate a message from a file, and say what would be decided"},
    {"config", moon_cmd_config, "print the settings in force, and where each comes from"},
    {"counters", moon_cmd_counters, "does the counter store answer, and what of a key"},
    {"overrides", moon_cmd_overrides,
     "count what DMARC was overridden by, out of the decision log"},
    {"publish", moon_cmd_publish, "check the configuration and put it in force, or go back"},
    {"quarantine", moon_cmd_quarantine, "what is in quarantine: list, show, release, expire"},
    {"serve", moon_cmd_serve, "keep workers ready for all SMTP connections (a service)"},
    {"test", moon_cmd_test, "run the tests that policies bring"},
    {"worker", moon_cmd_worker, "serve one SMTP connection (started by the module in Exim)"},
};
static const size_t command_count = sizeof commands / sizeof *commands;

static void usage(FILE *to)
{
    (void)fprintf(to, "moonscan " VERSION ": SPF, DKIM, ARC, DMARC and policies for Exim\n\n"
                      "Usage: moonscan COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < command_count; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
    (void)fprintf(to, "\n`moonscan COMMAND --help` tells more.\n");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return MOON_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        puts("moonscan " VERSION);
        return MOON_EXIT_OK;
    }
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (*name)
        (void)fprintf(stderr, "moonscan: there is no command \"%s\"\n\n", name);
    usage(stderr);
    return MOON_EXIT_USAGE;
}
