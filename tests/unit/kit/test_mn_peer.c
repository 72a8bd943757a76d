/* A node and a scripted peer: the captured session of mm1-spec H8, and peers that break the rules. */
#include "kit/mn_pdu.h"
#include "mn_fixture.h"

/* --- a scripted peer ---------------------------------------------------------------------------------------------- */

static struct mini_end *peer;

static void say_padded(const char *bytes, size_t size, size_t frame)
{
    uint8_t padded[MM1_MN_HEADER] = {0};
    memcpy(padded, bytes, size);
    mini_send(peer, padded, frame);
}
#define HEADER(literal) say_padded(literal, sizeof(literal) - 1, MM1_MN_HEADER)
#define NEGOTIATION(literal) say_padded(literal, sizeof(literal) - 1, MM1_MN_NEGOTIATION)
#define BODY(literal) mini_send(peer, literal, sizeof(literal) - 1)

static void hears(const void *bytes, size_t size, size_t frame)
{
    uint8_t padded[MM1_MN_HEADER] = {0};
    memcpy(padded, bytes, size);
    struct mm1_bytes got = mini_received(peer);
    cr_assert_geq(got.size, frame);
    cr_assert_arr_eq(got.data, padded, frame);
    mini_consume(peer, frame);
}
#define HEARS_HEADER(literal) hears(literal, sizeof(literal) - 1, MM1_MN_HEADER)
#define HEARS_NEGOTIATION(literal) hears(literal, sizeof(literal) - 1, MM1_MN_NEGOTIATION)
#define HEARS_BODY(literal) hears(literal, sizeof(literal) - 1, sizeof(literal) - 1)
#define HEARS_NOTHING() cr_assert_eq(mini_received(peer).size, 0)

/* Takes whatever is there. */
static void ignore_all(void)
{
    mini_consume(peer, mini_received(peer).size);
}

/* The node's key for a type: its place in the registry. */
static uint8_t key_of(const char *name)
{
    for (size_t i = 0; i < types.count; i++) {
        if (strcmp(types.types[i]->name, name) == 0) {
            return (uint8_t)(i + 1);
        }
    }
    cr_assert(false, "%s", name);
    return 0;
}

static bool shared(const char *name)
{
    return strncmp(name, "mm1_local::", 11) != 0;
}

/* The node says which types it takes, where, and that it lives. */
static void hears_introduction(unsigned n)
{
    for (size_t i = 0; i < types.count; i++) {
        const char *name = types.types[i]->name;
        if (shared(name)) {
            const uint8_t header[] = {3, (uint8_t)(i + 1), 1, (uint8_t)strlen(name)};
            hears(header, sizeof(header), MM1_MN_HEADER);
            cr_assert_arr_eq(mini_received(peer).data, name, strlen(name));
            mini_consume(peer, strlen(name));
        }
    }
    for (size_t i = 0; i < types.count; i++) {
        for (unsigned k = 0; k < 2 && shared(types.types[i]->name); k++) {
            uint8_t header[15] = {2, 0xfd};
            mm1_put_le64(header + 2, (k == 0 ? bind_net(n) : auto_net(n)).addr.bits);
            memcpy(header + 10, (const uint8_t[]){16, (uint8_t)(i + 1), 1, 1, 0}, 5);
            hears(header, sizeof(header), MM1_MN_HEADER);
        }
    }
    HEARS_HEADER("\x01");
    HEARS_NOTHING();
}

static void declare(uint8_t key, const char *name)
{
    const char header[] = {3, (char)key, 1, (char)strlen(name)};
    say_padded(header, sizeof(header), MM1_MN_HEADER);
    mini_send(peer, name, strlen(name));
}

/* "This type goes to <aa(top)…>/16 through me", at this distance; 255: not any more. */
static void distance(uint8_t key, uint8_t top, uint8_t metric)
{
    const uint8_t header[] = {2, 0xfd,          0,     0, 0, 0, 0, 0, top, 0xaa, 16, key,
                              1, metric != 255, metric};
    uint8_t padded[MM1_MN_HEADER] = {0};
    memcpy(padded, header, sizeof(header));
    mini_send(peer, padded, sizeof(padded));
}

/* A trusted peer that dialed node 0 and declared Hi as 1, Data as 2, Request as 3, Response as 4; all of them go to
 * <aa20…>/16. */
static void peer_up(void)
{
    peer = mini_dial(&world, "tcp://a:1");
    cr_assert_not_null(peer);
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    NEGOTIATION("\x01");
    declare(1, "mn::proto::Hi");
    declare(2, "mn::proto::Data");
    declare(3, "mm1_proto_ask::Request<mn::proto::Rq>");
    declare(4, "mm1_proto_ask::Response<mn::proto::Rs>");
    for (uint8_t key = 1; key <= 4; key++) {
        distance(key, 0x20, 0);
    }
    mini_settle(&world);
    ignore_all();
    cr_assert_eq(mini_ending(peer), MM1_OK);
}

/* ------------------------------------------------------------------------------------------------------------------ */

Test(mn_peer, captured_session, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, "s3cret");
    peer = mini_dial(&world, "tcp://a:1");
    mini_settle(&world);
    HEARS_HEADER("\x00\x4d\x4d\x31\x21\x01");
    HEARS_NOTHING();
    HEADER("\x00\x4d\x4d\x31\x21\x01");
    mini_settle(&world);
    HEARS_NEGOTIATION("\x00\x06");
    HEARS_BODY("s3cret");
    HEARS_NOTHING();
    NEGOTIATION("\x00\x06");
    BODY("s3cret");
    mini_settle(&world);
    HEARS_NEGOTIATION("\x01");
    hears_introduction(0);
    NEGOTIATION("\x01");
    HEADER("\x03\x01\x01\x0d");
    BODY("mn::proto::Hi");
    declare(2, "mn::proto::Data");
    HEADER("\x03\x03\x01\x25");
    BODY("mm1_proto_ask::Request<mn::proto::Rq>");
    declare(4, "mm1_proto_ask::Response<mn::proto::Rs>");
    HEADER("\x02\xfd\x00\x00\x00\x00\x00\x00\x20\xaa\x10\x01\x01\x01\x00");
    HEADER("\x02\xfd\x00\x00\x00\x00\x00\x00\x30\xaa\x10\x01\x01\x01\x00");
    distance(4, 0x20, 0);
    HEADER("\x01");
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x02\x01\xfb\xcd\xab\xca\x13\x0c\x01");
    BODY("\x93\xcf\xaa\x20\x00\x00\x00\x00\x0b\x01\xa5\x68\x65\x6c\x6c\x6f\xcd\x01\x2c");
    mini_settle(&world);
    expect_seen("mn::proto::Data to <aa:b01> ttl 11 priority no 202 trace abcd hello 300; ");

    /* Our Hi: first wire ttl 12, no trace, regular. */
    order_to(0, TELL_HI, MM1_ADDR(0xaa20000000000b01), 0);
    struct mm1_bytes got = mini_received(peer);
    cr_assert_eq(got.size, MM1_MN_HEADER + 1);
    struct mm1_mn_pdu pdu;
    cr_assert_eq(mm1__mn_decode(got.data, &pdu, NULL), MM1_OK);
    uint8_t header[] = {4, 0xfd, 1, 0x0b, 0,  0, 0, 0, 0x20, 0xaa, key_of("mn::proto::Hi"),
                        1, 0,    0, 1,    12, 0};
    cr_assert_lt(pdu.transmit.no, 251);
    cr_assert_lt(pdu.transmit.trace_id, 251);
    header[12] = (uint8_t)pdu.transmit.trace_id;
    header[13] = (uint8_t)pdu.transmit.no;
    hears(header, sizeof(header), MM1_MN_HEADER);
    HEARS_BODY("\x90");

    /* The peer's ask, and the reply on the priority lane. */
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x03\x01\x00\xcf\x0d\x0c\x00");
    BODY("\x92\x92\x25\xcf\xaa\x20\x00\x00\x00\x00\x0b\x03\x90");
    mini_settle(&world);
    expect_seen("mm1_proto_ask::Request<mn::proto::Rq> to <aa:b01> ttl 11; ");
    got = mini_received(peer);
    cr_assert_eq(got.size, MM1_MN_HEADER + 4);
    cr_assert_eq(mm1__mn_decode(got.data, &pdu, NULL), MM1_OK);
    cr_assert_eq(pdu.transmit.dst.bits, 0xaa20000000000b03);
    cr_assert_eq(pdu.key.idx, key_of("mm1_proto_ask::Response<mn::proto::Rs>"));
    cr_assert_eq(pdu.transmit.ttl, 12);
    cr_assert(pdu.transmit.priority);
    mini_consume(peer, MM1_MN_HEADER);
    HEARS_BODY("\x92\x91\x25\x07");

    /* A heartbeat each second. */
    mini_advance(&world, MM1_NS_PER_SEC);
    HEARS_HEADER("\x01");
    HEARS_NOTHING();
}

Test(mn_peer, any_cut_of_the_stream_will_do, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    for (size_t piece = 1; piece <= 200; piece = piece * 3 + 1) {
        world.piece_max = piece;
        peer_up();
        HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x01\x01\x00\x07\x01\x0c\x00");
        BODY("\x90");
        mini_settle(&world);
        expect_seen("mn::proto::Hi to <aa:b01> ttl 11; ");
        mini_close(peer, MM1_CLOSED);
        mini_settle(&world);
    }
}

Test(mn_peer, a_long_stream_keeps_its_credit, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    for (unsigned i = 0; i < 20000; i++) {
        HEADER("\x01");
    }
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x01\x01\x00\x07\x01\x0c\x00");
    BODY("\x90");
    mini_settle(&world);
    expect_seen("mn::proto::Hi to <aa:b01> ttl 11; ");
}

/* --- peers that break the rules: their connection ends, nothing else does ------------------------------------- */

static void expect_ended(const char *why)
{
    mini_settle(&world);
    cr_assert_eq(mini_ending(peer), MM1_CLOSED);
    expect_log(why);
    expect_seen("");
    /* The node goes on with others. */
    peer_up();
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x01\x01\x00\x07\x01\x0c\x00");
    BODY("\x90");
    mini_settle(&world);
    expect_seen("mn::proto::Hi to <aa:b01> ttl 11; ");
    mini_close(peer, MM1_CLOSED);
    mini_settle(&world);
    peer_up();
}

Test(mn_peer, violations, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x09\x01\x00\x07\x01\x0c\x00");
    BODY("\x90");
    expect_ended("a message of a type that it did not declare");
    distance(9, 0x20, 0);
    expect_ended("a distance for a type that it did not declare");
    declare(1, "mn::proto::Hi");
    expect_ended("a type declared twice");
    HEADER("\x05");
    expect_ended("an unknown tag");
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    expect_ended("a hello after the handshake");
    HEADER("\x03\xfd\x09\x00\x00\x00\x00\x00\x00\x00\x01\x01");
    expect_ended("a varint that is wider than its field");
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x02\x01\x00\x07\x01\x0c\x00");
    BODY("\x90");
    expect_ended("a message that cannot be read");
    /* A list that says it is long. */
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x02\x01\x00\x07\x07\x0c\x00");
    BODY("\x93\x01\xdb\xff\xff\xff\xff");
    expect_ended("a message that cannot be read");
}

Test(mn_peer, a_wrong_cookie_is_refused, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, "s3cret");
    peer = mini_dial(&world, "tcp://a:1");
    HEADER("\x00\x4d\x4d\x31\x21\x01");
    NEGOTIATION("\x00\x06");
    BODY("s3creT");
    mini_settle(&world);
    cr_assert_eq(mini_ending(peer), MM1_CLOSED);
    expect_log("another cookie");
    peer = mini_dial(&world, "tcp://a:1");
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    mini_settle(&world);
    cr_assert_eq(mini_ending(peer), MM1_CLOSED);
    expect_log("another way of authentication");
    struct mm1_bytes got = mini_received(peer);
    cr_assert_eq(got.size, MM1_MN_HEADER, "the cookie is not shown to such a peer");
}

Test(mn_peer, messages_that_are_dropped, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    /* For somebody else's subnet; with no hops left; of a type that this node does not know, or keeps to itself. */
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x40\xaa\x01\x01\x00\x07\x01\x0c\x00");
    BODY("\x90");
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x01\x01\x00\x07\x01\x00\x00");
    BODY("\x90");
    declare(5, "mn::proto::Unheard");
    declare(6, "mm1_local::Down");
    distance(5, 0x50, 0);
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x05\x01\x00\x07\x01\x0c\x00");
    BODY("\xc1");
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x06\x01\x00\x07\x01\x0c\x00");
    BODY("\x90");
    mini_settle(&world);
    expect_seen("");
    expect_log("a mn::proto::Hi for <aa4:b01> is dropped: this node passes nothing on for others");
    expect_log("a mn::proto::Hi for <aa:b01> is dropped: ttl exhausted");
    expect_log("messages of the type mn::proto::Unheard are dropped");
    expect_log("messages of the type mm1_local::Down are dropped");
    cr_assert_eq(mini_ending(peer), MM1_OK);
    order_to(0, TELL_HI, MM1_ADDR(0xaa50000000000b01), 0);
    expect_seen("not found; ");
}

Test(mn_peer, a_peer_that_does_not_take_a_type_gets_none, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    order_to(0, TELL_BULK, MM1_ADDR(0xaa20000000000b01), 10);
    HEARS_NOTHING();
    expect_log("a mn::proto::Bulk for <aa2:b01> is dropped: no peer there takes this type");
}

Test(mn_peer, a_message_that_is_too_large_ends_nothing, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    declare(7, "mn::proto::Bulk");
    distance(7, 0x20, 0);
    mini_settle(&world);
    order_to(0, TELL_BULK, MM1_ADDR(0xaa20000000000b01), 65535);
    HEARS_NOTHING();
    expect_log("a mn::proto::Bulk for <aa2:b01> is dropped: more than 65535 bytes");
    order_to(0, TELL_BULK, MM1_ADDR(0xaa20000000000b01), 65535 - 4);
    cr_assert_eq(mini_received(peer).size, MM1_MN_HEADER + 65535);
    cr_assert_eq(mini_ending(peer), MM1_OK);
}

Test(mn_peer, a_peer_that_does_not_read_costs_no_more_than_a_bound, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    declare(7, "mn::proto::Bulk");
    distance(7, 0x20, 0);
    mini_settle(&world);
    world.hold_sent = true;
    for (unsigned i = 0; i < 100; i++) {
        order_to(0, TELL_BULK, MM1_ADDR(0xaa20000000000b01), 60000);
    }
    expect_log("a mn::proto::Bulk for <aa2:b01> is dropped: the peer does not read");
    cr_assert_gt(mini_received(peer).size, 4000000);
    cr_assert_lt(mini_received(peer).size, 4400000);
}

Test(mn_peer, silence_and_slow_handshakes_end_a_connection, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    struct mini_end *slow = mini_dial(&world, "tcp://a:1");
    mini_advance(&world, 4900 * MM1_NS_PER_MS);
    cr_assert_eq(mini_ending(slow), MM1_OK);
    cr_assert_eq(mini_ending(peer), MM1_OK);
    HEADER("\x01");
    mini_advance(&world, 200 * MM1_NS_PER_MS);
    cr_assert_eq(mini_ending(slow), MM1_CLOSED);
    cr_assert_eq(mini_ending(peer), MM1_OK);
    mini_advance(&world, 6 * MM1_NS_PER_SEC);
    cr_assert_eq(mini_ending(peer), MM1_CLOSED);
    expect_log("nothing was heard for 5 s");
    order_to(0, TELL_HI, MM1_ADDR(0xaa20000000000b01), 0);
    expect_seen("not found; ");
}

/* One wrong byte anywhere in a stream: the node lives, and serves the next one. */
Test(mn_peer, spoilt_streams, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    static const char good[] =
        "\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x02\x01\xfb\xcd\xab\xca\x13\x0c\x01";
    static const char body[] =
        "\x93\xcf\xaa\x20\x00\x00\x00\x00\x0b\x01\xa5\x68\x65\x6c\x6c\x6f\xcd\x01\x2c";
    uint8_t frame[MM1_MN_HEADER + sizeof(body) - 1];
    peer_up();
    for (size_t at = 0; at < sizeof(frame); at++) {
        for (unsigned flip = 1; flip < 256; flip = 2 * flip + (flip > 8)) {
            memset(frame, 0, sizeof(frame));
            memcpy(frame, good, sizeof(good) - 1);
            memcpy(frame + MM1_MN_HEADER, body, sizeof(body) - 1);
            frame[at] ^= (uint8_t)flip;
            mini_send(peer, frame, sizeof(frame));
            mini_close(peer, MM1_CLOSED);
            mini_settle(&world);
            seen[0] = '\0';
            peer_up();
        }
    }
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x01\x01\x00\x07\x01\x0c\x00");
    BODY("\x90");
    mini_settle(&world);
    expect_seen("mn::proto::Hi to <aa:b01> ttl 11; ");
}

/* --- routes ------------------------------------------------------------------------------------------------------- */

Test(mn_peer, subnets_that_overlap_are_refused, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    distance(1, 0x00, 0);
    mini_settle(&world);
    expect_log("a peer's subnet <aa:>/16 is refused: it overlaps a local one");
    HEADER("\x02\xfd\x00\x00\x00\x00\x00\x80\x20\xaa\x18\x02\x01\x01\x00");
    mini_settle(&world);
    expect_log("a peer's subnet <aa208:>/24 is refused: it overlaps another peer's");
    HEADER("\x02\x00\x00\x02\x01\x01\x00");
    mini_settle(&world);
    expect_log("a peer's subnet <:>/0 is refused: it overlaps a local one");
    cr_assert_eq(mini_ending(peer), MM1_OK);
    order_to(0, TELL_HI, MM1_ADDR(0xaa20000000000b01), 0);
    cr_assert_eq(mini_received(peer).size, MM1_MN_HEADER + 1);
}

Test(mn_peer, withdrawals_and_unreachable_metrics, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    distance(1, 0x50, 254);
    distance(2, 0x50, 253);
    mini_settle(&world);
    order_to(0, TELL_DATA, MM1_ADDR(0xaa50000000000b01), 0);
    cr_assert_gt(mini_received(peer).size, MM1_MN_HEADER);
    ignore_all();
    order_to(0, TELL_HI, MM1_ADDR(0xaa50000000000b01), 0);
    HEARS_NOTHING();
    expect_log("a mn::proto::Hi for <aa5:b01> is dropped: no peer there takes this type");
    expect_seen("");
    distance(2, 0x50, 255);
    mini_settle(&world);
    order_to(0, TELL_DATA, MM1_ADDR(0xaa50000000000b01), 0);
    expect_seen("not found; ");
    distance(2, 0x50, 0);
    mini_settle(&world);
    order_to(0, TELL_DATA, MM1_ADDR(0xaa50000000000b01), 0);
    cr_assert_gt(mini_received(peer).size, MM1_MN_HEADER);
}

/* Two connections to the same subnet: the shorter one, then the older one; and the other when it ends. */
Test(mn_peer, the_best_of_two_connections, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    peer_up();
    struct mini_end *older = peer;
    peer_up();
    struct mini_end *younger = peer;
    mm1_addr to = MM1_ADDR(0xaa20000000000b01);
    order_to(0, TELL_HI, to, 0);
    cr_assert_eq(mini_received(older).size, MM1_MN_HEADER + 1);
    cr_assert_eq(mini_received(younger).size, 0);
    peer = older;
    distance(1, 0x20, 5);
    mini_settle(&world);
    order_to(0, TELL_HI, to, 0);
    cr_assert_eq(mini_received(younger).size, MM1_MN_HEADER + 1);
    order_to(0, TELL_DATA, to, 0);
    cr_assert_gt(mini_received(older).size, 2 * MM1_MN_HEADER, "types have routes of their own");
    mini_close(younger, MM1_RESET);
    mini_settle(&world);
    size_t before = mini_received(older).size;
    order_to(0, TELL_HI, to, 0);
    cr_assert_eq(mini_received(older).size, before + MM1_MN_HEADER + 1);
    mini_close(older, MM1_CLOSED);
    mini_settle(&world);
    order_to(0, TELL_HI, to, 0);
    expect_seen("not found; ");
}

/* Kills the first actor of node 0 with this behaviour. */
static void kill_one(const char *name)
{
    for (uint64_t block = 0; block < 8192; block++) {
        mm1_addr addr = MM1_ADDR(managers[0].bits + ((block - 4096) << 8));
        const struct mm1_path *path = mm1_node_path(nodes[0].node, addr);
        if (path != NULL && path->name_size == strlen(name) &&
            memcmp(path->name, name, path->name_size) == 0) {
            cr_assert_eq(mm1_node_exit(nodes[0].node, addr, mm1_reason_of(MM1_REASON_KILL)),
                         MM1_OK);
            mini_settle(&world);
            return;
        }
    }
    cr_assert(false, "there is no %s", name);
}

Test(mn_peer, what_is_killed_comes_back, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", "tcp://peer:1", NULL);
    struct mini_end *listener = mini_listen(&world, "tcp://peer:1");
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_not_null(mini_accept(listener));
    peer_up();
    size_t actors = mm1_node_actors(nodes[0].node);
    kill_one("mn_ingress");
    cr_assert_eq(mm1_node_actors(nodes[0].node), actors);
    order_to(0, TELL_HI, MM1_ADDR(0xaa20000000000b01), 0);
    cr_assert_eq(mini_received(peer).size, MM1_MN_HEADER + 1);
    kill_one("mn_connector");
    cr_assert_eq(mm1_node_actors(nodes[0].node), actors);
    cr_assert_not_null(mini_accept(listener));
    kill_one("mn_acceptor");
    cr_assert_eq(mini_ending(peer), MM1_CLOSED);
    peer_up();
    cr_assert_eq(mm1_node_actors(nodes[0].node), actors);
    order_to(0, TELL_HI, MM1_ADDR(0xaa20000000000b01), 0);
    cr_assert_eq(mini_received(peer).size, MM1_MN_HEADER + 1);
    mini_close(peer, MM1_CLOSED);
    mini_settle(&world);
    kill_one("mn_connection");
    cr_assert_null(mini_accept(listener));
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_not_null(mini_accept(listener), "the connector dials again");
}

/* The subnet goes and comes back before its ingress has ended. */
Test(mn_peer, a_subnet_that_comes_back_at_once, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    for (unsigned turns = 0; turns < 30; turns++) {
        peer_up();
        mini_close(peer, MM1_CLOSED);
        mini_run(&world, turns);
        peer_up();
        order_to(0, TELL_HI, MM1_ADDR(0xaa20000000000b01), 0);
        expect_seen("");
        cr_assert_eq(mini_received(peer).size, MM1_MN_HEADER + 1, "after %u turns", turns);
        mini_close(peer, MM1_CLOSED);
        mini_settle(&world);
    }
}

Test(mn_peer, a_subnet_that_is_bound_here_is_served_later, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    mm1_addr at = MM1_ADDR(0xaa20000000000b01);
    mm1_addr squatter;
    struct mm1_spawn spawn = {.behaviour = &probe_behaviour, .arg = &at, .arg_size = sizeof(at)};
    cr_assert_eq(mm1_node_spawn(nodes[0].node, &spawn, &squatter), MM1_OK);
    peer_up();
    expect_log("the peer's subnet <aa2:>/16 cannot be served on this node");
    cr_assert_eq(mm1_node_exit(nodes[0].node, squatter, MM1_SHUTDOWN), MM1_OK);
    for (unsigned i = 0; i < 3; i++) {
        HEADER("\x01");
        mini_advance(&world, MM1_NS_PER_SEC);
    }
    ignore_all();
    order_to(0, TELL_HI, at, 0);
    cr_assert_eq(mini_received(peer).size, MM1_MN_HEADER + 1);
}

/* --- listening and dialing ---------------------------------------------------------------------------------------- */

Test(mn_peer, a_name_in_use_ends_the_manager, .init = setup, .fini = teardown)
{
    struct mini_end *squatter = mini_listen(&world, "tcp://a:1");
    cr_assert_not_null(squatter);
    open(0, "tcp://a:1", "tcp://b:1", NULL);
    expect_log("cannot listen on tcp://a:1: already in use");
    struct mm1_reason reason;
    cr_assert(mm1_node_main_ended(nodes[0].node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_ERROR);
    cr_assert_eq(reason.code, MM1_IN_USE);
    mini_advance(&world, 10 * MM1_NS_PER_SEC);
    cr_assert_eq(mm1_node_actors(nodes[0].node), 1, "only the probe is left");
}

Test(mn_peer, a_peer_that_is_gone_at_once_ends_nothing, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    size_t actors = mm1_node_actors(nodes[0].node);
    for (size_t turns = 0; turns < 8; turns++) {
        peer = mini_dial(&world, "tcp://a:1");
        mini_run(&world, turns);
        mini_close(peer, MM1_RESET);
        mini_settle(&world);
    }
    cr_assert_eq(mm1_node_actors(nodes[0].node), actors);
    peer_up();
}

Test(mn_peer, dialing_goes_on_until_somebody_is_there, .init = setup, .fini = teardown)
{
    open(0, NULL, "tcp://peer:1", NULL);
    mini_advance(&world, 3 * MM1_NS_PER_SEC);
    struct mini_end *listener = mini_listen(&world, "tcp://peer:1");
    cr_assert_null(mini_accept(listener));
    mini_advance(&world, MM1_NS_PER_SEC);
    peer = mini_accept(listener);
    cr_assert_not_null(peer);
    HEARS_HEADER("\x00\x4d\x4d\x31\x21\x00");
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    mini_settle(&world);
    HEARS_NEGOTIATION("\x01");
    hears_introduction(0);
    mini_close(peer, MM1_RESET);
    mini_advance(&world, 900 * MM1_NS_PER_MS);
    cr_assert_null(mini_accept(listener));
    mini_advance(&world, 200 * MM1_NS_PER_MS);
    cr_assert_not_null(mini_accept(listener));
}

Test(mn_peer, the_end_of_the_manager_ends_all, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", "tcp://b:1", NULL);
    peer_up();
    cr_assert_gt(mm1_node_actors(nodes[0].node), 4);
    cr_assert_eq(mm1_node_exit(nodes[0].node, managers[0], mm1_reason_of(MM1_REASON_KILL)), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(mm1_node_actors(nodes[0].node), 1, "only the probe is left");
    cr_assert_eq(mini_ending(peer), MM1_CLOSED);
}
