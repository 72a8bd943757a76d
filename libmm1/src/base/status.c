/* Texts of the status codes. */
#include <mm1/status.h>

const char *mm1_status_text(mm1_status status)
{
    switch (status) {
#define TEXT_CASE(code, text)                                                                      \
    case MM1_##code:                                                                               \
        return text;
        MM1_STATUS_MAP(TEXT_CASE)
#undef TEXT_CASE
    }
    return "unknown status";
}
