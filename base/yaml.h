/* yaml: a YAML document as a tree of nodes that know their place, for files that people write.
 *
 * yaml_load reads one document of plain mappings, sequences and scalars; anchors, aliases and tags are
 * refused, duplicate keys too. Every error is "FILE:LINE:COLUMN: what; what to do". Nodes live as long as the
 * document.
 *
 * A mapping is read by asking for its keys one by one, then calling yaml_no_more, which refuses any key never
 * asked for: unknown keys are errors and the list of known ones cannot drift from the code.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct yaml;
struct yaml_node;

enum yaml_type { YAML_SCALAR, YAML_SEQ, YAML_MAP };

int yaml_load_file(const char *path, struct yaml **ret, struct err *e);
int yaml_load_text(const char *name, const char *text, size_t n, struct yaml **ret, struct err *e);
/* A list too long for the memory: each item of the list that stands under this key of the root is handed to
 * `item`, in order, and gone after that; *ret (may be NULL) is the document with that list empty. Other than
 * 0 from `item` ends the walk, is what is returned, and leaves *ret alone. */
typedef int yaml_item_fn(struct yaml_node *item, void *ctx, struct err *e);
int yaml_walk_text(const char *name, const char *text, size_t n, const char *key, yaml_item_fn *item,
                   void *ctx, struct yaml **ret, struct err *e);
/* libyaml exports a yaml_free of its own, and calls it: ours needs another name for the linker, or it would
 * be called instead. */
void yaml_free(struct yaml *y) __asm__("rackstrap_yaml_free");
struct yaml_node *yaml_root(struct yaml *y); /* an empty document's root is an empty mapping */

enum yaml_type yaml_type(const struct yaml_node *n);
int yaml_line(const struct yaml_node *n);
int yaml_column(const struct yaml_node *n);
size_t yaml_len(const struct yaml_node *n);                       /* items of a sequence, keys of a mapping */
struct yaml_node *yaml_at(const struct yaml_node *seq, size_t i); /* lent */
const char *yaml_key_at(const struct yaml_node *map,
                        size_t i); /* for mappings whose keys are free; marks it known */
struct yaml_node *yaml_value_at(const struct yaml_node *map, size_t i);
const char *yaml_text(const struct yaml_node *n); /* a scalar's text; NULL for others */
bool yaml_plain(const struct yaml_node *n);       /* is it a scalar without quotes */

/* An error at this node. Returns -1. */
int yaml_error(const struct yaml_node *n, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int yaml_want(const struct yaml_node *n, enum yaml_type t, const char *what, struct err *e);

/* The node of a key, or NULL; marks the key as known. */
struct yaml_node *yaml_get(struct yaml_node *map, const char *key);
int yaml_no_more(const struct yaml_node *map, struct err *e);

/* Typed readers. `required` false: an absent key leaves *ret as it is and returns 0. Returned text is lent by
 * the document. */
int yaml_str(struct yaml_node *map, const char *key, bool required, const char **ret, struct err *e);
int yaml_copy(struct yaml_node *map, const char *key, bool required, char *buf, size_t size, struct err *e);
int yaml_bool(struct yaml_node *map, const char *key, bool required, bool *ret, struct err *e);
int yaml_u64(struct yaml_node *map, const char *key, bool required, uint64_t min, uint64_t max, uint64_t *ret,
             struct err *e);
int yaml_size(struct yaml_node *map, const char *key, bool required, uint64_t *ret,
              struct err *e); /* "2G" -> bytes */
int yaml_duration(struct yaml_node *map, const char *key, bool required, uint32_t *ret_s,
                  struct err *e); /* "1h", "90s", "2d" -> seconds */
int yaml_milliseconds(struct yaml_node *map, const char *key, uint32_t most, uint32_t *ret_ms,
                      struct err *e); /* "300ms", "1s", or "0"; not required */
int yaml_mac(struct yaml_node *map, const char *key, bool required, struct mac *ret, struct err *e);
int yaml_ip4(struct yaml_node *map, const char *key, bool required, struct ip4 *ret, struct err *e);
int yaml_prefix(struct yaml_node *map, const char *key, bool required, struct prefix *ret, struct err *e);
int yaml_ip4_if(struct yaml_node *map, const char *key, bool required, struct ip4_if *ret, struct err *e);
/* The sequence or mapping of a key, or NULL in *ret when absent and not required. */
int yaml_seq(struct yaml_node *map, const char *key, bool required, struct yaml_node **ret, struct err *e);
int yaml_map(struct yaml_node *map, const char *key, bool required, struct yaml_node **ret, struct err *e);

#endif
