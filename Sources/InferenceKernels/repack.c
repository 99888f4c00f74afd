#include "blocks.h"
#include "pool.h"
#include "exact.h"

enum {
    TYPE_F32 = 0, TYPE_F16 = 1, TYPE_Q4_0 = 2, TYPE_Q4_1 = 3, TYPE_Q5_0 = 6, TYPE_Q5_1 = 7, TYPE_Q8_0 = 8,
    TYPE_Q2_K = 10, TYPE_Q3_K = 11, TYPE_Q4_K = 12, TYPE_Q5_K = 13, TYPE_Q6_K = 14, TYPE_IQ4_NL = 20, TYPE_BF16 = 30
};

int ik_form_of(uint32_t type) {
    switch (type) {
    case TYPE_F32: return IK_FORM_F32;
    case TYPE_F16: return IK_FORM_F16;
    case TYPE_BF16: return IK_FORM_BF16;
    case TYPE_Q8_0: case TYPE_Q5_0: case TYPE_IQ4_NL: return IK_FORM_Q8;
    case TYPE_Q4_0: return IK_FORM_Q4;
    case TYPE_Q4_K: return IK_FORM_Q4K;
    case TYPE_Q6_K: case TYPE_Q3_K: return IK_FORM_Q6K;
    case TYPE_Q4_1: case TYPE_Q5_1: case TYPE_Q2_K: case TYPE_Q5_K: return IK_FORM_SCALED;
    default: return -1;
    }
}

size_t ik_panel_bytes(ik_form form, uint32_t columns) {
    size_t n = columns;
    switch (form) {
    case IK_FORM_F32: return n * 64;
    case IK_FORM_F16: case IK_FORM_BF16: return n * 32;
    case IK_FORM_Q8: return n / 32 * (32 + 512);
    case IK_FORM_Q4: return n / 32 * (32 + 256);
    case IK_FORM_Q4K: return n / 256 * Q4K_BYTES;
    case IK_FORM_Q6K: return n / 256 * Q6K_BYTES;
    case IK_FORM_SCALED: return n / 32 * SCALED_BYTES;
    }
    return 0;
}

/// The 6-bit scale and minimum number `j` of the twelve packed bytes of Q4_K and Q5_K.
static void k_scale(const uint8_t *packed, int j, uint8_t *scale, uint8_t *minimum) {
    if (j < 4) {
        *scale = packed[j] & 63;
        *minimum = packed[j + 4] & 63;
    } else {
        *scale = (uint8_t)((packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4);
        *minimum = (uint8_t)(packed[j + 4] >> 4 | (packed[j] >> 6) << 4);
    }
}

// MARK: - Blocks of 32

static const int8_t iq4_nl_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Lane `r`, block `b` of a panel of IK_FORM_Q8: scales of all blocks first, then numbers + 128.
static void pack_q8(uint32_t type, const uint8_t *source, uint8_t *panel, uint32_t blocks, uint32_t b, uint32_t r) {
    memcpy(panel + (size_t)b * 32 + r * 2, source, 2);
    uint8_t *numbers = panel + (size_t)blocks * 32 + (size_t)b * 512;
    if (type == TYPE_Q8_0) {
        for (uint32_t g = 0; g < 8; g++) {
            uint32_t word;
            memcpy(&word, source + 2 + g * 4, 4);
            word ^= 0x80808080u;
            memcpy(numbers + g * 64 + r * 4, &word, 4);
        }
        return;
    }
    uint32_t high = 0;
    if (type == TYPE_Q5_0) memcpy(&high, source + 2, 4);
    const uint8_t *nibbles = source + (type == TYPE_Q5_0 ? 6 : 2);
    for (uint32_t c = 0; c < 32; c++) {
        uint32_t low = nibbles[c % 16] >> (c < 16 ? 0 : 4) & 15;
        int value = type == TYPE_Q5_0 ? (int)(low | (high >> c & 1) << 4) - 16 : iq4_nl_values[low];
        numbers[ik_byte_place(c, r)] = (uint8_t)(value + 128);
    }
}

/// Lane `r`, block `b` of a panel of IK_FORM_Q4. Byte p of group g has column 4g + p below and 16 + 4g + p above, which
/// is how Q4_0 pairs its columns.
static void pack_q4(const uint8_t *source, uint8_t *panel, uint32_t blocks, uint32_t b, uint32_t r) {
    memcpy(panel + (size_t)b * 32 + r * 2, source, 2);
    uint8_t *numbers = panel + (size_t)blocks * 32 + (size_t)b * 256;
    for (uint32_t g = 0; g < 4; g++) memcpy(numbers + g * 64 + r * 4, source + 2 + g * 4, 4);
}

/// Lane `r` of one block of 32 columns of IK_FORM_SCALED: number * scale + minimum for each half.
static void pack_scaled(
    uint8_t *block, uint32_t r, const uint8_t numbers[32], const float scales[2], const float minima[2]
) {
    for (int half = 0; half < 2; half++) {
        memcpy(block + half * 64 + r * 4, &scales[half], 4);
        memcpy(block + SCALED_MINIMA + half * 64 + r * 4, &minima[half], 4);
    }
    for (uint32_t c = 0; c < 32; c++) block[SCALED_NUMBERS + ik_byte_place(c, r)] = numbers[c];
}

/// Q4_1 and Q5_1.
static void pack_with_minimum(uint32_t type, const uint8_t *source, uint8_t *panel, uint32_t b, uint32_t r) {
    float scale = ik_half(ik_u16(source)), minimum = ik_half(ik_u16(source + 2));
    uint32_t high = 0;
    if (type == TYPE_Q5_1) memcpy(&high, source + 4, 4);
    const uint8_t *nibbles = source + (type == TYPE_Q5_1 ? 8 : 4);
    uint8_t numbers[32];
    for (uint32_t c = 0; c < 32; c++)
        numbers[c] = (uint8_t)((nibbles[c % 16] >> (c < 16 ? 0 : 4) & 15) | (high >> c & 1) << 4);
    pack_scaled(panel + (size_t)b * SCALED_BYTES, r, numbers, (float[2]){scale, scale}, (float[2]){minimum, minimum});
}

// MARK: - Blocks of 256

static void pack_q4k(const uint8_t *source, uint8_t *block, uint32_t r) {
    memcpy(block + r * 2, source, 2);
    memcpy(block + 32 + r * 2, source + 2, 2);
    for (uint32_t j = 0; j < 8; j++)
        k_scale(source + 4, (int)j, block + Q4K_SCALES + j * 16 + r, block + Q4K_MINIMA + j * 16 + r);
    // In the file byte i of pair p holds column i of sub-block 2p below and of 2p + 1 above.
    for (uint32_t j = 0; j < 8; j++) {
        const uint8_t *pair = source + 16 + j / 2 * 32;
        uint32_t shift = j % 2 * 4;
        for (uint32_t c = 0; c < 16; c++) {
            uint32_t low = pair[c] >> shift & 15, high = pair[c + 16] >> shift & 15;
            block[Q4K_NUMBERS + j * 256 + ik_byte_place(c, r)] = (uint8_t)(low | high << 4);
        }
    }
}

/// Q6_K and Q3_K: signed numbers, 16 signed scales.
static void pack_q6k(uint32_t type, const uint8_t *source, uint8_t *block, uint32_t r) {
    int8_t numbers[256], scales[16];
    if (type == TYPE_Q6_K) {
        memcpy(block + r * 2, source + 208, 2);
        memcpy(scales, source + 192, 16);
        for (int c = 0; c < 256; c++) {
            int half = c / 128, within = c % 128, low = source[half * 64 + within % 64] >> (within < 64 ? 0 : 4) & 15;
            int high = source[128 + half * 32 + within % 32] >> (within / 32 * 2) & 3;
            numbers[c] = (int8_t)((low | high << 4) - 32);
        }
    } else {
        memcpy(block + r * 2, source + 108, 2);
        const uint8_t *packed = source + 96;
        for (int j = 0; j < 16; j++) {
            int low = packed[j % 8] >> (j < 8 ? 0 : 4) & 15, high = packed[8 + j % 4] >> (j / 4 * 2) & 3;
            scales[j] = (int8_t)((low | high << 4) - 32);
        }
        for (int c = 0; c < 256; c++) {
            int low = source[32 + c / 128 * 32 + c % 32] >> (c % 128 / 32 * 2) & 3;
            int high = source[c % 32] >> (c / 32) & 1;
            numbers[c] = (int8_t)(low - (high ? 0 : 4));
        }
    }
    for (uint32_t j = 0; j < 16; j++) block[Q6K_SCALES + j * 16 + r] = (uint8_t)scales[j];
    for (uint32_t c = 0; c < 256; c++)
        block[Q6K_NUMBERS + c / 32 * 512 + ik_byte_place(c % 32, r)] = (uint8_t)(numbers[c] + 32);
}

/// Q2_K and Q5_K. The products of scales are exact in a float, since a half has 11 bits and a scale at most 6.
static void pack_k_with_minimum(uint32_t type, const uint8_t *source, uint8_t *blocks, uint32_t r) {
    for (uint32_t j = 0; j < 8; j++) {
        uint8_t numbers[32];
        float scales[2], minima[2];
        if (type == TYPE_Q5_K) {
            uint8_t scale, minimum;
            k_scale(source + 4, (int)j, &scale, &minimum);
            scales[0] = scales[1] = ik_half(ik_u16(source)) * (float)scale;
            minima[0] = minima[1] = -(ik_half(ik_u16(source + 2)) * (float)minimum);
            for (uint32_t c = 0; c < 32; c++) {
                uint32_t low = source[48 + j / 2 * 32 + c] >> (j % 2 * 4) & 15, high = source[16 + c] >> j & 1;
                numbers[c] = (uint8_t)(low | high << 4);
            }
        } else {
            for (uint32_t half = 0; half < 2; half++) {
                uint8_t packed = source[j * 2 + half];
                scales[half] = ik_half(ik_u16(source + 80)) * (float)(packed & 15);
                minima[half] = -(ik_half(ik_u16(source + 82)) * (float)(packed >> 4));
            }
            for (uint32_t c = 0; c < 32; c++) numbers[c] = source[16 + j / 4 * 32 + c] >> (j % 4 * 2) & 3;
        }
        pack_scaled(blocks + (size_t)j * SCALED_BYTES, r, numbers, scales, minima);
    }
}

// MARK: - Whole matrices

typedef struct {
    const ik_matrix *matrix;
    uint8_t *panels;
    bool *is_finite;
} repack_job;

/// Where the halves of a block are that must be numbers: at most two, at `first` and, if `second`, two bytes on.
typedef struct {
    uint32_t bytes, first;
    bool second;
} block_scales;

static block_scales scales_of(uint32_t type) {
    switch (type) {
    case TYPE_F16: return (block_scales){2, 0, false};
    case TYPE_Q8_0: return (block_scales){34, 0, false};
    case TYPE_Q4_0: case TYPE_IQ4_NL: return (block_scales){18, 0, false};
    case TYPE_Q5_0: return (block_scales){22, 0, false};
    case TYPE_Q4_1: return (block_scales){20, 0, true};
    case TYPE_Q5_1: return (block_scales){24, 0, true};
    case TYPE_Q2_K: return (block_scales){84, 80, true};
    case TYPE_Q3_K: return (block_scales){110, 108, false};
    case TYPE_Q4_K: return (block_scales){144, 0, true};
    case TYPE_Q5_K: return (block_scales){176, 0, true};
    default: return (block_scales){210, 208, false};
    }
}

static bool is_number(uint16_t bits, uint16_t exponent) { return (bits & exponent) != exponent; }

/// Whether the floats or scales of a row are numbers; the row was read a moment ago, so this costs little.
static bool is_finite(uint32_t type, const uint8_t *row, size_t bytes) {
    bool result = true;
    if (type == TYPE_F32 || type == TYPE_BF16) {
        uint32_t size = type == TYPE_F32 ? 4 : 2;
        for (size_t at = size - 2; at < bytes; at += size) result &= is_number(ik_u16(row + at), 0x7f80);
        return result;
    }
    block_scales scales = scales_of(type);
    for (size_t at = scales.first; at < bytes; at += scales.bytes) {
        result &= is_number(ik_u16(row + at), 0x7c00);
        if (scales.second) result &= is_number(ik_u16(row + at + 2), 0x7c00);
    }
    return result;
}

/// Lane `r` of a panel of `columns` columns.
static void pack_row(uint32_t type, uint32_t columns, const uint8_t *source, uint8_t *panel, uint32_t r) {
    uint32_t blocks = columns / 32;
    switch (type) {
    case TYPE_F32:
        for (uint32_t c = 0; c < columns; c++) memcpy(panel + (size_t)c * 64 + r * 4, source + (size_t)c * 4, 4);
        break;
    case TYPE_F16: case TYPE_BF16:
        for (uint32_t c = 0; c < columns; c++) memcpy(panel + (size_t)c * 32 + r * 2, source + (size_t)c * 2, 2);
        break;
    case TYPE_Q8_0:
        for (uint32_t b = 0; b < blocks; b++) pack_q8(TYPE_Q8_0, source + (size_t)b * 34, panel, blocks, b, r);
        break;
    case TYPE_Q5_0:
        for (uint32_t b = 0; b < blocks; b++) pack_q8(TYPE_Q5_0, source + (size_t)b * 22, panel, blocks, b, r);
        break;
    case TYPE_IQ4_NL:
        for (uint32_t b = 0; b < blocks; b++) pack_q8(TYPE_IQ4_NL, source + (size_t)b * 18, panel, blocks, b, r);
        break;
    case TYPE_Q4_0:
        for (uint32_t b = 0; b < blocks; b++) pack_q4(source + (size_t)b * 18, panel, blocks, b, r);
        break;
    case TYPE_Q4_1: case TYPE_Q5_1:
        for (uint32_t b = 0; b < blocks; b++)
            pack_with_minimum(type, source + (size_t)b * (type == TYPE_Q4_1 ? 20 : 24), panel, b, r);
        break;
    case TYPE_Q4_K:
        for (uint32_t b = 0; b < columns / 256; b++)
            pack_q4k(source + (size_t)b * 144, panel + (size_t)b * Q4K_BYTES, r);
        break;
    case TYPE_Q6_K: case TYPE_Q3_K:
        for (uint32_t b = 0; b < columns / 256; b++)
            pack_q6k(type, source + (size_t)b * (type == TYPE_Q6_K ? 210 : 110), panel + (size_t)b * Q6K_BYTES, r);
        break;
    case TYPE_Q2_K: case TYPE_Q5_K:
        for (uint32_t b = 0; b < columns / 256; b++)
            pack_k_with_minimum(
                type, source + (size_t)b * (type == TYPE_Q2_K ? 84 : 176), panel + (size_t)b * 8 * SCALED_BYTES, r);
        break;
    }
}

static const uint8_t *source_row(const ik_matrix *matrix, uint32_t row) {
    return (const uint8_t *)matrix->source + (size_t)row * matrix->row_bytes;
}

static uint32_t rows_in(const ik_matrix *matrix, uint32_t p) {
    uint32_t rest = matrix->rows - p * IK_LANES;
    return rest < IK_LANES ? rest : IK_LANES;
}

void ik_pack_panel(const ik_matrix *matrix, uint32_t p, uint8_t *panel) {
    uint32_t rows = rows_in(matrix, p);
    if (rows < IK_LANES) memset(panel, 0, matrix->panel_bytes);
    for (uint32_t r = 0; r < rows; r++)
        pack_row(matrix->type, matrix->columns, source_row(matrix, p * IK_LANES + r), panel, r);
}

static void repack_panels(const void *argument, uint32_t first, uint32_t last) {
    const repack_job *job = argument;
    const ik_matrix *matrix = job->matrix;
    for (uint32_t p = first; p < last; p++) {
        if (job->panels) ik_pack_panel(matrix, p, job->panels + (size_t)p * matrix->panel_bytes);
        for (uint32_t r = 0; r < rows_in(matrix, p); r++)
            if (!is_finite(matrix->type, source_row(matrix, p * IK_LANES + r), matrix->row_bytes))
                __atomic_store_n(job->is_finite, false, __ATOMIC_RELAXED);
    }
}

bool ik_repack(ik_pool *pool, ik_matrix *matrix, void *panels) {
    bool is_finite = true;
    repack_job job = {matrix, panels, &is_finite};
    ik_pool_run(pool, repack_panels, &job, (matrix->rows + IK_LANES - 1) / IK_LANES, 4);
    matrix->panels = panels;
    return is_finite;
}

// MARK: - Reading a row back

float ik_float(uint16_t half) { return ik_half(half); }

static int number_at(const uint8_t *numbers, uint32_t c, uint32_t r) { return numbers[ik_byte_place(c, r)]; }
static int nibble_at(const uint8_t *numbers, uint32_t c, uint32_t r) {
    return numbers[ik_byte_place(c % 16, r)] >> (c < 16 ? 0 : 4) & 15;
}

static void unpack(ik_form form, uint32_t columns, const uint8_t *panel, uint32_t r, float *out) {
    uint32_t blocks = columns / 32;
    for (uint32_t c = 0; c < columns; c++) {
        uint32_t b = c / 32, i = c % 32, k = c / 256, j = c % 256 / 32;
        const uint8_t *block;
        switch (form) {
        case IK_FORM_F32: memcpy(out + c, panel + (size_t)c * 64 + r * 4, 4); break;
        case IK_FORM_F16: out[c] = ik_half(ik_u16(panel + (size_t)c * 32 + r * 2)); break;
        case IK_FORM_BF16: {
            uint32_t bits = (uint32_t)ik_u16(panel + (size_t)c * 32 + r * 2) << 16;
            memcpy(out + c, &bits, 4);
            break;
        }
        case IK_FORM_Q8:
            block = panel + (size_t)blocks * 32 + (size_t)b * 512;
            out[c] = ik_half(ik_u16(panel + (size_t)b * 32 + r * 2)) * (float)(number_at(block, i, r) - 128);
            break;
        case IK_FORM_Q4:
            block = panel + (size_t)blocks * 32 + (size_t)b * 256;
            out[c] = ik_half(ik_u16(panel + (size_t)b * 32 + r * 2)) * (float)(nibble_at(block, i, r) - 8);
            break;
        case IK_FORM_Q4K: {
            block = panel + (size_t)k * Q4K_BYTES;
            float scale = ik_half(ik_u16(block + r * 2)) * (float)block[Q4K_SCALES + j * 16 + r];
            float minimum = ik_half(ik_u16(block + 32 + r * 2)) * (float)block[Q4K_MINIMA + j * 16 + r];
            out[c] = scale * (float)nibble_at(block + Q4K_NUMBERS + j * 256, i, r) - minimum;
            break;
        }
        case IK_FORM_Q6K: {
            block = panel + (size_t)k * Q6K_BYTES;
            float scale = ik_half(ik_u16(block + r * 2)) * (float)(int8_t)block[Q6K_SCALES + c % 256 / 16 * 16 + r];
            out[c] = scale * (float)(number_at(block + Q6K_NUMBERS + j * 512, i, r) - 32);
            break;
        }
        case IK_FORM_SCALED: {
            block = panel + (size_t)b * SCALED_BYTES;
            float scale, minimum;
            memcpy(&scale, block + i / 16 * 64 + r * 4, 4);
            memcpy(&minimum, block + SCALED_MINIMA + i / 16 * 64 + r * 4, 4);
            out[c] = scale * (float)number_at(block + SCALED_NUMBERS, i, r) + minimum;
            break;
        }
        }
    }
}

void ik_row(const ik_matrix *matrix, uint32_t row, float *out) {
    if (matrix->panels) {
        const uint8_t *panel = (const uint8_t *)matrix->panels + (size_t)(row / IK_LANES) * matrix->panel_bytes;
        unpack(matrix->form, matrix->columns, panel, row % IK_LANES, out);
        return;
    }
    // Any block fits as many columns, and as many columns fit the stack.
    enum { STEP = 256 };
    uint8_t panel[STEP * 64];
    const uint8_t *source = source_row(matrix, row);
    size_t step_bytes = matrix->row_bytes * STEP / matrix->columns;
    for (uint32_t c = 0; c < matrix->columns; c += STEP, source += step_bytes) {
        uint32_t columns = matrix->columns - c < STEP ? matrix->columns - c : STEP;
        pack_row(matrix->type, columns, source, panel, 0);
        unpack(matrix->form, columns, panel, 0, out + c);
    }
}
