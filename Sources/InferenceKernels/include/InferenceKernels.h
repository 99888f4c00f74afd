/// Kernels of the inference engine: matrix products, attention, norms and sampling on the processor.
///
/// One rule holds for all of them: **the order of every floating-point operation that reaches a result is fixed** and
/// depends on nothing but the model and the tokens. Thread count, chunk size and processor path change the speed and
/// never a bit. Hence: a matrix row (or a key of the cache) is a vector lane; integer sums are exact; blocks are added
/// in the order of columns with a multiplication and an addition, each rounded (no fused step, so that the plain C path
/// needs no special instruction); sums across lanes are a fixed tree; `exp`, `log`, sine and cosine are ours.
///
/// The kernels trust their arguments: the Swift side checks shapes and sizes before it builds the structures.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF files and these kernels are little-endian"
#endif

// MARK: - Processor paths

/// A set of instructions that kernels are compiled for. All give the same bits.
typedef enum {
    IK_PATH_PORTABLE = 0,  ///< Plain C, for any processor.
    IK_PATH_AVX2 = 1,      ///< 256-bit vectors of x86-64 with half-precision conversion.
    IK_PATH_AVX512 = 2,    ///< 512-bit vectors of x86-64 with byte dot products (VNNI).
    IK_PATH_AVXVNNI = 3,   ///< IK_PATH_AVX2 with byte dot products, as in client processors from 2021 on.
    IK_PATH_SSE4 = 4,      ///< 128-bit vectors of x86-64, as all since 2008 have.
    IK_PATH_NEON = 5,      ///< 128-bit vectors of 64-bit Arm with byte dot products.
} ik_path;

/// Whether this processor can run `path`.
bool ik_path_available(ik_path path);
/// The fastest path that this processor can run.
ik_path ik_best_path(void);

// MARK: - Memory

/// Zeroed memory aligned to a page, in huge pages where the system grants them; NULL when there is none.
void *ik_allocate(size_t bytes);
/// Returns what `ik_allocate` gave, with the same size.
void ik_release(void *memory, size_t bytes);

// MARK: - Threads

/// A caller and its workers, which claim pieces of a job from one counter.
///
/// A worker that the system does not schedule holds nobody up: the caller waits only for pieces that were claimed.
/// Waiting threads spin for 20 microseconds and then sleep, so that a busy machine is not made busier.
typedef struct ik_pool ik_pool;

/// A pool of `threads` threads, the caller included, that computes on `path`; NULL when threads cannot be started.
ik_pool *ik_pool_create(uint32_t threads, ik_path path);
/// Stops and joins the workers. No job may be running.
void ik_pool_destroy(ik_pool *pool);
/// The number of threads, the caller included.
uint32_t ik_pool_threads(const ik_pool *pool);

/// The number of processors that this process may use.
uint32_t ik_processors(void);
/// The bytes of the machine's memory, or 0 where the system does not tell.
uint64_t ik_machine_memory(void);
/// Runs `body(argument)` on a thread of its own that nobody joins; false when it cannot be started.
bool ik_thread_start(void (*body)(void *), void *argument);

// MARK: - Matrices

/// How the rows of a matrix are laid out for the kernels: panels of 16 rows, where a row is a vector lane.
typedef enum {
    IK_FORM_F32 = 0,     ///< Per column 16 floats.
    IK_FORM_F16 = 1,     ///< Per column 16 IEEE halves.
    IK_FORM_BF16 = 2,    ///< Per column the upper halves of 16 floats.
    IK_FORM_Q8 = 3,      ///< Blocks of 32: 8-bit numbers and a half-precision scale.
    IK_FORM_Q4 = 4,      ///< Blocks of 32: 4-bit numbers less 8 and a half-precision scale.
    IK_FORM_Q4K = 5,     ///< Blocks of 256: 4-bit numbers, 8 scales and minima of 6 bits.
    IK_FORM_Q6K = 6,     ///< Blocks of 256: numbers of 6 bits less 32 (a byte each), 16 scales of 8 bits.
    IK_FORM_SCALED = 7,  ///< Blocks of 16: numbers of up to 7 bits (a byte each), a float scale and a float minimum.
} ik_form;

/// A matrix in panels, or as its file has it. `columns` is a multiple of 32, and of 256 for the K forms.
///
/// Without panels each product packs them anew, one at a time, out of the file's rows: slower, and the same bits.
typedef struct {
    ik_form form;
    uint32_t rows;
    uint32_t columns;
    size_t panel_bytes;  ///< The size of one panel.
    const void *panels;  ///< (rows + 15) / 16 panels, where rows beyond the last are zero; or NULL.
    uint32_t type;       ///< The ggml type of the file's rows.
    size_t row_bytes;    ///< The bytes of one of them.
    const void *source;  ///< The first of them; read as long as the matrix is used where there are no panels.
} ik_matrix;

/// The form that holds ggml type `type` without any loss, or -1 for a type that is not known.
int ik_form_of(uint32_t type);
/// The bytes of one panel of `columns` columns.
size_t ik_panel_bytes(ik_form form, uint32_t columns);
/// Fills `panels` with the file's rows and makes them the matrix's; with NULL, only looks at the rows.
///
/// False when a float or a block's scale is infinite or no number; the panels are filled all the same.
bool ik_repack(ik_pool *pool, ik_matrix *matrix, void *panels);
/// Makes room for each thread of the pool to pack a panel of `bytes` bytes in; false when there is no memory.
///
/// Needed before products of a matrix without panels. No job may be running.
bool ik_pool_reserve(ik_pool *pool, size_t bytes);
/// Writes one row of the matrix as floats.
void ik_row(const ik_matrix *matrix, uint32_t row, float *out);

/// The exact value of an IEEE half.
float ik_float(uint16_t half);

/// Rounds `count` (a multiple of 16) floats to halves as the cache does: to the nearest, ties to even; NaN and what no
/// half can hold become the largest, with the sign of an infinity.
void ik_halves(ik_path path, const float *x, uint32_t count, uint16_t *out);

/// 32 activations rounded to 8 bits: `q[i] * scale`.
typedef struct {
    int8_t q[32];
    float scale;
    int32_t sums[2];  ///< Of the first and the second 16 numbers.
    int32_t minus_sum;  ///< The sum of all, negated: the products start with it where numbers are stored with a bias.
} ik_block;

/// Rounds `count` (a multiple of 32) floats to blocks: scale = largest magnitude / 127, nearest, ties to even.
void ik_quantize(const float *x, uint32_t count, ik_block *out);

/// The products of `matrix` with `tokens` vectors: out[t * out_stride + row].
///
/// `x` holds the vectors as floats `columns` apart, `blocks` the same vectors rounded; which one is read depends on the
/// form. `out_stride` is at least the number of rows rounded up to 16; the lanes beyond the last row are written too.
void ik_matmul(
    ik_pool *pool, const ik_matrix *matrix, const float *x, const ik_block *blocks, uint32_t tokens, float *out,
    size_t out_stride);

// MARK: - Transformer

/// The number of positions in one page of the cache.
enum { IK_PAGE_POSITIONS = 64 };

/// How keys and values are kept. The type is part of the arithmetic: another one gives other bits.
typedef enum {
    IK_CACHE_F32 = 0,  ///< As computed.
    IK_CACHE_F16 = 1,  ///< IEEE halves, rounded as `ik_halves` does.
    IK_CACHE_Q8 = 2,   ///< Blocks of 32 dimensions of a head, rounded as `ik_quantize` does.
} ik_cache_type;

/// The sizes that all layers share.
typedef struct {
    uint32_t width;         ///< Of the hidden state; a multiple of 32.
    uint32_t heads;         ///< Query heads; a multiple of `kv_heads`.
    uint32_t kv_heads;      ///< Key and value heads.
    uint32_t head_size;     ///< Even, up to 256; heads * head_size is a multiple of 32.
    uint32_t rotated;       ///< Leading dimensions of a head that rotate with the position; even.
    uint32_t feed_forward;  ///< A multiple of 32.
    float epsilon;          ///< Of the norms.
    bool rotates_halves;    ///< Pairs are (i, i + rotated / 2) instead of (2i, 2i + 1).
    uint32_t window;        ///< Positions that a token attends to, itself included; 0 for all.
    float magnitude;        ///< Sines and cosines are multiplied by it (YaRN); 1 for most.
} ik_shape;

/// The weights of one layer. Biases and head norms may be NULL.
typedef struct {
    const float *attention_norm;
    ik_matrix q, k, v, output;
    const float *q_bias, *k_bias, *v_bias;
    const float *q_norm, *k_norm;
    const float *feed_forward_norm;
    ik_matrix gate, up, down;
} ik_layer;

/// Tokens of one sequence that are computed together.
///
/// `pages[i]` holds positions 64 i ..< 64 (i + 1). All positions before `position` must be in the cache, and pages for
/// the tokens must be there, written by no other segment of the batch.
typedef struct {
    void *const *pages;
    uint32_t position;  ///< Of the first token.
    uint32_t count;     ///< At least 1.
} ik_segment;

/// Buffers for one batch of tokens.
typedef struct ik_workspace ik_workspace;

/// Buffers for batches of up to `tokens` tokens; NULL when memory is short.
ik_workspace *ik_workspace_create(const ik_shape *shape, uint32_t tokens);
/// Releases the buffers.
void ik_workspace_destroy(ik_workspace *workspace);

/// The bytes of one layer in one page of the cache.
size_t ik_page_bytes(const ik_shape *shape, ik_cache_type type);

/// Writes the embeddings of `count` tokens, all below the number of rows, to `hidden`, `width` floats each.
void ik_embed(const ik_matrix *embeddings, const int32_t *tokens, uint32_t count, float *hidden);

/// Starts a batch: the tokens of `segments` lie one after the other. One call serves all layers.
///
/// `frequencies` holds `rotated / 2` angles per position. `segments` is copied; the tables of pages must stay.
void ik_batch_begin(
    ik_workspace *workspace, const ik_shape *shape, ik_cache_type type, const double *frequencies,
    const ik_segment *segments, uint32_t count);

/// One layer on the tokens of the batch: reads and writes `hidden`, and appends to the caches of the segments.
///
/// `slot` is the layer's place in a page. What a token gives does not depend on the other segments, nor on how its own
/// sequence is cut into segments.
void ik_layer_forward(
    ik_pool *pool, const ik_shape *shape, const ik_layer *layer, ik_workspace *workspace, float *hidden, uint32_t slot);

/// The logits that follow `count` of the hidden states, those with numbers `tokens`: logits[i * stride + id].
///
/// `count` is at most the workspace's tokens, and `stride` at least the rows of `output` rounded up to 16.
void ik_logits(
    ik_pool *pool, const ik_shape *shape, const float *norm, const ik_matrix *output, ik_workspace *workspace,
    const float *hidden, const uint32_t *tokens, uint32_t count, float *logits, size_t stride);

// MARK: - Encoders

/// The sizes that all layers of an encoder (bert) share.
typedef struct {
    uint32_t width;         ///< Of the hidden state; a multiple of 32.
    uint32_t heads;         ///< Divides `width`.
    uint32_t feed_forward;  ///< A multiple of 32.
    float epsilon;          ///< Of the norms.
} ik_encoder_shape;

/// What a token begins as: its own row, its position's and that of the only token type, normed.
typedef struct {
    ik_matrix tokens, positions;
    const float *type;  ///< May be NULL.
    const float *norm, *norm_bias;
} ik_encoder_table;

/// The weights of one layer. Biases may be NULL.
typedef struct {
    ik_matrix q, k, v, output, up, down;
    const float *q_bias, *k_bias, *v_bias, *output_bias, *up_bias, *down_bias;
    const float *attention_norm, *attention_norm_bias, *output_norm, *output_norm_bias;
} ik_encoder_layer;

/// Buffers for one batch of sequences.
typedef struct ik_encoder ik_encoder;

/// Buffers for up to `tokens` tokens of up to `sequences` sequences; NULL when memory is short.
ik_encoder *ik_encoder_create(const ik_encoder_shape *shape, uint32_t tokens, uint32_t sequences);
/// Releases the buffers.
void ik_encoder_destroy(ik_encoder *encoder);

/// Writes the first hidden states of `sequences` sequences, the i-th of which has tokens starts[i] ..< starts[i + 1].
///
/// Tokens are below the rows of the table, and no sequence is longer than the table has positions.
void ik_encoder_begin(
    ik_pool *pool, const ik_encoder_shape *shape, const ik_encoder_table *table, ik_encoder *encoder,
    const int32_t *tokens, const uint32_t *starts, uint32_t sequences, float *hidden);

/// One layer: every token sees all tokens of its sequence. What a sequence gives does not depend on the others.
void ik_encoder_layer_forward(
    ik_pool *pool, const ik_encoder_shape *shape, const ik_encoder_layer *layer, ik_encoder *encoder, float *hidden,
    const uint32_t *starts, uint32_t sequences);

/// x * (1 + erf(x / sqrt 2)) / 2 of `count` (a multiple of 16) floats, within 2e-6.
void ik_gelu(ik_path path, float *x, uint32_t count);

/// The norm before a model's output, of `count` hidden states.
void ik_norms(
    ik_pool *pool, const float *weight, uint32_t width, float epsilon, const float *hidden, uint32_t count, float *out);

// MARK: - Sampling

/// The index of the largest of `count` logits, the lowest of equal ones. NaN is never the largest.
int32_t ik_argmax(const float *logits, uint32_t count);

/// One token, drawn with the number `draw` in 0 ..< 1.
///
/// Logits are divided by `temperature` (above 0); of the `top_k` largest (0: all) the smallest set of the most likely
/// ones stays whose probability reaches `top_p`, less those whose probability is below `min_p` times the largest; equal
/// logits rank by lower id. `scratch` has room for `count` ids. The draw goes through the tokens that stay by rank, and by
/// id where all stay, for which nothing needs to be ranked.
int32_t ik_sample(
    const float *logits, uint32_t count, double temperature, uint32_t top_k, double top_p, double min_p, double draw,
    uint32_t *scratch);

/// The logarithm of the sum of e to the logits: a logit less this number is the logarithm of its probability.
///
/// The sum is taken in eight lanes, lane i of the logits i, i + 8, ..., which a fixed tree adds up.
double ik_log_total(const float *logits, uint32_t count);

/// Writes the ids of the `wanted` (1 to `count`) largest logits, ranked; equal ones by lower id, NaN last.
void ik_largest(const float *logits, uint32_t count, uint32_t wanted, uint32_t *ids);

/// Sets the logits whose bit in `allowed` is 0 to minus infinity, and raises the others to the least finite number, so
/// that any of them ranks before all that are not allowed. Bit i is bit i % 32 of word i / 32.
void ik_mask(float *logits, uint32_t count, const uint32_t *allowed);

/// The most bytes of a token in a tree of tokens.
enum { IK_TOKEN_BYTES = 256 };

/// The bytes of tokens as a tree, in the order of a walk: a node, then all below it.
typedef struct {
    const uint8_t *bytes;          ///< Of each node.
    const uint16_t *depths;        ///< 1 for the first byte of a token, up to IK_TOKEN_BYTES.
    const uint32_t *ends;          ///< The first node that is not below a node.
    const uint32_t *first_tokens;  ///< Where the tokens that end at a node begin; one more than there are nodes.
    const int32_t *tokens;
} ik_trie;

/// The table of a grammar: where each kind of byte leads from each place.
typedef struct {
    const int32_t *ways;   ///< By place and kind: a place, 0 where nothing matches, negative where it is not known yet.
    const int32_t *sizes;  ///< By place: what a step to it adds to the work.
    const uint8_t *kinds;  ///< Of the 256 bytes.
    uint32_t kind_count;
} ik_grammar;

/// A walk between two nodes.
typedef struct {
    uint32_t node;  ///< The next node to look at.
    uint32_t end;   ///< Where the walk ends.
    uint64_t work;  ///< What was done, by the grammar's sizes.
} ik_step;

/// Sets the bits of the tokens between the walk's nodes that the grammar allows.
///
/// `places[d]` is the place after d bytes; those before the depth of the first node are read. Stops before a node whose
/// way is not known.
void ik_walk(const ik_trie *trie, const ik_grammar *grammar, ik_step *step, int32_t *places, uint32_t *allowed);

// MARK: - Elementary functions

/// e to the x, within two units in the last place; built of IEEE operations only, so equal everywhere.
double ik_exp(double x);
/// The natural logarithm of x > 0, likewise.
double ik_log(double x);
/// Sine and cosine for |x| < 2^20, likewise.
void ik_sincos(double x, double *sine, double *cosine);
