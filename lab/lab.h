/* lab: whole network boots without hardware. One lab is a network namespace with a bridge in it, and QEMU
 * machines on taps of that bridge; nothing of it can be seen or reached from the host's own network.
 *
 * Life cycle: lab_up makes everything (or nothing), and leaves a state file behind; lab_power, lab_status and
 * lab_console find the lab again by its folder; lab_down removes it, whatever state it is in. Each call holds
 * the folder's lock while it works. A QEMU is only ever signalled when its pid, its start time and its
 * command line are those of the machine that this lab started, so that a recycled pid is never killed. All
 * calls need root.
 *
 *     <dir>/state.json                  the options and the machines (state.h)
 *     <dir>/hv-01/{qemu.pid,qmp.sock,console.sock,console.log,vars.fd}
 *     <disks>/hv-01.raw                 a sparse file; outside <dir>, since /run is memory
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/err.h"

#define LAB_MAX_HOSTS 64
#define LAB_NAME_SIZE 33
#define LAB_PATH_SIZE 80 /* a folder's; the paths of sockets below it must fit into 108 bytes */
#define LAB_BRIDGE    "br0"

enum lab_firmware { LAB_BIOS, LAB_UEFI };
enum lab_accel { LAB_TCG, LAB_KVM };

struct lab_options {
    char name[LAB_NAME_SIZE];  /* lower-case letters, digits, dashes; the namespace is rackstrap-<name> */
    char dir[LAB_PATH_SIZE];   /* "" is /run/rackstrap-lab/<name> */
    char disks[LAB_PATH_SIZE]; /* "" is /var/tmp/rackstrap-lab/<name> */
    size_t hosts;              /* hv-01, hv-02, ... */
    enum lab_firmware firmware;
    enum lab_accel accel;
    uint64_t memory, disk; /* bytes, of each machine */
    uint32_t cpus;
    struct ip4_if bridge; /* the bridge's address: the server's */
    /* The NIC's boot ROM: "" is the firmware's usual way (BIOS: QEMU's iPXE ROM; UEFI: no ROM, so that OVMF's
     * own PXE and TFTP are used), "qemu" is QEMU's ROM, "none" is no ROM, anything else is a ROM's path. */
    char romfile[256];
    bool off; /* make the machines, switch none on */
};

void lab_defaults(struct lab_options *o);

struct lab_host {
    char name[16];
    struct mac mac;       /* 52:54:00:00:00:NN */
    struct uuid uuid;     /* SMBIOS; the same for hv-NN in every lab */
    char serial[24];      /* SMBIOS */
    char disk_serial[21]; /* what virtio-blk shows, at most 20 characters */
    char tap[16];
    pid_t pid;      /* 0: off */
    uint64_t start; /* of pid, clock ticks since boot */
};

struct lab {
    struct lab_options o; /* dir and disks filled in */
    struct lab_host hosts[LAB_MAX_HOSTS];
};

#define LAB_NAMESPACE_SIZE (LAB_NAME_SIZE + 10)
char *lab_namespace(const char *name, char buf[LAB_NAMESPACE_SIZE]); /* "rackstrap-<name>" */
/* Paths of a machine's files; `file` is "console.log" and so on, NULL for its folder. */
#define LAB_FILE_SIZE 128
char *lab_path(const struct lab *l, const char *host, const char *file, char buf[LAB_FILE_SIZE]);
char *lab_disk_path(const struct lab *l, const char *host, char buf[LAB_FILE_SIZE]);

/* ERR_CONFLICT when there is a lab of this name already, or the rest of one. A disk that an earlier `down
 * --keep-disks` left is used again. On failure whatever was made is removed again. */
int lab_up(const struct lab_options *o, struct lab *ret, struct err *e);

struct lab_down_result {
    size_t stopped;      /* machines */
    bool nothing;        /* there was no lab */
    char strangers[256]; /* processes that other people started in the namespace and that run on: "1234
                            (bash), ..." */
};
/* dir "" is the default. Works on half a lab as well. */
int lab_down(const char *name, const char *dir, bool keep_disks, struct lab_down_result *ret, struct err *e);

/* Reads the state file, and finds out which machines run. ERR_NOT_FOUND when there is no such lab. */
int lab_load(const char *name, const char *dir, struct lab *ret, struct err *e);
struct lab_host *lab_host(struct lab *l, const char *host, struct err *e); /* lent; NULL and ERR_NOT_FOUND */

enum lab_power {
    LAB_ON,
    LAB_OFF,
    LAB_CYCLE,
    LAB_RESET
}; /* cycle: off and on; reset: the reset button, same QEMU */
/* host NULL: every machine. ON of a running machine and OFF of a stopped one are done already, which is no
 * error. */
int lab_power(const char *name, const char *dir, const char *host, enum lab_power what, struct err *e);

/* "off", or what QEMU says: "running", "paused", ... "hung" when it says nothing. */
const char *lab_host_state(const struct lab *l, const struct lab_host *h, char buf[32]);

/* Joins this terminal to the machine's serial console until ^] or the end of input. */
int lab_console(const char *name, const char *dir, const char *host, struct err *e);

/* The command line: argv[0] is "lab". Returns the exit code. */
int lab_main(int argc, char **argv);

#endif
