// SPDX-License-Identifier: Apache-2.0
/* Exact quantiles of data that does not fit in memory, by selection over several passes. The caller feeds all values once per pass, in any
 * order and in any pieces:
 *
 *     shf_selector_open(probabilities, count, memory, false, &s, err);
 *     do { for each piece: shf_selector_add(s, dtype, values, n, err); } while (shf_selector_again(s, &again, err) == SHEAF_OK && again);
 *     shf_selector_result(s, out, err);
 *
 * One pass when everything fits in `memory_bytes`, else usually three (two when a sixteenth of an octave around each quantile fits), a
 * few more for many quantiles in little memory: the values' order-preserving integer images are counted by their leading bits, 16 at
 * a time where memory allows, until the values around the quantiles fit or are all equal. The result is bit for bit that of shf_quantiles_in_place, but that
 * -0 counts as 0. One selector is for one thread at a time. */
#ifndef SHF_STATS_SELECTOR_H
#define SHF_STATS_SELECTOR_H

#include "sheaf/types.h"

#define SHF_SELECTOR_MOST 1000         /* probabilities at once */
#define SHF_SELECTOR_MEMORY (2U << 20) /* least memory in bytes; less is raised to it */

typedef struct shf_selector shf_selector;

/* probabilities are Copied. skip_nan: NaN means absent; else one NaN makes every quantile NaN. */
sheaf_status shf_selector_open(const double *probabilities, size_t count, size_t memory_bytes, bool skip_nan, shf_selector **selector,
                               sheaf_error *err);
sheaf_status shf_selector_add(shf_selector *selector, sheaf_dtype dtype, const void *values, size_t n, sheaf_error *err);
/* Ends a pass; *again tells whether another one is needed. SHEAF_ERR_MISMATCH when it had other values than the first. */
sheaf_status shf_selector_again(shf_selector *selector, bool *again, sheaf_error *err);
/* out[i] belongs to probabilities[i]; NaN when there were no values. Only after the last pass. */
sheaf_status shf_selector_result(const shf_selector *selector, double *out, sheaf_error *err);
/* Values of a pass that are there (NaN is not counted when it means absent). */
uint64_t shf_selector_count(const shf_selector *selector);
void shf_selector_free(shf_selector *selector); /* NULL is allowed */

#endif
