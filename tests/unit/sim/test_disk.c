/* The simulated disk under power loss: what is synced stays, what is not may be lost from any point on, and torn. */
#include "../../conform/store_steps.h"
#include "sim_rig.h"

static const char TEXT[] =
    "{\"system\": \"rig\", \"hosts\": {\"a\": {}}, \"nodes\": {"
    "\"a\": {\"host\": \"a\", \"role\": \"idle\", \"at\": \"100h\", \"auto\": \"<a0:>/16\"}, "
    "\"b\": {\"host\": \"a\", \"role\": \"idle\", \"at\": \"100h\", \"auto\": \"<b0:>/16\"}}, "
    "\"end\": {\"at_most\": \"200h\", \"quiet\": false}}";

static const struct conform_ops ops = {.drive = sim_rig_drive};

static struct conform_world *disk_new(uint64_t seed)
{
    return &sim_rig_new(TEXT, seed, &ops)->places[0].base;
}

static struct sim_rig *rig_of(struct conform_world *w)
{
    return MM1_CONTAINER_OF(w, struct sim_place, base)->rig;
}

static void disk_crash(struct conform_world *w)
{
    struct sim_rig *rig = rig_of(w);
    sim_disk_crash(&rig->world.hosts[0]);
    for (unsigned i = 0; i < rig->count; i++) {
        sim_store_init(rig->places[i].node);
        sim_place_attach(&rig->places[i]);
    }
}

static void append_text(struct conform_world *w, mm1_handle log, uint64_t op, const char *text)
{
    conform_log_append(w, log, op, text, strlen(text));
    cr_assert_not_null(CONFORM_AWAIT(w, log, mm1_log_done));
}

static void sync_log(struct conform_world *w, mm1_handle log)
{
    conform_log_sync(w, log, 99);
    cr_assert_not_null(CONFORM_AWAIT(w, log, mm1_log_done));
}

/* Opens the log and copies what it holds. */
static size_t read_all(struct conform_world *w, const char *name, char *out, size_t room)
{
    mm1_handle log = conform_log_begin(w, name);
    const struct mm1_log_opened *opened = CONFORM_AWAIT(w, log, mm1_log_opened);
    cr_assert_not_null(opened);
    conform_log_read(w, log, 1, 0, SIZE_MAX);
    const struct mm1_log_data *data = CONFORM_AWAIT(w, log, mm1_log_data);
    cr_assert_not_null(data);
    cr_assert_eq(data->data.size, opened->size);
    cr_assert_lt(data->data.size, room);
    memcpy(out, data->data.size == 0 ? "" : (const char *)data->data.data, data->data.size);
    out[data->data.size] = '\0';
    conform_log_close(w, log);
    return data->data.size;
}

Test(disk, a_crash_loses_a_suffix_and_tears_the_last_piece)
{
    static const char whole[] = "synced|aaaaaaaaaabbbbbbbbbbcccccccccc";
    unsigned kept_all = 0, lost_all = 0, torn = 0, garbled = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct conform_world *w = disk_new(seed);
        char text[64];
        mm1_handle log = conform_log_open(w, "wal", 0);
        append_text(w, log, 1, "synced|");
        sync_log(w, log);
        append_text(w, log, 2, "aaaaaaaaaa");
        append_text(w, log, 3, "bbbbbbbbbb");
        append_text(w, log, 4, "cccccccccc");
        disk_crash(w);
        size_t size = read_all(w, "wal", text, sizeof(text));
        cr_assert_geq(size, 7);
        cr_assert_eq(memcmp(text, whole, 7), 0, "what was synced stays");
        size_t same = 7;
        while (same < size && text[same] == whole[same]) {
            same++;
        }
        size_t zeros = same;
        while (zeros < size && text[zeros] == '\0') {
            zeros++;
        }
        cr_assert_eq(zeros, size, "only the end may be garbled");
        cr_assert_leq(size - same, 10, "and only in one piece");
        kept_all += size == 37 && same == 37;
        lost_all += size == 7;
        torn += (size - 7) % 10 != 0;
        garbled += same != size;
        /* What survived is durable now. */
        disk_crash(w);
        char again[64];
        cr_assert_eq(read_all(w, "wal", again, sizeof(again)), size);
        cr_assert_eq(memcmp(text, again, size), 0);
        sim_rig_free(rig_of(w));
    }
    cr_assert_gt(kept_all, 20);
    cr_assert_gt(lost_all, 1);
    cr_assert_gt(torn, 60);
    cr_assert_gt(garbled, 30);
}

Test(disk, a_truncate_that_was_not_synced_may_be_undone)
{
    unsigned undone = 0, kept = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct conform_world *w = disk_new(seed);
        char text[64];
        mm1_handle log = conform_log_open(w, "wal", 0);
        append_text(w, log, 1, "0123456789");
        sync_log(w, log);
        conform_log_truncate(w, log, 2, 4);
        cr_assert_not_null(CONFORM_AWAIT(w, log, mm1_log_done));
        append_text(w, log, 3, "ab");
        disk_crash(w);
        size_t size = read_all(w, "wal", text, sizeof(text));
        cr_assert(size >= 4 && memcmp(text, "0123", 4) == 0);
        if (size == 10) {
            cr_assert_str_eq(text, "0123456789", "undone as a whole");
            undone++;
        } else {
            cr_assert_leq(size, 6);
            kept++;
        }
        sim_rig_free(rig_of(w));
    }
    cr_assert(undone > 10 && kept > 10, "%u %u", undone, kept);
}

Test(disk, a_synced_truncate_stays)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct conform_world *w = disk_new(seed);
        char text[64];
        mm1_handle log = conform_log_open(w, "wal", 0);
        append_text(w, log, 1, "0123456789");
        conform_log_truncate(w, log, 2, 4);
        cr_assert_not_null(CONFORM_AWAIT(w, log, mm1_log_done));
        sync_log(w, log);
        disk_crash(w);
        cr_assert_eq(read_all(w, "wal", text, sizeof(text)), 4);
        cr_assert_str_eq(text, "0123");
        sim_rig_free(rig_of(w));
    }
}

Test(disk, what_is_under_way_is_not_answered_and_not_done_out_of_order)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct conform_world *w = disk_new(seed);
        char text[64];
        mm1_handle log = conform_log_open(w, "wal", 0);
        conform_log_append(w, log, 1, "one", 3);
        conform_log_append(w, log, 2, "two", 3);
        conform_log_sync(w, log, 3);
        conform_log_append(w, log, 4, "six", 3);
        for (uint64_t i = 0; i < seed % 5; i++) {
            cr_assert(sim_rig_step(rig_of(w)));
        }
        unsigned answered = conform_count(&w->sink, log, &mm1_log_done_type);
        disk_crash(w);
        cr_assert_eq(rig_of(w)->world.unrest, 2, "nothing is under way any more");
        size_t size = read_all(w, "wal", text, sizeof(text));
        cr_assert_eq(conform_count(&w->sink, log, &mm1_log_done_type), answered);
        cr_assert(answered < 3 || (size >= 6 && memcmp(text, "onetwo", 6) == 0));
        cr_assert_leq(size, 3 * (answered < 2 ? answered : answered < 4 ? 2 : 3));
        sim_rig_free(rig_of(w));
    }
}

/* What the last opener left under way is carried out, and not answered to the next. */
Test(disk, the_next_opener_hears_only_of_its_own)
{
    struct conform_world *w = disk_new(1);
    mm1_handle log = conform_log_open(w, "wal", 0);
    for (uint64_t op = 1; op <= 10; op++) {
        conform_log_append(w, log, op, "x", 1);
    }
    conform_log_truncate(w, log, 11, 1000);
    conform_log_close(w, log);
    mm1_handle next = conform_log_begin(w, "wal");
    const struct mm1_log_opened *opened = CONFORM_AWAIT(w, next, mm1_log_opened);
    cr_assert_not_null(opened);
    cr_assert_eq(opened->size, 10);
    cr_assert_eq(conform_count(&w->sink, next, NULL), 1);
    cr_assert_eq(w->sink.late, 0);
    sim_rig_free(rig_of(w));
}

Test(disk, nodes_of_a_host_share_its_disk)
{
    struct conform_world *w = disk_new(1);
    struct conform_world *other = &rig_of(w)->places[1].base;
    mm1_handle log = conform_log_open(w, "shared", 0);
    conform_log_expect_failed(other, conform_log_begin(other, "shared"), 0, MM1_IN_USE);
    append_text(w, log, 1, "hello");
    conform_log_close(w, log);
    mm1_handle theirs = conform_log_open(other, "shared", 5);
    conform_log_expect(other, theirs, 0, 100, "hello", 5);
    sim_rig_free(rig_of(w));
}
