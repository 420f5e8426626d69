// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/meta.h"

#include <string.h>

#include "base/alloc.h"
#include "format/parquet/thrift.h"

static sheaf_status finish(const shf_thrift *t, const uint8_t *bytes, const char *what, size_t *used, sheaf_error *err)
{
    *used = (size_t)(t->p - bytes);
    if (!t->bad) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, NULL, -1, 0, "%s cannot be read", what);
}

static shf_pq_unit read_unit(shf_thrift *t, uint8_t type)
{
    shf_pq_unit unit = SHF_PQ_NO_UNIT;
    shf_thrift_struct(t, type);
    for (int id = 0; shf_thrift_field(t, &id, &type); shf_thrift_skip(t, type))
        if (id >= 1 && id <= 3) unit = (shf_pq_unit)id;
    return unit;
}

/* TimeType and TimestampType: 1 isAdjustedToUTC, 2 unit. */
static void read_time(shf_thrift *t, uint8_t type, shf_pq_schema_element *out)
{
    shf_thrift_struct(t, type);
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        if (id == 1) out->utc = shf_thrift_bool(t, type);
        else if (id == 2) out->unit = read_unit(t, type);
        else shf_thrift_skip(t, type);
    }
}

static void read_integer(shf_thrift *t, uint8_t type, shf_pq_schema_element *out)
{
    shf_thrift_struct(t, type);
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        if (id == 1 && type == SHF_THRIFT_BYTE) out->bits = shf_thrift_byte(t);
        else if (id == 2) out->is_signed = shf_thrift_bool(t, type);
        else shf_thrift_skip(t, type);
    }
}

static void read_decimal(shf_thrift *t, uint8_t type, shf_pq_schema_element *out)
{
    shf_thrift_struct(t, type);
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        if (id == 1) out->scale = shf_thrift_i32(t, type);
        else if (id == 2) out->precision = shf_thrift_i32(t, type);
        else shf_thrift_skip(t, type);
    }
}

/* The union LogicalType: its one field's number is the type. */
static void read_logical(shf_thrift *t, uint8_t type, shf_pq_schema_element *out)
{
    static const shf_pq_logical kinds[] = {SHF_PQ_NO_LOGICAL, SHF_PQ_STRING,        SHF_PQ_OTHER_LOGICAL, SHF_PQ_OTHER_LOGICAL,
                                           SHF_PQ_STRING,     SHF_PQ_DECIMAL,       SHF_PQ_DATE,          SHF_PQ_TIME,
                                           SHF_PQ_TIMESTAMP,  SHF_PQ_OTHER_LOGICAL, SHF_PQ_INTEGER,       SHF_PQ_OTHER_LOGICAL,
                                           SHF_PQ_STRING,     SHF_PQ_OTHER_LOGICAL, SHF_PQ_UUID,          SHF_PQ_FLOAT16};
    shf_thrift_struct(t, type);
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        out->logical = id >= 0 && id < (int)(sizeof kinds / sizeof *kinds) ? kinds[id] : SHF_PQ_OTHER_LOGICAL;
        if (out->logical == SHF_PQ_TIME || out->logical == SHF_PQ_TIMESTAMP) read_time(t, type, out);
        else if (out->logical == SHF_PQ_INTEGER) read_integer(t, type, out);
        else if (out->logical == SHF_PQ_DECIMAL) read_decimal(t, type, out);
        else shf_thrift_skip(t, type);
    }
}

/* ConvertedType, where no LogicalType stands. */
static void set_converted(int32_t converted, shf_pq_schema_element *out)
{
    if (out->logical != SHF_PQ_NO_LOGICAL) return;
    if (converted >= 11 && converted <= 18) {
        static const int32_t bits[] = {8, 16, 32, 64};
        out->logical = SHF_PQ_INTEGER;
        out->bits = bits[(converted - 11) % 4];
        out->is_signed = converted >= 15;
        return;
    }
    switch (converted) {
    case 0:
    case 4:
    case 19: out->logical = SHF_PQ_STRING; break;
    case 5: out->logical = SHF_PQ_DECIMAL; break;
    case 6: out->logical = SHF_PQ_DATE; break;
    case 7:
    case 8:
        out->logical = SHF_PQ_TIME;
        out->unit = converted == 7 ? SHF_PQ_MILLIS : SHF_PQ_MICROS;
        out->utc = true;
        break;
    case 9:
    case 10:
        out->logical = SHF_PQ_TIMESTAMP;
        out->unit = converted == 9 ? SHF_PQ_MILLIS : SHF_PQ_MICROS;
        out->utc = true;
        break;
    default: out->logical = SHF_PQ_OTHER_LOGICAL;
    }
}

sheaf_status shf_pq_read_schema_element(const uint8_t *bytes, size_t n, shf_pq_schema_element *out, size_t *used, sheaf_error *err)
{
    shf_thrift reader = {bytes, bytes + n, false}, *t = &reader;
    uint8_t type;
    int32_t converted = -1, scale = 0, precision = 0;
    *out = (shf_pq_schema_element){.name = bytes, .type = -1};
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        switch (id) {
        case 1: out->type = shf_thrift_i32(t, type); break;
        case 2: out->type_length = shf_thrift_i32(t, type); break;
        case 3: out->repetition = shf_thrift_i32(t, type); break;
        case 4: out->name = shf_thrift_binary(t, type, &out->name_size); break;
        case 5: out->n_children = shf_thrift_i32(t, type); break;
        case 6: converted = shf_thrift_i32(t, type); break;
        case 7: scale = shf_thrift_i32(t, type); break;
        case 8: precision = shf_thrift_i32(t, type); break;
        case 10: read_logical(t, type, out); break;
        default: shf_thrift_skip(t, type);
        }
    }
    if (converted >= 0) set_converted(converted, out);
    if (out->precision == 0) {
        out->scale = scale;
        out->precision = precision;
    }
    return finish(t, bytes, "a schema element", used, err);
}

static void read_statistics(shf_thrift *t, uint8_t type, shf_pq_statistics *out)
{
    shf_thrift_struct(t, type);
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        switch (id) {
        case 3: out->null_count = shf_thrift_int(t, type); break;
        case 5: out->max = shf_thrift_binary(t, type, &out->max_size); break;
        case 6: out->min = shf_thrift_binary(t, type, &out->min_size); break;
        default: shf_thrift_skip(t, type);
        }
    }
}

static void read_encodings(shf_thrift *t, uint8_t type, shf_pq_chunk *out)
{
    uint8_t element;
    size_t n = shf_thrift_list(t, type, &element);
    for (size_t i = 0; i < n && !t->bad; i++) {
        int32_t encoding = shf_thrift_i32(t, element);
        if (encoding >= 0 && encoding < 32) out->encodings |= 1u << encoding;
    }
}

static void read_column_meta(shf_thrift *t, uint8_t type, shf_pq_chunk *out)
{
    out->has_meta = true;
    shf_thrift_struct(t, type);
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        switch (id) {
        case 1: out->type = shf_thrift_i32(t, type); break;
        case 2: read_encodings(t, type, out); break;
        case 4: out->codec = shf_thrift_i32(t, type); break;
        case 5: out->n_values = shf_thrift_int(t, type); break;
        case 6: out->uncompressed_size = shf_thrift_int(t, type); break;
        case 7: out->compressed_size = shf_thrift_int(t, type); break;
        case 9: out->data_page_offset = shf_thrift_int(t, type); break;
        case 11: out->dictionary_page_offset = shf_thrift_int(t, type); break;
        case 12: read_statistics(t, type, &out->statistics); break;
        default: shf_thrift_skip(t, type);
        }
    }
}

sheaf_status shf_pq_read_chunk(const uint8_t *bytes, size_t n, shf_pq_chunk *out, size_t *used, sheaf_error *err)
{
    shf_thrift reader = {bytes, bytes + n, false}, *t = &reader;
    uint8_t type;
    *out = (shf_pq_chunk){.type = -1, .codec = -1, .n_values = -1, .statistics.null_count = -1};
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        switch (id) {
        case 1:
            out->external = true;
            shf_thrift_skip(t, type);
            break;
        case 3: read_column_meta(t, type, out); break;
        case 4: out->offset_index_offset = shf_thrift_int(t, type); break;
        case 5: out->offset_index_length = shf_thrift_i32(t, type); break;
        case 6: out->column_index_offset = shf_thrift_int(t, type); break;
        case 7: out->column_index_length = shf_thrift_i32(t, type); break;
        case 8:
        case 9:
            out->encrypted = true;
            shf_thrift_skip(t, type);
            break;
        default: shf_thrift_skip(t, type);
        }
    }
    return finish(t, bytes, "a column chunk's metadata", used, err);
}

/* DataPageHeader, DictionaryPageHeader (the first two fields alike) and DataPageHeaderV2. */
static void read_body_header(shf_thrift *t, uint8_t type, shf_pq_page *out, bool v2)
{
    out->has_body_header = true;
    shf_thrift_struct(t, type);
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        if (id == 1) out->n_values = shf_thrift_i32(t, type);
        else if (id == (v2 ? 4 : 2)) out->encoding = shf_thrift_i32(t, type);
        else if (id == 3 && v2) out->n_rows = shf_thrift_i32(t, type);
        else if (id == 2) out->n_nulls = shf_thrift_i32(t, type);
        else if (id == 5 && v2) out->definition_size = shf_thrift_i32(t, type);
        else if (id == 6 && v2) out->repetition_size = shf_thrift_i32(t, type);
        else if (id == 7 && v2) out->is_compressed = shf_thrift_bool(t, type);
        else if (id == 3 && out->type == SHF_PQ_DATA_PAGE) out->definition_encoding = shf_thrift_i32(t, type);
        else if (id == 4 && out->type == SHF_PQ_DATA_PAGE) out->repetition_encoding = shf_thrift_i32(t, type);
        else shf_thrift_skip(t, type);
    }
}

sheaf_status shf_pq_read_page(const uint8_t *bytes, size_t n, shf_pq_page *out, size_t *used, sheaf_error *err)
{
    shf_thrift reader = {bytes, bytes + n, false}, *t = &reader;
    uint8_t type;
    *out = (shf_pq_page){.type = -1,
                         .uncompressed_size = -1,
                         .compressed_size = -1,
                         .encoding = -1,
                         .is_compressed = true,
                         .definition_encoding = SHF_PQ_RLE,
                         .repetition_encoding = SHF_PQ_RLE};
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        switch (id) {
        case 1: out->type = shf_thrift_i32(t, type); break;
        case 2: out->uncompressed_size = shf_thrift_i32(t, type); break;
        case 3: out->compressed_size = shf_thrift_i32(t, type); break;
        case 4:
            out->has_crc = true;
            out->crc = (uint32_t)shf_thrift_i32(t, type);
            break;
        case 5:
        case 7:
        case 8:
            /* The header of another page type would be ignored by others, too. */
            if ((id == 5 && out->type == SHF_PQ_DATA_PAGE) || (id == 7 && out->type == SHF_PQ_DICTIONARY_PAGE) ||
                (id == 8 && out->type == SHF_PQ_DATA_PAGE_V2))
                read_body_header(t, type, out, id == 8);
            else shf_thrift_skip(t, type);
            break;
        default: shf_thrift_skip(t, type);
        }
    }
    return finish(t, bytes, "a page header", used, err);
}

static void read_location(shf_thrift *t, shf_pq_location *out)
{
    uint8_t type;
    *out = (shf_pq_location){-1, -1, -1};
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        switch (id) {
        case 1: out->offset = shf_thrift_int(t, type); break;
        case 2: out->size = shf_thrift_i32(t, type); break;
        case 3: out->first_row = shf_thrift_int(t, type); break;
        default: shf_thrift_skip(t, type);
        }
    }
}

static bool locations_sound(const shf_pq_location *locations, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const shf_pq_location *at = &locations[i];
        if (at->offset < 0 || at->size <= 0 || at->first_row < 0 || at->offset > INT64_MAX - at->size) return false;
        if (i == 0 ? at->first_row != 0 : at->first_row <= at[-1].first_row || at->offset < at[-1].offset + at[-1].size) return false;
    }
    return n > 0;
}

sheaf_status shf_pq_read_offset_index(const uint8_t *bytes, size_t n, shf_pq_location **out, size_t *count, sheaf_error *err)
{
    shf_thrift reader = {bytes, bytes + n, false}, *t = &reader;
    uint8_t type, element;
    *out = NULL;
    *count = 0;
    for (int id = 0; shf_thrift_field(t, &id, &type);) {
        if (id != 1 || *out) {
            shf_thrift_skip(t, type);
            continue;
        }
        *count = shf_thrift_list(t, type, &element);
        *out = shf_malloc(*count * sizeof **out);
        if (!*out) return shf_fail_memory(err, *count * sizeof **out, "a page index");
        if (element != SHF_THRIFT_STRUCT) shf_thrift_fault(t);
        for (size_t i = 0; i < *count; i++) read_location(t, &(*out)[i]);
    }
    if (!t->bad && locations_sound(*out, *count)) return SHEAF_OK;
    shf_free(*out);
    *out = NULL;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, NULL, -1, 0, "an offset index of %zu pages cannot be right", *count);
}
