/* Reading the head of an HTTP/1 request (RFC 9112), line by line. */
#include "kit/http_get.h"

#define MALFORMED 400

enum head { HEAD_WHOLE, HEAD_MORE, HEAD_BAD };

/* Looks for the empty line. Lines end in CR LF; but for tabs there are no other control characters. */
static enum head find_end(struct mm1_bytes bytes, size_t *end)
{
    uint32_t last = 0; /* the four bytes before */
    for (size_t i = 0; i < bytes.size && i < MM1__HTTP_HEAD_MAX; i++) {
        uint8_t byte = bytes.data[i];
        bool after_cr = (last & 0xff) == '\r';
        if (after_cr != (byte == '\n') || byte == 0x7f ||
            (byte < 0x20 && byte != '\r' && byte != '\n' && byte != '\t')) {
            return HEAD_BAD;
        }
        last = last << 8 | byte;
        if (last == 0x0d0a0d0a) {
            *end = i + 1;
            return HEAD_WHOLE;
        }
    }
    return bytes.size < MM1__HTTP_HEAD_MAX ? HEAD_MORE : HEAD_BAD;
}

/* Cuts what stands before the first `stop` off `rest`, and the stop. False: there is none. */
static bool cut(struct mm1_text *rest, char stop, struct mm1_text *piece)
{
    const char *at = rest->size == 0 ? NULL : memchr(rest->data, stop, rest->size);
    if (at == NULL) {
        return false;
    }
    size_t size = (size_t)(at - rest->data);
    *piece = (struct mm1_text){.data = rest->data, .size = size};
    rest->data += size + 1;
    rest->size -= size + 1;
    return true;
}

/* A line without its CR LF. */
static bool cut_line(struct mm1_text *rest, struct mm1_text *line)
{
    if (!cut(rest, '\n', line)) {
        return false;
    }
    line->size--;
    return true;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_token(struct mm1_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!is_alphanumeric(c) && memchr("!#$%&'*+-.^_`|~", c, 15) == NULL) {
            return false;
        }
    }
    return text.size != 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* `name` is in lower case. */
static bool is_named(struct mm1_text text, struct mm1_text name)
{
    bool same = text.size == name.size;
    for (size_t i = 0; same && i < name.size; i++) {
        same = lower(text.data[i]) == name.data[i];
    }
    return same;
}

static struct mm1_text trim(struct mm1_text text)
{
    while (text.size != 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size != 0 &&
           (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

/* False: malformed, not one Host where one is needed, or a body follows. */
static bool fields_fit(struct mm1_text rest, bool needs_host)
{
    unsigned hosts = 0;
    struct mm1_text line;
    while (cut_line(&rest, &line) && line.size != 0) {
        struct mm1_text name;
        if (!cut(&line, ':', &name) || !is_token(name)) {
            return false;
        }
        struct mm1_text value = trim(line);
        hosts += is_named(name, MM1_TEXT("host"));
        if (is_named(name, MM1_TEXT("transfer-encoding")) ||
            (is_named(name, MM1_TEXT("content-length")) && !mm1_text_equal(value, MM1_TEXT("0")))) {
            return false;
        }
    }
    return needs_host ? hosts == 1 : hosts <= 1;
}

static bool target_fits(struct mm1_text target)
{
    for (size_t i = 0; i < target.size; i++) {
        if (target.data[i] <= ' ' || target.data[i] > '~') {
            return false;
        }
    }
    return target.size != 0 && target.data[0] == '/';
}

int mm1__http_get(struct mm1_bytes bytes, struct mm1_text path)
{
    size_t end;
    switch (find_end(bytes, &end)) {
    case HEAD_WHOLE:
        break;
    case HEAD_MORE:
        return 0;
    case HEAD_BAD:
        return MALFORMED;
    }
    struct mm1_text rest = {.data = (const char *)bytes.data, .size = end};
    struct mm1_text version;
    struct mm1_text method;
    struct mm1_text target;
    if (!cut_line(&rest, &version) || !cut(&version, ' ', &method) ||
        !cut(&version, ' ', &target) || !is_token(method) || !target_fits(target) ||
        version.size != 8 || memcmp(version.data, "HTTP/1.", 7) != 0 || version.data[7] < '0' ||
        version.data[7] > '9' || !fields_fit(rest, version.data[7] != '0')) {
        return MALFORMED;
    }
    struct mm1_text asked = target;
    (void)cut(&target, '?', &asked);
    if (!mm1_text_equal(asked, path)) {
        return 404;
    }
    return mm1_text_equal(method, MM1_TEXT("GET")) ? 200 : 405;
}
