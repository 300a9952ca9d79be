/* match: the pattern becomes a tree, the tree a program, and the program runs in all its places at once: a
 * set of places for each character of the text (Thompson's construction). */
#include "base/match.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PATTERN_MAX 512
#define PROGRAM_MAX 4096
#define REPEAT_MAX  255
#define RANGES_MAX  256 /* of all classes of a pattern */

enum node_kind {
    NODE_EMPTY,
    NODE_CHAR,
    NODE_ANY,
    NODE_CLASS,
    NODE_START,
    NODE_END,
    NODE_CAT,
    NODE_ALT,
    NODE_REPEAT
};

struct node {
    enum node_kind kind;
    uint32_t c;    /* of a character */
    size_t a, b;   /* parts; of a class: its first range, and how many */
    int min, max;  /* of a repetition; max -1: without end */
    bool negative; /* of a class */
};

struct range {
    uint32_t from, to;
};

enum op { OP_CHAR, OP_ANY, OP_CLASS, OP_START, OP_END, OP_SPLIT, OP_JUMP, OP_MATCH };
struct step {
    enum op op;
    bool negative;
    uint32_t c;
    size_t a, b;
};

struct match {
    bool any_case;
    size_t nodes_n, ranges_n, steps_n;
    struct node nodes[2 * PATTERN_MAX + 16];
    struct range ranges[RANGES_MAX];
    struct step *steps;
};

struct parser {
    struct match *m;
    const unsigned char *at;
    int depth;
    const char *fault;
};

/* ---- characters */

/* One character of UTF-8; a byte that begins none stands for itself, beyond what Unicode has. */
static uint32_t next_char(const unsigned char **at, const unsigned char *end)
{
    const unsigned char *p = *at;
    int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc2 ? 1 : 0;
    uint32_t c = more == 3 ? *p & 7u : more == 2 ? *p & 15u : *p & 31u;
    if (more == 0 || end - p <= more) {
        (*at)++;
        return *p < 0x80 ? *p : 0x110000u + *p;
    }
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            (*at)++;
            return 0x110000u + *p;
        }
        c = c << 6 | (p[i] & 63u);
    }
    *at += more + 1;
    return c;
}

static uint32_t fold(uint32_t c)
{
    return c < 0x80 ? (uint32_t)tolower((int)c) : c;
}

/* ---- parsing */

static size_t node_add(struct parser *p, struct node n)
{
    if (p->m->nodes_n == sizeof p->m->nodes / sizeof *p->m->nodes) {
        p->fault = "it is too long";
        return 0;
    }
    p->m->nodes[p->m->nodes_n] = n;
    return p->m->nodes_n++;
}

static void range_add(struct parser *p, uint32_t from, uint32_t to)
{
    if (p->m->ranges_n == RANGES_MAX) {
        p->fault = "it has too many classes";
    } else {
        p->m->ranges[p->m->ranges_n++] = (struct range){from, to};
    }
}

static uint32_t pattern_char(struct parser *p)
{
    const unsigned char *end = p->at + strlen((const char *)p->at);
    return next_char(&p->at, end);
}

/* The ranges of \d \w \s; false for another letter. */
static bool short_class(struct parser *p, unsigned char letter)
{
    static const struct {
        char letter;
        struct range r[4];
    } classes[] = {{'d', {{'0', '9'}}},
                   {'w', {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
                   {'s', {{'\t', '\r'}, {' ', ' '}}}};
    for (size_t i = 0; i < 3; i++) {
        if (classes[i].letter == tolower(letter)) {
            for (size_t k = 0; k < 4 && classes[i].r[k].to; k++) {
                range_add(p, classes[i].r[k].from, classes[i].r[k].to);
            }
            return true;
        }
    }
    return false;
}

static uint32_t escaped(struct parser *p)
{
    static const char letters[] = "tnrfv", means[] = "\t\n\r\f\v";
    if (!*p->at) {
        p->fault = "it ends with a backslash";
        return 0;
    }
    const char *known = strchr(letters, *p->at);
    if (known) {
        p->at++;
        return (uint32_t)means[known - letters];
    }
    if (isalnum(*p->at)) {
        p->fault = "a backslash stands before a letter or digit that means nothing after it here";
    }
    return pattern_char(p);
}

static size_t parse_class(struct parser *p)
{
    struct node n = {.kind = NODE_CLASS, .a = p->m->ranges_n};
    n.negative = *p->at == '^';
    p->at += n.negative;
    for (bool first = true; *p->at && (*p->at != ']' || first) && !p->fault; first = false) {
        if (*p->at == '\\' && islower(p->at[1]) && short_class(p, p->at[1])) {
            p->at += 2;
            continue;
        }
        uint32_t from = *p->at == '\\' ? (p->at++, escaped(p)) : pattern_char(p), to = from;
        if (*p->at == '-' && p->at[1] && p->at[1] != ']') {
            p->at++;
            to = *p->at == '\\' ? (p->at++, escaped(p)) : pattern_char(p);
        }
        if (to < from) {
            p->fault = "a range ends before it begins";
        }
        range_add(p, from, to);
    }
    if (*p->at != ']') {
        p->fault = p->fault ? p->fault : "a [ has no ]";
        return 0;
    }
    p->at++;
    n.b = p->m->ranges_n - n.a;
    return node_add(p, n);
}

static size_t parse_alternatives(struct parser *p);

static size_t parse_group(struct parser *p)
{
    if (p->at[0] == '?') {
        if (p->at[1] != ':') {
            p->fault = "(? is followed by something other than a colon";
            return 0;
        }
        p->at += 2;
    }
    if (++p->depth > 100) {
        p->fault = "its brackets are nested too deep";
        return 0;
    }
    size_t n = parse_alternatives(p);
    p->depth--;
    if (*p->at != ')') {
        p->fault = p->fault ? p->fault : "a ( has no )";
        return 0;
    }
    p->at++;
    return n;
}

static size_t parse_atom(struct parser *p)
{
    unsigned char c = *p->at;
    if (c == '(' || c == '[') {
        p->at++;
        return c == '(' ? parse_group(p) : parse_class(p);
    }
    if (c == '.' || c == '^' || c == '$') {
        p->at++;
        return node_add(p, (struct node){.kind = c == '.' ? NODE_ANY : c == '^' ? NODE_START : NODE_END});
    }
    if (c == '*' || c == '+' || c == '?') {
        p->fault = "a sign of repetition has nothing before it";
        return 0;
    }
    if (c != '\\') {
        return node_add(p, (struct node){.kind = NODE_CHAR, .c = pattern_char(p)});
    }
    p->at++;
    size_t first = p->m->ranges_n;
    if (short_class(p, *p->at)) {
        struct node n = {.kind = NODE_CLASS, .a = first, .b = p->m->ranges_n - first};
        n.negative = isupper(*p->at) != 0;
        p->at++;
        return node_add(p, n);
    }
    return node_add(p, (struct node){.kind = NODE_CHAR, .c = escaped(p)});
}

static int parse_count(struct parser *p)
{
    int n = 0;
    if (!isdigit(*p->at)) {
        p->fault = "a { is not followed by a number";
    }
    for (; isdigit(*p->at) && n <= REPEAT_MAX; p->at++) {
        n = n * 10 + *p->at - '0';
    }
    if (n > REPEAT_MAX) {
        p->fault = "a number in { } is over 255";
    }
    return n;
}

static bool parse_repeat(struct parser *p, int *min, int *max)
{
    unsigned char c = *p->at;
    if (c != '*' && c != '+' && c != '?' && c != '{') {
        return false;
    }
    p->at++;
    *min = c == '+';
    *max = c == '?' ? 1 : -1;
    if (c == '{') {
        *min = *max = parse_count(p);
        if (*p->at == ',') {
            p->at++;
            *max = *p->at == '}' ? -1 : parse_count(p);
        }
        if (*p->at != '}' || (*max >= 0 && *max < *min)) {
            p->fault = p->fault ? p->fault : "what stands in { } is no count";
            return false;
        }
        p->at++;
    }
    p->at += *p->at == '?';
    return true;
}

static size_t parse_sequence(struct parser *p)
{
    size_t list = node_add(p, (struct node){.kind = NODE_EMPTY});
    while (*p->at && *p->at != '|' && *p->at != ')' && !p->fault) {
        size_t n = parse_atom(p);
        int min, max;
        while (!p->fault && parse_repeat(p, &min, &max)) {
            n = node_add(p, (struct node){.kind = NODE_REPEAT, .a = n, .min = min, .max = max});
        }
        list = node_add(p, (struct node){.kind = NODE_CAT, .a = list, .b = n});
    }
    return list;
}

static size_t parse_alternatives(struct parser *p)
{
    size_t n = parse_sequence(p);
    while (*p->at == '|' && !p->fault) {
        p->at++;
        size_t other = parse_sequence(p);
        n = node_add(p, (struct node){.kind = NODE_ALT, .a = n, .b = other});
    }
    return n;
}

/* ---- the program */

static size_t emit(struct match *m, struct step s)
{
    if (m->steps_n < PROGRAM_MAX) {
        m->steps[m->steps_n] = s;
    }
    return m->steps_n++;
}

static void write_node(struct match *m, size_t at);

static void write_repeat(struct match *m, const struct node *n)
{
    size_t before = m->steps_n;
    for (int i = 0; i < n->min && m->steps_n < PROGRAM_MAX; i++) {
        write_node(m, n->a);
        if (m->steps_n == before) {
            break; /* nothing, many times, is nothing: and many times many times would take for ever to write
                    */
        }
    }
    if (n->max < 0) {
        size_t split = emit(m, (struct step){.op = OP_SPLIT, .a = m->steps_n + 1});
        write_node(m, n->a);
        emit(m, (struct step){.op = OP_JUMP, .a = split});
        if (m->steps_n <= PROGRAM_MAX) {
            m->steps[split].b = m->steps_n;
        }
    }
    for (int i = n->min; i < n->max && m->steps_n < PROGRAM_MAX; i++) {
        size_t split = emit(m, (struct step){.op = OP_SPLIT, .a = m->steps_n + 1});
        write_node(m, n->a);
        if (m->steps_n <= PROGRAM_MAX) {
            m->steps[split].b = m->steps_n;
        }
    }
}

static void write_alternatives(struct match *m, const struct node *n)
{
    size_t split = emit(m, (struct step){.op = OP_SPLIT, .a = m->steps_n + 1});
    write_node(m, n->a);
    size_t jump = emit(m, (struct step){.op = OP_JUMP});
    size_t second = m->steps_n;
    write_node(m, n->b);
    if (m->steps_n <= PROGRAM_MAX) {
        m->steps[split].b = second;
        m->steps[jump].a = m->steps_n;
    }
}

static void write_node(struct match *m, size_t at)
{
    const struct node *n = &m->nodes[at];
    switch (n->kind) {
    case NODE_EMPTY:
        break;
    case NODE_CHAR:
        emit(m, (struct step){.op = OP_CHAR, .c = m->any_case ? fold(n->c) : n->c});
        break;
    case NODE_ANY:
        emit(m, (struct step){.op = OP_ANY});
        break;
    case NODE_CLASS:
        emit(m, (struct step){.op = OP_CLASS, .a = n->a, .b = n->b, .negative = n->negative});
        break;
    case NODE_START:
        emit(m, (struct step){.op = OP_START});
        break;
    case NODE_END:
        emit(m, (struct step){.op = OP_END});
        break;
    case NODE_CAT:
        write_node(m, n->a);
        write_node(m, n->b);
        break;
    case NODE_ALT:
        write_alternatives(m, n);
        break;
    case NODE_REPEAT:
        write_repeat(m, n);
        break;
    }
}

struct match *match_new(const char *pattern, bool any_case, struct err *e)
{
    if (strlen(pattern) > PATTERN_MAX) {
        err_set(e, ERR_INPUT, "it is longer than %d bytes", PATTERN_MAX);
        return NULL;
    }
    struct match *m = xcalloc(1, sizeof *m);
    m->any_case = any_case;
    struct parser p = {.m = m, .at = (const unsigned char *)pattern};
    size_t root = parse_alternatives(&p);
    if (!p.fault && *p.at) {
        p.fault = "a ) has no (";
    }
    if (!p.fault) {
        m->steps = xcalloc(PROGRAM_MAX, sizeof *m->steps);
        write_node(m, root);
        emit(m, (struct step){.op = OP_MATCH});
        p.fault = m->steps_n > PROGRAM_MAX ? "its repetitions make it too long" : NULL;
    }
    if (p.fault) {
        err_set(e, ERR_INPUT, "%s", p.fault);
        match_free(m);
        return NULL;
    }
    return m;
}

void match_free(struct match *m)
{
    if (m) {
        free(m->steps);
        free(m);
    }
}

/* ---- running it */

struct places {
    size_t n;
    size_t *at;
};

struct run {
    const struct match *m;
    uint32_t *seen; /* by place: the number of the turn in which it was reached */
    uint32_t turn;
    bool start, end, matched;
    size_t *todo;
    size_t work; /* places and ranges that were looked at */
};

/* Follows what reads no character, from one place on. */
static void reach(struct run *r, struct places *set, size_t from)
{
    size_t n = 0;
    r->todo[n++] = from;
    while (n > 0) {
        size_t at = r->todo[--n];
        r->work++;
        if (r->seen[at] == r->turn) {
            continue;
        }
        r->seen[at] = r->turn;
        const struct step *s = &r->m->steps[at];
        if (s->op == OP_MATCH) {
            r->matched = true;
        } else if (s->op == OP_JUMP) {
            r->todo[n++] = s->a;
        } else if (s->op == OP_SPLIT) {
            r->todo[n++] = s->b;
            r->todo[n++] = s->a;
        } else if (s->op == OP_START || s->op == OP_END) {
            if (s->op == OP_START ? r->start : r->end) {
                r->todo[n++] = at + 1;
            }
        } else {
            set->at[set->n++] = at;
        }
    }
}

static bool in_ranges(const struct match *m, const struct step *s, uint32_t c)
{
    for (size_t i = 0; i < s->b; i++) {
        if (c >= m->ranges[s->a + i].from && c <= m->ranges[s->a + i].to) {
            return true;
        }
    }
    return false;
}

static bool takes(const struct match *m, const struct step *s, uint32_t c)
{
    if (s->op == OP_CHAR) {
        return s->c == (m->any_case ? fold(c) : c);
    }
    if (s->op == OP_ANY) {
        return c != '\n';
    }
    bool in = in_ranges(m, s, c) ||
              (m->any_case && c < 0x80 &&
               (in_ranges(m, s, (uint32_t)tolower((int)c)) || in_ranges(m, s, (uint32_t)toupper((int)c))));
    return in != s->negative;
}

int match_in(const struct match *m, const char *text, size_t n)
{
    size_t size = m->steps_n;
    size_t *memory = xcalloc(4 * size + 2, sizeof *memory);
    struct run r = {.m = m, .seen = xcalloc(size, sizeof *r.seen), .todo = memory + 2 * size};
    struct places now = {.at = memory}, next = {.at = memory + size};
    const unsigned char *at = (const unsigned char *)text, *end = at + n;
    for (r.start = true;; r.start = false) {
        r.turn++;
        r.end = at == end;
        if (r.start) {
            reach(&r, &now, 0);
        }
        if (r.matched || at == end || r.work > MATCH_WORK) {
            break;
        }
        uint32_t c = next_char(&at, end);
        r.turn++;
        r.end = at == end;
        r.start = false;
        next.n = 0;
        for (size_t i = 0; i < now.n; i++) {
            r.work += 1 + m->steps[now.at[i]].b;
            if (takes(m, &m->steps[now.at[i]], c)) {
                reach(&r, &next, now.at[i] + 1);
            }
        }
        reach(&r, &next, 0); /* it may begin here too */
        struct places swap = now;
        now = next;
        next = swap;
    }
    free(memory);
    free(r.seen);
    return r.matched ? 1 : r.work > MATCH_WORK ? -1 : 0;
}
