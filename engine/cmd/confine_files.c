/* SPDX-License-Identifier: MIT
 *
 * confine_files: landlock(7). Descriptors that are open stay as they are: the body's, the socket's.
 * Numbers that the system's header may not know yet are written here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/auth/dmarc_psl.h"
#include "engine/base/limits.h"
#include "engine/cmd/confine.h"
#include "engine/cmd/sanitized.h"

#define DNS_PORT    53u
#define RESOLV_CONF "/etc/resolv.conf"

#define FS_TRUNCATE     (1ull << 14) /* from version 3 of landlock */
#define FS_IOCTL_DEV    (1ull << 15) /* 5 */
#define NET_BIND_TCP    (1ull << 0)  /* 4 */
#define NET_CONNECT_TCP (1ull << 1)  /* 4 */
#define SCOPES          3ull         /* 6: abstract Unix sockets, signals */
#define RULE_NET_PORT   2

#define FS_FOLDER                                                                                  \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)

/* struct landlock_ruleset_attr and landlock_net_port_attr of a newer header. */
struct ruleset {
    uint64_t fs, net, scoped;
};
struct net_port {
    uint64_t access, port;
};

static uint64_t rights_on_files(long version)
{
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* all of version 1 */
    if (version >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rights |= FS_TRUNCATE;
    if (version >= 5)
        rights |= FS_IOCTL_DEV;
    return rights;
}

/* A path that is not there needs no rule. False: the kernel refuses the rule. */
static bool allow_path(int ruleset, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return true;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    (void)close(fd); /* the rule is for the file */
    return rc == 0;
}

/* The folder of a file that will be made anew, after it was rotated. */
static bool allow_folder_of(int ruleset, const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (n == 0 || n >= sizeof folder) /* a log in / is no log that rotates */
        return allow_path(ruleset, path,
                          LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
    memcpy(folder, path, n);
    folder[n] = '\0';
    return allow_path(ruleset, folder, FS_FOLDER);
}

static bool allow_port(int ruleset, uint64_t port)
{
    struct net_port rule = {NET_CONNECT_TCP, port};
    return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) == 0;
}

/* Of "address", "address:port", "[address]:port". */
static uint64_t port_of(const char *server)
{
    struct moon_span text = moon_span_of(server);
    struct moon_ip ip;
    uint64_t port = DNS_PORT;

    if (!moon_ip_parse(text, &ip) &&
        !moon_span_number(moon_span_sub(text, moon_span_rfind(text, ':') + 1, text.n), 65535,
                          &port))
        port = DNS_PORT;
    return port;
}

static bool add_rules(int ruleset, const struct moon_conf *conf, const char *log_path, bool net)
{
    bool good = allow_folder_of(ruleset, log_path) &&
                allow_path(ruleset, RESOLV_CONF, LANDLOCK_ACCESS_FS_READ_FILE) &&
                allow_path(ruleset, moon_dmarc_psl_file(), LANDLOCK_ACCESS_FS_READ_FILE);

    if (conf->store.kind == MOON_STORE_KIND_SQLITE)
        good = good && allow_folder_of(ruleset, conf->store.path.p);
    if (!net)
        return good;
    good = good && allow_port(ruleset, DNS_PORT);
    for (size_t i = 0; i < conf->dns_server_count; i++)
        good = good && allow_port(ruleset, port_of(conf->dns_servers[i]));
    if (conf->store.kind == MOON_STORE_KIND_REDIS)
        good = good && allow_port(ruleset, conf->store.port);
    return good;
}

enum moon_status moon_confine_files(const struct moon_conf *conf, const char *log_path,
                                    struct moon_error *error)
{
    if (MOON_SANITIZED)
        return MOON_OK; /* the sanitizers read files of their own */
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return MOON_OK; /* not to be told with every message: docs/threat-model.md has it */
    struct ruleset rights = {rights_on_files(version), 0, 0};
    size_t size = sizeof rights.fs;
    if (version >= 4) {
        rights.net = NET_BIND_TCP | NET_CONNECT_TCP;
        size += sizeof rights.net;
    }
    if (version >= 6) {
        rights.scoped = SCOPES;
        size += sizeof rights.scoped;
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rights, size, 0);
    bool good = ruleset >= 0 && add_rules(ruleset, conf, log_path, version >= 4) &&
                syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    int reason = errno;
    if (ruleset >= 0)
        (void)close(ruleset); /* in force, or given up */
    return good ? MOON_OK : moon_fail(error, MOON_EIO, "landlock: %s", strerror(reason));
}
