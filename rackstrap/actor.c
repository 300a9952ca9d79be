/* actor: who runs a command, and from where. */
#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "rackstrap/args.h"

#define PARENTS_MAX 32
#define ENVIRON_MAX (256 * 1024)

const char *actor_name(void)
{
    static char name[64];
    const char *sudo = getenv("SUDO_USER");
    struct passwd *pw = getpwuid(geteuid());
    if (geteuid() == 0 && sudo && *sudo && strcmp(sudo, "root") != 0)
        snprintf(name, sizeof name, "%.48s via sudo", sudo);
    else
        str_copy(name, sizeof name, pw ? pw->pw_name : "unknown-user");
    return name;
}

/* "192.0.2.7 51022 192.0.2.1 22" begins with the client's address. */
static bool take_address(const char *connection, char ret[ASKER_SIZE])
{
    struct in6_addr any;
    size_t n = strcspn(connection, " ");
    if (n >= ASKER_SIZE)
        return false;
    memcpy(ret, connection, n);
    ret[n] = '\0';
    return inet_pton(AF_INET, ret, &any) == 1 || inet_pton(AF_INET6, ret, &any) == 1;
}

/* A process's file under /proc, with a NUL after it; its length, 0 when it cannot be read. */
static size_t proc_read(int pid, const char *file, char *buf, size_t size)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(buf, 1, size - 1, f) : 0;
    if (f)
        fclose(f);
    buf[n] = '\0';
    return n;
}

static int parent_of(int pid)
{
    char stat[512];
    int parent = 0;
    proc_read(pid, "stat", stat, sizeof stat);
    const char *after = strrchr(stat, ')'); /* the name before it may hold anything */
    return after && sscanf(after, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* sudo clears the environment; the shell before it has the session's. */
static bool find_session(char ret[ASKER_SIZE])
{
    static const char key[] = "SSH_CONNECTION=";
    char *environment = xcalloc(1, ENVIRON_MAX);
    bool found = false;
    int pid = getpid();
    for (int i = 0; i < PARENTS_MAX && pid > 1 && !found; i++, pid = parent_of(pid)) {
        size_t n = proc_read(pid, "environ", environment, ENVIRON_MAX);
        for (size_t at = 0; at < n && !found; at += strlen(environment + at) + 1)
            if (str_starts(environment + at, key))
                found = take_address(environment + at + sizeof key - 1, ret);
    }
    free(environment);
    return found;
}

const char *actor_address(void)
{
    static char address[ASKER_SIZE];
    return find_session(address) ? address : NULL;
}
