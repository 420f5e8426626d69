// SPDX-License-Identifier: Apache-2.0
/* Opens, reads, verifies, appends to and repairs stores whose files were changed: of each format one that was closed and one whose writer died.
 * Input: which store, whether checksums are made right again, then changes. HDF5 runs in a child with limits, as libhdf5 is not ours: when it
 * dies there, that is counted and passed over (SHEAF_FUZZ_HDF5=strict: it is not). */
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/crc32c.h"
#include "format/tail_log.h"
#include "io/file.h"
#include "sheaf/store.h"
#ifdef SHEAF_WITH_HDF5
#include "backend/hdf5/superblock.h"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FILES = 16, MAX_PARTS = 64, MAX_STORES = 8, ROWS = 100, CHILD_TOLERATED = 77, READ_MOST = 1 << 20 };

/* A file without its holes. */
typedef struct image_file {
    char name[128]; /* below the folder */
    uint64_t size;
    uint8_t *bytes;
    size_t n;
    size_t n_parts;
    struct {
        uint64_t offset;
        size_t at, n;
    } parts[MAX_PARTS];
    bool gone;
} image_file;

typedef struct image {
    const char *format;
    char store[32]; /* name of the store in the folder */
    image_file file[MAX_FILES];
    size_t n_files;
} image;

static image g_images[MAX_STORES];
static size_t g_n_images;
static char g_folder[64];
static uint64_t g_tolerated;
static volatile size_t g_sink;

static void die(const char *what)
{
    fprintf(stderr, "fuzz_store: %s\n", what);
    abort();
}

static void must(sheaf_status status, const sheaf_error *err)
{
    if (status != SHEAF_OK) die(err->message);
}

/* ---- the stores that inputs change ---- */

static void add_array(sheaf_schema *schema, const char *name, sheaf_dtype dtype, uint64_t depth, bool wide)
{
    sheaf_error err;
    static const char *const dimensions[] = {"row", "x"};
    sheaf_array_spec spec = sheaf_array_spec_init(name, dtype, wide ? 2 : 1, dimensions);
    spec.chunk[0] = depth;
    spec.chunk[1] = 4;
    must(sheaf_schema_add_array(schema, &spec, &err), &err);
}

static sheaf_store *create(const char *format, const char *path)
{
    sheaf_error err;
    sheaf_schema *schema;
    sheaf_store *store;
    static const double values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    sheaf_store_options options = sheaf_store_options_init();
    options.format = format;
    options.n_threads = 0;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    must(sheaf_schema_create(&schema, &err), &err);
    must(sheaf_schema_add_dimension(schema, "row", SHEAF_GROWS, &err), &err);
    must(sheaf_schema_add_dimension(schema, "x", 8, &err), &err);
    sheaf_array_spec fixed = sheaf_array_spec_init("x", SHEAF_F64, 1, (const char *[]){"x"});
    fixed.values = values;
    must(sheaf_schema_add_array(schema, &fixed, &err), &err);
    add_array(schema, "row", SHEAF_I64, 32, false);
    add_array(schema, "value", SHEAF_F32, 16, true);
    add_array(schema, "flag", SHEAF_BOOL, 64, false);
    must(sheaf_schema_set_attributes(schema, "{\"seed\": 7, \"list\": [1, 2.5]}", &err), &err);
    must(sheaf_store_create(path, schema, &options, &store, &err), &err);
    sheaf_schema_free(&schema);
    return store;
}

static void append(sheaf_store *store, int n)
{
    sheaf_error err;
    static int64_t row[ROWS];
    static float value[ROWS * 8];
    static uint8_t flag[ROWS];
    for (int i = 0; i < n; i++) {
        row[i] = i * 3;
        flag[i] = i % 3 == 0;
        for (int k = 0; k < 8; k++) value[i * 8 + k] = (float)(i * k) / 3;
    }
    must(sheaf_store_append(store, "row", (uint64_t)n, (const void *[]){row, value, flag}, NULL, &err), &err);
    must(sheaf_store_commit(store, &err), &err);
}

/* In a child, which may end without closing. */
static void write_store(const char *format, const char *path, bool killed)
{
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        sheaf_error err;
        sheaf_store *store = create(format, path);
        append(store, 70);
        if (killed) must(sheaf_store_checkpoint(store, &err), &err);
        append(store, 25);
        append(store, 3);
        if (!killed) must(sheaf_store_close(&store, &err), &err);
        _exit(0);
    }
    int how;
    if (waitpid(child, &how, 0) != child || !WIFEXITED(how) || WEXITSTATUS(how)) die("a store could not be made");
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    return bytes[0] == 0 && !memcmp(bytes, bytes + 1, n - 1);
}

static void add_part(image_file *file, uint64_t offset, const uint8_t *bytes, size_t n)
{
    size_t last = file->n_parts - 1;
    if (!file->n_parts || file->parts[last].offset + file->parts[last].n != offset) {
        if (file->n_parts == MAX_PARTS) die("too many parts");
        last = file->n_parts++;
        file->parts[last].offset = offset;
        file->parts[last].at = file->n;
        file->parts[last].n = 0;
    }
    file->bytes = realloc(file->bytes, file->n + n);
    if (!file->bytes) die("out of memory");
    memcpy(file->bytes + file->n, bytes, n);
    file->n += n;
    file->parts[last].n += n;
}

static void take_file(image *to, const char *path)
{
    if (to->n_files == MAX_FILES) die("too many files");
    image_file *file = &to->file[to->n_files++];
    memset(file, 0, sizeof *file);
    snprintf(file->name, sizeof file->name, "%s", path + strlen(g_folder) + 1);
    FILE *f = fopen(path, "rb");
    uint8_t page[4096];
    if (!f) die(path);
    for (size_t n; (n = fread(page, 1, sizeof page, f)) > 0; file->size += n)
        if (!is_zero(page, n)) add_part(file, file->size, page, n);
    fclose(f);
}

/* In the order of their names, so that an input always means the same. */
static sheaf_status visit(void *context, const char *name, sheaf_error *err);

typedef struct place {
    image *to;
    const char *path;
} place;

static void take_tree(image *to, const char *path)
{
    sheaf_error err;
    shf_path_kind kind;
    must(shf_path_stat(path, &kind, NULL, &err), &err);
    if (kind == SHF_PATH_FILE) take_file(to, path);
    else must(shf_path_list(path, visit, &(place){to, path}, &err), &err);
}

static sheaf_status visit(void *context, const char *name, sheaf_error *err)
{
    const place *at = context;
    char below[512];
    (void)err;
    snprintf(below, sizeof below, "%s/%s", at->path, name);
    take_tree(at->to, below);
    return SHEAF_OK;
}

static void clear_folder(void)
{
    sheaf_error err;
    must(shf_path_remove_tree(g_folder, &err), &err);
    must(shf_path_mkdir(g_folder, &err), &err);
}

static void remove_folder(void)
{
    (void)shf_path_remove_tree(g_folder, NULL);
    if (g_tolerated) fprintf(stderr, "fuzz_store: libhdf5 died %llu times in its child\n", (unsigned long long)g_tolerated);
}

static void make_images(void)
{
    static const char *const formats[] = {"zarr", "npy", "hdf5"}, *const names[] = {"s.zarr", "s.npyd", "s.h5"};
    snprintf(g_folder, sizeof g_folder, "%s/sheaf-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(g_folder)) die("no temporary folder");
    atexit(remove_folder);
    for (size_t i = 0; i < 6; i++) {
        image *to = &g_images[g_n_images];
        bool known = false;
        for (size_t k = 0; sheaf_format_name(k); k++) known |= !strcmp(sheaf_format_name(k), formats[i / 2]);
        if (!known) continue;
        char path[128];
        clear_folder();
        to->format = formats[i / 2];
        snprintf(to->store, sizeof to->store, "%s", names[i / 2]);
        snprintf(path, sizeof path, "%s/%s", g_folder, to->store);
        write_store(to->format, path, i % 2);
        take_tree(to, g_folder);
        g_n_images++;
    }
    clear_folder();
}

/* ---- changes ---- */

typedef struct input {
    const uint8_t *at, *end;
} input;

static unsigned next(input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* Zeros where the input has ended. */
static void next_bytes(input *in, uint8_t *to, size_t n)
{
    size_t left = (size_t)(in->end - in->at), part = n < left ? n : left;
    memset(to, 0, n);
    if (part) memcpy(to, in->at, part);
    in->at += part;
}

static size_t next_offset(input *in, size_t n)
{
    size_t high = next(in);
    return n ? (high << 8 | next(in)) % n : 0;
}

static void splice(image_file *file, size_t at, size_t cut, const uint8_t *bytes, size_t n)
{
    if (file->n_parts > 1 || file->size != file->n) return;
    if (cut > file->n - at) cut = file->n - at;
    uint8_t *longer = malloc(file->n - cut + n + 1);
    if (!longer) die("out of memory");
    memcpy(longer, file->bytes, at);
    if (n) memcpy(longer + at, bytes, n);
    memcpy(longer + at + n, file->bytes + at + cut, file->n - at - cut);
    free(file->bytes);
    file->bytes = longer;
    file->n = file->n - cut + n;
    file->size = file->parts[0].n = file->n;
    file->n_parts = 1;
    file->parts[0].offset = file->parts[0].at = 0;
}

static void set_number(image_file *file, size_t at, unsigned which)
{
    static const uint64_t numbers[8] = {0, 1, UINT64_MAX, INT64_MAX, (uint64_t)1 << 31, (uint64_t)1 << 40, UINT64_MAX - 7, 0xffff};
    uint8_t bytes[8];
    size_t n = which & 8 ? 8 : 4;
    shf_set_u64(bytes, numbers[which & 7]);
    if (n > file->n - at) n = file->n - at;
    memcpy(file->bytes + at, bytes, n);
}

static void change(image *of, input *in)
{
    unsigned kind = next(in);
    image_file *file = &of->file[next(in) % of->n_files];
    uint8_t bytes[256] = {0};
    size_t at = next_offset(in, file->n), cut = 0, n = 0;
    switch (kind % 6) {
    case 0: /* other bytes in place */
        n = 1 + next(in) % 16;
        for (size_t i = 0; i < n && at + i < file->n; i++) file->bytes[at + i] ^= (uint8_t)next(in);
        break;
    case 1: /* other bytes, longer or shorter */
        cut = next(in);
        n = next(in) % 32;
        next_bytes(in, bytes, n);
        splice(file, at, cut, bytes, n);
        break;
    case 2: file->size = file->n_parts ? file->parts[0].offset + at : 0; break;
    case 3:
        n = next(in);
        memset(bytes, (int)next(in), sizeof bytes);
        splice(file, file->n, 0, bytes, n);
        break;
    case 4: file->gone = true; break;
    case 5:
        if (file->n) set_number(file, at, next(in));
        break;
    }
}

/* ---- checksums made right again, so that what they guard is reached ---- */

static void right_log(image_file *file)
{
    uint8_t *b = file->bytes;
    if (file->n < SHF_LOG_HEADER_BYTES) return;
    shf_set_u32(b + 252, shf_crc32c(0, b, 252));
    uint64_t generation = shf_get_u64(b + 16), sequence = 0;
    size_t at = shf_get_u32(b + 8) == 1 ? SHF_LOG_HEADER_BYTES : SHF_LOG_FRAMES_AT;
    if (file->n < at) return;
    for (; file->n - at > SHF_LOG_FRAME_BYTES; sequence++) {
        uint64_t n = shf_get_u64(b + at);
        if (n == 0 || n > file->n - at - SHF_LOG_FRAME_BYTES) return;
        shf_set_u32(b + at + 8, shf_log_frame_crc(shf_crc32c(0, b + at + SHF_LOG_FRAME_BYTES, (size_t)n), generation, sequence, n));
        at += SHF_LOG_FRAME_BYTES + (size_t)n;
    }
}

static void right_end(image_file *file, size_t begin, size_t n)
{
    if (file->n >= begin + n + 4) shf_set_u32(file->bytes + begin + n, shf_crc32c(0, file->bytes + begin, n));
}

#ifdef SHEAF_WITH_HDF5
/* Object headers of version 2: "OHDR", version, flags, what the flags say, the size of the messages, these, checksum. */
static void right_header(image_file *file, size_t at)
{
    const uint8_t *b = file->bytes + at;
    size_t width = (size_t)1 << (b[5] & 3), begin = 6 + (b[5] & 0x20 ? 16u : 0u) + (b[5] & 0x10 ? 4u : 0u);
    if (file->n - at < begin + 8) return;
    uint64_t n = shf_get_u64(b + begin) & (width == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * width) - 1);
    if (n > file->n - at - begin - width || file->n - at - begin - width - n < 4) return;
    size_t before = begin + width + (size_t)n;
    shf_set_u32(file->bytes + at + before, shf_h5_lookup3(b, before));
}

static void right_hdf5(image_file *file)
{
    if (file->n < 64) return;
    shf_set_u32(file->bytes + 44, shf_h5_lookup3(file->bytes, 44));
    for (size_t at = 48; at + 32 < file->n; at++)
        if (!memcmp(file->bytes + at, "OHDR", 4)) right_header(file, at);
}
#endif

static bool ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && !strcmp(name + n - m, ending);
}

static void right_sums(image *of)
{
    for (size_t i = 0; i < of->n_files; i++) {
        image_file *file = &of->file[i];
        if (ends_in(file->name, "sheaf-log")) right_log(file);
        if (ends_in(file->name, "sheaf.len")) right_end(file, 0, 24);
        if (ends_in(file->name, "sheaf.len")) right_end(file, 64, 24);
        if (ends_in(file->name, "sheaf.sum") && file->n > 4) right_end(file, 0, file->n - 4);
        if (strstr(file->name, "/c/")) right_end(file, 0, 1024); /* a shard's index of 64 entries */
#ifdef SHEAF_WITH_HDF5
        if (ends_in(file->name, ".h5")) right_hdf5(file);
#endif
    }
}

/* ---- trying it ---- */

static void write_image(const image *of)
{
    sheaf_error err;
    clear_folder();
    for (size_t i = 0; i < of->n_files; i++) {
        const image_file *file = &of->file[i];
        char path[256];
        if (file->gone) continue;
        snprintf(path, sizeof path, "%s/%s", g_folder, file->name);
        for (char *slash = strchr(path + strlen(g_folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            (void)!mkdir(path, 0777);
            *slash = '/';
        }
        shf_file out = SHF_FILE_CLOSED;
        must(shf_file_open(&out, path, SHF_OPEN_TRUNCATE, &err), &err);
        for (size_t k = 0; k < file->n_parts; k++)
            must(shf_file_write(&out, file->bytes + file->parts[k].at, file->parts[k].n, file->parts[k].offset, &err), &err);
        must(shf_file_truncate(&out, file->size, &err), &err);
        must(shf_file_close(&out, &err), &err);
    }
}

static void read_some(sheaf_store *store, const sheaf_array_info *info, const sheaf_selection *axes)
{
    sheaf_error err;
    uint64_t n, item = sheaf_dtype_size(info->dtype);
    if (sheaf_store_count(store, info->name, axes, &n, &err) != SHEAF_OK || n * item > READ_MOST || n > READ_MOST) return;
    uint8_t *out = malloc((size_t)(n * item) + 1);
    if (!out) return;
    if (sheaf_store_read(store, info->name, axes, out, (size_t)(n * item), &err) == SHEAF_OK)
        for (size_t i = 0; i < n * item; i++) g_sink += out[i];
    else if (!err.message[0]) die("an error without a message");
    free(out);
}

static void read_array(sheaf_store *store, size_t i)
{
    sheaf_error err;
    sheaf_array_info info;
    char *json = NULL;
    uint64_t bytes;
    if (sheaf_store_array_at(store, i, &info, &err) != SHEAF_OK) return;
    if (sheaf_store_attributes(store, info.name, &json, &err) == SHEAF_OK) sheaf_string_free(json);
    read_some(store, &info, NULL);
    sheaf_selection axes[SHEAF_MAX_NDIM];
    uint64_t last = info.shape[0] ? info.shape[0] - 1 : 0, picks[3] = {last, 0, last / 2};
    for (int axis = 0; axis < info.ndim; axis++) axes[axis] = sheaf_select_range(0, 3, 2);
    axes[0] = sheaf_select_list(picks, 3);
    if (info.shape[0]) read_some(store, &info, axes);
    axes[0] = sheaf_select_range(last / 3, last + 1, last / 7 + 1);
    read_some(store, &info, axes);
    if (sheaf_store_array_bytes(store, info.name, &bytes, &err) == SHEAF_OK) g_sink += (size_t)bytes;
}

static void tell(void *context, const sheaf_error *damage)
{
    (void)context;
    if (!damage->message[0]) die("damage without a message");
}

static void try_store(const image *of)
{
    sheaf_error err = {0};
    sheaf_store *store = NULL;
    char path[128], *json = NULL;
    uint64_t n;
    snprintf(path, sizeof path, "%s/%s", g_folder, of->store);
    sheaf_store_options options = sheaf_store_options_init();
    options.format = of->format;
    options.n_threads = 0;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    if (sheaf_store_open(path, &options, &store, &err) == SHEAF_OK) {
        for (size_t i = 0; i < sheaf_store_n_arrays(store); i++) read_array(store, i);
        if (sheaf_store_attributes(store, NULL, &json, &err) == SHEAF_OK) sheaf_string_free(json);
        uint64_t lengths[64];
        if (sheaf_store_n_records(store) <= 64) g_sink += sheaf_store_peek(store, lengths, &err);
        g_sink += sheaf_store_refresh(store, NULL, &err);
        sheaf_store_free(&store);
    } else if (!err.message[0]) {
        die("an error without a message");
    }
    g_sink += sheaf_store_verify(path, tell, NULL, &n, &err);
    if (sheaf_store_open_append(path, &options, &store, &err) == SHEAF_OK) {
        const char *record = sheaf_store_record_name(store, 0);
        const void *none[64] = {NULL};
        if (record && sheaf_store_n_arrays(store) < 64) g_sink += sheaf_store_append(store, record, 2, none, NULL, &err);
        g_sink += sheaf_store_close(&store, &err);
    }
    g_sink += sheaf_store_repair(path, tell, NULL, &n, &err);
}

/* ---- libhdf5's own child ---- */

/* Whether the innermost caller that is not libc is libhdf5. */
static bool is_in_library(void)
{
    void *frames[48];
    int n = backtrace(frames, 48);
    for (int i = 2; i < n; i++) {
        Dl_info info;
        if (!dladdr(frames[i], &info) || !info.dli_fname) continue;
        if (strstr(info.dli_fname, "libhdf5")) return true;
        if (!strstr(info.dli_fname, "libc.so") && !strstr(info.dli_fname, "libasan") &&
            !(info.dli_sname && strstr(info.dli_sname, "interceptor")))
            return false;
    }
    return false;
}

static void on_signal(int number)
{
    if (is_in_library()) _exit(CHILD_TOLERATED);
    fprintf(stderr, "fuzz_store: signal %d in the child\n", number);
    signal(number, SIG_DFL);
    raise(number);
}

static void try_in_child(const image *of)
{
    pid_t child = fork();
    if (child < 0) return;
    if (child == 0) {
        void *warm[2];
        (void)backtrace(warm, 2);
        static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGXCPU};
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], on_signal);
        (void)setrlimit(RLIMIT_CPU, &(struct rlimit){5, 6});
        try_store(of);
        _exit(0);
    }
    int how;
    if (waitpid(child, &how, 0) != child) return;
    bool strict = getenv("SHEAF_FUZZ_HDF5") != NULL;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0) return;
    if (WIFEXITED(how) && WEXITSTATUS(how) == CHILD_TOLERATED && !strict) {
        g_tolerated++;
        return;
    }
    die("the child died outside libhdf5");
}

/* Sanitizers: a refused allocation is an error of ours to handle, not the end. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=1024";
}

static void limit_memory(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return;
#endif
#endif
    (void)setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)2 << 30, (rlim_t)2 << 30});
}

static void copy_image(const image *from, image *to)
{
    *to = *from;
    for (size_t i = 0; i < to->n_files; i++) {
        image_file *file = &to->file[i];
        file->bytes = malloc(file->n + 1);
        if (!file->bytes) die("out of memory");
        if (file->n) memcpy(file->bytes, from->file[i].bytes, file->n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static image changed;
    if (!g_n_images) {
        limit_memory();
        make_images();
    }
    if (size < 2 || size > 512) return 0;
    input in = {data, data + size};
    const image *of = &g_images[next(&in) % g_n_images];
    unsigned flags = next(&in);
    copy_image(of, &changed);
    for (int i = 0; i < 16 && in.at < in.end; i++) change(&changed, &in);
    if (flags & 1) right_sums(&changed);
    write_image(&changed);
    if (!strcmp(of->format, "hdf5")) try_in_child(&changed);
    else try_store(&changed);
    for (size_t i = 0; i < changed.n_files; i++) free(changed.file[i].bytes);
    return 0;
}
