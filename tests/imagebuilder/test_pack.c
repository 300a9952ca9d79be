#include "tests/imagebuilder/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "imagebuilder/imagebuilder.h"
#include "imagebuilder/keys.h"
#include "base/manifest.h"

#define N 600 /* more than two batches */

struct bench {
    char dir[64], raw[96];
    struct store *store;
    struct build_options o;
};

static int setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof(*b));

    strcpy(b->dir, "/tmp/rackstrap-pack-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->raw, sizeof(b->raw), "%s/raw", b->dir);
    b->o = (struct build_options){.state_dir = b->dir, .actor = "test"};
    assert_int_equal(store_open(b->dir, &b->store, NULL), 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    store_close(b->store);
    dir_remove(b->dir, NULL);
    free(b);
    return 0;
}

/* A table by the tool that people use, over what is on the disk: one partition from the second frame to the
 * end, of a kind that is not grown. */
static void put_table(const struct bench *b)
{
    const char *const argv[] = {"sgdisk", "-a", "1", "-n", "1:128:0", "-t", "1:ef02", b->raw, NULL};
    struct str said = {0};
    struct err e = {0};

    if (proc_run(argv, NULL, &said, &e) < 0)
        fail_msg("%s", e.text);
    str_free(&said);
}

/* Frame i: a hole, written zeros, compressible text, or noise; and 512 bytes of text behind the last whole
 * frame. */
static void make_disk(const struct bench *b)
{
    static uint8_t frame[FRAME_SIZE];
    int fd = open(b->raw, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(ftruncate(fd, (off_t)N * FRAME_SIZE + 512), 0);
    srandom(7);
    for (size_t i = 0; i < N; i++) {
        if (i % 4 == 0)
            continue;
        for (size_t k = 0; k < FRAME_SIZE; k++)
            frame[k] = i % 4 == 1 ? 0 : i % 4 == 2 ? (uint8_t)(i + k / 1000) : (uint8_t)random();
        assert_int_equal(pwrite_all(fd, frame, FRAME_SIZE, (off_t)i * FRAME_SIZE), 0);
    }
    memset(frame, 'e', 512);
    assert_int_equal(pwrite_all(fd, frame, 512, (off_t)N * FRAME_SIZE), 0);
    close(fd);
}

static char *release_path(const struct bench *b, const struct release *r, const char *name)
{
    return xasprintf("%s/images/%s/%s", b->dir, r->digest, name);
}

static void read_release(const struct bench *b, const struct release *r, struct manifest *m, struct str *pack)
{
    struct str bytes = {0}, signature = {0};
    struct err e = {0};
    char *manifest = release_path(b, r, "manifest"), *sig = release_path(b, r, "manifest.sig"),
         *p = release_path(b, r, "pack");
    char *pub = xasprintf("%s/keys/release.pub", b->dir), hex[DIGEST_HEX];

    assert_int_equal(file_read(manifest, MANIFEST_MAX, &bytes, &e), 0);
    assert_int_equal(file_read(sig, 100, &signature, &e), 0);
    assert_int_equal(file_read(p, 1 << 30, pack, &e), 0);
    assert_int_equal(sign_verify(pub, span_of(bytes.s, bytes.len), span_of(signature.s, signature.len), &e),
                     0);
    assert_string_equal(digest_format(digest_sha256(span_of(bytes.s, bytes.len)), hex), r->digest);
    if (manifest_decode(span_of(bytes.s, bytes.len), m, &e) < 0)
        fail_msg("%s", e.text);
    str_free(&bytes);
    str_free(&signature);
    free(manifest);
    free(sig);
    free(p);
    free(pub);
}

static void frames_come_back(void **state)
{
    struct bench *b = *state;
    struct release r = {0}, found;
    struct manifest m;
    struct str pack = {0};
    struct err e = {0};
    static uint8_t got[FRAME_SIZE], want[FRAME_SIZE];

    make_disk(b);
    put_table(b);
    if (image_frame(b->store, "test-image", b->raw, &b->o, &r, &e) < 0)
        fail_msg("%s", e.text);
    read_release(b, &r, &m, &pack);
    assert_int_equal(m.n, N + 1);
    assert_int_equal(m.root_partition, 0);
    assert_int_equal(pack.len, m.pack_size);
    assert_int_equal(r.pack_size, m.pack_size);
    int fd = open(b->raw, O_RDONLY);
    for (size_t i = 0; i < m.n; i++) {
        const struct frame *f = &m.frames[i];
        uint32_t n = frame_raw_len(&m, i);

        /* The first frame holds the table, the last two its copy. */
        assert_int_equal(f->type, i == 0 || i >= N - 1 || i % 4 > 1 ? FRAME_DATA : FRAME_ZERO);
        if (f->type != FRAME_DATA)
            continue;
        struct span stored = span_of(pack.s + f->pack_at, f->stored_len);
        assert_true(digest_eq(digest_sha256(stored), f->stored));
        assert_int_equal(ZSTD_decompress(got, n, stored.p, stored.n), n);
        assert_int_equal(pread_all(fd, want, n, (off_t)i * FRAME_SIZE), n);
        assert_memory_equal(got, want, n);
        assert_true(digest_eq(digest_sha256(span_of(got, n)), f->raw));
    }
    close(fd);
    assert_int_equal(release_find(b->store, "test-image", &found, &e), 0);
    assert_string_equal(found.digest, r.digest);

    /* Within the same second, and yet another release; the newest is the newest. */
    for (int i = 0; i < 3; i++) {
        if (image_frame(b->store, "test-image", b->raw, &b->o, &r, &e) < 0)
            fail_msg("%s", e.text);
        assert_int_equal(release_find(b->store, "test-image", &found, &e), 0);
        assert_string_equal(found.digest, r.digest);
    }
    manifest_free(&m);
    str_free(&pack);
}

static void key_is_private_and_stays(void **state)
{
    struct bench *b = *state;
    uint8_t one[SIGNATURE_SIZE], two[SIGNATURE_SIZE];
    char *path = xasprintf("%s/keys/release.key", b->dir), *pub = xasprintf("%s/keys/release.pub", b->dir);
    struct err e = {0};
    struct stat st;

    assert_int_equal(release_sign(b->dir, span_str("x"), one, &e), 0);
    assert_int_equal(release_sign(b->dir, span_str("x"), two, &e), 0);
    assert_memory_equal(one, two, SIGNATURE_SIZE);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    unlink(pub); /* never a second key by accident */
    assert_int_equal(release_sign(b->dir, span_str("x"), one, &e), -1);
    assert_non_null(strstr(e.text, "release.pub"));
    free(path);
    free(pub);
}

static void bad_disks(void **state)
{
    struct bench *b = *state;
    struct release r;
    struct err e = {0};
    char *images = xasprintf("%s/images", b->dir);

    assert_int_equal(image_frame(b->store, "a", b->raw, &b->o, &r, &e), -1);
    assert_int_equal(file_write(b->raw, "", 0, 0600, &e), 0);
    assert_int_equal(image_frame(b->store, "a", b->raw, &b->o, &r, &e), -1);
    assert_int_equal(file_write(b->raw, "x", 1, 0600, &e), 0);
    assert_int_equal(image_frame(b->store, "a", b->raw, &b->o, &r, &e), -1);
    assert_non_null(strstr(e.text, "sector"));
    /* No table: what a machine would be wiped for, and could not boot. */
    assert_int_equal(truncate(b->raw, 8 << 20), 0);
    assert_int_equal(image_frame(b->store, "a", b->raw, &b->o, &r, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_non_null(strstr(e.text, "GUID partition table"));
    assert_int_equal(release_find(b->store, "a", &r, &e), -1);
    put_table(b);
    assert_int_equal(image_frame(b->store, "../a", b->raw, &b->o, &r, &e), -1);
    assert_int_equal(image_frame(b->store, "a", b->raw, &b->o, &r, &e), 0);
    assert_int_equal(rmdir(images), -1); /* the one release, and nothing half-made */
    assert_int_equal(release_find(b->store, "a", &r, &e), 0);
    free(images);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(key_is_private_and_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_disks, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
