// SPDX-License-Identifier: Apache-2.0
/* Small tables: collected, then printed aligned or as JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef enum cell_kind { CELL_ABSENT, CELL_TEXT, CELL_NUMBER, CELL_NONFINITE } cell_kind;

typedef struct cell {
    size_t row;
    size_t column;
    cell_kind kind;
    char *shown; /* aligned table */
    char *exact; /* JSON */
} cell;

struct cli_table {
    char **columns;
    size_t n_columns;
    cell *cells;
    size_t n_cells, capacity;
    size_t n_rows;
    bool broken; /* out of memory: printed as far as it goes, with a line that says so */
};

cli_table *cli_table_create(void)
{
    return calloc(1, sizeof(cli_table));
}

void cli_table_row(cli_table *table)
{
    if (table) table->n_rows++;
}

static bool find_column(cli_table *table, const char *name, size_t *at)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i], name) == 0) {
            *at = i;
            return true;
        }
    }
    char **columns = realloc(table->columns, (table->n_columns + 1) * sizeof *columns);
    if (!columns) return false;
    table->columns = columns;
    columns[table->n_columns] = strdup(name);
    if (!columns[table->n_columns]) return false;
    *at = table->n_columns++;
    return true;
}

static void add_cell(cli_table *table, const char *column, cell_kind kind, const char *shown, const char *exact)
{
    if (!table || table->broken) return;
    table->broken = true;
    if (table->n_cells == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 64;
        cell *cells = realloc(table->cells, capacity * sizeof *cells);
        if (!cells) return;
        table->cells = cells;
        table->capacity = capacity;
    }
    cell *c = &table->cells[table->n_cells];
    if (!find_column(table, column, &c->column)) return;
    c->row = table->n_rows ? table->n_rows - 1 : 0;
    c->kind = kind;
    c->shown = strdup(shown);
    c->exact = strdup(exact);
    table->n_cells++;
    table->broken = !c->shown || !c->exact;
}

void cli_table_text(cli_table *table, const char *column, const char *value)
{
    add_cell(table, column, CELL_TEXT, value, value);
}

void cli_table_count(cli_table *table, const char *column, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    add_cell(table, column, CELL_NUMBER, text, text);
}

void cli_table_integer(cli_table *table, const char *column, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    add_cell(table, column, CELL_NUMBER, text, text);
}

void cli_table_real(cli_table *table, const char *column, double value)
{
    char shown[32] = "nan", exact[32];
    if (!isnan(value)) snprintf(shown, sizeof shown, fabs(value) >= 1e6 && fabs(value) < 1e15 ? "%.0f" : "%.6g", value);
    add_cell(table, column, isfinite(value) ? CELL_NUMBER : CELL_NONFINITE, shown, cli_real(value, exact));
}

void cli_table_absent(cli_table *table, const char *column)
{
    add_cell(table, column, CELL_ABSENT, "", "");
}

bool cli_table_empty(const cli_table *table)
{
    return !table || table->n_rows == 0;
}

/* Width in characters, not bytes. */
static int width(const char *text)
{
    int n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static void print_padded(FILE *out, const char *text, int to, bool left, bool last)
{
    int pad = to - width(text);
    if (left) fprintf(out, "%s%*s", text, last ? 0 : pad, "");
    else fprintf(out, "%*s%s", pad, "", text);
    fputs(last ? "\n" : "  ", out);
}

void cli_table_print(const cli_table *table, FILE *out)
{
    if (!table || table->n_columns == 0) return;
    int *widths = calloc(table->n_columns, sizeof *widths);
    bool *left = calloc(table->n_columns, sizeof *left);
    const char **line = calloc(table->n_columns, sizeof *line);
    for (size_t i = 0; widths && left && line && i < table->n_columns; i++) widths[i] = width(table->columns[i]);
    for (size_t i = 0; widths && left && line && i < table->n_cells; i++) {
        const cell *c = &table->cells[i];
        if (width(c->shown) > widths[c->column]) widths[c->column] = width(c->shown);
        if (c->kind == CELL_TEXT) left[c->column] = true;
    }
    if (widths && left && line) {
        for (size_t i = 0; i < table->n_columns; i++) print_padded(out, table->columns[i], widths[i], left[i], i + 1 == table->n_columns);
        for (size_t row = 0, k = 0; row < table->n_rows; row++) {
            for (size_t i = 0; i < table->n_columns; i++) line[i] = "";
            for (; k < table->n_cells && table->cells[k].row == row; k++) line[table->cells[k].column] = table->cells[k].shown;
            for (size_t i = 0; i < table->n_columns; i++) print_padded(out, line[i], widths[i], left[i], i + 1 == table->n_columns);
        }
    }
    if (table->broken) fputs("(out of memory: the table is not whole)\n", out);
    free(widths);
    free(left);
    free(line);
}

void cli_table_json(const cli_table *table, FILE *out, int indent)
{
    fputs("[", out);
    for (size_t row = 0, k = 0; table && row < table->n_rows; row++) {
        fprintf(out, "%s\n%*s{", row ? "," : "", indent + 2, "");
        for (bool first = true; k < table->n_cells && table->cells[k].row == row; k++, first = false) {
            const cell *c = &table->cells[k];
            if (!first) fputs(", ", out);
            cli_json_text(out, table->columns[c->column]);
            fputs(": ", out);
            if (c->kind == CELL_NUMBER) fputs(c->exact, out);
            else if (c->kind == CELL_TEXT) cli_json_text(out, c->exact);
            else fputs("null", out);
        }
        fputs("}", out);
    }
    if (table && table->n_rows) fprintf(out, "\n%*s", indent, "");
    fputs("]", out);
}

void cli_table_free(cli_table *table)
{
    if (!table) return;
    for (size_t i = 0; i < table->n_cells; i++) {
        free(table->cells[i].shown);
        free(table->cells[i].exact);
    }
    for (size_t i = 0; i < table->n_columns; i++) free(table->columns[i]);
    free(table->cells);
    free(table->columns);
    free(table);
}

const char *cli_real(double value, char text[32])
{
    if (isnan(value)) return strcpy(text, "nan");
    if (isinf(value)) return strcpy(text, value > 0 ? "inf" : "-inf");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return text;
}

const char *cli_bytes(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit < 5; unit++) value /= 1024;
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

void cli_json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
        else if (c < 32) fprintf(out, "\\u%04x", c);
        else fputc(c, out);
    }
    fputc('"', out);
}
