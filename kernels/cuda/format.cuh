// How weights lie in device memory, and their way to the tensor cores.
//
// A *tile* is 16 rows of a matrix; along the columns it is cut into *chunks* of 64 (k-quants: four of them under one head). In a chunk the
// lane 4 g + t of a warp owns, of the rows g and g + 8 and of each quarter j (16 columns), the four columns 16 j + 4 t + {0, 1, 2, 3}: exactly
// its part of product j's first operand. What a lane owns lies together, lane after lane, so that a warp's load is one run of 512 bytes. Columns
// are padded to whole chunks and rows to whole tiles, with zeros. `layout.rs` writes this; the sizes are those of the files (Q4_K: 4.625 bits a
// weight instead of 4.5, its 6-bit scales widened to a byte).
//
//   BF16   [4][32 lanes][16 B]: row g products 0, 1; row g products 2, 3; the same of row g + 8                             2048 B a chunk
//   F8     [2][32 lanes][16 B]: row g, row g + 8; word j is product j                                                       1024
//   Q8_0   as F8 with i8, then [8 g][f16 x 4]: scales of (row g, g + 8) of columns 0 to 31, then of 32 to 63                1088
//   Q4_K   head [8 g][f16 x 4]: d, dmin of row g, of row g + 8; four chunks of [8 g][u8 x 8]: scale, minimum of (g, block 0), (g, block 1),
//          (g + 8, block 0), (g + 8, block 1); [32 lanes][16 B]: nibbles, words: row g products 0 1, 2 3, row g + 8 the same 2368 B a head
//   Q6_K   head [8 g][f16 x 2]: d; four chunks of [8 g][i8 x 8]: scales of row g by product, of row g + 8; nibbles as Q4_K; [32 lanes][8 B]:
//          the upper two bits, a word for row g and one for row g + 8                                                        3360 B a head
//
// A word of nibbles: the pair p (0, 1: product 2 i; 2, 3: product 2 i + 1) has its first element at bit 4 p, its second at bit 16 + 4 p. A word
// of upper bits: pair p of 0..8 at bits 2 p and 16 + 2 p.
#pragma once
#include "portable.cuh"

enum FormatId { BF16 = 0, F8 = 1, Q8_0 = 2, Q4_K = 3, Q6_K = 4 };

// What a lane has of a chunk, as loaded.
struct Raw {
    uint4 words[4];
    uint2 scales;
    uint2 head;
};

__device__ __forceinline__ u32 word_of(const uint4 &v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// Loads from device memory, past the first-level cache, or from shared memory.
struct FromDevice { static __device__ __forceinline__ uint4 get(const u8 *p) { return load16_once(p); } };
struct FromShared { static __device__ __forceinline__ uint4 get(const u8 *p) { return load16(p); } };

// To the nearest number that an 8-bit float (E4M3) is, ties to even, the greatest (448) for all beyond; NaN stays one.
__device__ __forceinline__ float round_to_e4m3(float x) {
    float a = x < 0.0f ? -x : x;
    if (a != a) return x;
    a = a > 448.0f ? 448.0f : a;
    if (a < 0.015625f) {
        a = rintf(a * 512.0f) / 512.0f;
    } else {
        const u32 bits = float_to_bits(a);
        a = bits_to_float((bits + 0x7ffff + (bits >> 20 & 1)) & 0xfff00000);
    }
    return x < 0.0f ? -a : a;
}
// The byte of such a number.
__device__ __forceinline__ u8 e4m3_byte(float x) {
    const float a = x < 0.0f ? -x : x;
    if (a != a) return 0x7f;
    const u32 magnitude = a < 0.015625f ? u32(a * 512.0f) : (float_to_bits(a) >> 20) - (120 << 3);
    return u8(magnitude | (float_to_bits(x) >> 24 & 0x80));
}

// Each format has: HEAD and CHUNK (bytes), CHUNKS (of a unit), UNIT (bytes), SCALED; load(raw, unit, chunk of the unit, lane); fragment(raw, j, a).
struct FormatBf16 {
    static constexpr u32 HEAD = 0, CHUNK = 2048, CHUNKS = 1, UNIT = HEAD + CHUNKS * CHUNK;
    static constexpr bool SCALED = false;
    template <class From>
    static __device__ __forceinline__ void load(Raw &raw, const u8 *unit, u32, u32 lane) {
        UNROLL
        for (int p = 0; p < 4; ++p) raw.words[p] = From::get(unit + 512 * p + 16 * lane);
    }
    static __device__ __forceinline__ void fragment(const Raw &raw, int j, u32 (&a)[4]) {
        UNROLL
        for (int row = 0; row < 2; ++row) {
            a[row] = word_of(raw.words[2 * row + j / 2], 2 * (j % 2));
            a[row + 2] = word_of(raw.words[2 * row + j / 2], 2 * (j % 2) + 1);
        }
    }
};

struct FormatF8 {
    static constexpr u32 HEAD = 0, CHUNK = 1024, CHUNKS = 1, UNIT = HEAD + CHUNKS * CHUNK;
    static constexpr bool SCALED = false;
    template <class From>
    static __device__ __forceinline__ void load(Raw &raw, const u8 *unit, u32, u32 lane) {
        raw.words[0] = From::get(unit + 16 * lane);
        raw.words[1] = From::get(unit + 512 + 16 * lane);
    }
    // E4M3's exponent and mantissa in the places of bfloat16's are the value times 2^-120 (subnormals too): one exact product puts it right.
    static __device__ __forceinline__ u32 widen(u32 bytes) {
        u32 tiny = (bytes & 0x00800080) << 8 | (bytes & 0x007f007f) << 4;
        return bf16_mul2(tiny, 0x7b807b80);
    }
    static __device__ __forceinline__ void fragment(const Raw &raw, int j, u32 (&a)[4]) {
        UNROLL
        for (int row = 0; row < 2; ++row) {
            u32 w = word_of(raw.words[row], j);
            a[row] = widen(spread(w, 0));
            a[row + 2] = widen(spread(w, 1));
        }
    }
};

struct FormatQ8_0 {
    static constexpr u32 HEAD = 0, CHUNK = 1088, CHUNKS = 1, UNIT = HEAD + CHUNKS * CHUNK;
    static constexpr bool SCALED = true;
    // Products under one scale; whether there is a minimum.
    static constexpr int TOGETHER = 2;
    static constexpr bool MINIMUM = false;
    template <class From>
    static __device__ __forceinline__ void load(Raw &raw, const u8 *unit, u32, u32 lane) {
        raw.words[0] = From::get(unit + 16 * lane);
        raw.words[1] = From::get(unit + 512 + 16 * lane);
        raw.scales = load8(unit + 1024 + 8 * (lane / 4));
    }
    // 128 + (the lower seven bits), less 128 or, with the sign bit, 256.
    static __device__ __forceinline__ u32 widen(u32 bytes) {
        return bf16_sub2((bytes & 0x007f007f) | 0x43004300, (bytes & 0x00800080) | 0x43004300);
    }
    static __device__ __forceinline__ void fragment(const Raw &raw, int j, u32 (&a)[4]) {
        UNROLL
        for (int row = 0; row < 2; ++row) {
            u32 w = word_of(raw.words[row], j);
            a[row] = widen(spread(w, 0));
            a[row + 2] = widen(spread(w, 1));
        }
    }
    // Of the scale that covers products TOGETHER * h and on; row 0: g, 1: g + 8.
    static __device__ __forceinline__ float scale(const Raw &raw, int h, int row) {
        u32 both = h == 0 ? raw.scales.x : raw.scales.y;
        return f16_to_float(u16(row == 0 ? both : both >> 16));
    }
    static __device__ __forceinline__ float minimum(const Raw &, int, int) { return 0.0f; }
};

// Pairs of bfloat16 from a word of nibbles: 128 + n is a bfloat16, and the offset comes off exactly.
__device__ __forceinline__ u32 nibbles(u32 word, int p) { return (word >> (4 * p)) & 0x000f000f; }

struct FormatQ4K {
    static constexpr u32 HEAD = 64, CHUNK = 576, CHUNKS = 4, UNIT = HEAD + CHUNKS * CHUNK;
    static constexpr bool SCALED = true, MINIMUM = true;
    static constexpr int TOGETHER = 2;
    template <class From>
    static __device__ __forceinline__ void load(Raw &raw, const u8 *unit, u32 chunk, u32 lane) {
        const u8 *at = unit + HEAD + CHUNK * chunk;
        raw.head = load8(unit + 8 * (lane / 4));
        raw.scales = load8(at + 8 * (lane / 4));
        raw.words[0] = From::get(at + 64 + 16 * lane);
    }
    static __device__ __forceinline__ void fragment(const Raw &raw, int j, u32 (&a)[4]) {
        UNROLL
        for (int row = 0; row < 2; ++row) {
            u32 w = word_of(raw.words[0], 2 * row + j / 2);
            a[row] = bf16_sub2(nibbles(w, 2 * (j % 2)) | 0x43004300, 0x43004300);
            a[row + 2] = bf16_sub2(nibbles(w, 2 * (j % 2) + 1) | 0x43004300, 0x43004300);
        }
    }
    static __device__ __forceinline__ float part(u32 head, u32 scales, int h, int which) {
        u32 byte = scales >> (16 * h + 8 * which) & 0xff;
        return f16_to_float(u16(head >> 16 * which)) * float(byte);
    }
    static __device__ __forceinline__ float scale(const Raw &raw, int h, int row) {
        return part(row == 0 ? raw.head.x : raw.head.y, row == 0 ? raw.scales.x : raw.scales.y, h, 0);
    }
    static __device__ __forceinline__ float minimum(const Raw &raw, int h, int row) {
        return part(row == 0 ? raw.head.x : raw.head.y, row == 0 ? raw.scales.x : raw.scales.y, h, 1);
    }
};

struct FormatQ6K {
    static constexpr u32 HEAD = 32, CHUNK = 832, CHUNKS = 4, UNIT = HEAD + CHUNKS * CHUNK;
    static constexpr bool SCALED = true, MINIMUM = false;
    static constexpr int TOGETHER = 1;
    template <class From>
    static __device__ __forceinline__ void load(Raw &raw, const u8 *unit, u32 chunk, u32 lane) {
        const u8 *at = unit + HEAD + CHUNK * chunk;
        raw.head.x = load4(unit + 4 * (lane / 4));
        raw.scales = load8(at + 8 * (lane / 4));
        raw.words[0] = From::get(at + 64 + 16 * lane);
        uint2 upper = load8(at + 576 + 8 * lane);
        raw.words[1].x = upper.x;
        raw.words[1].y = upper.y;
    }
    static __device__ __forceinline__ u32 six(u32 low, u32 high, int j, int half) {
        // Pair 2 (j % 2) + half of the nibbles' word, pair 2 j + half of the upper bits.
        u32 upper = (high >> (4 * j + 2 * half)) & 0x00030003;
        return bf16_sub2(nibbles(low, 2 * (j % 2) + half) | upper << 4 | 0x43004300, 0x43204320);
    }
    static __device__ __forceinline__ void fragment(const Raw &raw, int j, u32 (&a)[4]) {
        UNROLL
        for (int row = 0; row < 2; ++row) {
            u32 low = word_of(raw.words[0], 2 * row + j / 2), high = row == 0 ? raw.words[1].x : raw.words[1].y;
            a[row] = six(low, high, j, 0);
            a[row + 2] = six(low, high, j, 1);
        }
    }
    static __device__ __forceinline__ float scale(const Raw &raw, int h, int row) {
        u32 four = row == 0 ? raw.scales.x : raw.scales.y;
        float d = f16_to_float(u16(row == 0 ? raw.head.x : raw.head.x >> 16));
        return d * float(int(four << (24 - 8 * h)) >> 24);
    }
    static __device__ __forceinline__ float minimum(const Raw &, int, int) { return 0.0f; }
};

// Bytes of a tile of so many chunks.
template <class F>
__device__ __forceinline__ size_t tile_bytes(u32 chunks) { return size_t(chunks / F::CHUNKS) * F::UNIT; }

// The second operand of products 2 h and 2 h + 1, for NT groups of 8 tokens.
template <int NT>
struct Inputs { u32 b[2][NT][2]; };

// Adds half a chunk (32 columns) to the sums of a tile. Which operations make an output, and their order, is the same for every NT.
template <class F, int NT>
__device__ __forceinline__ void add_half(float (&sums)[NT][4], const Raw &raw, int h, const Inputs<NT> &x) {
    u32 a[2][4];
    F::fragment(raw, 2 * h, a[0]);
    F::fragment(raw, 2 * h + 1, a[1]);
    if constexpr (!F::SCALED) {
        UNROLL
        for (int j = 0; j < 2; ++j)
            UNROLL
            for (int n = 0; n < NT; ++n) tensor_product<false>(sums[n], a[j], x.b[j][n]);
    } else if constexpr (F::TOGETHER == 2) {
        float scale[2] = {F::scale(raw, h, 0), F::scale(raw, h, 1)}, minimum[2] = {F::minimum(raw, h, 0), F::minimum(raw, h, 1)};
        UNROLL
        for (int n = 0; n < NT; ++n) {
            float part[4] = {0.0f, 0.0f, 0.0f, 0.0f};
            tensor_product<false>(part, a[0], x.b[0][n]);
            tensor_product<false>(part, a[1], x.b[1][n]);
            UNROLL
            for (int i = 0; i < 4; ++i) sums[n][i] = fmaf(scale[i / 2], part[i], sums[n][i]);
            if constexpr (F::MINIMUM) {
                // The inputs' own sum: a product with ones.
                const u32 ones[4] = {0x3f803f80, 0x3f803f80, 0x3f803f80, 0x3f803f80};
                float all[4] = {0.0f, 0.0f, 0.0f, 0.0f};
                tensor_product<false>(all, ones, x.b[0][n]);
                tensor_product<false>(all, ones, x.b[1][n]);
                UNROLL
                for (int i = 0; i < 4; ++i) sums[n][i] = fmaf(-minimum[i / 2], all[i], sums[n][i]);
            }
        }
    } else {
        UNROLL
        for (int j = 0; j < 2; ++j) {
            float scale[2] = {F::scale(raw, 2 * h + j, 0), F::scale(raw, 2 * h + j, 1)};
            UNROLL
            for (int n = 0; n < NT; ++n) {
                float part[4] = {0.0f, 0.0f, 0.0f, 0.0f};
                tensor_product<false>(part, a[j], x.b[j][n]);
                UNROLL
                for (int i = 0; i < 4; ++i) sums[n][i] = fmaf(scale[i / 2], part[i], sums[n][i]);
            }
        }
    }
}

// Calls a template with the format's type.
#define WITH_FORMAT(id, F, ...)                               \
    switch (id) {                                             \
        case BF16: { typedef FormatBf16 F; __VA_ARGS__; break; } \
        case F8: { typedef FormatF8 F; __VA_ARGS__; break; }     \
        case Q8_0: { typedef FormatQ8_0 F; __VA_ARGS__; break; } \
        case Q4_K: { typedef FormatQ4K F; __VA_ARGS__; break; }  \
        default: { typedef FormatQ6K F; __VA_ARGS__; break; }    \
    }
