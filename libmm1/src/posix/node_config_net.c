/* Subnets and links of a node's configuration. */
#include <string.h>

#include "posix/net_name.h"
#include "posix/node_config_parts.h"

/* A node's actors take a block of 256 addresses each (mm1/node.h). */
#define AUTO_MASK_MAX 56
#define COOKIE_MAX 65535

/* --- subnets -------------------------------------------------------------------------------------------------- */

/* One of the list; kind 0 is auto. */
static void read_subnet(const struct mm1__json_node *item, struct mm1_net *net, size_t *kind)
{
    static const char *const kinds[] = {"auto", "bind"};
    struct mm1__json_object object;
    mm1__json_object_begin(&object, item);
    const struct mm1__json_node *net_node = mm1__json_required(&object, "net");
    mm1__json_net(net_node, net);
    mm1__json_choice(mm1__json_required(&object, "kind"), kinds, MM1_COUNT_OF(kinds), kind);
    mm1__json_object_end(&object);
    if (net_node != NULL && !mm1__json_failed(item) && *kind == 0 && net->mask > AUTO_MASK_MAX) {
        mm1__json_expected(
            net_node, "a subnet with room for actors, which take 256 addresses each: /%d or wider",
            AUTO_MASK_MAX);
    }
}

static void read_subnets(const struct mm1__json_node *list, struct mm1__node_file *file)
{
    file->nets[0] = MM1_NET_DEFAULT_AUTO;
    file->nets[1] = MM1_NET_DEFAULT_BIND;
    file->net_count = 2;
    if (list == NULL) {
        return;
    }
    size_t count = 0;
    mm1__json_list(list, 1, MM1__NODE_BINDS_MAX + 1, &count);
    file->net_count = 1; /* the place of the auto subnet */
    MM1__JSON_FOREACH(item, list) {
        struct mm1_net net = {0};
        size_t kind = 0;
        read_subnet(item, &net, &kind);
        if (mm1__json_failed(item)) {
            return;
        }
        if (kind == 0) {
            file->nets[0] = net;
        } else if (file->net_count < MM1_COUNT_OF(file->nets)) {
            file->nets[file->net_count++] = net;
        }
    }
}

static const struct mm1__json_node *subnets_of(const struct mm1__node_file *file)
{
    return mm1__json_find(mm1__json_root(file->json), "local_subnets");
}

/* They are read a second time here, in the order of the file. */
static struct mm1_net net_of(const struct mm1__json_node *item)
{
    struct mm1_net net = {0};
    mm1__json_net(mm1__json_find(item, "net"), &net);
    return net;
}

static bool is_auto(const struct mm1__json_node *item)
{
    struct mm1_text kind = {0};
    mm1__json_text(mm1__json_find(item, "kind"), &kind);
    return mm1_text_equal(kind, MM1_TEXT("auto"));
}

static void check_autos(struct mm1__node_file *file, struct mm1__findings *findings,
                        const struct mm1__json_node *list)
{
    size_t autos = 0;
    MM1__JSON_FOREACH(item, list) {
        autos += is_auto(item);
        if (is_auto(item) && autos > 1) {
            mm1__node_error(file, findings, item, "there is an auto subnet already");
        }
    }
    if (autos == 0) {
        mm1__node_error(file, findings, list, "expected one subnet of kind \"auto\", got none");
    }
}

void mm1__node_check_subnets(struct mm1__node_file *file, struct mm1__findings *findings)
{
    const struct mm1__json_node *list = subnets_of(file);
    char mine[MM1_NET_TEXT_MAX];
    char other[MM1_NET_TEXT_MAX];
    if (list == NULL) {
        return;
    }
    check_autos(file, findings, list);
    MM1__JSON_FOREACH(item, list) {
        struct mm1_net net = net_of(item);
        for (const struct mm1__json_node *before = mm1__json_first(list); before != item;
             before = mm1__json_next(before)) {
            if (mm1_net_overlaps(net_of(before), net)) {
                (void)mm1_net_print(net, mine);
                (void)mm1_net_print(net_of(before), other);
                mm1__node_error(file, findings, item, "the subnet %s overlaps %s", mine, other);
            }
        }
    }
}

/* --- links ---------------------------------------------------------------------------------------------------- */

void mm1__node_read_net_name(const struct mm1__json_node *node, bool is_dial, struct mm1_text *out)
{
    struct mm1__net_name name;
    mm1__json_text(node, out);
    if (node == NULL || mm1__json_failed(node)) {
        return;
    }
    if (mm1__net_name_parse(*out, &name) != MM1_OK ||
        (is_dial && name.is_tcp && name.address.sin_port == 0)) {
        mm1__json_expected(node, "\"tcp://IPv4:port\" or \"uds:///path\"");
    }
}

/* "trusted", {"cookie": …} or {"shared_secret": …}; the cookie is empty for all but the second. */
static void read_authc(const struct mm1__json_node *node, struct mm1_text *cookie)
{
    struct mm1_text word = MM1_TEXT("trusted");
    if (node == NULL || mm1__json_kind(node) == MM1__JSON_TEXT) {
        mm1__json_text(node, &word);
    }
    if (node == NULL ||
        (mm1__json_kind(node) == MM1__JSON_TEXT && mm1_text_equal(word, MM1_TEXT("trusted")))) {
        return;
    }
    if (mm1__json_kind(node) != MM1__JSON_OBJECT || mm1__json_count(node) > 1) {
        mm1__json_expected(node, "\"trusted\", {\"cookie\": TEXT} or {\"shared_secret\": TEXT}");
        return;
    }
    struct mm1__json_object object;
    struct mm1_text secret = {0};
    mm1__json_object_begin(&object, node);
    const struct mm1__json_node *secret_node = mm1__json_optional(&object, "shared_secret");
    const struct mm1__json_node *cookie_node = secret_node == NULL
                                                   ? mm1__json_required(&object, "cookie")
                                                   : mm1__json_optional(&object, "cookie");
    mm1__json_text(secret_node, &secret);
    mm1__json_text(cookie_node, cookie);
    mm1__json_object_end(&object);
    if (cookie_node != NULL && !mm1__json_failed(node) &&
        (cookie->size == 0 || cookie->size > COOKIE_MAX)) {
        mm1__json_expected(cookie_node, "a text of 1 to %d bytes", COOKIE_MAX);
    }
}

static void read_protocols(const struct mm1__json_node *list)
{
    size_t count = 0;
    struct mm1_text name;
    mm1__json_list(list, 0, SIZE_MAX, &count);
    MM1__JSON_FOREACH(item, list) {
        mm1__json_text(item, &name);
    }
}

static size_t read_links(const struct mm1__json_node *list, struct mm1__node_file *file,
                         struct mm1_text *out, bool is_dial)
{
    size_t count = 0;
    size_t next = 0;
    mm1__json_list(list, 0, MM1__NODE_LINKS_MAX, &count);
    MM1__JSON_FOREACH(item, list) {
        struct mm1__json_object object;
        if (mm1__json_failed(item)) {
            return 0;
        }
        mm1__json_object_begin(&object, item);
        mm1__node_read_net_name(mm1__json_required(&object, "addr"), is_dial, &out[next++]);
        read_protocols(mm1__json_optional(&object, "proto"));
        read_authc(mm1__json_optional(&object, "authc"), &file->cookie);
        mm1__json_object_end(&object);
    }
    return next;
}

void mm1__node_read_nets(struct mm1__json_object *object, struct mm1__node_file *file)
{
    read_subnets(mm1__json_optional(object, "local_subnets"), file);
    file->inbound_count =
        read_links(mm1__json_optional(object, "inbound"), file, file->inbound, false);
    file->outbound_count =
        read_links(mm1__json_optional(object, "outbound"), file, file->outbound, true);
}

static void check_protocols(struct mm1__node_file *file, struct mm1__findings *findings,
                            const struct mm1__json_node *list)
{
    char got[96];
    MM1__JSON_FOREACH(item, list) {
        struct mm1_text name = {0};
        mm1__json_text(item, &name);
        if (!mm1_text_equal(name, file->system)) {
            mm1__node_error(file, findings, item,
                            "expected the name of the system, \"%s\", which offers all its types "
                            "as one protocol, got %s",
                            file->system.data, mm1__json_describe(item, got, sizeof(got)));
        }
    }
}

/* What a link wants of its peer: the cookie, empty for none. */
static struct mm1_text cookie_of(const struct mm1__json_node *link)
{
    struct mm1_text cookie = {0};
    mm1__json_text(mm1__json_find(mm1__json_find(link, "authc"), "cookie"), &cookie);
    return cookie;
}

void mm1__node_check_links(struct mm1__node_file *file, struct mm1__findings *findings)
{
    static const char *const lists[] = {"inbound", "outbound"};
    const struct mm1__json_node *first = NULL;
    char place[64];
    for (size_t i = 0; i < MM1_COUNT_OF(lists); i++) {
        MM1__JSON_FOREACH(link, mm1__json_find(mm1__json_root(file->json), lists[i])) {
            const struct mm1__json_node *authc = mm1__json_find(link, "authc");
            const struct mm1__json_node *secret = mm1__json_find(authc, "shared_secret");
            check_protocols(file, findings, mm1__json_find(link, "proto"));
            if (secret != NULL) {
                mm1__node_error(file, findings, secret,
                                "shared_secret is not implemented; \"trusted\" and cookie are");
                continue;
            }
            first = first == NULL ? link : first;
            if (!mm1_text_equal(cookie_of(link), cookie_of(first))) {
                mm1__node_error(file, findings, authc == NULL ? link : authc,
                                "all links of a node have one authc, and that of %s is another",
                                mm1__json_path(first, place, sizeof(place)));
            }
        }
    }
    file->cookie = first == NULL ? (struct mm1_text){0} : cookie_of(first);
}
