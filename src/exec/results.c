// SPDX-License-Identifier: Apache-2.0
#include "exec/executor.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

sheaf_status sheaf_output_create(sheaf_output **out, sheaf_error *err)
{
    *out = shf_calloc(1, sizeof **out);
    return *out ? SHEAF_OK : shf_fail_memory(err, sizeof **out, "an output");
}

sheaf_status sheaf_output_append(sheaf_output *output, const void *bytes, size_t size_bytes, sheaf_error *err)
{
    return shf_buf_append(&output->buf, bytes, size_bytes, err);
}

const void *sheaf_output_bytes(const sheaf_output *output, size_t *size_bytes)
{
    *size_bytes = output->buf.size;
    return output->buf.data;
}

void sheaf_output_free(sheaf_output **output)
{
    if (!output || !*output) return;
    shf_buf_free(&(*output)->buf);
    shf_free(*output);
    *output = NULL;
}

void sheaf_cancel_request(sheaf_cancel *cancel)
{
    __atomic_store_n(&cancel->requested, 1, __ATOMIC_RELEASE);
}

bool sheaf_cancel_requested(const sheaf_cancel *cancel)
{
    return cancel && __atomic_load_n(&cancel->requested, __ATOMIC_ACQUIRE) != 0;
}

size_t sheaf_results_count(const sheaf_results *results)
{
    return results ? results->n : 0;
}

sheaf_status sheaf_results_get(const sheaf_results *results, size_t index, const void **bytes, size_t *size_bytes, sheaf_error *err)
{
    *bytes = NULL;
    *size_bytes = 0;
    if (index >= results->n) return shf_fail(err, SHEAF_ERR_RANGE, "there is no task %zu: the run had %zu tasks", index, results->n);
    const shf_result *result = &results->at[index];
    if (!result->given) return shf_fail(err, SHEAF_ERR_CANCELLED, "cancelled before it began");
    if (result->status != SHEAF_OK) {
        if (!result->error) return shf_fail(err, result->status, "%s", sheaf_status_text(result->status));
        if (err) *err = *result->error;
        return result->status;
    }
    *bytes = result->bytes;
    *size_bytes = result->size_bytes;
    return SHEAF_OK;
}

static void keep_error(shf_result *result, const sheaf_error *error)
{
    result->status = error->code == SHEAF_OK ? SHEAF_ERR_STATE : error->code;
    result->error = shf_malloc(sizeof *error);
    if (result->error) *result->error = *error;
}

void sheaf_results_set(sheaf_results *results, size_t index, const void *bytes, size_t size_bytes, const sheaf_error *error)
{
    if (index >= results->n || results->at[index].given) return;
    shf_result *result = &results->at[index];
    result->given = true;
    if (error) {
        keep_error(result, error);
        return;
    }
    result->bytes = shf_malloc(size_bytes);
    if (!result->bytes) {
        sheaf_error memory;
        shf_fail_memory(&memory, size_bytes, "the result of a task");
        keep_error(result, &memory);
        return;
    }
    if (size_bytes) memcpy(result->bytes, bytes, size_bytes);
    result->size_bytes = size_bytes;
}

void shf_results_fail_rest(sheaf_results *results, const sheaf_error *error)
{
    for (size_t i = 0; i < results->n; i++)
        if (!results->at[i].given) sheaf_results_set(results, i, NULL, 0, error);
}

bool shf_results_given(const sheaf_results *results, size_t index)
{
    return results->at[index].given;
}

void sheaf_results_free(sheaf_results **results)
{
    if (!results || !*results) return;
    for (size_t i = 0; i < (*results)->n; i++) {
        shf_free((*results)->at[i].bytes);
        shf_free((*results)->at[i].error);
    }
    shf_free((*results)->at);
    shf_free(*results);
    *results = NULL;
}
