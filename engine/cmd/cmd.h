/* SPDX-License-Identifier: MIT
 *
 * cmd: the subcommands of `moonscan`. Each gets its own name as argv[0] and returns the exit
 * status: 0 done, 1 the answer is no (a file has mistakes, ...), 2 wrong usage or a named file with
 * mistakes, 3 something failed.
 */
#ifndef MOON_CMD_CMD_H
#define MOON_CMD_CMD_H

#define MOON_EXIT_OK      0
#define MOON_EXIT_NO      1
#define MOON_EXIT_USAGE   2
#define MOON_EXIT_FAILURE 3

int moon_cmd_bench(int argc, char **argv);
int moon_cmd_check(int argc, char **argv);
int moon_cmd_config(int argc, char **argv);
int moon_cmd_counters(int argc, char **argv);
int moon_cmd_overrides(int argc, char **argv);
int moon_cmd_publish(int argc, char **argv);
int moon_cmd_quarantine(int argc, char **argv);
int moon_cmd_serve(int argc, char **argv);
int moon_cmd_test(int argc, char **argv);
int moon_cmd_worker(int argc, char **argv);

#endif
