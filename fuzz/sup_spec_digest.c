/* The digest of a judgement: for whoever tries all continuations of a log. */
#include <string.h>

#include "fuzz/sup_spec_inside.h"

struct digest {
    uint64_t value;
};

/* A step of a multiply-and-fold hash. */
static void mix(struct digest *d, uint64_t word)
{
    __extension__ unsigned __int128 product = d->value ^ word;
    product *= UINT64_C(0x9e3779b97f4a7c15);
    d->value = (uint64_t)product ^ (uint64_t)(product >> 64) ^ UINT64_C(0xd6e8feb86659fd93);
}

static void mix_text(struct digest *d, const char *text)
{
    for (; text != NULL && *text != 0; text++) {
        mix(d, (unsigned char)*text);
    }
    mix(d, text == NULL ? 257 : 256);
}

static uint64_t place_of(const struct spec *s, const struct spec_child *child)
{
    uint64_t place = 1;
    MM1_LIST_FOREACH(node, &s->children) {
        if (spec_child_at(node) == child) {
            return place;
        }
        place++;
    }
    return 0;
}

/* Whose process it is, by the place in the order; and one that is nobody's any more is like another. */
static void mix_process(struct digest *d, const struct spec *s, uint64_t address)
{
    const struct spec_process *process = spec_find_process(s, address);
    mix(d, process == NULL ? UINT64_MAX : place_of(s, process->child));
    mix(d, process != NULL && process->down);
}

static void mix_entry(struct digest *d, const struct spec *s, const struct sup_entry *entry)
{
    mix(d, entry->kind);
    mix(d, entry->call);
    mix_text(d, entry->id);
    mix_process(d, s, entry->process);
    for (size_t i = 0; entry->child != NULL && i < entry->child->id.size; i++) {
        mix(d, (unsigned char)entry->child->id.data[i]);
    }
    mix(d, entry->reason.kind);
    mix(d, (uint32_t)entry->reason.code);
    mix_text(d, entry->reason.text);
}

static void mix_child(struct digest *d, const struct spec_child *child)
{
    mix_text(d, child->id);
    mix(d, (uint64_t)child->means.restart * 4 + child->means.stop);
    mix(d, child->state);
    const struct spec_process *process = child->process;
    mix(d, process == NULL ? 9 : 4u * process->down + 2u * process->told + process->unannounced);
}

static void mix_time(struct digest *d, const struct spec *s, uint64_t now, uint64_t then)
{
    uint64_t age = now - then;
    if (!s->tree->within.some) {
        mix(d, 0);
    } else {
        mix(d, age > s->tree->within.value ? UINT64_MAX : age);
    }
}

uint64_t spec_digest(const struct spec *s, uint64_t now)
{
    struct digest d = {1};
    MM1_LIST_FOREACH(node, &s->children) {
        mix_child(&d, spec_child_at(node));
    }
    mix(&d, 1000);
    MM1_LIST_FOREACH(node, &s->items) {
        mix_entry(&d, s, MM1_CONTAINER_OF(node, struct spec_item, link)->entry);
    }
    mix(&d, 1001);
    MM1_LIST_FOREACH(node, &s->retries) {
        const struct spec_retry *retry = MM1_CONTAINER_OF(node, struct spec_retry, link);
        mix_text(&d, retry->id);
        mix_process(&d, s, retry->process);
    }
    mix(&d, 1002);
    for (size_t i = 0; i < s->restart_count; i++) {
        bool old = s->tree->within.some && now - s->restarts[i] > s->tree->within.value;
        if (!old) {
            mix_time(&d, s, now, s->restarts[i]);
        }
    }
    mix(&d, s->limit);
    mix(&d, s->armed ? s->due_ns - now : UINT64_MAX);
    mix(&d, s->timed);
    mix(&d, place_of(s, s->failed));
    mix_text(&d, s->awaited_for);
    mix(&d, place_of(s, s->awaited));
    mix(&d, place_of(s, s->restarted));
    if (s->item != NULL) {
        mix_entry(&d, s, s->item->entry);
    }
    return d.value;
}
