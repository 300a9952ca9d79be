/* qemu: the command line of one machine, as a pure function of the lab. */
#ifndef LAB_QEMU_H
#define LAB_QEMU_H

#include "lab/lab.h"

#define OVMF_CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define OVMF_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"

struct lab_args {
    char *v[96]; /* NULL-terminated */
    size_t n;
};

/* `ip netns exec NAMESPACE qemu-system-x86_64 ...`; lab_args_free it. */
void lab_qemu_args(const struct lab *l, const struct lab_host *h, struct lab_args *ret);
void lab_args_free(struct lab_args *a);

#endif
