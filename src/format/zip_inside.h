// SPDX-License-Identifier: Apache-2.0
/* What the reader and the writer of zip files share. Section numbers are those of APPNOTE 6.3.10. */
#ifndef SHF_FORMAT_ZIP_INSIDE_H
#define SHF_FORMAT_ZIP_INSIDE_H

#include <stdint.h>

#define ZIP_LOCAL 0x04034b50U     /* 4.3.7 */
#define ZIP_ENTRY 0x02014b50U     /* 4.3.12 */
#define ZIP64_END 0x06064b50U     /* 4.3.14 */
#define ZIP64_LOCATOR 0x07064b50U /* 4.3.15 */
#define ZIP_END 0x06054b50U       /* 4.3.16 */
#define ZIP_LOCAL_SIZE 30
#define ZIP_ENTRY_SIZE 46
#define ZIP_END_SIZE 22
#define ZIP64_END_SIZE 56
#define ZIP64_LOCATOR_SIZE 20
#define ZIP64_EXTRA 0x0001 /* 4.5.3 */
#define ZIP_ENCRYPTED 1U   /* general purpose bit 0 */
#define ZIP_UTF8 0x0800U   /* general purpose bit 11 */
#define ZIP64_VERSION 45   /* 4.4.3.2 */

/* zlib's allocations, through ours. */
void *shf_zip_zalloc(void *opaque, unsigned items, unsigned size);
void shf_zip_zfree(void *opaque, void *address);

#endif
