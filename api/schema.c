/* schema: see schema.h. */
#include "api/schema.h"

#include <stdio.h>
#include <string.h>

/* ---- parameters ---- */

static void add_parameter(struct jsonw *w, const char *where, const char *name, const char *type, bool many)
{
    jsonw_open(w, '{');
    jsonw_key(w, "in"), jsonw_str(w, where);
    jsonw_key(w, "name"), jsonw_str(w, name);
    if (!strcmp(where, "path"))
        jsonw_key(w, "required"), jsonw_bool(w, true);
    jsonw_key(w, "schema"), jsonw_open(w, '{');
    jsonw_key(w, "type"), jsonw_str(w, many ? "array" : type);
    if (many) {
        jsonw_key(w, "items"), jsonw_open(w, '{');
        jsonw_key(w, "type"), jsonw_str(w, type), jsonw_close(w, '}');
    }
    jsonw_close(w, '}'), jsonw_close(w, '}');
}

static const char *filter_type(const struct filter *f, enum filter_op op)
{
    static const char *const type[] = {
        [FILTER_NUMBER] = "integer", [FILTER_BOOL] = "boolean",   [FILTER_REF] = "integer",
        [FILTER_TREE] = "integer",   [FILTER_TAG_ID] = "integer", [FILTER_SPECIAL] = "string"};
    if (op == OP_EMPTY)
        return "boolean";
    return (size_t)f->kind < sizeof type / sizeof *type && type[f->kind] ? type[f->kind] : "string";
}

static void add_filter(struct jsonw *w, const struct filter *f)
{
    char name[96];
    for (enum filter_op op = OP_IS; op < OP_COUNT; op++) {
        if (!(filter_ops(f) & 1u << op))
            continue;
        snprintf(name, sizeof name, "%s%s", f->name, op_suffix(op));
        add_parameter(w, "query", name, filter_type(f, op), f->kind != FILTER_BOOL && op != OP_EMPTY);
    }
}

/* What every list takes. */
static void add_list_parameters(struct jsonw *w)
{
    static const char *const numbers[] = {"limit", "offset", "start"};
    static const char *const texts[] = {"ordering", "fields", "omit"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_parameter(w, "query", numbers[i], "integer", false);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_parameter(w, "query", texts[i], "string", false);
    add_parameter(w, "query", "brief", "boolean", false);
}

/* Of virtual machines there are none here; clients look up all the same what they could ask of them, and that
 * is what devices are asked for, and clusters. */
static void add_machine_parameters(struct jsonw *w)
{
    static const char *const names[] = {"cluster", "cluster_id", "cluster_group", "cluster_type", "exclude"};
    const struct model *device = model_get(MODEL_DEVICE);
    for (size_t i = 0; i < device->filters_n; i++)
        add_filter(w, &device->filters[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_parameter(w, "query", names[i], "string", true);
}

static void add_parameters(struct jsonw *w, const struct route *r)
{
    bool detail = strchr(r->pattern, '{') != NULL;
    jsonw_key(w, "parameters"), jsonw_open(w, '[');
    if (detail) {
        add_parameter(w, "path", "id", "integer", false);
    } else {
        for (size_t i = 0; r->model && i < r->model->filters_n; i++)
            add_filter(w, &r->model->filters[i]);
        if (r->model && r->model->id == MODEL_DEVICE)
            add_parameter(w, "query", "exclude", "string", false);
        if (!strcmp(r->pattern, "/api/virtualization/virtual-machines/"))
            add_machine_parameters(w);
        add_list_parameters(w);
    }
    jsonw_close(w, ']');
}

/* ---- paths ---- */

static void add_content(struct jsonw *w, const struct model *m)
{
    jsonw_key(w, "content"), jsonw_open(w, '{');
    jsonw_name(w, "application/json"), jsonw_open(w, '{');
    jsonw_key(w, "schema"), jsonw_open(w, '{');
    if (m) {
        jsonw_name(w, "$ref"), jsonw_strf(w, "#/components/schemas/%s", m->type);
    } else {
        jsonw_key(w, "type"), jsonw_str(w, "object");
    }
    jsonw_close(w, '}'), jsonw_close(w, '}'), jsonw_close(w, '}');
}

/* "get", and what this path's is called: "dcim_devices_list". */
static void add_operation(struct jsonw *w, const struct route *r, enum api_method method)
{
    static const char *const verbs[][2] = {[API_GET] = {"list", "retrieve"},
                                           [API_POST] = {"create", "create"},
                                           [API_PUT] = {"bulk_update", "update"},
                                           [API_PATCH] = {"bulk_partial_update", "partial_update"},
                                           [API_DELETE] = {"bulk_destroy", "destroy"}};
    char verb[16], id[ROUTE_PATTERN + 32];
    size_t n = 0;
    str_copy(verb, sizeof verb, api_method_name(method));
    for (char *p = verb; *p; p++)
        *p = (char)(*p | 0x20);
    for (const char *p = r->pattern + strlen("/api/"); *p && n < ROUTE_PATTERN; p++)
        if (*p != '{' && *p != '}')
            id[n++] = *p == '/' || *p == '-' ? '_' : *p;
    str_copy(id + n, sizeof id - n, verbs[method][strchr(r->pattern, '{') != NULL]);
    jsonw_key(w, verb), jsonw_open(w, '{');
    jsonw_key(w, "operationId"), jsonw_str(w, id);
    add_parameters(w, r);
    if (method & (API_POST | API_PUT | API_PATCH)) {
        jsonw_key(w, "requestBody"), jsonw_open(w, '{');
        add_content(w, r->model), jsonw_close(w, '}');
    }
    jsonw_key(w, "responses"), jsonw_open(w, '{');
    jsonw_key(w, method == API_DELETE ? "204" : method == API_POST ? "201" : "200"), jsonw_open(w, '{');
    jsonw_key(w, "description"), jsonw_str(w, "");
    if (method != API_DELETE)
        add_content(w, r->model);
    jsonw_close(w, '}'), jsonw_close(w, '}'), jsonw_close(w, '}');
}

static void add_path(const struct route *r, void *ctx)
{
    struct jsonw *w = ctx;
    jsonw_name(w, r->pattern), jsonw_open(w, '{');
    for (enum api_method m = API_GET; m <= API_DELETE; m <<= 1)
        if (r->methods & m)
            add_operation(w, r, m);
    jsonw_close(w, '}');
}

/* ---- objects ---- */

static void add_field(struct jsonw *w, const struct field *f)
{
    static const char *const type[] = {
        [FIELD_ID] = "integer",    [FIELD_BOOL] = "boolean", [FIELD_INT] = "integer", [FIELD_REAL] = "number",
        [FIELD_CHOICE] = "object", [FIELD_REF] = "object",   [FIELD_JSON] = "object", [FIELD_TAGS] = "array",
        [FIELD_CUSTOM] = "object", [FIELD_COUNT] = "integer"};
    bool known = (size_t)f->kind < sizeof type / sizeof *type && type[f->kind];
    jsonw_key(w, f->name), jsonw_open(w, '{');
    if (f->kind != FIELD_CONSTANT && f->kind != FIELD_COMPUTED)
        jsonw_key(w, "type"), jsonw_str(w, known ? type[f->kind] : "string");
    if (f->kind == FIELD_TAGS)
        jsonw_key(w, "items"), jsonw_open(w, '{'), jsonw_close(w, '}');
    if (f->flags & FIELD_NULL)
        jsonw_key(w, "nullable"), jsonw_bool(w, true);
    if (f->flags & FIELD_READ_ONLY)
        jsonw_key(w, "readOnly"), jsonw_bool(w, true);
    jsonw_close(w, '}');
}

static void add_model(struct jsonw *w, const struct model *m)
{
    jsonw_name(w, m->type), jsonw_open(w, '{');
    jsonw_key(w, "type"), jsonw_str(w, "object");
    jsonw_key(w, "properties"), jsonw_open(w, '{');
    for (size_t i = 0; i < m->fields_n; i++)
        add_field(w, &m->fields[i]);
    jsonw_close(w, '}'), jsonw_close(w, '}');
}

/* It says what could be asked, not what there is: it is the same for all, and needs no token. */
void answer_schema(struct call *c)
{
    struct jsonw w = answer_open(c, 200);
    jsonw_open(&w, '{');
    jsonw_key(&w, "openapi"), jsonw_str(&w, "3.0.3");
    jsonw_key(&w, "info"), jsonw_open(&w, '{');
    jsonw_key(&w, "title"), jsonw_str(&w, "rackstrap: NetBox REST API");
    jsonw_key(&w, "version"), jsonw_str(&w, SPOKEN_VERSION), jsonw_close(&w, '}');
    jsonw_key(&w, "paths"), jsonw_open(&w, '{');
    routes_each(c->api, add_path, &w);
    jsonw_close(&w, '}');
    jsonw_key(&w, "components"), jsonw_open(&w, '{');
    jsonw_key(&w, "schemas"), jsonw_open(&w, '{');
    for (size_t i = 0; i < MODEL_COUNT; i++)
        add_model(&w, model_get((enum model_id)i));
    jsonw_close(&w, '}'), jsonw_close(&w, '}'), jsonw_close(&w, '}');
}
