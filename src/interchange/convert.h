// SPDX-License-Identifier: Apache-2.0
/* What conversion and merging share. */
#ifndef SHF_INTERCHANGE_CONVERT_H
#define SHF_INTERCHANGE_CONVERT_H

#include <jansson.h>

#include "interchange/copy.h"

/* Attributes as an object; *out is Owned by the caller also after an error. */
sheaf_status shf_attributes_read(sheaf_store *store, const char *array, json_t **out, sheaf_error *err);
sheaf_status shf_attributes_set(sheaf_schema *schema, const json_t *attributes, sheaf_error *err);
bool shf_attributes_are_steps(const json_t *attributes);

/* Shares a memory bound between the reader, the block of rows and the writer. */
void shf_copy_memory(const sheaf_store_options *options, sheaf_store_options *from, sheaf_store_options *to, size_t *block_bytes);
/* Ends the new store: whole, or as if it had not been (when it was begun at all). */
sheaf_status shf_copy_finish(sheaf_store **to, const char *path, sheaf_status status, sheaf_error *err);

#endif
