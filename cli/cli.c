/* What the verbs of the command share: options, numbers and signals. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"
#include "host/units.h"

int cli_usage(const struct cli_verb *verb, const char *format, ...)
{
    va_list arguments;
    (void)fprintf(stderr, "mm1 %s: ", verb->name);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "; see \"mm1 help %s\"\n", verb->name);
    return CLI_USAGE;
}

static void unknown_option(const struct cli_verb *verb, const char *word,
                           const struct option *options)
{
    char hint[128];
    size_t size = strcspn(word, "=");
    size_t dashes = strspn(word, "-");
    struct mm1__nearest nearest = mm1__nearest(
        (struct mm1_text){.data = word + dashes, .size = size < dashes ? 0 : size - dashes});
    for (const struct option *option = options; option->name != NULL; option++) {
        mm1__nearest_offer(&nearest, mm1_text_of(option->name));
    }
    (void)cli_usage(verb, "unknown option \"%.*s\"%s", (int)size, word,
                    mm1__nearest_hint(&nearest, hint, sizeof(hint)));
}

int cli_option(const struct cli_verb *verb, int argc, char **argv, const struct option *options)
{
    opterr = 0;
    int at = optind == 0 ? 1 : optind;
    int code = getopt_long(argc, argv, ":", options, NULL);
    const char *word =
        optind > at && optind - 1 < argc ? argv[optind - 1] : argv[at < argc ? at : argc - 1];
    if (code == ':') {
        (void)cli_usage(verb, "the option \"%s\" needs a value", word);
        return '?';
    }
    if (code == '?') {
        if (optopt != 0 && strchr(word, '=') != NULL) {
            (void)cli_usage(verb, "the option \"%.*s\" takes no value", (int)strcspn(word, "="),
                            word);
        } else {
            unknown_option(verb, word, options);
        }
    }
    return code;
}

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

const volatile sig_atomic_t *cli_watch_signals(void)
{
    /* Without SA_RESTART: whoever waits is to wake up. */
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    return &stop_signal;
}

bool cli_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (mm1__u64_parse(mm1_text_of(text), &value) != MM1_OK || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}
