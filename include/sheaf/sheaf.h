// SPDX-License-Identifier: Apache-2.0
/** @file sheaf.h  Everything: includes each public header. */
#ifndef SHEAF_SHEAF_H
#define SHEAF_SHEAF_H

#include "describe.h"
#include "ensemble.h"
#include "error.h"
#include "executor.h"
#include "interchange.h"
#include "loss.h"
#include "plan.h"
#include "schema.h"
#include "series.h"
#include "stats.h"
#include "store.h"
#include "table.h"
#include "types.h"
#include "version.h"

#endif
