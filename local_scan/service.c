/* SPDX-License-Identifier: MIT
 *
 * service: the way to the service's socket, and the slots. A slot is a lock on one byte of a file
 * in Exim's spool: it goes with the process, however that ends, and no other user can take it.
 */
#include "local_scan/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SLOT_FILE  "moonscan.slots"
#define SLOT_COUNT 8 /* workers beside a busy service: enough to get on, too few to hurt */

enum moon_service moon_service_connect(const char *path, int *socket_r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);

    *socket_r = -1;
    if (n == 0 || n >= sizeof address.sun_path)
        return MOON_SERVICE_ABSENT;
    memcpy(address.sun_path, path, n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return MOON_SERVICE_ABSENT;
    if (connect(fd, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1)) == 0) {
        *socket_r = fd;
        return MOON_SERVICE_CONNECTED;
    }
    int reason = errno;
    (void)close(fd); /* never used */
    if (reason == EAGAIN || reason == EINPROGRESS)
        return MOON_SERVICE_BUSY;
    return reason == EACCES ? MOON_SERVICE_BARRED : MOON_SERVICE_ABSENT;
}

int moon_service_slot(void)
{
    int fd = open(SLOT_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    for (off_t i = 0; fd >= 0 && i < SLOT_COUNT; i++) {
        struct flock slot = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};
        if (fcntl(fd, F_SETLK, &slot) == 0)
            return fd;
    }
    if (fd >= 0)
        (void)close(fd); /* only looked at */
    return -1;
}
