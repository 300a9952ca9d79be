/* decide: the boot decision. Pure: records and the time in, action and reason out. */
#include "inventory/decide.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[] = {
    [BOOT_LOCAL] = "local",
    [BOOT_INSTALL] = "install",
    [BOOT_DISCOVER] = "discover",
    [BOOT_IGNORE] = "ignore",
};

const char *boot_action_name(enum boot_action a)
{
    return (size_t)a < sizeof names / sizeof *names ? names[a] : "?";
}

__attribute__((format(printf, 2, 3))) static struct boot_decision decision(enum boot_action a,
                                                                           const char *fmt, ...)
{
    struct boot_decision d = {.action = a};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d.reason, sizeof d.reason, fmt, ap);
    va_end(ap);
    return d;
}

static struct boot_decision decide_unknown(enum unknown_policy p)
{
    if (p == UNKNOWN_DISCOVER) {
        return decision(
            BOOT_DISCOVER,
            "no device has this MAC address, and the rule for unknown machines here is discover: it reports "
            "what it is, and nothing is written");
    }
    return decision(BOOT_IGNORE,
                    "no device has this MAC address, and the rule for unknown machines here is ignore");
}

static struct boot_decision decide_no_job(const struct device *d)
{
    if (d->assigned[0]) {
        return decision(
            BOOT_LOCAL,
            "%s is assigned to %s, but no job was ever armed for it: build the image, then `rackstrap assign "
            "%s %s`",
            d->assigned, d->name, d->name, d->assigned);
    }
    return decision(BOOT_LOCAL, "no image was ever assigned to %s", d->name);
}

static struct boot_decision decide_claimed(const struct device *d, const struct job *j,
                                           const struct boot_request *req)
{
    const struct asker a = {.machine_uuid = req->machine_uuid, .nic = req->nic};
    char nic[MAC_STR];
    if (req->machine_uuid && !job_same_machine(j, &a)) {
        return decision(
            BOOT_LOCAL, "the job of %s was claimed by the machine with UUID %s%s%s, and this is another one",
            d->name, j->machine[0] ? j->machine : "(none)", j->machine[0] ? "" : " and MAC address ",
            j->machine[0] ? "" : mac_format(j->nic, nic));
    }
    return decision(BOOT_INSTALL, "the writing of %s to %s has begun and is not done: it is resumed",
                    j->image, d->name);
}

/* Armed and claimed jobs can have run out before anything marked them so. */
static bool overdue(const struct job *j, int64_t at_ms)
{
    return (j->state == JOB_ARMED || j->state == JOB_CLAIMED) && j->expires_ms <= at_ms;
}

struct boot_decision boot_decide(const struct device *d, const struct job *j, const struct boot_request *req)
{
    if (!d) {
        return decide_unknown(req->unknown);
    }
    if (d->protected) {
        return decision(BOOT_LOCAL, "%s is protected: it is never installed", d->name);
    }
    if (!j) {
        return decide_no_job(d);
    }
    switch (overdue(j, req->at_ms) ? JOB_EXPIRED : j->state) {
    case JOB_ARMED:
        return decision(BOOT_INSTALL, "a job to write %s waits for %s", j->image, d->name);
    case JOB_CLAIMED:
        return decide_claimed(d, j, req);
    case JOB_WRITTEN:
        return decision(BOOT_LOCAL,
                        "%s has been written to %s: the job is spent, and the machine boots from its disk",
                        j->image, d->name);
    case JOB_DONE:
        return decision(BOOT_LOCAL, "%s carries %s and has enrolled: there is nothing to do", d->name,
                        j->image);
    case JOB_FAILED:
        return decision(BOOT_LOCAL,
                        "the job to write %s to %s failed (%s): assign the image again to try once more",
                        j->image, d->name, j->reason);
    case JOB_CANCELLED:
        return decision(BOOT_LOCAL, "the job to write %s to %s was cancelled", j->image, d->name);
    case JOB_EXPIRED:
        return decision(BOOT_LOCAL,
                        "the job to write %s to %s has expired: assign the image again to try once more",
                        j->image, d->name);
    }
    return decision(BOOT_LOCAL, "the job of %s is in a state that is not known here", d->name);
}
