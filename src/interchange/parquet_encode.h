// SPDX-License-Identifier: Apache-2.0
/* Inside the Parquet writer: one column chunk, from values to bytes. */
#ifndef SHF_INTERCHANGE_PARQUET_ENCODE_H
#define SHF_INTERCHANGE_PARQUET_ENCODE_H

#include "codec/codec.h"
#include "interchange/parquet_inside.h"
#include "interchange/parquet_writer.h"

/* Buffers and contexts for one chunk after the other. Zero-initialise. */
typedef struct shf_parquet_encoder {
    shf_codec_work codec;
    shf_buf packed, packed_bytes, wide, indices, dictionary, page, shuffled, compressed;
} shf_parquet_encoder;
void shf_parquet_encoder_free(shf_parquet_encoder *encoder);

typedef struct shf_parquet_encoded {
    shf_buf bytes;            /* the chunk as it goes to the file */
    shf_pq_page_entry *pages; /* data pages, Owned */
    size_t n_pages, capacity;
    size_t dictionary_size;     /* bytes of the dictionary page in front; 0: none */
    shf_pq_written_chunk chunk; /* all but offsets and index lengths */
} shf_parquet_encoded;
void shf_parquet_encoded_free(shf_parquet_encoded *encoded);

typedef struct shf_parquet_encode_options {
    shf_pq_compression codec;
    int level;
    uint32_t rows_per_page;
} shf_parquet_encode_options;

sheaf_status shf_parquet_encode(const shf_pq_field *field, const shf_parquet_encode_options *options, const shf_parquet_values *values,
                                uint64_t n_rows, shf_parquet_encoder *encoder, shf_parquet_encoded *out, sheaf_error *err);
/* Order of a field's statistics. */
shf_pq_order shf_parquet_order(const shf_pq_field *field);

#endif
