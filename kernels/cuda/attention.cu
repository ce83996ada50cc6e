// Causal attention of query rows over the paged cache, grouped heads packed as rows of the tensor cores' tile. Sources: Milakov and Gimelshein,
// Online normalizer calculation for softmax (2018); Dao et al., FlashAttention (2022), Flash-Decoding (2023).
//
//   q  [rows][heads][d] f16                out  [rows][out_stride] bfloat16: [heads][d], zeros past them
//   keys [page][kv_head][64][d], values [page][kv_head][d][64] f16 (rope.cu)
//
// A page of 64 positions is computed by itself: greatest score, sum, weighted values. The pages of a query are then merged from the first to the
// last. `attention_split` leaves the pages' parts in memory, where `attention_merge` merges them: all of the GPU for a few rows at depth.
// `attention_whole` merges in registers as it goes: many rows. Both do the same operations in the same order for each query, and no query's depend
// on which others are in its tile: the same bits at 1 row and at 512.
// CPU reference: cpu/attention.rs; the tests hold it to f64 attention over the same f16 inputs, within 2e-3 of the values' greatest (probabilities
// are rounded to f16, the result to bfloat16).
#include "step.cuh"

struct AttentionArgs {
    const u32 *step;
    const u16 *q, *keys, *values;
    u16 *out;
    // Parts: [rows * heads][pages][d] and [rows * heads][pages][2] (greatest, sum).
    float *parts, *part_sums;
    u32 heads, kv_heads, rows, first, pages, out_stride, window;
    // Whether each row is a sequence's own: a tile then has the queries of one row only, for they share their keys.
    u32 abreast;
    // 1 / sqrt(d), mostly, times log2(e): exponentials are powers of two.
    float scale;
};

constexpr float NONE = -INFINITY;

// Which query the row `r` (0 to 15) of a tile is.
struct Query {
    u32 row, head, position, seen_from;
    bool valid;
};

__device__ __forceinline__ Query query_of(const AttentionArgs &args, u32 tile, u32 r, u32 kv_head) {
    const u32 group = args.heads / args.kv_heads, tiles = (group + 15) / 16;
    const u32 index = args.abreast ? 16 * (tile % tiles) + r : 16 * tile + r;
    Query q;
    q.row = args.abreast ? tile / tiles : index / group;
    q.head = kv_head * group + (args.abreast ? index : index % group);
    q.valid = q.row < args.rows && args.first + q.row < step_rows(args.step) && (!args.abreast || index < group);
    q.position = q.valid ? step_position(args.step, args.first + q.row) : 0;
    q.seen_from = args.window > 0 && q.position + 1 > args.window ? q.position + 1 - args.window : 0;
    return q;
}

// The pages that a tile's queries see: [first, last]; none where first > last. Its rows are in the order of their positions: the first and the last say it.
__device__ __forceinline__ void pages_of_tile(const AttentionArgs &args, u32 tile, u32 kv_head, u32 &first, u32 &last) {
    first = 1;
    last = 0;
    const Query front = query_of(args, tile, 0, kv_head);
    if (!front.valid) return;
    const u32 group = args.heads / args.kv_heads, there = step_rows(args.step) - args.first;
    const u32 base = 16 * (args.abreast ? tile % ((group + 15) / 16) : tile);
    const u32 limit = args.abreast ? group : group * (args.rows < there ? args.rows : there);
    const Query back = query_of(args, tile, limit - base < 16 ? limit - base - 1 : 15, kv_head);
    first = front.seen_from / PAGE;
    last = back.position / PAGE;
}

template <int D>
struct Tile {
    u32 q[D / 16][4];
    Query queries[2];
    // Where several sequences are abreast, the one that all of it belongs to.
    u32 row;
};

// Elements along d: of each 32 the lane t owns 8 t to 8 t + 7; the first four belong to the first of two products, the last to the second. Of 16 that
// are left it owns 4 t to 4 t + 3.
template <int D>
__device__ __forceinline__ void load_tile(Tile<D> &tile, const AttentionArgs &args, u32 index, u32 kv_head) {
    const u32 g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    tile.row = args.first + query_of(args, index, 0, kv_head).row;
    UNROLL
    for (int half = 0; half < 2; ++half) {
        Query q = query_of(args, index, g + 8 * half, kv_head);
        tile.queries[half] = q;
        const u16 *x = args.q + (size_t(q.row) * args.heads + q.head) * D;
        UNROLL
        for (int b = 0; b < D / 32; ++b) {
            uint4 v = {0, 0, 0, 0};
            if (q.valid) v = load16(x + 32 * b + 8 * t);
            tile.q[2 * b][half] = v.x;
            tile.q[2 * b][half + 2] = v.y;
            tile.q[2 * b + 1][half] = v.z;
            tile.q[2 * b + 1][half + 2] = v.w;
        }
        if constexpr (D % 32 != 0) {
            uint2 v = {0, 0};
            if (q.valid) v = load8(x + D - 16 + 4 * t);
            tile.q[D / 16 - 1][half] = v.x;
            tile.q[D / 16 - 1][half + 2] = v.y;
        }
    }
}

// What a page adds to the 16 queries: o unnormalised, the greatest score and the sum for the rows g and g + 8.
template <int D>
__device__ __forceinline__ void attend_page(float (&o)[D / 8][4], float (&greatest)[2], float (&sum)[2], const Tile<D> &tile, const AttentionArgs &args, u32 page, u32 kv_head) {
    const u32 g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    const size_t place = size_t(step_page(args.step, tile.row, page)) * args.kv_heads + kv_head;
    const u16 *keys = args.keys + place * PAGE * D, *values = args.values + place * PAGE * D;
    float s[8][4];
    // Column c of product 4 i + q is the position 32 i + 8 (c / 2) + 2 q + c % 2: what a lane gets of the scores is what it needs of the values.
    UNROLL
    for (int n = 0; n < 8; ++n) {
        UNROLL
        for (int i = 0; i < 4; ++i) s[n][i] = 0.0f;
        const u16 *key = keys + size_t(32 * (n / 4) + 8 * (g / 2) + 2 * (n % 4) + g % 2) * D;
        UNROLL
        for (int b = 0; b < D / 32; ++b) {
            uint4 v = load16(key + 32 * b + 8 * t);
            const u32 low[2] = {v.x, v.y}, high[2] = {v.z, v.w};
            tensor_product<true>(s[n], tile.q[2 * b], low);
            tensor_product<true>(s[n], tile.q[2 * b + 1], high);
        }
        if constexpr (D % 32 != 0) {
            uint2 v = load8(key + D - 16 + 4 * t);
            const u32 last[2] = {v.x, v.y};
            tensor_product<true>(s[n], tile.q[D / 16 - 1], last);
        }
    }
    greatest[0] = greatest[1] = NONE;
    UNROLL
    for (int n = 0; n < 8; ++n)
        UNROLL
        for (int i = 0; i < 4; ++i) {
            const Query &q = tile.queries[i / 2];
            const u32 position = PAGE * page + 32 * (n / 4) + 8 * t + 2 * (n % 4) + i % 2;
            const bool seen = q.valid && position <= q.position && position >= q.seen_from;
            s[n][i] = seen ? s[n][i] * args.scale : NONE;
            greatest[i / 2] = fmaxf(greatest[i / 2], s[n][i]);
        }
    UNROLL
    for (int half = 0; half < 2; ++half) {
        greatest[half] = fmaxf(greatest[half], shuffle_xor(greatest[half], 1));
        greatest[half] = fmaxf(greatest[half], shuffle_xor(greatest[half], 2));
        sum[half] = 0.0f;
    }
    u32 p[8][2];
    UNROLL
    for (int n = 0; n < 8; ++n)
        UNROLL
        for (int half = 0; half < 2; ++half) {
            // Where nothing is seen all is 0, not 0 / 0.
            const float most = greatest[half] == NONE ? 0.0f : greatest[half];
            const u16 a = float_to_f16(exp2f(s[n][2 * half] - most)), b = float_to_f16(exp2f(s[n][2 * half + 1] - most));
            sum[half] += f16_to_float(a);
            sum[half] += f16_to_float(b);
            p[n][half] = pair(a, b);
        }
    UNROLL
    for (int half = 0; half < 2; ++half) {
        sum[half] += shuffle_xor(sum[half], 1);
        sum[half] += shuffle_xor(sum[half], 2);
    }
    UNROLL
    for (int n = 0; n < D / 8; ++n) {
        UNROLL
        for (int i = 0; i < 4; ++i) o[n][i] = 0.0f;
        UNROLL
        for (int i = 0; i < 2; ++i) {
            uint4 v = load16(values + size_t(8 * n + g) * PAGE + 32 * i + 8 * t);
            const u32 a[4] = {p[4 * i][0], p[4 * i][1], p[4 * i + 1][0], p[4 * i + 1][1]}, x[2] = {v.x, v.y};
            const u32 b[4] = {p[4 * i + 2][0], p[4 * i + 2][1], p[4 * i + 3][0], p[4 * i + 3][1]}, y[2] = {v.z, v.w};
            tensor_product<true>(o[n], a, x);
            tensor_product<true>(o[n], b, y);
        }
    }
}

// What a page's part is multiplied with, and what was there before.
struct Merge { float old_by, new_by; };
__device__ __forceinline__ Merge merge(float &greatest, float &sum, float page_greatest, float page_sum) {
    if (page_greatest == NONE) return {1.0f, 0.0f};
    const float most = fmaxf(greatest, page_greatest);
    const Merge by = {exp2f(greatest - most), exp2f(page_greatest - most)};
    sum = fmaf(sum, by.old_by, page_sum * by.new_by);
    greatest = most;
    return by;
}
__device__ __forceinline__ float merged(float old, Merge by, float part) { return fmaf(old, by.old_by, part * by.new_by); }

// Grid: four pages a block, kv_heads, tiles of queries; a page a warp.
template <int D>
__device__ __forceinline__ void attention_split(const AttentionArgs &args) {
    const u32 page = 4 * blockIdx.x + threadIdx.x / 32, kv_head = blockIdx.y, tile_index = blockIdx.z;
    u32 first, last;
    pages_of_tile(args, tile_index, kv_head, first, last);
    if (page < first || page > last) return;
    Tile<D> tile;
    load_tile<D>(tile, args, tile_index, kv_head);
    float o[D / 8][4], greatest[2], sum[2];
    attend_page<D>(o, greatest, sum, tile, args, page, kv_head);
    const u32 t = threadIdx.x % 4;
    UNROLL
    for (int half = 0; half < 2; ++half) {
        const Query &q = tile.queries[half];
        if (!q.valid) continue;
        const size_t at = (size_t(q.row) * args.heads + q.head) * args.pages + page;
        UNROLL
        for (int n = 0; n < D / 8; ++n)
            UNROLL
            for (int i = 0; i < 2; ++i) args.parts[at * D + 8 * n + 2 * t + i] = o[n][2 * half + i];
        if (t == 0) {
            args.part_sums[2 * at] = greatest[half];
            args.part_sums[2 * at + 1] = sum[half];
        }
    }
}

// Pages whose parts a thread of `attention_merge` reads before it merges the first of them: it would wait for memory at each otherwise.
constexpr u32 MERGED = 16;

// Grid: rows, heads; an element a thread.
extern "C" __global__ void __launch_bounds__(256) attention_merge(AttentionArgs args, u32 d) {
    const u32 row = blockIdx.x, head = blockIdx.y;
    if (args.first + row >= step_rows(args.step) || threadIdx.x >= d) return;
    const u32 position = step_position(args.step, args.first + row);
    const u32 seen_from = args.window > 0 && position + 1 > args.window ? position + 1 - args.window : 0;
    const size_t at = (size_t(row) * args.heads + head) * args.pages;
    float greatest = NONE, sum = 0.0f, o = 0.0f;
    const float2 *part_sums = reinterpret_cast<const float2 *>(args.part_sums) + at;
    const float *own_parts = args.parts + at * d + threadIdx.x;
    const u32 last = position / PAGE;
    for (u32 page = seen_from / PAGE; page <= last; page += MERGED) {
        float2 sums[MERGED];
        float parts[MERGED];
        // Past the last page the last once more, as one that adds nothing: with a branch the compiler puts the loads behind it.
        UNROLL
        for (u32 i = 0; i < MERGED; ++i) sums[i] = part_sums[page + i < last ? page + i : last];
        UNROLL
        for (u32 i = 0; i < MERGED; ++i) parts[i] = own_parts[(page + i < last ? page + i : last) * d];
        UNROLL
        for (u32 i = 0; i < MERGED; ++i) {
            const Merge by = merge(greatest, sum, page + i <= last ? sums[i].x : NONE, sums[i].y);
            o = merged(o, by, parts[i]);
        }
    }
    args.out[size_t(row) * args.out_stride + head * d + threadIdx.x] = float_to_bf16(o / sum);
}

// Grid: four tiles of queries a block, kv_heads; a tile a warp.
template <int D>
__device__ __forceinline__ void attention_whole(const AttentionArgs &args) {
    const u32 tile_index = 4 * blockIdx.x + threadIdx.x / 32, kv_head = blockIdx.y, t = threadIdx.x % 4;
    u32 first, last;
    pages_of_tile(args, tile_index, kv_head, first, last);
    if (first > last) return;
    Tile<D> tile;
    load_tile<D>(tile, args, tile_index, kv_head);
    float all[D / 8][4], greatest[2] = {NONE, NONE}, sum[2] = {0.0f, 0.0f};
    UNROLL
    for (int n = 0; n < D / 8; ++n)
        UNROLL
        for (int i = 0; i < 4; ++i) all[n][i] = 0.0f;
    for (u32 page = first; page <= last; ++page) {
        float o[D / 8][4], page_greatest[2], page_sum[2];
        attend_page<D>(o, page_greatest, page_sum, tile, args, page, kv_head);
        const Merge by[2] = {merge(greatest[0], sum[0], page_greatest[0], page_sum[0]), merge(greatest[1], sum[1], page_greatest[1], page_sum[1])};
        UNROLL
        for (int n = 0; n < D / 8; ++n)
            UNROLL
            for (int i = 0; i < 4; ++i) all[n][i] = merged(all[n][i], by[i / 2], o[n][i]);
    }
    UNROLL
    for (int half = 0; half < 2; ++half) {
        const Query &q = tile.queries[half];
        if (!q.valid) continue;
        u16 *out = args.out + size_t(q.row) * args.out_stride + q.head * D;
        UNROLL
        for (int n = 0; n < D / 8; ++n)
            UNROLL
            for (int i = 0; i < 2; ++i) out[8 * n + 2 * t + i] = float_to_bf16(all[n][2 * half + i] / sum[half]);
    }
}

#define ATTENTION(D)                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(128) attention_split_##D(AttentionArgs args) { attention_split<D>(args); }            \
    extern "C" __global__ void __launch_bounds__(128) attention_whole_##D(AttentionArgs args) { attention_whole<D>(args); }
ATTENTION(16)
ATTENTION(32)
ATTENTION(64)
ATTENTION(96)
ATTENTION(128)
ATTENTION(256)
