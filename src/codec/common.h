// SPDX-License-Identifier: Apache-2.0
/* Inside src/codec: the errors that codecs share. */
#ifndef SHF_CODEC_COMMON_H
#define SHF_CODEC_COMMON_H

#include "codec/codec.h"

sheaf_status shf_codec_fail_fit(const char *codec, size_t n, size_t capacity, sheaf_error *err);
sheaf_status shf_codec_fail_large(const char *codec, size_t n, sheaf_error *err);
sheaf_status shf_codec_fail_size(const char *codec, size_t expected, size_t got, sheaf_error *err);
sheaf_status shf_codec_fail_data(const char *codec, const char *why, sheaf_error *err);
sheaf_status shf_codec_fail_absent(const char *codec, sheaf_error *err);

#endif
