// SPDX-License-Identifier: Apache-2.0
#include "sheaf/version.h"

#include "sheaf/schema.h"

const char *sheaf_version(void)
{
    return SHEAF_VERSION_TEXT;
}

const char *sheaf_version_codec(size_t i)
{
    /* Past "default", which is none of its own. */
#define NAME(constant, value, name) name,
    static const char *const names[] = {SHEAF_CODEC_LIST(NAME)};
#undef NAME
    return i + 1 < sizeof names / sizeof names[0] ? names[i + 1] : NULL;
}
