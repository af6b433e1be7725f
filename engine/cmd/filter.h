/* SPDX-License-Identifier: MIT
 *
 * filter: the seccomp filters of workers. filter_make.c has libseccomp write them when the program
 * is built: in a worker that cost as much as a message does.
 */
#ifndef MOON_CMD_FILTER_H
#define MOON_CMD_FILTER_H

#include <linux/filter.h>
#include <stdint.h>

#define MOON_FILTER_MAX     512u        /* instructions; filter_make.c makes no longer one */
#define MOON_FILTER_OWN_PID 0x6d6f6f6eu /* stands for the process's number; none is so large */

struct moon_filter {
    const struct sock_filter *code;
    unsigned short length;
};

/* [it may wait for connections and take them][there is a store on MOON_STORE_FD] */
extern const struct moon_filter moon_filters[2][2];

#endif
