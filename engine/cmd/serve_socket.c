/* SPDX-License-Identifier: MIT
 *
 * serve_socket: the service's socket. Procedure: (1) become the user, (2) bind; where the path is
 * taken, see whether anybody answers there and replace it if nobody does, (3) listen.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/cmd/serve.h"

#define BACKLOG     64 /* connections that wait for a worker; the module does not wait long */
#define LOWEST_FD   10 /* above those that workers get */
#define SOCKET_MODE 0660

static bool address_of(const char *path, struct sockaddr_un *address_r, socklen_t *length_r)
{
    size_t n = strlen(path);

    *address_r = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n == 0 || n >= sizeof address_r->sun_path)
        return false;
    memcpy(address_r->sun_path, path, n);
    *length_r = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return true;
}

/* Step 1. */
static enum moon_status become(const char *name, struct moon_error *error)
{
    const struct passwd *user = getpwnam(name);

    if (!user)
        return moon_fail(error, MOON_EIO, "there is no user '%s'", name);
    if (initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0)
        return moon_fail(error, MOON_EIO, "cannot become user '%s': %s", name, strerror(errno));
    return MOON_OK;
}

static bool somebody_answers(const struct sockaddr_un *address, socklen_t length)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true; /* not known: nothing is removed */
    bool refused = connect(fd, (const struct sockaddr *)address, length) != 0 &&
                   (errno == ECONNREFUSED || errno == ENOENT);
    (void)close(fd); /* nothing was said */
    return !refused;
}

/* Step 2. */
static int bind_at(const char *path, struct moon_error *error)
{
    struct sockaddr_un address;
    socklen_t length;
    struct stat st;

    if (!address_of(path, &address, &length)) {
        (void)moon_fail(error, MOON_EIO, "%s: a socket's path has 1 to %zu bytes", path,
                        sizeof address.sun_path - 1);
        return -1;
    }
    int low = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int fd = low >= 0 ? fcntl(low, F_DUPFD_CLOEXEC, LOWEST_FD) : -1;
    if (low >= 0)
        (void)close(low); /* replaced */
    mode_t mask = umask(0777 & ~SOCKET_MODE);
    bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)&address, length) == 0;
    if (fd >= 0 && !bound && errno == EADDRINUSE && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        if (somebody_answers(&address, length))
            errno = EADDRINUSE;
        else
            bound = unlink(path) == 0 && bind(fd, (const struct sockaddr *)&address, length) == 0;
    }
    int reason = errno;
    (void)umask(mask); /* cannot fail */
    if (bound)
        return fd;
    if (fd >= 0)
        (void)close(fd); /* never used */
    (void)moon_fail(error, MOON_EIO, "%s: %s%s", path, strerror(reason),
                    reason == EADDRINUSE ? "; another service answers there, stop it first"
                    : reason == ENOENT   ? "; make its folder first, for the service's user"
                                         : "");
    return -1;
}

enum moon_status moon_serve_listen(const char *path, const char *user, int *fd_r,
                                   struct moon_error *error)
{
    enum moon_status status = user ? become(user, error) : MOON_OK;

    if (status != MOON_OK)
        return status;
    if (geteuid() == 0)
        return moon_fail(error, MOON_EIO,
                         "not as root: let systemd start it (moonscan.service), or give --user");
    int fd = bind_at(path, error);
    if (fd < 0)
        return MOON_EIO;
    if (listen(fd, BACKLOG) != 0) { /* step 3 */
        (void)close(fd);
        return moon_fail(error, MOON_EIO, "%s: %s", path, strerror(errno));
    }
    *fd_r = fd;
    return MOON_OK;
}

void moon_serve_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t length;

    if (!path || !address_of(path, &address, &length))
        return;
    if (address.sun_path[0] == '@') { /* an abstract name */
        address.sun_path[0] = '\0';
        length--;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 length); /* it learns it otherwise, or never asked */
    (void)close(fd);
}
