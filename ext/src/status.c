#include "cdt_status.h"

const char *cdt_strerror(int status)
{
    switch (status) {
    case CDT_OK: return "no error";
    case CDT_BAD_ARGUMENT: return "an argument is outside what the function allows";
    case CDT_NO_MEMORY: return "there is not enough memory for a work buffer";
    case CDT_CORRUPT: return "the encoded data contradict themselves";
    default: return "unknown status";
    }
}
