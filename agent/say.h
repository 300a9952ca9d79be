/* say: short lines for the person at the serial console, "rackstrap: ...". Never a token: tokens are secrets.
 */
#ifndef AGENT_SAY_H
#define AGENT_SAY_H

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
