/* Which seeded bug is in force. */
#include "base/mutant.h"

#ifdef MM1_MUTANTS

enum mm1__mutant mm1__mutant = MM1__MUTANT_none;
size_t mm1__mutant_restarts;

static const struct {
    const char *name;
    const char *text;
} mutants[] = {
#define MUTANT_ROW(name, text) {#name, text},
    MM1__MUTANT_MAP(MUTANT_ROW)
#undef MUTANT_ROW
};

#define COUNT (sizeof(mutants) / sizeof(mutants[0]))

/* Names in the program have "_" where those on the command line have "-". */
static bool is_name(const char *name, const char *said)
{
    while (*name != '\0' && (*said == *name || (*name == '_' && *said == '-'))) {
        name++;
        said++;
    }
    return *name == '\0' && *said == '\0';
}

void mm1__mutant_reset(void)
{
    mm1__mutant_restarts = 0;
}

bool mm1__mutant_choose(const char *name)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (is_name(mutants[i].name, name)) {
            mm1__mutant = (enum mm1__mutant)(i + 1);
            return true;
        }
    }
    return false;
}

const char *mm1__mutant_name(size_t i, const char **text)
{
    if (i >= COUNT) {
        return NULL;
    }
    *text = mutants[i].text;
    return mutants[i].name;
}

#else

void mm1__mutant_reset(void)
{
}

bool mm1__mutant_choose(const char *name)
{
    (void)name;
    return false;
}

const char *mm1__mutant_name(size_t i, const char **text)
{
    (void)i;
    (void)text;
    return NULL;
}

#endif
