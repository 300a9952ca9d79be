/* state: a lab as JSON, for its state file and for `lab status --json`. */
#ifndef LAB_STATE_H
#define LAB_STATE_H

#include "base/span.h"
#include "base/str.h"
#include "lab/lab.h"

void lab_encode(const struct lab *l, struct str *ret);
/* Everything is checked: the file may have been cut short or edited. ERR_CORRUPT. */
int lab_decode(struct span text, struct lab *ret, struct err *e);

/* Fills in the machines of l->o.hosts: names, addresses, serials. */
void lab_make_hosts(struct lab *l);

/* ERR_INPUT when a name, a size or a number cannot be; the same rules for the command line and for a state
 * file. */
int lab_check_options(const struct lab_options *o, struct err *e);

const char *lab_firmware_name(enum lab_firmware f);
int lab_firmware_parse(const char *s, enum lab_firmware *ret, struct err *e);
const char *lab_accel_name(enum lab_accel a);
int lab_accel_parse(const char *s, enum lab_accel *ret, struct err *e);

#endif
