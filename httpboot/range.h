/* range: which bytes of a file a GET asks for (RFC 9110 13 and 14). Pure.
 *
 * One range, from the front, in the middle or from the end, is answered 206; one that begins past the end
 * 416. Several ranges at once are answered with the whole file, 200, which the RFC allows: none of our
 * clients asks for them, and the multipart answer is how small requests have made large work. The same goes
 * for a Range that cannot be parsed, and for units other than bytes.
 */
#ifndef HTTPBOOT_RANGE_H
#define HTTPBOOT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum range_kind { RANGE_WHOLE, RANGE_PART, RANGE_BEYOND };

struct range {
    enum range_kind kind;
    uint64_t first, length; /* of RANGE_PART */
};

struct range range_parse(struct span value, uint64_t size);

/* Does a list of entity tags ("*", or "a", W/"b") hold this strong one (its quotes included)? Weak comparison
 * takes W/"a" for "a". */
bool etag_list_has(struct span list, const char *etag, bool weak);

/* If-Range: go on with the range only if the file is still the same. A date never counts as the same: we send
 * no Last-Modified. */
bool if_range_holds(struct span value, const char *etag);

#endif
