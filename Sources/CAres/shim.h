// Versions from 1.28 on mark as deprecated what 1.18 has no other name for.
#define CARES_NO_DEPRECATED
#include <ares.h>

// Macros in 1.18, members of an enumeration in later versions: Swift sees one type of number here.
static const int CARES_SUCCESS = ARES_SUCCESS;
static const int CARES_NO_DATA = ARES_ENODATA;
static const int CARES_NOT_FOUND = ARES_ENOTFOUND;
static const int CARES_BAD_NAME = ARES_EBADNAME;
static const int CARES_CANCELLED = ARES_ECANCELLED;
static const int CARES_DESTRUCTION = ARES_EDESTRUCTION;
