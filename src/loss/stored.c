// SPDX-License-Identifier: Apache-2.0
#include "loss/stored.h"

#include <string.h>

#include <jansson.h>

static const char kind[] = "loss_stream";

typedef struct column {
    const char *name;
    sheaf_dtype dtype;
    const char *dimension;
    const char *attributes;
    bool summary_only;
} column;

static const column columns[] = {
    {"sidx_delta", SHEAF_I32, "pair",
     "{\"meaning\": \"sidx less that of the pair before it in the packet (of the first: sidx), modulo 2**32\"}", false},
    {"loss", SHEAF_F32, "pair", NULL, false},
    {"event_id", SHEAF_I32, "packet", NULL, false},
    {"item_id", SHEAF_I32, "packet", NULL, false},
    {"pair_end", SHEAF_I64, "packet",
     "{\"meaning\": \"the packet's pairs end before this row; they begin where those of the packet before end\"}", false},
    {"pass_through", SHEAF_F32, "packet", "{\"meaning\": \"loss beside sidx -4\"}", false},
    {"delimiter", SHEAF_I32, "packet", "{\"meaning\": \"bytes beside the delimiter\"}", false},
    {"flags", SHEAF_U8, "packet", "{\"meaning\": \"1: the delimiter was left out, 2: no packet\"}", false},
    {"exposure", SHEAF_F32, "packet", NULL, true},
    {"event", SHEAF_I32, "event", NULL, false},
    {"packet_end", SHEAF_I64, "event", "{\"meaning\": \"the run of packets of this event ends before this row\"}", false},
};

static sheaf_status add_columns(sheaf_schema *schema, const shf_loss_header *header, sheaf_codec codec, sheaf_error *err)
{
    SHF_TRY(sheaf_schema_add_dimension(schema, "pair", SHEAF_GROWS, err));
    SHF_TRY(sheaf_schema_add_dimension(schema, "packet", SHEAF_GROWS, err));
    SHF_TRY(sheaf_schema_add_dimension(schema, "event", SHEAF_GROWS, err));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const column *c = &columns[i];
        if (c->summary_only && !shf_loss_is_summary(header)) continue;
        sheaf_array_spec spec = sheaf_array_spec_init(c->name, c->dtype, 1, &c->dimension);
        spec.codec = codec;
        spec.attributes_json = c->attributes;
        SHF_TRY(sheaf_schema_add_array(schema, &spec, err));
    }
    shf_buf json = {0};
    sheaf_status status =
        shf_buf_printf(&json, err, "{\"sheaf_kind\": \"%s\", \"loss_word\": %u, \"loss_samples\": %d, \"loss_summary_set\": %d}", kind,
                       header->word, header->n_samples, header->set_id);
    if (!status) status = sheaf_schema_set_attributes(schema, (const char *)json.data, err);
    shf_buf_free(&json);
    return status;
}

sheaf_status shf_stored_schema(const shf_loss_header *header, sheaf_codec codec, sheaf_schema **schema, sheaf_error *err)
{
    SHF_TRY(sheaf_schema_create(schema, err));
    sheaf_status status = add_columns(*schema, header, codec, err);
    if (status) sheaf_schema_free(schema);
    return status;
}

sheaf_status shf_stored_header(sheaf_store *store, shf_loss_header *header, sheaf_error *err)
{
    char *text;
    SHF_TRY(sheaf_store_attributes(store, NULL, &text, err));
    json_t *json = json_loads(text, 0, NULL);
    const char *is = json_string_value(json_object_get(json, "sheaf_kind"));
    const json_t *word = json_object_get(json, "loss_word"), *samples = json_object_get(json, "loss_samples");
    const json_t *set = json_object_get(json, "loss_summary_set");
    bool fine = is && strcmp(is, kind) == 0 && json_is_integer(word) && json_is_integer(samples) && json_is_integer(set);
    if (fine) {
        header->word = (uint32_t)json_integer_value(word);
        header->n_samples = (int32_t)json_integer_value(samples);
        header->set_id = (int32_t)json_integer_value(set);
    }
    json_decref(json);
    sheaf_string_free(text);
    if (!fine)
        return shf_fail_at(err, SHEAF_ERR_INPUT, sheaf_store_path(store), NULL, -1, -1, "%s holds no loss stream", sheaf_store_path(store));
    return shf_loss_header_check(header, err);
}

sheaf_status shf_stored_rows(sheaf_store *store, const char *array, uint64_t begin, uint64_t end, void *out, size_t element,
                             sheaf_error *err)
{
    sheaf_selection rows = sheaf_select_range(begin, end, 1);
    return end > begin ? sheaf_store_read(store, array, &rows, out, (size_t)(end - begin) * element, err) : SHEAF_OK;
}
