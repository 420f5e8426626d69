// SPDX-License-Identifier: Apache-2.0
/** @file loss.h  Loss streams of catastrophe models: sparse events, writers, indexes, text, tables.
 *
 *  A stream is: word 0 (source << 24 | aggregation) and the number of samples S, both i32, in a summary stream (source 3) also i32 summary_set_id;
 *  then packets {i32 event_id, i32 item_id; in a summary stream also f32 exposure_value} with pairs {i32 sidx, f32 loss} up to sidx 0. All is
 *  little-endian and packed. Samples are 1..S; -1 mean, -2 standard deviation, -3 total insured value, -4 chance of loss (in summaries the number of
 *  affected risks), -5 maximum loss; others are kept. The delimiter of the very last packet may be left out.
 *
 *  Threads: a handle is for one thread at a time; different handles are independent. */
#ifndef SHEAF_LOSS_H
#define SHEAF_LOSS_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Word 0 of the usual streams. */
#define SHEAF_LOSS_WORD(source, aggregation) (((uint32_t)(source) << 24) | (uint32_t)(aggregation))
#define SHEAF_LOSS_WORD_LOSS SHEAF_LOSS_WORD(2, 1)    /**< GUL, FM and RI streams */
#define SHEAF_LOSS_WORD_SUMMARY SHEAF_LOSS_WORD(3, 1) /**< summary streams */

/** Header words of a stream. */
typedef struct sheaf_loss_header {
    uint32_t word;     /**< source << 24 | aggregation */
    int32_t n_samples; /**< S, at least 0 */
    int32_t set_id;    /**< summary streams only, else 0 */
} sheaf_loss_header;

/** What to do about something that is against the rules. */
typedef enum sheaf_loss_policy {
    SHEAF_LOSS_REFUSE = 0, /**< an error */
    SHEAF_LOSS_ACCEPT = 1, /**< accepted and counted */
} sheaf_loss_policy;

/** What a reader has seen so far. */
typedef struct sheaf_loss_stats {
    uint64_t bytes, events, packets, pairs; /**< pairs: without delimiters */
    uint64_t kept;                          /**< pairs kept in events */
    uint64_t zeros;                         /**< pairs of loss 0 or -0.0 */
    uint64_t nans, negatives, infinities;   /**< pairs; NaN is taken as 0, the others are kept */
    uint64_t unordered;                     /**< packets whose sidx did not ascend */
    uint64_t duplicates;                    /**< pairs whose sidx the packet had already */
    uint64_t above;                         /**< kept pairs with sidx > S */
    uint64_t specials[6];                   /**< pairs with sidx -1, -2, -3, -4, -5, and below -5 */
    uint64_t empty;                         /**< packets without any value */
    uint64_t end_bytes;                     /**< delimiters with bytes beside them */
    uint64_t unknown_items;                 /**< packets of items that the caller does not know (accepted) */
    uint64_t missing_delimiter;             /**< 1 when the last packet's delimiter was left out */
    uint64_t lost_bytes;                    /**< dropped from a cut end (recovered) */
} sheaf_loss_stats;

/** One event in compressed rows. Item i has the pairs indptr[i] .. indptr[i+1]-1, sorted by sidx, none of them zero (an item
 *  without any value has (-3, 0)). Everything is Borrowed until the callback returns. */
typedef struct sheaf_loss_event {
    int32_t event_id;
    size_t n_items;
    const int64_t *indptr;     /**< n_items + 1 */
    const int32_t *item_id;    /**< n_items; output, coverage or summary ids alike, any i32 */
    const float *pass_through; /**< n_items; the loss beside sidx -4, 0 when there is none */
    const float *exposure;     /**< n_items; summary streams, else 0 */
    const int32_t *sidx;       /**< indptr[n_items] */
    const float *loss;         /**< indptr[n_items] */
} sheaf_loss_event;

/** Called for each whole event, in the order of the stream. Not SHEAF_OK ends the feeding with that status. */
typedef sheaf_status (*sheaf_loss_on_event)(void *context, const sheaf_loss_event *event, sheaf_error *err);
/** Takes bytes that a writer made, in order. Not SHEAF_OK ends the writing with that status. bytes: Borrowed until it returns. */
typedef sheaf_status (*sheaf_loss_sink)(void *context, const void *bytes, size_t n_bytes, sheaf_error *err);

/* ---- reading ---- */

/** Options of a reader; begin with sheaf_loss_reader_options_init. */
typedef struct sheaf_loss_reader_options {
    size_t size_bytes;                /**< of this struct */
    sheaf_loss_policy duplicate_sidx; /**< the same sidx twice in a packet; accepted: the first one that is not 0 counts. Default: refuse */
    sheaf_loss_policy sidx_above;     /**< sidx > S; accepted: kept. Default: accept */
    sheaf_loss_policy open_end;       /**< the last delimiter left out. Default: accept */
    sheaf_loss_policy cut_end;        /**< an end inside a pair or packet header; accepted: the whole packets are kept. Default: refuse */
    sheaf_loss_policy unknown_item;   /**< an id that is not in item_ids; accepted: kept. Default: refuse */
    const int32_t *item_ids;          /**< ids that are known, ascending; NULL: any id. Copied */
    size_t n_item_ids;
    bool by_packet; /**< each packet is an event of its own (bounded memory for streams whose events are huge) */
} sheaf_loss_reader_options;

/** Fills in the defaults. */
SHEAF_API void sheaf_loss_reader_options_init(sheaf_loss_reader_options *options);

typedef struct sheaf_loss_reader sheaf_loss_reader;

/** Creates a push reader. options: NULL for defaults, Copied. on_event may be NULL (statistics only). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_reader_create(const sheaf_loss_reader_options *options, sheaf_loss_on_event on_event,
                                                                 void *context, sheaf_loss_reader **out, sheaf_error *err);
/** Feeds the next bytes of the stream, split anywhere; calls on_event for each event that they complete. Errors name the byte, event and item, and end
 *  the reader: SHEAF_ERR_INPUT (not a loss stream, or against the rules), SHEAF_ERR_DUPLICATE (sidx), SHEAF_ERR_RANGE (sidx above S, unknown item),
 *  SHEAF_ERR_MEMORY, or what on_event returned. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_reader_feed(sheaf_loss_reader *reader, const void *bytes, size_t n_bytes,
                                                               sheaf_error *err);
/** Says that the stream has ended; hands over the last event. SHEAF_ERR_TRUNCATED when it ends where it must not. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_reader_finish(sheaf_loss_reader *reader, sheaf_error *err);
/** Header words; NULL while they have not arrived. Borrowed until free. */
SHEAF_API const sheaf_loss_header *sheaf_loss_reader_header(const sheaf_loss_reader *reader);
/** Statistics so far. Borrowed until free. */
SHEAF_API const sheaf_loss_stats *sheaf_loss_reader_stats(const sheaf_loss_reader *reader);
/** NULL is fine; sets *reader to NULL. */
SHEAF_API void sheaf_loss_reader_free(sheaf_loss_reader **reader);

/** How several inputs become one stream of events. */
typedef enum sheaf_loss_join {
    SHEAF_LOSS_INTERLEAVE = 0, /**< each event as soon as it is whole */
    SHEAF_LOSS_MERGE = 1,      /**< by event id (each input ascending); equal ids become one event, items in the order of the inputs */
} sheaf_loss_join;

typedef struct sheaf_loss_merger sheaf_loss_merger;

/** Creates a reader of n_inputs streams whose header words must agree (SHEAF_ERR_MISMATCH names two inputs). names: n_inputs texts for errors, Copied. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_merger_create(sheaf_loss_join join, size_t n_inputs, const char *const *names,
                                                                 const sheaf_loss_reader_options *options, sheaf_loss_on_event on_event,
                                                                 void *context, sheaf_loss_merger **out, sheaf_error *err);
/** An input that must be fed before more can be handed over, or -1 when none is left (all have ended). With interleave any input may be fed. */
SHEAF_API int64_t sheaf_loss_merger_wants(const sheaf_loss_merger *merger);
/** Feeds bytes of one input; they are kept (Copied) until their turn. As sheaf_loss_reader_feed. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_merger_feed(sheaf_loss_merger *merger, size_t input, const void *bytes, size_t n_bytes,
                                                               sheaf_error *err);
/** Says that one input has ended. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_merger_finish(sheaf_loss_merger *merger, size_t input, sheaf_error *err);
/** Header words; NULL while the first input's have not arrived. Borrowed until free. */
SHEAF_API const sheaf_loss_header *sheaf_loss_merger_header(const sheaf_loss_merger *merger);
/** Sums over all inputs. */
SHEAF_API void sheaf_loss_merger_stats(const sheaf_loss_merger *merger, sheaf_loss_stats *out);
SHEAF_API void sheaf_loss_merger_free(sheaf_loss_merger **merger);

/* ---- writing ---- */

typedef struct sheaf_loss_writer sheaf_loss_writer;

/** Creates a writer of the canonical form and writes the header words. ordered: the packets of each event are handed over sorted by output id (stable),
 *  else in the order of the calls. The bytes do not depend on how calls and buffers fall. SHEAF_ERR_INPUT when the header is no loss stream's. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_writer_create(const sheaf_loss_header *header, bool ordered, sheaf_loss_sink sink,
                                                                 void *context, sheaf_loss_writer **out, sheaf_error *err);
/** Writes every item of an event under its own id. Loss streams: per packet event and item id, other specials, -5 (or 0), -4 only when not 0, -3 (or
 *  0), -1 (or 0), the samples that are not 0, the delimiter. Summary streams: the pairs that are not 0 (and -4) sorted by sidx. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_writer_put_event(sheaf_loss_writer *writer, const sheaf_loss_event *event,
                                                                    sheaf_error *err);
/** Writes one packet: n pairs sorted by sidx (zeros are left out, NaN is taken as 0). exposure: summary streams only. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_writer_put_packet(sheaf_loss_writer *writer, int32_t event_id, int32_t output_id,
                                                                     float pass_through, float exposure, size_t n, const int32_t *sidx,
                                                                     const float *loss, sheaf_error *err);
/** Writes the outputs of one item, whose n sorted sidx serve all n_layers layers. losses: n_layers × n, row-major. output_ids: n_layers; 0 = not written. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_writer_put_layers(sheaf_loss_writer *writer, int32_t event_id, float pass_through,
                                                                     size_t n, const int32_t *sidx, size_t n_layers,
                                                                     const int32_t *output_ids, const float *losses, sheaf_error *err);
/** Hands over what is buffered; a writer without packets has written its header. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_writer_finish(sheaf_loss_writer *writer, sheaf_error *err);
/** Also writes an index of the packets to a second sink: text "id,offset" lines, or binary {i32 id, i64 offset}. Before the first packet. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_writer_set_index(sheaf_loss_writer *writer, bool binary, sheaf_loss_sink sink,
                                                                    void *context, sheaf_error *err);
/** What is not handed over is dropped. NULL is fine. */
SHEAF_API void sheaf_loss_writer_free(sheaf_loss_writer **writer);

/* ---- parts of a stream, byte for byte ---- */

/** Options of a filter; begin with sheaf_loss_filter_options_init. */
typedef struct sheaf_loss_filter_options {
    size_t size_bytes;     /**< of this struct */
    const int32_t *events; /**< ascending ids of the events to keep; NULL: all. Copied */
    const int32_t *items;  /**< ascending ids of the items to keep; NULL: all. Copied */
    size_t n_events, n_items;
    bool recover;          /**< at a cut end the whole packets are kept and the rest is counted; else SHEAF_ERR_TRUNCATED */
    bool index_binary;     /**< the index as {i32 id, i64 offset}; else lines "id,offset" */
    sheaf_loss_sink index; /**< gets the place of each kept packet in the output; NULL: no index */
    void *index_context;
} sheaf_loss_filter_options;

SHEAF_API void sheaf_loss_filter_options_init(sheaf_loss_filter_options *options);

typedef struct sheaf_loss_filter sheaf_loss_filter;

/** Creates a filter that hands header words and kept packets on as they came: order, zeros, NaN bits, bytes beside delimiters, a missing last
 *  delimiter. sink NULL: nothing is written (for the index alone). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_filter_create(const sheaf_loss_filter_options *options, sheaf_loss_sink sink,
                                                                 void *context, sheaf_loss_filter **out, sheaf_error *err);
/** The next bytes of the stream, split anywhere. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_filter_feed(sheaf_loss_filter *filter, const void *bytes, size_t n_bytes,
                                                               sheaf_error *err);
/** The stream has ended: hands over the rest. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_filter_finish(sheaf_loss_filter *filter, sheaf_error *err);
/** bytes, packets and pairs of the input, missing_delimiter, lost_bytes. Borrowed until free. */
SHEAF_API const sheaf_loss_stats *sheaf_loss_filter_stats(const sheaf_loss_filter *filter);
SHEAF_API void sheaf_loss_filter_free(sheaf_loss_filter **filter);

/* ---- text ---- */

/** Options of the way to text; begin with sheaf_loss_csv_options_init. */
typedef struct sheaf_loss_csv_options {
    size_t size_bytes;   /**< of this struct */
    int decimals;        /**< -1 (default): the fewest digits that read back equal; 0 to 9: that many, with nothing but the pairs */
    bool header;         /**< a first line with the columns' names (default) */
    bool exact;          /**< remarks ("#" lines) with the header words and a missing last delimiter, so that every byte comes back */
    const char *id_name; /**< name of the second column; NULL: item_id, coverage_id or summary_id by the stream. Borrowed until free */
    unsigned n_threads;  /**< 0 or 1: the caller's */
} sheaf_loss_csv_options;

SHEAF_API void sheaf_loss_csv_options_init(sheaf_loss_csv_options *options);

typedef struct sheaf_loss_csv sheaf_loss_csv;

/** Creates a converter from a stream to lines event_id,item_id,sidx,loss (summary streams: also exposure_value, unless decimals are fixed). Explicit
 *  zeros, order and NaN bits are kept (a NaN other than 0x7fc00000 is nan(0x…)). A line with sidx 0 tells the end of a packet where it does not follow from the next
 *  line: a packet without pairs, one with bytes beside its delimiter, one followed by a packet of the same ids. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_csv_create(const sheaf_loss_csv_options *options, sheaf_loss_sink sink, void *context,
                                                              sheaf_loss_csv **out, sheaf_error *err);
/** The next bytes of the stream, split anywhere. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_csv_feed(sheaf_loss_csv *csv, const void *bytes, size_t n_bytes, sheaf_error *err);
/** The stream has ended: hands over the rest. SHEAF_ERR_TRUNCATED when it ends where it must not (the lines before are written). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_csv_finish(sheaf_loss_csv *csv, sheaf_error *err);
/** bytes, packets, pairs, missing_delimiter. Borrowed until free. */
SHEAF_API const sheaf_loss_stats *sheaf_loss_csv_stats(const sheaf_loss_csv *csv);
SHEAF_API void sheaf_loss_csv_free(sheaf_loss_csv **csv);

/** Options of the way from text; begin with sheaf_loss_parse_options_init. */
typedef struct sheaf_loss_parse_options {
    size_t size_bytes; /**< of this struct */
    uint32_t word;     /**< 0 (default): from a remark, else by the second column's name: summary_id 3/1, coverage_id 1/2, any other 2/1 */
    int32_t n_samples; /**< -1 (default): from a remark, else the largest sidx, known at the end only (see sheaf_loss_parse_finish) */
    int32_t set_id;    /**< of a summary stream without a remark; default 1 */
    bool last_delimiter; /**< default true; a remark overrules it */
    unsigned n_threads;  /**< 0 or 1: the caller's */
} sheaf_loss_parse_options;

SHEAF_API void sheaf_loss_parse_options_init(sheaf_loss_parse_options *options);

typedef struct sheaf_loss_parse sheaf_loss_parse;

/** Creates a converter from lines as sheaf_loss_csv writes them (with or without a line of names) to a stream. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_parse_create(const sheaf_loss_parse_options *options, sheaf_loss_sink sink,
                                                                void *context, sheaf_loss_parse **out, sheaf_error *err);
/** The next bytes of text, split anywhere. SHEAF_ERR_INPUT names the line. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_parse_feed(sheaf_loss_parse *parse, const void *bytes, size_t n_bytes, sheaf_error *err);
/** The text has ended. *header: the header words as they must be; when n_samples was not known before, the stream's word 1 (byte 4) was written as 0
 *  and the caller puts header->n_samples in its place. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_parse_finish(sheaf_loss_parse *parse, sheaf_loss_header *header, sheaf_error *err);
SHEAF_API void sheaf_loss_parse_free(sheaf_loss_parse **parse);

/* ---- tables ---- */

/** Event loss tables from a summary stream (Open Results Data). */
typedef enum sheaf_loss_table {
    SHEAF_LOSS_SELT = 0, /**< the samples that are not 0: EventId,SummaryId,SampleId,Loss,ImpactedExposure */
    SHEAF_LOSS_MELT = 1, /**< moments: EventId,SummaryId,SampleType,EventRate,ChanceOfLoss,MeanLoss,SDLoss,MaxLoss,FootprintExposure,
                              MeanImpactedExposure,MaxImpactedExposure */
    SHEAF_LOSS_QELT = 2, /**< quantiles: EventId,SummaryId,Quantile,Loss */
} sheaf_loss_table;
enum { SHEAF_LOSS_N_TABLES = 3 };

/** Options of the tables; begin with sheaf_loss_tables_options_init. What is Borrowed here must live until free. */
typedef struct sheaf_loss_tables_options {
    size_t size_bytes;                          /**< of this struct */
    sheaf_loss_sink sinks[SHEAF_LOSS_N_TABLES]; /**< where each table goes; NULL: it is not made */
    void *contexts[SHEAF_LOSS_N_TABLES];
    const double *quantiles; /**< 0 to 1, in the order wanted; NULL: 0.01, 0.05, 0.5, 0.95, 0.99. Borrowed */
    size_t n_quantiles;
    const int32_t *rate_events; /**< ascending event ids with an EventRate; others have an empty field. Borrowed */
    const double *rates;        /**< n_rates. Borrowed */
    size_t n_rates;
    int decimals;       /**< -1 (default): the fewest digits that read back as the same f64; 0 to 9 */
    bool header;        /**< a first line with the columns' names (default) */
    bool json;          /**< an array of objects instead of CSV; non-finite numbers are null */
    unsigned n_threads; /**< 0 or 1: the caller's */
} sheaf_loss_tables_options;

SHEAF_API void sheaf_loss_tables_options_init(sheaf_loss_tables_options *options);

typedef struct sheaf_loss_tables sheaf_loss_tables;

/** Creates a maker of tables, one row or more a packet, in the order of the stream. With S samples, those that are absent being 0, in f64: mean = Σx/S, sd with
 *  S-1 (0 when S < 2), ChanceOfLoss = #(x > 0)/S, quantiles of type 7 (R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", 1996). MELT's
 *  SampleType 1 is the analytical mean (sidx -1), with sd and chance 0 and the exposure in all three exposure columns; SampleType 2 comes from the samples
 *  (left out when S is 0): MeanImpactedExposure = exposure × ChanceOfLoss, MaxImpactedExposure = the exposure when any x > 0. MaxLoss is sidx -5, or the largest sample when
 *  that is not there. ImpactedExposure = the packet's exposure. SHEAF_ERR_INPUT when the stream is no summary stream, SHEAF_ERR_RANGE at sidx > S. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_tables_create(const sheaf_loss_tables_options *options, sheaf_loss_tables **out,
                                                                 sheaf_error *err);
/** The next bytes of the stream, split anywhere. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_tables_feed(sheaf_loss_tables *tables, const void *bytes, size_t n_bytes,
                                                               sheaf_error *err);
/** The stream has ended. SHEAF_ERR_TRUNCATED when it ends where it must not (the rows before are written). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_tables_finish(sheaf_loss_tables *tables, sheaf_error *err);
/** bytes, packets, missing_delimiter. Borrowed until free. */
SHEAF_API const sheaf_loss_stats *sheaf_loss_tables_stats(const sheaf_loss_tables *tables);
SHEAF_API void sheaf_loss_tables_free(sheaf_loss_tables **tables);

/* ---- stores ---- */

/** Options of the way into a store; make them by sheaf_loss_store_options_init. */
typedef struct sheaf_loss_store_options {
    size_t size_bytes;                /**< of this struct */
    const sheaf_store_options *store; /**< NULL: defaults. Borrowed until close or free */
    sheaf_codec codec;
    bool append;  /**< the store is there and goes on; header words must agree */
    bool recover; /**< at a cut end the whole packets are kept and the rest is counted; else SHEAF_ERR_TRUNCATED */
} sheaf_loss_store_options;

SHEAF_API sheaf_loss_store_options sheaf_loss_store_options_init(void);

typedef struct sheaf_loss_store sheaf_loss_store;

/** Creates a writer of streams into a store (made when the first header words have come). It holds three tables that are committed together: pair
 *  (sidx_delta, loss), packet (event_id, item_id, pair_end, …) and event (event, packet_end); every byte of the stream can be had back. A store that was made for an input
 *  that proves to be no whole stream is removed. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_store_create(const char *path, const sheaf_loss_store_options *options,
                                                                sheaf_loss_store **out, sheaf_error *err);
/** The next bytes of a stream, split anywhere. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_store_feed(sheaf_loss_store *store, const void *bytes, size_t n_bytes, sheaf_error *err);
/** The stream has ended; another one (with the same header words) may follow. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_store_end_stream(sheaf_loss_store *store, sheaf_error *err);
/** Commits and closes; *store is NULL afterwards in every case. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_store_close(sheaf_loss_store **store, sheaf_error *err);
/** bytes, packets, pairs, missing_delimiter, lost_bytes. Borrowed until close. */
SHEAF_API const sheaf_loss_stats *sheaf_loss_store_stats(const sheaf_loss_store *store);
/** Ends without committing the rest. NULL is fine. */
SHEAF_API void sheaf_loss_store_free(sheaf_loss_store **store);

typedef struct sheaf_loss_replay sheaf_loss_replay;

/** Opens a store of a loss stream for reading. SHEAF_ERR_INPUT when it holds something else. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_replay_open(const char *path, const sheaf_store_options *options,
                                                               sheaf_loss_replay **out, sheaf_error *err);
SHEAF_API const sheaf_loss_header *sheaf_loss_replay_header(const sheaf_loss_replay *replay);
/** The store behind it, for lengths and statistics. Borrowed until free. */
SHEAF_API sheaf_store *sheaf_loss_replay_store(const sheaf_loss_replay *replay);
/** Hands the stream over, byte for byte, or the packets of these events and items (ascending ids; NULL: all). Only the chunks of the tables event and packet and
 *  those of pair that hold what is asked for are decoded. In bounded memory. n_threads 0 or 1: the caller's. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_loss_replay_run(sheaf_loss_replay *replay, const int32_t *events, size_t n_events,
                                                              const int32_t *items, size_t n_items, unsigned n_threads,
                                                              sheaf_loss_sink sink, void *context, sheaf_error *err);
SHEAF_API void sheaf_loss_replay_free(sheaf_loss_replay **replay);

#ifdef __cplusplus
}
#endif
#endif
