// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/meta.h"

static const char *pick(const char *const *names, size_t n, int32_t i)
{
    return i >= 0 && (size_t)i < n && names[i] ? names[i] : "unknown";
}

const char *shf_pq_type_name(int32_t type)
{
    static const char *const names[] = {"BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
    return pick(names, sizeof names / sizeof *names, type);
}

const char *shf_pq_encoding_name(int32_t encoding)
{
    static const char *const names[] = {"PLAIN",
                                        NULL,
                                        "PLAIN_DICTIONARY",
                                        "RLE",
                                        "BIT_PACKED",
                                        "DELTA_BINARY_PACKED",
                                        "DELTA_LENGTH_BYTE_ARRAY",
                                        "DELTA_BYTE_ARRAY",
                                        "RLE_DICTIONARY",
                                        "BYTE_STREAM_SPLIT"};
    return pick(names, sizeof names / sizeof *names, encoding);
}

const char *shf_pq_compression_name(int32_t codec)
{
    static const char *const names[] = {"uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4 (Hadoop)", "zstd", "lz4_raw"};
    return pick(names, sizeof names / sizeof *names, codec);
}

size_t shf_pq_value_size(int32_t type, int32_t type_length)
{
    switch (type) {
    case SHF_PQ_BOOLEAN: return 1;
    case SHF_PQ_INT32:
    case SHF_PQ_FLOAT: return 4;
    case SHF_PQ_INT64:
    case SHF_PQ_DOUBLE: return 8;
    case SHF_PQ_INT96: return 12;
    case SHF_PQ_FIXED: return type_length > 0 ? (size_t)type_length : 0;
    default: return 0;
    }
}
