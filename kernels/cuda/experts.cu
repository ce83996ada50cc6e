// A block's experts: each token takes the few that its router finds likeliest, and adds what they give by their shares.
//
//   router [rows][experts] f32: logits (linear.cu)      chosen, shares [rows][used]      inner [rows * used][ffn] bfloat16      outer [rows * used][hidden] f32
//
// `experts_route`: softmax, the likeliest (ties to the lower number), shares. `experts_group`: which entries (row * used + place) each expert has, and a
// list of work, up to 8 NT entries of one expert an item: each expert's weights are read once for so many tokens. `experts_inner`, `experts_outer`:
// linear.cu's products over an item's entries, in its order: what a token gets does not depend on who else took its experts. `experts_add` adds the
// shares to the residual stream, likeliest first.
// CPU reference: engine's cpu/mlp.rs; tolerance that of linear.cu, and of bfloat16 for what lies between.
#include "activation.cuh"
#include "step.cuh"
#include "tile_sums.cuh"

constexpr u32 MOST_EXPERTS = 512;

struct RouteArgs {
    const u32 *step;
    const float *router;
    u32 *chosen;
    float *shares;
    u32 experts, used, normalised, padding;
};

// Grid: rows; a warp.
extern "C" __global__ void __launch_bounds__(32) experts_route(RouteArgs args) {
    SHARED_MEMORY(memory);
    float *shared = reinterpret_cast<float *>(memory);
    const u32 row = blockIdx.x;
    if (row >= step_rows(args.step)) return;
    const float *logits = args.router + size_t(row) * args.experts;
    float p[MOST_EXPERTS / 32], most = -INFINITY, total = 0.0f;
    UNROLL
    for (u32 i = 0; i < MOST_EXPERTS / 32; ++i) {
        const u32 e = threadIdx.x + 32 * i;
        p[i] = e < args.experts ? logits[e] : -INFINITY;
        most = fmaxf(most, p[i]);
    }
    u32 id = threadIdx.x;
    block_greatest(most, id, shared);
    UNROLL
    for (u32 i = 0; i < MOST_EXPERTS / 32; ++i) {
        p[i] = threadIdx.x + 32 * i < args.experts ? expf(p[i] - most) : -1.0f;
        if (p[i] > 0.0f) total += p[i];
    }
    total = block_sum(total, shared);
    float taken = 0.0f;
    for (u32 k = 0; k < args.used; ++k) {
        float best = -1.0f;
        id = MOST_EXPERTS - 1;
        UNROLL
        for (u32 i = 0; i < MOST_EXPERTS / 32; ++i)
            if (p[i] > best) {
                best = p[i];
                id = threadIdx.x + 32 * i;
            }
        block_greatest(best, id, shared);
        UNROLL
        for (u32 i = 0; i < MOST_EXPERTS / 32; ++i)
            if (threadIdx.x + 32 * i == id) p[i] = -1.0f;
        taken += best;
        if (threadIdx.x == 0) {
            // Where no logit is a number any expert will do.
            args.chosen[row * args.used + k] = id < args.experts ? id : k;
            args.shares[row * args.used + k] = best;
        }
    }
    __syncthreads();
    const float all = args.normalised ? taken : total;
    for (u32 k = threadIdx.x; k < args.used; k += 32) args.shares[row * args.used + k] /= all;
}

struct GroupArgs {
    const u32 *step, *chosen;
    // Entries, expert after expert; and [0] the number of items, then expert, first place in `order` and number of entries of each.
    u32 *order, *work;
    u32 experts, used, at_once, padding;
};

// One block; an expert a thread.
extern "C" __global__ void __launch_bounds__(512) experts_group(GroupArgs args) {
    SHARED_MEMORY(memory);
    u32 *counts = reinterpret_cast<u32 *>(memory), *places = counts + MOST_EXPERTS, *items = places + MOST_EXPERTS;
    const u32 expert = threadIdx.x, entries = step_rows(args.step) * args.used;
    u32 count = 0;
    for (u32 i = 0; i < entries; ++i) count += args.chosen[i] == expert;
    counts[expert] = count;
    __syncthreads();
    if (expert == 0) {
        u32 place = 0, item = 0;
        for (u32 e = 0; e < args.experts; ++e) {
            places[e] = place;
            items[e] = item;
            place += counts[e];
            item += (counts[e] + args.at_once - 1) / args.at_once;
        }
        args.work[0] = item;
    }
    __syncthreads();
    if (expert >= args.experts || count == 0) return;
    u32 place = places[expert];
    for (u32 i = 0; i < entries; ++i)
        if (args.chosen[i] == expert) args.order[place++] = i;
    for (u32 first = 0, item = items[expert]; first < count; first += args.at_once, ++item) {
        args.work[1 + 3 * item] = expert;
        args.work[2 + 3 * item] = places[expert] + first;
        args.work[3 + 3 * item] = count - first < args.at_once ? count - first : args.at_once;
    }
}

struct ExpertArgs {
    // The parts' weights are the first expert's.
    LinearArgs of;
    const u32 *order, *work;
    // From an expert to the next.
    u64 bytes[2];
    u32 used, padding;
};

// Grid: items at most, tiles. An item is at most 8 NT entries.
template <int NT, bool INNER>
__device__ __forceinline__ void expert(const ExpertArgs &args) {
    SHARED_MEMORY(memory);
    float *shared = reinterpret_cast<float *>(memory);
    if (blockIdx.x >= args.work[0]) return;
    const u32 *item = args.work + 1 + 3 * blockIdx.x, *entries = args.order + item[1];
    const u32 number = item[0], rows = item[2], tile = blockIdx.y;
    const Listed at = {entries, INNER ? args.used : 1};
    float gate[(NT + 1) / 2] = {};
    for (u32 p = 0; p < (INNER ? 2 : 1); ++p) {
        const Product &part = args.of.parts[p];
        const u8 *weights = part.weights + number * args.bytes[p];
        float sums[NT][4];
        WITH_FORMAT(part.format, F, tile_sums<F, NT>(sums, weights + tile * tile_bytes<F>(args.of.chunks), args.of.x, at, args.of.x_stride, rows, args.of.chunks));
        __syncthreads();
        leave<NT>(shared, sums);
        __syncthreads();
        UNROLL
        for (u32 s = 0; s < (NT + 1) / 2; ++s) {
            const u32 e = threadIdx.x + 256 * s;
            if (e >= NT * 128) continue;
            const u32 output = 16 * tile + element_output(e), token = element_token(e);
            if (output >= part.outputs || token >= rows) continue;
            float y = part.scale * whole<NT>(shared, e);
            const size_t place = size_t(entries[token]) * args.of.parts[0].stride + output;
            if (!INNER) {
                reinterpret_cast<float *>(part.out)[place] = y;
            } else if (p == 0) {
                gate[s] = activate(args.of.activation, y);
            } else {
                reinterpret_cast<u16 *>(args.of.parts[0].out)[place] = float_to_bf16(gate[s] * y);
            }
        }
    }
}

#define EXPERTS(NT)                                                                                                             \
    extern "C" __global__ void __launch_bounds__(256) experts_inner_##NT(ExpertArgs args) { expert<NT, true>(args); }           \
    extern "C" __global__ void __launch_bounds__(256) experts_outer_##NT(ExpertArgs args) { expert<NT, false>(args); }
EXPERTS(1)
EXPERTS(4)

struct AddArgs {
    const u32 *step;
    float *x;
    const float *outer, *shares;
    u32 columns, used;
};

// Grid: rows.
extern "C" __global__ void __launch_bounds__(256) experts_add(AddArgs args) {
    const u32 row = blockIdx.x;
    if (row >= step_rows(args.step)) return;
    for (u32 i = threadIdx.x; i < args.columns; i += blockDim.x) {
        float y = args.x[size_t(row) * args.columns + i];
        for (u32 k = 0; k < args.used; ++k) {
            const u32 entry = row * args.used + k;
            y = fmaf(args.shares[entry], args.outer[size_t(entry) * args.columns + i], y);
        }
        args.x[size_t(row) * args.columns + i] = y;
    }
}
