/* The reader of cases: lines, their words, and what the words say. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <mm1/clock.h>
#include <mm1/reason.h>

#include "fuzz/sup_case_read.h"

#define MS_MAX (UINT64_MAX / MM1_NS_PER_MS)
#define SEC_MAX (UINT64_MAX / MM1_NS_PER_SEC)

/* --- errors --------------------------------------------------------------------------------------------------- */

MM1_PRINTF(2, 3) mm1_status sup_wrong(const struct sup_reader *r, const char *format, ...)
{
    va_list arguments;
    int size = snprintf(r->error, SUP_CASE_ERROR_MAX, "%s:%u: ", r->name, r->line);
    size_t at = size < 0 ? 0 : size >= SUP_CASE_ERROR_MAX ? SUP_CASE_ERROR_MAX - 1 : (size_t)size;
    va_start(arguments, format);
    (void)vsnprintf(r->error + at, SUP_CASE_ERROR_MAX - at, format, arguments);
    va_end(arguments);
    return MM1_INVALID;
}

struct sup_shown sup_show(struct mm1_text text)
{
    struct sup_shown shown;
    size_t size = text.size < SUP_SHOWN_MAX ? text.size : SUP_SHOWN_MAX;
    for (size_t i = 0; i < size; i++) {
        char c = text.data[i];
        shown.text[i] = '!' <= c && c <= '~' ? c : '?';
    }
    (void)snprintf(shown.text + size, 4, "%s", text.size > size ? "..." : "");
    return shown;
}

/* "a, b or c". */
static void list_words(struct sup_words words, char out[SUP_LIST_MAX])
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < words.count && at < SUP_LIST_MAX; i++) {
        const char *between = i == 0 ? "" : i + 1 == words.count ? " or " : ", ";
        int size = snprintf(out + at, SUP_LIST_MAX - at, "%s%s", between, words.items[i]);
        at += size < 0 ? 0 : (size_t)size;
    }
}

/* --- tokens --------------------------------------------------------------------------------------------------- */

bool sup_is_word(struct mm1_text token, const char *word)
{
    return mm1_text_equal(token, mm1_text_of(word));
}

size_t sup_find_word(struct sup_words words, struct mm1_text token)
{
    size_t i = 0;
    while (i < words.count && !sup_is_word(token, words.items[i])) {
        i++;
    }
    return i;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_id(struct mm1_text token)
{
    for (size_t i = 0; i < token.size; i++) {
        char c = token.data[i];
        bool letter = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
        if (!letter && !('0' <= c && c <= '9') && c != '_') {
            return false;
        }
    }
    return token.size != 0;
}

/* Decimal digits alone. */
static bool read_digits(struct mm1_text token, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < token.size; i++) {
        unsigned digit = (unsigned)(token.data[i] - '0');
        if (digit > 9 || digit > max || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return token.size != 0 && (token.size == 1 || token.data[0] != '0');
}

static bool drop_prefix(struct mm1_text *token, const char *prefix)
{
    size_t size = strlen(prefix);
    if (token->size < size || memcmp(token->data, prefix, size) != 0) {
        return false;
    }
    token->data += size;
    token->size -= size;
    return true;
}

static bool drop_suffix(struct mm1_text *token, const char *suffix)
{
    size_t size = strlen(suffix);
    if (token->size < size || memcmp(token->data + token->size - size, suffix, size) != 0) {
        return false;
    }
    token->size -= size;
    return true;
}

mm1_status sup_split(struct sup_reader *r, struct mm1_text line)
{
    size_t at = 0;
    r->count = 0;
    for (;;) {
        while (at < line.size && is_blank(line.data[at])) {
            at++;
        }
        if (at == line.size) {
            return MM1_OK;
        }
        if (r->count == SUP_TOKENS_MAX) {
            return sup_wrong(r, "more than %d words in a line", SUP_TOKENS_MAX);
        }
        size_t first = at;
        while (at < line.size && !is_blank(line.data[at])) {
            at++;
        }
        r->tokens[r->count++] = (struct mm1_text){.data = line.data + first, .size = at - first};
    }
}

mm1_status sup_next_line(struct sup_reader *r)
{
    r->count = 0;
    while (r->left.size != 0) {
        const char *end = memchr(r->left.data, '\n', r->left.size);
        size_t size = end == NULL ? r->left.size : (size_t)(end - r->left.data);
        struct mm1_text line = {.data = r->left.data, .size = size};
        size_t past = end == NULL ? size : size + 1;
        r->left.data += past;
        r->left.size -= past;
        r->line++;
        MM1_TRY(sup_split(r, line));
        struct mm1_text first = r->tokens[0];
        if (r->count != 0 && !drop_prefix(&first, "#!")) {
            return MM1_OK;
        }
    }
    r->count = 0;
    return MM1_OK;
}

mm1_status sup_keep(const struct sup_reader *r, struct mm1_text token, const char **out)
{
    *out = mm1__arena_text(r->arena, token);
    return *out == NULL ? MM1_NOMEM : MM1_OK;
}

/* --- fields --------------------------------------------------------------------------------------------------- */

static mm1_status read_word(const struct sup_reader *r, const char *what, struct sup_words words,
                            struct mm1_text token, unsigned *out)
{
    char list[SUP_LIST_MAX];
    size_t found = sup_find_word(words, token);
    if (found < words.count) {
        *out = (unsigned)found;
        return MM1_OK;
    }
    list_words(words, list);
    return sup_wrong(r, "%s \"%s\": expected %s", what, sup_show(token).text, list);
}

mm1_status sup_read_number(const struct sup_reader *r, const char *what, struct mm1_text token,
                           uint64_t max, uint64_t *out)
{
    return read_digits(token, max, out)
               ? MM1_OK
               : sup_wrong(r, "%s \"%s\": expected a number from 0 to %" PRIu64, what,
                           sup_show(token).text, max);
}

mm1_status sup_read_id(const struct sup_reader *r, const char *what, struct mm1_text token,
                       const char **out)
{
    return is_id(token) ? sup_keep(r, token, out)
                        : sup_wrong(r, "%s \"%s\": expected letters, digits and \"_\"", what,
                                    sup_show(token).text);
}

mm1_status sup_read_exit(const struct sup_reader *r, struct mm1_text token, struct sup_event *event)
{
    struct mm1_text text = token;
    unsigned found = 0;
    if (drop_prefix(&text, "shutdown:")) {
        if (!is_id(text) || text.size >= MM1_REASON_TEXT_MAX) {
            return sup_wrong(r,
                             "reason \"%s\": expected at most %d letters, digits and \"_\" after "
                             "\"shutdown:\"",
                             sup_show(token).text, MM1_REASON_TEXT_MAX - 1);
        }
        event->exit = SUP_EXIT_SHUTDOWN_TEXT;
        return sup_keep(r, text, &event->exit_text);
    }
    found = (unsigned)sup_find_word(sup_words_exit, token);
    if (found >= sup_words_exit.count) {
        return sup_wrong(r,
                         "reason \"%s\": expected normal, shutdown, shutdown:x, crash, kill or "
                         "selfkill",
                         sup_show(token).text);
    }
    event->exit = (enum sup_exit)found;
    return MM1_OK;
}

static mm1_status read_period(const struct sup_reader *r, struct mm1_text token, uint64_t *out)
{
    struct mm1_text digits = token;
    if (r->fuzzed && drop_suffix(&digits, "ns")) {
        return read_digits(digits, UINT64_MAX, out)
                   ? MM1_OK
                   : sup_wrong(r, "period \"%s\": expected nanoseconds before \"ns\"",
                               sup_show(token).text);
    }
    if (!read_digits(token, SEC_MAX, out) || (*out == 0 && !r->fuzzed)) {
        return sup_wrong(r, "period \"%s\": expected seconds, from 1 to %" PRIu64,
                         sup_show(token).text, SEC_MAX);
    }
    *out *= MM1_NS_PER_SEC;
    return MM1_OK;
}

static mm1_status read_shutdown(const struct sup_reader *r, struct mm1_text token,
                                struct sup_member *member)
{
    if (sup_is_word(token, "brutal_kill")) {
        member->shutdown = SUP_SHUTDOWN_BRUTAL;
        return MM1_OK;
    }
    if (sup_is_word(token, "infinity")) {
        member->shutdown = SUP_SHUTDOWN_INFINITY;
        return MM1_OK;
    }
    member->shutdown = SUP_SHUTDOWN_MS;
    return read_digits(token, MS_MAX, &member->shutdown_ms)
               ? MM1_OK
               : sup_wrong(r,
                           "shutdown \"%s\": expected brutal_kill, infinity or milliseconds, at "
                           "most %" PRIu64,
                           sup_show(token).text, MS_MAX);
}

static mm1_status read_term(const struct sup_reader *r, struct mm1_text token,
                            struct sup_member *member)
{
    struct mm1_text ms = token;
    if (drop_prefix(&ms, "slow:")) {
        member->term = SUP_TERM_SLOW;
        return read_digits(ms, MS_MAX, &member->slow_ms)
                   ? MM1_OK
                   : sup_wrong(r, "term \"%s\": expected milliseconds after \"slow:\"",
                               sup_show(token).text);
    }
    size_t found = sup_find_word(sup_words_term, token);
    if (found >= sup_words_term.count || found == SUP_TERM_SLOW) {
        return sup_wrong(r, "term \"%s\": expected die, clean, slow:MS, normal, crash or ignore",
                         sup_show(token).text);
    }
    member->term = (enum sup_term)found;
    return MM1_OK;
}

static mm1_status read_flag(const struct sup_reader *r, const char *what, struct mm1_text token,
                            bool one, bool *out)
{
    uint64_t value = 0;
    if (!read_digits(token, 1, &value)) {
        return sup_wrong(r, "%s \"%s\": expected 0 or 1", what, sup_show(token).text);
    }
    *out = (value == 1) == one;
    return MM1_OK;
}

static mm1_status read_value(const struct sup_reader *r, enum sup_key key, struct mm1_text token,
                             struct sup_member *member)
{
    unsigned word = 0;
    mm1_status status;
    switch (key) {
    case SUP_KEY_STRATEGY:
        status = read_word(r, "strategy", sup_words_strategy, token, &word);
        member->strategy = (enum sup_strategy)word;
        return status;
    case SUP_KEY_INTENSITY:
        return sup_read_number(r, "intensity", token, UINT64_MAX, &member->intensity);
    case SUP_KEY_PERIOD:
        return read_period(r, token, &member->period_ns);
    case SUP_KEY_AUTO:
        status = read_word(r, "auto_shutdown", sup_words_auto, token, &word);
        member->auto_shutdown = (enum sup_auto)word;
        return status;
    case SUP_KEY_RESTART:
        status = read_word(r, "restart", sup_words_restart, token, &word);
        member->restart = (enum sup_restart)word;
        return status;
    case SUP_KEY_SIGNIFICANT:
        return read_flag(r, "significant", token, true, &member->significant);
    case SUP_KEY_SHUTDOWN:
        return read_shutdown(r, token, member);
    case SUP_KEY_TYPE:
        status = read_word(r, "type", sup_words_type, token, &word);
        member->type_supervisor = word == 1;
        return status;
    case SUP_KEY_ACK:
        return read_flag(r, "ack", token, false, &member->unacked);
    case SUP_KEY_ANNOUNCE:
        return read_flag(r, "announce", token, true, &member->announced);
    default:
        return read_term(r, token, member);
    }
}

mm1_status sup_read_ns(const struct sup_reader *r, const char *what, struct mm1_text token,
                       uint64_t *out)
{
    struct mm1_text digits = token;
    (void)drop_suffix(&digits, "ns");
    return read_digits(digits, UINT64_MAX, out)
               ? MM1_OK
               : sup_wrong(r, "%s \"%s\": expected nanoseconds", what, sup_show(token).text);
}

/* --- keys ----------------------------------------------------------------------------------------------------- */

#define BIT(key) (1u << SUP_KEY_##key)
#define KEYS_OF_SUPERVISOR (BIT(STRATEGY) | BIT(INTENSITY) | BIT(PERIOD))
#define KEYS_OF_CHILD (BIT(RESTART) | BIT(SIGNIFICANT) | BIT(SHUTDOWN) | BIT(TYPE))
#define KEYS_OF_FUZZER (BIT(ACK) | BIT(ANNOUNCE))

static unsigned keys_of(const struct sup_member *member, bool root, bool fuzzed)
{
    unsigned keys = member->is_supervisor ? KEYS_OF_SUPERVISOR | BIT(AUTO) : BIT(TERM);
    return root ? keys : keys | KEYS_OF_CHILD | (fuzzed ? KEYS_OF_FUZZER : 0);
}

static mm1_status read_key(const struct sup_reader *r, struct mm1_text token, unsigned allowed,
                           unsigned place, struct sup_member *member)
{
    const char *equals = memchr(token.data, '=', token.size);
    if (equals == NULL) {
        return sup_wrong(r, "\"%s\": expected key=value", sup_show(token).text);
    }
    struct mm1_text name = {.data = token.data, .size = (size_t)(equals - token.data)};
    struct mm1_text value = {.data = equals + 1, .size = token.size - name.size - 1};
    size_t key = sup_find_word(sup_words_key, name);
    if (key >= sup_words_key.count) {
        char list[SUP_LIST_MAX];
        list_words(sup_words_key, list);
        return sup_wrong(r, "unknown key \"%s\": expected %s", sup_show(name).text, list);
    }
    if ((KEYS_OF_FUZZER & 1u << key) != 0 && !r->fuzzed) {
        return sup_wrong(r, "%s: only in cases of the fuzzer", sup_words_key.items[key]);
    }
    if ((allowed & 1u << key) == 0) {
        return sup_wrong(r, "%s: not for %s", sup_words_key.items[key],
                         (allowed & BIT(TERM)) != 0      ? "a worker"
                         : (allowed & BIT(RESTART)) != 0 ? "a supervisor"
                                                         : "the root");
    }
    MM1_TRY(read_value(r, (enum sup_key)key, value, member));
    member->said |= 1u << key;
    member->order |= (uint64_t)(key + 1) << (4 * place);
    return MM1_OK;
}

/* A key that is said again must say the same: which one counted would be a riddle. */
static mm1_status check_again(const struct sup_reader *r, size_t first, size_t at)
{
    struct mm1_text token = r->tokens[at];
    const char *equals = memchr(token.data, '=', token.size);
    size_t size = equals == NULL ? token.size : (size_t)(equals - token.data) + 1;
    for (size_t i = first; i < at; i++) {
        struct mm1_text before = r->tokens[i];
        if (before.size >= size && memcmp(before.data, token.data, size) == 0 &&
            !mm1_text_equal(before, token)) {
            return sup_wrong(r, "\"%s\": was \"%s\" before", sup_show(token).text,
                             sup_show(before).text);
        }
    }
    return MM1_OK;
}

mm1_status sup_read_keys(const struct sup_reader *r, size_t first, bool root,
                         struct sup_member *member)
{
    unsigned allowed = keys_of(member, root, r->fuzzed);
    if (r->count - first > SUP_KEYS_MAX) {
        return sup_wrong(r, "more than %d times key=value", SUP_KEYS_MAX);
    }
    for (size_t i = first; i < r->count; i++) {
        MM1_TRY(check_again(r, first, i));
        MM1_TRY(read_key(r, r->tokens[i], allowed, (unsigned)(i - first), member));
    }
    unsigned missing = member->is_supervisor ? KEYS_OF_SUPERVISOR & ~member->said : 0;
    for (unsigned key = 0; key < sup_words_key.count; key++) {
        if ((missing & 1u << key) != 0) {
            return sup_wrong(r, "supervisor \"%s\": %s is missing", member->id,
                             sup_words_key.items[key]);
        }
    }
    return MM1_OK;
}
