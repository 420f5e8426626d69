// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simulate.h"

typedef struct arguments {
    cli_writer writer;
    uint64_t n, steps, seed, every;
    const char *order, *dtype;
    bool keep_last, no_series, no_summaries, quiet, progress;
    double parameters[N_MODELS * MODEL_MOST_PARAMETERS];
    bool given[N_MODELS * MODEL_MOST_PARAMETERS];
    size_t n_parameters;
    char names[N_MODELS * MODEL_MOST_PARAMETERS][32];
    cli_option parameter_options[N_MODELS * MODEL_MOST_PARAMETERS + 1];
} arguments;

/* Options of all models' parameters; one of the same name is shared. */
static void parameter_options(arguments *a)
{
    for (size_t m = 0; m < N_MODELS; m++) {
        for (size_t i = 0; i < models[m]->n_parameters; i++) {
            const model_parameter *p = &models[m]->parameters[i];
            char name[32];
            size_t at = 0;
            snprintf(name, sizeof name, "--%s", p->name);
            while (at < a->n_parameters && strcmp(a->names[at], name) != 0) at++;
            if (at < a->n_parameters) continue;
            memcpy(a->names[at], name, sizeof name);
            a->parameter_options[at] = (cli_option){a->names[at], CLI_REAL, &a->parameters[at], "X", p->help, &a->given[at]};
            a->n_parameters++;
        }
    }
}

static const model *find_model(const char *name)
{
    for (size_t i = 0; i < N_MODELS; i++)
        if (strcmp(models[i]->name, name) == 0) return models[i];
    return NULL;
}

static int unknown_model(const char *name)
{
    const char *known[N_MODELS];
    for (size_t i = 0; i < N_MODELS; i++) known[i] = models[i]->name;
    return cli_unknown("simulate", "model", name, known, N_MODELS);
}

/* Values of the model's parameters; those of other models are refused. */
static int take_parameters(const arguments *a, simulation *s)
{
    const model *m = s->model;
    for (size_t i = 0; i < m->n_parameters; i++) s->parameters[i] = m->parameters[i].value;
    for (size_t k = 0; k < a->n_parameters; k++) {
        if (!a->given[k]) continue;
        size_t i = 0;
        while (i < m->n_parameters && strcmp(m->parameters[i].name, a->names[k] + 2) != 0) i++;
        if (i == m->n_parameters) return cli_usage("simulate", "%s is no parameter of the model %s", a->names[k], m->name);
        if (!(a->parameters[k] >= m->parameters[i].low && a->parameters[k] <= m->parameters[i].high))
            return cli_usage("simulate", "%s %g is not possible: %g to %g", a->names[k], a->parameters[k], m->parameters[i].low,
                             m->parameters[i].high);
        s->parameters[i] = a->parameters[k];
    }
    return CLI_CONTINUE;
}

static int check_numbers(const arguments *a)
{
    if (a->n == 0 || a->n > (uint64_t)1 << 48)
        return cli_usage("simulate", "-n %llu: at least 1 trajectory, at most 2^48", (unsigned long long)a->n);
    if (a->steps == 0 || a->steps > INT32_MAX)
        return cli_usage("simulate", "--steps %llu: at least 1 step, at most %d", (unsigned long long)a->steps, INT32_MAX);
    if (a->every == 0 || a->every > UINT32_MAX)
        return cli_usage("simulate", "--every %llu is not possible; at least 1", (unsigned long long)a->every);
    if (a->seed > INT64_MAX) return cli_usage("simulate", "--seed %llu is above 2^63 - 1", (unsigned long long)a->seed);
    return CLI_CONTINUE;
}

/* "{"model": …, "seed": …, parameters}": what the numbers depend on, and nothing else. */
static char *attributes_of(const simulation *s)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, "{\"model\": \"%s\", \"seed\": %llu", s->model->name, (unsigned long long)s->seed);
    for (size_t i = 0; i < s->model->n_parameters; i++) {
        char number[32];
        fprintf(out, ", \"%s\": %s", s->model->parameters[i].name, cli_real(s->parameters[i], number));
    }
    fputs("}", out);
    return fclose(out) == 0 ? text : (free(text), NULL);
}

static int make_spec(const arguments *a, const simulation *s, bool by_step, sheaf_ensemble_spec *spec)
{
    sheaf_dtype stored = SHEAF_F64;
    if (a->dtype) stored = sheaf_dtype_parse(a->dtype);
    if (stored != SHEAF_F32 && stored != SHEAF_F64) return cli_usage("simulate", "--dtype \"%s\" is neither f32 nor f64", a->dtype);
    *spec = by_step ? sheaf_ensemble_spec_by_step() : sheaf_ensemble_spec_by_trajectory(s->n_steps);
    spec->interval = (uint32_t)a->every;
    spec->keep_last = a->keep_last;
    spec->codec = a->writer.codec_id;
    spec->n_expected = s->n_trajectories;
    static const char *const dimensions[] = {"trajectory"};
    for (size_t v = 0; v < s->model->n_variables; v++) {
        sheaf_ensemble_spec_add(spec, s->model->variables[v], SHEAF_F64, by_step ? &s->n_trajectories : NULL, by_step ? 1 : 0);
        if (by_step) sheaf_ensemble_spec_dimensions(spec, dimensions);
        sheaf_ensemble_spec_store_as(spec, stored);
    }
    if (by_step) {
        if (a->no_series || a->writer.at_limit) return cli_usage("simulate", "--no-series and --at-limit need --order trajectory");
        return CLI_CONTINUE;
    }
    spec->no_series = a->no_series;
    spec->summaries = a->no_summaries ? SHEAF_SUMMARIES_NONE : s->model->summaries;
    const char *at_limit = a->writer.at_limit ? a->writer.at_limit : "stop";
    if (strcmp(at_limit, "summaries") == 0) spec->at_limit = SHEAF_AT_LIMIT_SUMMARIES;
    else if (strcmp(at_limit, "stop") != 0) return cli_usage("simulate", "--at-limit \"%s\" is neither stop nor summaries", at_limit);
    return CLI_CONTINUE;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static sheaf_status begin(const arguments *a, simulation *s, const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    /* Resuming a run that had not begun begins it. */
    if (a->writer.resume && is_there(s->path)) return sheaf_ensemble_resume(s->path, spec, &a->writer.options, &s->run, err);
    return sheaf_ensemble_create(s->path, spec, &a->writer.options, &s->run, err);
}

/* The command line that goes on with the run. */
static void print_resume(int argc, char **argv)
{
    fputs("sheaf", stderr);
    bool resumes = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--replace") == 0) continue;
        resumes |= strcmp(argv[i], "--resume") == 0;
        fprintf(stderr, strpbrk(argv[i], " '\"$\\*?") ? " '%s'" : " %s", argv[i]);
    }
    fputs(resumes ? "" : " --resume", stderr);
}

typedef struct result {
    uint64_t stored, allocated, summaries_only;
} result;

/* What the closed store takes. */
static void look_at(const simulation *s, const arguments *a, result *r)
{
    sheaf_ensemble *run;
    sheaf_ensemble_statistics statistics = {.size_bytes = sizeof statistics};
    sheaf_store_options options = sheaf_store_options_init();
    options.format = a->writer.options.format;
    if (sheaf_ensemble_open(s->path, &options, &run, NULL) != SHEAF_OK) return;
    if (sheaf_ensemble_get_statistics(run, &statistics, NULL) == SHEAF_OK)
        *r = (result){statistics.n_stored, statistics.used_bytes, statistics.n_summaries_only};
    sheaf_ensemble_free(&run);
}

static int report(const simulation *s, const arguments *a, bool by_step, double seconds, int status, int argc, char **argv)
{
    result r = {0, 0, 0};
    look_at(s, a, &r);
    uint64_t n = by_step ? s->n_trajectories : r.stored;
    fprintf(stderr, "sheaf: simulate: %llu %s stored in %s (%llu now), %.2f s, peak %.1f MiB, %.1f bytes per trajectory\n",
            (unsigned long long)r.stored, by_step ? "steps" : "trajectories", s->path, (unsigned long long)s->n_put, seconds,
            cli_peak_mib(), n ? (double)r.allocated / (double)n : 0);
    if (r.summaries_only)
        fprintf(stderr, "sheaf: simulate: the disk limit is reached: %llu trajectories are stored as summaries only\n",
                (unsigned long long)r.summaries_only);
    if (s->interrupted) {
        fputs("sheaf: simulate: interrupted; what is whole is committed. To go on: ", stderr);
        print_resume(argc, argv);
        fputc('\n', stderr);
        return CLI_FAILED;
    }
    return status;
}

static int run(const arguments *a, simulation *s, int argc, char **argv)
{
    bool by_step = a->order && strcmp(a->order, "step") == 0;
    if (a->order && !by_step && strcmp(a->order, "trajectory") != 0)
        return cli_usage("simulate", "--order \"%s\" is neither trajectory nor step", a->order);
    sheaf_ensemble_spec spec;
    int exit_status = make_spec(a, s, by_step, &spec);
    if (exit_status != CLI_CONTINUE) return exit_status;
    char *attributes = attributes_of(s);
    if (!attributes) return cli_error("simulate", "out of memory");
    spec.attributes_json = attributes;
    sheaf_error err, end;
    double begun = cli_seconds();
    cli_signals_install();
    sheaf_status status = begin(a, s, &spec, &err);
    free(attributes);
    if (status != SHEAF_OK) {
        exit_status = cli_fail("simulate", &err, cli_store_hint(&err, true));
        return status == SHEAF_ERR_UNSUPPORTED ? CLI_USAGE : exit_status; /* a suffix or codec that cannot be */
    }
    cli_progress_begin(&s->progress, "simulate", by_step ? "steps" : "trajectories", by_step ? s->n_steps : s->n_trajectories, a->quiet,
                       a->progress);
    status = by_step ? simulate_steps(s, &err) : simulate_trajectories(s, &err);
    cli_progress_end(&s->progress);
    /* What came before an error is kept. */
    bool whole = status == SHEAF_OK && !s->interrupted;
    sheaf_status closed = whole ? sheaf_ensemble_close(&s->run, &end) : sheaf_ensemble_suspend(&s->run, &end);
    exit_status = CLI_DONE;
    if (status != SHEAF_OK) exit_status = cli_fail("simulate", &err, cli_store_hint(&err, true));
    else if (closed != SHEAF_OK) exit_status = cli_fail("simulate", &end, NULL);
    return report(s, a, by_step, cli_seconds() - begun, exit_status, argc, argv);
}

static unsigned default_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 16 ? 16 : (unsigned)n;
}

static int prepare(arguments *a, const char *model_name, const char *path, simulation *s)
{
    *s =
        (simulation){.model = find_model(model_name), .path = path, .n_trajectories = a->n, .seed = a->seed, .n_steps = (uint32_t)a->steps};
    if (!s->model) return unknown_model(model_name);
    int status = check_numbers(a);
    if (status == CLI_CONTINUE) status = take_parameters(a, s);
    if (status == CLI_CONTINUE) status = cli_writer_finish("simulate", &a->writer);
    unsigned threads = a->writer.threads_given ? (unsigned)a->writer.threads : default_threads();
    s->n_threads = threads > 1 ? threads : 0;
    if (a->writer.threads_given) a->writer.options.n_threads = threads > 1 ? threads - 1 : 0;
    return status;
}

int sheaf_cli_simulate(int argc, char **argv)
{
    static arguments a;
    a = (arguments){.n = 10000, .steps = 50, .every = 1};
    cli_option writer_options[CLI_N_WRITER_OPTIONS + 1];
    cli_writer_options(&a.writer, writer_options);
    parameter_options(&a);
    const cli_option options[] = {
        {"-n,--trajectories", CLI_COUNT, &a.n, "N", "trajectories (default 10000)", NULL},
        {"--steps", CLI_COUNT, &a.steps, "N", "steps of each (default 50)", NULL},
        {"--seed", CLI_COUNT, &a.seed, "S", "seed of the random numbers (default 0)", NULL},
        {"--order", CLI_TEXT, &a.order, "trajectory|step", "store whole trajectories (default), or the ensemble step by step", NULL},
        {"--every", CLI_COUNT, &a.every, "K", "store steps 0, K, 2K, … (default 1)", NULL},
        {"--keep-last", CLI_FLAG, &a.keep_last, NULL, "store the last step too", NULL},
        {"--dtype", CLI_TEXT, &a.dtype, "f32|f64", "type of the stored series (default f64)", NULL},
        {"--no-series", CLI_FLAG, &a.no_series, NULL, "store summaries only", NULL},
        {"--no-summaries", CLI_FLAG, &a.no_summaries, NULL, "store no summaries", NULL},
        {NULL, CLI_GROUP, writer_options, NULL, NULL, NULL},
        {"--quiet", CLI_FLAG, &a.quiet, NULL, "no progress bar", NULL},
        {"--progress", CLI_FLAG, &a.progress, NULL, "progress, one line a second when standard error is no terminal", NULL},
        {NULL, CLI_GROUP, a.parameter_options, NULL, NULL, NULL},
        {NULL, CLI_END, NULL, NULL, NULL, NULL},
    };
    const cli_command command = {
        "simulate",
        "MODEL STORE",
        "Runs a model (insurance, gbm or ou) and stores what it makes. The numbers depend on the seed and the parameters only.",
        "  sheaf simulate insurance run.zarr -n 100000 --steps 50 --every 10 --dtype f32 --seed 1\n"
        "  sheaf simulate gbm prices.h5 -n 1000 --steps 252 --order step",
        2,
        2,
        options,
    };
    const char *positional[2];
    int n_positional;
    int status = cli_parse(&command, argc, argv, positional, &n_positional);
    simulation s;
    if (status == CLI_CONTINUE) status = prepare(&a, positional[0], positional[1], &s);
    return status == CLI_CONTINUE ? run(&a, &s, argc, argv) : status;
}
