/* schema: /api/schema/, an OpenAPI 3 description of what the tables of models and routes say: clients read
 * out of it which parameters a list takes. */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include "api/call.h"

void answer_schema(struct call *c);

#endif
