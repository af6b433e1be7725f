/* SPDX-License-Identifier: MIT
 *
 * responder: a small DNS server in a child process, on a loopback port that the kernel chooses, UDP
 * and TCP. How it behaves is in the question's first label:
 *
 *   silent       never answers                  servfail    SERVFAIL        refused   REFUSED
 *   nx           NXDOMAIN                       nodata      no records
 *   wrongid      first an answer with another id, text "forged"; then the right one
 *   wrongname    first an answer to another question, text "forged"; then the right one
 *   short        TC over UDP; the answer only over TCP
 *   long         1000 octets of text: TC over UDP to a query without EDNS
 *   noedns       FORMERR for a query with an OPT record
 *   garbage      the question echoed, then bytes that are no records
 *   late         answers after 100 ms; the text is how many were asked, this one included
 *   cname        only a CNAME to target.elsewhere, as an authoritative server would
 *   moody        SERVFAIL from a moody responder, an answer from others
 *   mute         nothing from a moody responder, an answer from others
 *
 * and in its second: NAME.together.X is answered when eight of them are there. Anything else: A
 * 192.0.2.1, AAAA 2001:db8::1, TXT with the first label as text, MX 10 mail.X.
 */
#ifndef MOON_TESTS_RESPONDER_H
#define MOON_TESTS_RESPONDER_H

#include <stdbool.h>
#include <sys/types.h>

#define RESPONDER_TOGETHER 8

struct responder_counts {
    unsigned udp, tcp, edns, late;
    unsigned ports; /* how often a UDP question came from another port than the one before */
};

struct responder {
    pid_t pid;
    char address[64];                /* "127.0.0.1:40001", "[::1]:40001" */
    struct responder_counts *counts; /* shared with the child */
};

/* `family` 4 or 6; false when there is no such loopback address. `moody`: see above. */
bool responder_start(struct responder *responder, int family, bool moody);
void responder_stop(struct responder *responder);

#endif
