/* The key-value store as three real processes, `mm1 node` with the configurations that are shipped, and clients on a
 * fourth node in this process. Replicas are killed and started again; every acknowledged write must be there, once.
 *
 * Nothing here waits for a time: clients have so many attempts, and the test looks so many times. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <mm1/ask.h>
#include <mm1/kit.h>
#include <mm1/multinode.h>
#include <mm1/posix.h>

#include "conform/posix_world.h"
#include "messages.h"

#define REPLICAS 3u
#define WRITERS 3u
#define KEYS_EACH 12u /* no two writers share a key */
#define KEYS (WRITERS * KEYS_EACH)
#define PRIMARY MM1_ADDR(UINT64_C(0xaa10000000000001)) /* <aa1:1>, as the configurations say */
#define SHIPPED_LINK "127.0.0.1:9701"

#define ASK_TIMEOUT_NS (500 * MM1_NS_PER_MS)
#define RETRY_AFTER_NS (50 * MM1_NS_PER_MS)
#define ATTEMPTS 1000u /* of a client for one operation */
#define LOOKS 120000u  /* of the test, a millisecond apart */

/* --- clients: what the test and an actor share ----------------------------------------------------------------- */

struct desk {
    pthread_mutex_t lock; /* guards what follows up to the next comment */
    bool busy;
    bool stop;                    /* a writer: this one write, and no more */
    bool gave_up;                 /* an operation came to nothing; no other is begun */
    uint64_t acked;               /* a writer: the number of the last write that was acknowledged */
    struct kv_value values[KEYS]; /* what the reader read */

    uint64_t client; /* id of the writer; 0: the reader */
    mm1_addr actor;
};

/* To a client: write up to that number; to the reader: read all keys. */
#define THREE_GO_FIELDS(F) F(u64, last)
MM1_MSG_DECLARE(three_go, THREE_GO_FIELDS)
MM1_MSG_DEFINE(three_go, "three::Go", THREE_GO_FIELDS)
MM1_MSG_DECLARE_UNIT(three_again)
MM1_MSG_DEFINE_UNIT(three_again, "three::Again")

struct client {
    struct desk *desk;
    struct mm1_ask ask;
    uint64_t number; /* of the write under way; of the reader's key, from 1 */
    uint64_t last;
    uint64_t attempts;
};

static uint64_t key_of(uint64_t client, uint64_t number)
{
    return (client - 1) * KEYS_EACH + number % KEYS_EACH;
}

static uint64_t value_of(uint64_t client, uint64_t number)
{
    return client * 1000000 + number;
}

static mm1_status client_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)ctx;
    ((struct client *)state)->desk = *(struct desk *const *)arg;
    return MM1_OK;
}

static mm1_status attempt_later(struct mm1_ctx *ctx)
{
    uint64_t timer;
    return mm1_after(ctx, RETRY_AFTER_NS, &timer, three_again, .mm1_unit = 0);
}

static mm1_status attempt(struct mm1_ctx *ctx, struct client *client)
{
    uint64_t id = client->desk->client;
    if (client->attempts++ == ATTEMPTS) {
        pthread_mutex_lock(&client->desk->lock);
        client->desk->gave_up = true;
        client->desk->busy = false;
        pthread_mutex_unlock(&client->desk->lock);
        return MM1_OK;
    }
    mm1_status status =
        id == 0 ? mm1_ask_begin(ctx, &client->ask, PRIMARY, ASK_TIMEOUT_NS, kv_get,
                                .key = client->number - 1)
                : mm1_ask_begin(ctx, &client->ask, PRIMARY, ASK_TIMEOUT_NS, kv_put, .client = id,
                                .number = client->number, .key = key_of(id, client->number),
                                .value = value_of(id, client->number));
    return status == MM1_NOT_FOUND ? attempt_later(ctx) : status; /* no way there, for now */
}

/* Notes the answer, and goes on with the next operation unless this was the last. */
static mm1_status answered(struct mm1_ctx *ctx, struct client *client, const void *body)
{
    struct desk *desk = client->desk;
    pthread_mutex_lock(&desk->lock);
    if (desk->client == 0) {
        desk->values[client->number - 1] = *(const struct kv_value *)body;
    } else {
        desk->acked = client->number;
    }
    desk->busy = !desk->stop && client->number < client->last;
    bool more = desk->busy;
    pthread_mutex_unlock(&desk->lock);
    if (!more) {
        return MM1_OK;
    }
    client->number++;
    client->attempts = 0;
    return attempt(ctx, client);
}

static mm1_status client_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct client *client = state;
    bool reads = client->desk->client == 0;
    const void *body;
    switch (mm1_ask_take(ctx, &client->ask, envelope,
                         reads ? &kv_value_response_type : &kv_stored_response_type, &body)) {
    case MM1_ASK_REPLY:
        return answered(ctx, client, body);
    case MM1_ASK_TIMEOUT:
        return attempt(ctx, client);
    case MM1_ASK_DOWN:
        return attempt_later(ctx);
    case MM1_ASK_STALE:
        return MM1_OK;
    case MM1_ASK_NOT_MINE:
        break;
    }
    MM1_ON(envelope, three_go, go) {
        client->last = go->last;
        client->number = reads ? 1 : client->number + 1;
        client->attempts = 0;
        return attempt(ctx, client);
    }
    MM1_ON(envelope, three_again, again) {
        return attempt(ctx, client);
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour client_behaviour = {.name = "client",
                                                      .state_size = sizeof(struct client),
                                                      .init = client_init,
                                                      .receive = client_receive};

/* --- the whole -------------------------------------------------------------------------------------------------- */

struct replica {
    const char *name;
    pid_t pid; /* 0: it does not run */
    unsigned starts;
};

/* What is found wrong is kept in `why` and asserted at the very end, when all processes are gone. */
struct three {
    char dir[64];
    unsigned port;
    struct replica replicas[REPLICAS];
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_msg_registry types;
    struct desk writers[WRITERS];
    struct desk reader;
    char why[512];
};

MM1_PRINTF(2, 3) static bool wrong(struct three *three, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (three->why[0] == '\0') {
        (void)vsnprintf(three->why, sizeof(three->why), format, args);
    }
    va_end(args);
    return false;
}

/* Runs `step`, and leaves the function with false when it went wrong. */
#define TRY(step)                                                                                  \
    do {                                                                                           \
        if (!(step)) {                                                                             \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* --- configurations --------------------------------------------------------------------------------------------- */

/* A port that is free, out of those that the system does not give to connections by itself. */
static bool find_port(struct three *three)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (unsigned i = 0; i < 1000; i++) {
        three->port = 20000 + ((unsigned)getpid() * 7 + i) % 10000;
        address.sin_port = htons((uint16_t)three->port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
        if (fd >= 0) {
            (void)close(fd);
        }
        if (is_free) {
            return true;
        }
    }
    return wrong(three, "no port is free");
}

/* Copies a configuration as it is shipped, but for the port. */
static bool copy_config(struct three *three, const char *name)
{
    char path[256];
    char text[4096];
    (void)snprintf(path, sizeof(path), MM1_TEST_SOURCE_DIR "/scenarios/kv/node-%s.json", name);
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return wrong(three, "%s: %s", path, strerror(errno));
    }
    size_t size = fread(text, 1, sizeof(text) - 1, in);
    bool whole = size < sizeof(text) - 1 && ferror(in) == 0;
    (void)fclose(in);
    text[size] = '\0';
    char *link = strstr(text, SHIPPED_LINK);
    if (!whole || link == NULL || strstr(link + 1, SHIPPED_LINK) != NULL) {
        return wrong(three, "%s: expected one link, " SHIPPED_LINK, path);
    }
    (void)snprintf(path, sizeof(path), "%s/node-%s.json", three->dir, name);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        return wrong(three, "%s: %s", path, strerror(errno));
    }
    int printed = fprintf(out, "%.*s127.0.0.1:%u%s", (int)(link - text), text, three->port,
                          link + strlen(SHIPPED_LINK));
    bool written = printed > 0 && ferror(out) == 0;
    written = fclose(out) == 0 && written;
    return written || wrong(three, "%s was not written", path);
}

/* --- replicas ---------------------------------------------------------------------------------------------------- */

static bool replica_start(struct three *three, struct replica *replica)
{
    char config[32];
    char log[96];
    pid_t parent = getpid();
    (void)snprintf(config, sizeof(config), "node-%s.json", replica->name);
    (void)snprintf(log, sizeof(log), "%s/%s.log", three->dir, replica->name);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return wrong(three, "%s: %s", log, strerror(errno));
    }
    replica->starts++;
    replica->pid = fork();
    if (replica->pid == 0) {
        /* Should this process crash, its children end with it. Its stores are relative to the folder. */
        bool ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
                     dup2(fd, STDERR_FILENO) >= 0 && chdir(three->dir) == 0;
        if (ready) {
            (void)execl(MM1_TEST_MM1, "mm1", "node", config, (char *)NULL);
        }
        _exit(127);
    }
    (void)close(fd);
    if (replica->pid < 0) {
        replica->pid = 0;
        return wrong(three, "fork: %s", strerror(errno));
    }
    return true;
}

/* What waitpid says of its end; -1: there was nothing to wait for. */
static int replica_kill(struct replica *replica, int signal_number)
{
    int status = -1;
    if (replica->pid > 0) {
        (void)kill(replica->pid, signal_number);
        while (waitpid(replica->pid, &status, 0) < 0 && errno == EINTR) {
        }
        replica->pid = 0;
    }
    return status;
}

/* Cuts it off, as a power loss would. It must have been alive until then. */
static bool replica_crash(struct three *three, struct replica *replica)
{
    int status = replica_kill(replica, SIGKILL);
    return (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
           wrong(three, "%s had ended by itself: status %x", replica->name, (unsigned)status);
}

static bool all_start(struct three *three)
{
    for (unsigned i = 0; i < REPLICAS; i++) {
        TRY(replica_start(three, &three->replicas[i]));
    }
    return true;
}

/* None may have ended by itself. */
static bool all_live(struct three *three)
{
    for (unsigned i = 0; i < REPLICAS; i++) {
        struct replica *replica = &three->replicas[i];
        int status = 0;
        if (replica->pid > 0 && waitpid(replica->pid, &status, WNOHANG) == replica->pid) {
            replica->pid = 0;
            return wrong(three, "%s ended by itself: status %x", replica->name, (unsigned)status);
        }
    }
    return true;
}

/* Asks all to end, and sees that they do as they should. Those that do not obey are not waited for without end. */
static bool all_shut_down(struct three *three)
{
    for (unsigned i = 0; i < REPLICAS; i++) {
        struct replica *replica = &three->replicas[i];
        int status = 0;
        pid_t ended = 0;
        (void)kill(replica->pid, SIGTERM);
        for (unsigned look = 0; look < LOOKS && ended == 0; look++) {
            ended = waitpid(replica->pid, &status, WNOHANG);
            struct timespec pause = {.tv_nsec = ended == 0 ? 1000 * 1000 : 0};
            (void)nanosleep(&pause, NULL);
        }
        if (ended != replica->pid) {
            return wrong(three, "%s does not end on SIGTERM", replica->name);
        }
        replica->pid = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 128 + SIGTERM) {
            return wrong(three, "%s ended on SIGTERM with status %x", replica->name,
                         (unsigned)status);
        }
    }
    return true;
}

static void show_log(const struct three *three, const struct replica *replica)
{
    char path[96];
    char line[4200];
    (void)snprintf(path, sizeof(path), "%s/%s.log", three->dir, replica->name);
    FILE *log = fopen(path, "r");
    fprintf(stderr, "--- %s, started %u times, said:\n", replica->name, replica->starts);
    while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
        (void)fputs(line, stderr);
    }
    if (log != NULL) {
        (void)fclose(log);
    }
}

/* --- the fourth node --------------------------------------------------------------------------------------------- */

static bool desk_open(struct three *three, struct desk *desk, uint64_t id)
{
    MM1_CHECK(pthread_mutex_init(&desk->lock, NULL) == 0);
    desk->client = id;
    struct mm1_spawn spawn = {
        .behaviour = &client_behaviour, .arg = &desk, .arg_size = sizeof(desk)};
    return mm1_node_spawn(three->node, &spawn, &desk->actor) == MM1_OK ||
           wrong(three, "a client could not be spawned");
}

static bool register_types(struct three *three)
{
    three->types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    mm1_status status = mm1_kit_register(&three->types);
    for (size_t i = 0; i < KV_TYPE_COUNT && status == MM1_OK; i++) {
        status = mm1_msg_register(&three->types, kv_types[i]);
    }
    status = status == MM1_OK ? mm1_msg_register(&three->types, &three_go_type) : status;
    status = status == MM1_OK ? mm1_msg_register(&three->types, &three_again_type) : status;
    return status == MM1_OK || wrong(three, "types: %s", mm1_status_text(status));
}

static bool node_open(struct three *three)
{
    char link[40];
    char error[MM1_POSIX_ERROR_MAX];
    struct mm1_net net = {.addr = {UINT64_C(0xd100000000000000)}, .mask = 16};
    struct mm1_node_config config = {
        .name = MM1_TEXT("clients"), .auto_net = net, .types = &three->types};
    TRY(register_types(three));
    if (mm1_posix_open(&(struct mm1_posix_options){.threads = 2}, &three->posix, error) != MM1_OK) {
        return wrong(three, "%s", error);
    }
    mm1_status status = mm1_node_open(mm1_posix_env(three->posix), &config, &three->node);
    if (status != MM1_OK) {
        return wrong(three, "node: %s", mm1_status_text(status));
    }
    (void)snprintf(link, sizeof(link), "tcp://127.0.0.1:%u", three->port);
    struct mm1_text outbound = mm1_text_of(link);
    struct mm1_multinode_config multinode = {.locals = {.items = &net, .count = 1},
                                             .outbound = {.items = &outbound, .count = 1}};
    struct mm1_spawn spawn = {.behaviour = &mm1_multinode_manager,
                              .arg_type = &mm1_multinode_config_type,
                              .arg = &multinode};
    mm1_addr manager;
    status = mm1_node_spawn(three->node, &spawn, &manager);
    if (status != MM1_OK) {
        return wrong(three, "multinode: %s", mm1_status_text(status));
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        TRY(desk_open(three, &three->writers[i], i + 1));
    }
    return desk_open(three, &three->reader, 0);
}

/* --- telling clients what to do, and waiting -------------------------------------------------------------------- */

static bool client_go(struct three *three, struct desk *desk, uint64_t last)
{
    pthread_mutex_lock(&desk->lock);
    desk->busy = true;
    desk->stop = false;
    pthread_mutex_unlock(&desk->lock);
    mm1_status status = mm1_node_send(three->node, desk->actor, &three_go_type,
                                      &(struct three_go){.last = last}, NULL);
    return status == MM1_OK || wrong(three, "go: %s", mm1_status_text(status));
}

/* How many writes were acknowledged so far, of all writers. */
static uint64_t acknowledged(struct three *three)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_mutex_lock(&three->writers[i].lock);
        sum += three->writers[i].acked;
        pthread_mutex_unlock(&three->writers[i].lock);
    }
    return sum;
}

static bool is_busy(struct three *three, struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    bool busy = desk->busy;
    if (desk->gave_up) {
        (void)wrong(three, "client %u was not answered in %u attempts, after write %u",
                    (unsigned)desk->client, ATTEMPTS, (unsigned)desk->acked);
    }
    pthread_mutex_unlock(&desk->lock);
    return busy;
}

/* Until no client is busy; or until `acks` writes were acknowledged. */
static bool await(struct three *three, uint64_t acks)
{
    for (unsigned look = 0; look < LOOKS; look++) {
        bool busy = is_busy(three, &three->reader);
        for (unsigned i = 0; i < WRITERS; i++) {
            busy = is_busy(three, &three->writers[i]) || busy;
        }
        TRY(all_live(three));
        if (three->why[0] != '\0') {
            return false;
        }
        if (!busy || acknowledged(three) >= acks) {
            return true;
        }
        struct timespec pause = {.tv_nsec = 1000 * 1000};
        (void)nanosleep(&pause, NULL);
    }
    return wrong(three, "clients hang");
}

/* Each writer writes so many times, and all is acknowledged. */
static bool write_some(struct three *three, uint64_t count)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        TRY(client_go(three, &three->writers[i], three->writers[i].acked + count));
    }
    return await(three, UINT64_MAX);
}

/* Reads all keys. No write is under way: each shows the last one acknowledged, and how many there were. */
static bool read_all(struct three *three)
{
    TRY(client_go(three, &three->reader, KEYS));
    TRY(await(three, UINT64_MAX));
    for (unsigned i = 0; i < WRITERS; i++) {
        for (uint64_t number = 1; number <= KEYS_EACH; number++) {
            uint64_t acked = three->writers[i].acked;
            uint64_t key = key_of(i + 1, number);
            uint64_t version = acked < number ? 0 : (acked - number) / KEYS_EACH + 1;
            uint64_t last = number + (version - 1) * KEYS_EACH;
            uint64_t value = version == 0 ? 0 : value_of(i + 1, last);
            const struct kv_value *got = &three->reader.values[key];
            if (got->value != value || got->version != version) {
                return wrong(three, "k%u: %u, version %u was acknowledged; %u, version %u is read",
                             (unsigned)key, (unsigned)value, (unsigned)version,
                             (unsigned)got->value, (unsigned)got->version);
            }
        }
    }
    return true;
}

/* --- the story ------------------------------------------------------------------------------------------------- */

/* One backup is cut off, then the other: writes go on with the majority that is left, so the first must have caught up
 * when the second is gone. */
static bool lose_backups(struct three *three)
{
    struct replica *b = &three->replicas[1];
    struct replica *c = &three->replicas[2];
    TRY(replica_crash(three, b));
    TRY(write_some(three, 20));
    TRY(replica_start(three, b));
    TRY(write_some(three, 5));
    TRY(replica_crash(three, c));
    TRY(write_some(three, 20));
    TRY(read_all(three));
    return replica_start(three, c);
}

/* The primary is cut off while all writers write. They ask again under the same numbers until it is back. */
static bool lose_primary(struct three *three)
{
    struct replica *a = &three->replicas[0];
    uint64_t before = acknowledged(three);
    for (unsigned i = 0; i < WRITERS; i++) {
        TRY(client_go(three, &three->writers[i], UINT64_MAX));
    }
    TRY(await(three, before + 50));
    TRY(replica_crash(three, a));
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_mutex_lock(&three->writers[i].lock);
        three->writers[i].stop = true;
        pthread_mutex_unlock(&three->writers[i].lock);
    }
    TRY(replica_start(three, a));
    TRY(await(three, UINT64_MAX));
    return read_all(three);
}

static bool lose_all(struct three *three)
{
    for (unsigned i = 0; i < REPLICAS; i++) {
        TRY(replica_crash(three, &three->replicas[i]));
    }
    TRY(all_start(three));
    TRY(read_all(three));
    TRY(write_some(three, 5));
    TRY(read_all(three));
    TRY(all_shut_down(three));
    TRY(all_start(three));
    TRY(read_all(three));
    return all_shut_down(three);
}

static bool run(struct three *three)
{
    TRY(find_port(three));
    for (unsigned i = 0; i < REPLICAS; i++) {
        TRY(copy_config(three, three->replicas[i].name));
    }
    TRY(all_start(three));
    TRY(node_open(three));
    TRY(write_some(three, 30));
    TRY(read_all(three));
    TRY(lose_backups(three));
    TRY(lose_primary(three));
    TRY(lose_primary(three));
    return lose_all(three);
}

static void end(struct three *three)
{
    for (unsigned i = 0; i < REPLICAS; i++) {
        (void)replica_kill(&three->replicas[i], SIGKILL);
    }
    if (three->posix != NULL) {
        mm1_posix_close(three->posix, three->node);
    }
    if (three->types.alloc != NULL) {
        mm1_msg_registry_close(&three->types);
    }
}

Test(three_nodes, find_every_acknowledged_write)
{
    static struct three three = {.dir = "/tmp/mm1-three-XXXXXX",
                                 .replicas = {{.name = "a"}, {.name = "b"}, {.name = "c"}}};
    cr_assert_not_null(mkdtemp(three.dir));
    bool well = run(&three);
    end(&three);
    if (!well) {
        for (unsigned i = 0; i < REPLICAS; i++) {
            show_log(&three, &three.replicas[i]);
        }
    }
    cr_expect_eq(nftw(three.dir, posix_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    cr_assert(well, "%s", three.why);
}

#define SHIPPED(name) " '" MM1_TEST_SOURCE_DIR "/scenarios/kv/node-" name ".json'"

Test(three_nodes, shipped_configurations_are_well_formed)
{
    cr_assert_eq(
        system("'" MM1_TEST_MM1 "' check" SHIPPED("a") SHIPPED("b") SHIPPED("c") SHIPPED("client")),
        0);
}
