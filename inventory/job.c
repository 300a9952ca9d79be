/* job: the parts that need no store. */
#include "inventory/job.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const char *const names[] = {
    [JOB_ARMED] = "armed",   [JOB_CLAIMED] = "claimed", [JOB_WRITTEN] = "written",     [JOB_DONE] = "done",
    [JOB_FAILED] = "failed", [JOB_EXPIRED] = "expired", [JOB_CANCELLED] = "cancelled",
};

const char *job_state_name(enum job_state s)
{
    return (size_t)s < sizeof names / sizeof *names ? names[s] : "?";
}

int job_state_parse(const char *name, enum job_state *ret, struct err *e)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum job_state)i;
            return 0;
        }
    }
    return err_set(e, ERR_INPUT, "there is no job state \"%.64s\"", name);
}

int machine_normal(const char *text, char ret[UUID_STR], struct err *e)
{
    struct uuid u, ones;
    memset(&ones, 0xff, sizeof ones);
    if (!text || !*text) {
        ret[0] = '\0';
        return 0;
    }
    if (uuid_parse(text, &u, e) < 0) {
        return err_prefix(e, "the machine's SMBIOS UUID");
    }
    if (uuid_is_zero(u) || uuid_eq(u, ones)) {
        ret[0] = '\0';
    } else {
        uuid_format(u, ret);
    }
    return 0;
}

bool job_same_machine(const struct job *j, const struct asker *a)
{
    char normal[UUID_STR];
    if (machine_normal(a->machine_uuid, normal, NULL) < 0 || strcmp(normal, j->machine) != 0) {
        return false;
    }
    return normal[0] || mac_to_u64(j->nic) == 0 || mac_eq(j->nic, a->nic);
}

void assignment_text(const char *ref, const struct release *r, char buf[ASSIGNED_SIZE])
{
    if (strcmp(ref, r->image) == 0) {
        str_copy(buf, ASSIGNED_SIZE, r->image);
    } else {
        snprintf(buf, ASSIGNED_SIZE, "%s@%s", r->image, r->version);
    }
}
