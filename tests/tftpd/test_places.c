/* Who gets a place, and who gives way; with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/str.h"
#include "tftpd/places.h"

static struct place *take(struct places *s, uint32_t ip, unsigned port, uint64_t now)
{
    struct place *p = xcalloc(1, sizeof *p);
    places_add(s, p, (struct ip4){ip}, (uint16_t)port, now);
    return p;
}

static void leave(struct places *s, struct place *p)
{
    places_remove(s, p);
    free(p);
}

static void all_leave(struct places *s)
{
    struct place *p;
    while ((p = places_any(s)))
        leave(s, p);
    places_free(s);
}

static void finds(void **state)
{
    (void)state;
    struct places *s = places_new();
    struct place *a = take(s, 1, 1000, 1), *b = take(s, 1, 1001, 2), *c = take(s, 2, 1000, 3);
    assert_ptr_equal(places_find(s, (struct ip4){1}, 1000), a);
    assert_ptr_equal(places_find(s, (struct ip4){1}, 1001), b);
    assert_ptr_equal(places_find(s, (struct ip4){2}, 1000), c);
    assert_null(places_find(s, (struct ip4){2}, 1001));
    leave(s, b);
    assert_null(places_find(s, (struct ip4){1}, 1001));
    assert_int_equal(places_count(s), 2);
    all_leave(s);
}

/* One address asks for more than its share: the others do not feel it. */
static void one_host_has_its_share(void **state)
{
    (void)state;
    struct places *s = places_new();
    struct place *victim, *first = take(s, 7, 1, 1);
    for (unsigned i = 1; i < PLACES_HOST; i++) {
        assert_true(places_room(s, (struct ip4){7}, 2, &victim));
        assert_null(victim);
        take(s, 7, 1 + i, 2);
    }
    assert_false(places_room(s, (struct ip4){7}, 3, &victim)); /* all of its own are fresh */
    assert_true(places_room(s, (struct ip4){8}, 3, &victim));
    assert_null(victim);
    assert_true(places_room(s, (struct ip4){7}, 1 + PLACES_HOST_US, &victim));
    assert_ptr_equal(victim, first);
    places_heard(s, first, 1 + PLACES_HOST_US); /* it spoke: the next one is older */
    assert_true(places_room(s, (struct ip4){7}, 2 + PLACES_HOST_US, &victim));
    assert_int_equal(victim->port, 2);
    all_leave(s);
}

/* Many addresses: those that never answered go before those that did, and the longest silent first. */
static void full(void **state)
{
    (void)state;
    struct places *s = places_new();
    struct place *victim;
    for (unsigned i = 0; i < PLACES_MAX; i++) {
        assert_true(places_room(s, (struct ip4){100 + i}, 1000, &victim));
        assert_null(victim);
        struct place *p = take(s, 100 + i, 5, 1000 + i);
        if (i != 3 && i != 4)
            places_heard(s, p, 1000 + i);
    }
    const struct ip4 late = {99};
    assert_true(places_room(s, late, 3000, &victim));
    assert_int_equal(victim->ip.a, 103);
    leave(s, victim);
    take(s, 98, 5, 3001);
    assert_true(places_room(s, late, 3002, &victim));
    assert_int_equal(victim->ip.a, 104);
    places_heard(s, victim, 3003);
    places_heard(s, places_find(s, (struct ip4){98}, 5), 3004);
    assert_false(places_room(s, late, 3005, &victim));
    assert_true(places_room(s, late, 1000 + PLACES_IDLE_US, &victim));
    assert_int_equal(victim->ip.a, 100);
    assert_int_equal(places_count(s), PLACES_MAX);
    all_leave(s);
}

/* Packets without progress do not put off that a place is lost. */
static void talk_is_not_progress(void **state)
{
    (void)state;
    struct places *s = places_new();
    struct place *victim, *idle = NULL;
    for (unsigned i = 0; i < PLACES_MAX; i++) {
        struct place *p = take(s, 100 + i, 5, 1000);
        places_heard(s, p, 2000 + i);
        idle = idle ? idle : p;
    }
    for (unsigned i = 0; i < 3; i++)
        places_heard(s, idle, 2000);
    assert_true(places_room(s, (struct ip4){99}, 2000 + PLACES_IDLE_US, &victim));
    assert_ptr_equal(victim, idle);
    all_leave(s);
}

/* Long random use: the bounds hold, and nothing is lost or left. */
static void random_use(void **state)
{
    (void)state;
    struct places *s = places_new();
    unsigned seed = 5;
    uint64_t now = 1;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t ip = seed >> 28 ? (seed >> 20) % 37 : 1000 + (seed >> 8) % 5000;
        unsigned port = (seed >> 12) % 997, what = (seed >> 5) % 8;
        struct place *p = places_find(s, (struct ip4){ip}, (uint16_t)port), *victim;
        now += seed % 3000;
        if (p && what == 0)
            leave(s, p);
        else if (p)
            places_heard(s, p, now);
        else if (places_room(s, (struct ip4){ip}, now, &victim)) {
            if (victim)
                leave(s, victim);
            take(s, ip, port, now);
        }
        assert_true(places_count(s) <= PLACES_MAX);
    }
    assert_true(places_count(s) > PLACES_MAX / 2);
    all_leave(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds), cmocka_unit_test(one_host_has_its_share),
                                       cmocka_unit_test(full), cmocka_unit_test(talk_is_not_progress),
                                       cmocka_unit_test(random_use)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
