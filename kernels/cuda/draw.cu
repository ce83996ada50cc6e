// A token of each wanted row drawn by its probability, by top-k, then by top-p, then by a given number: after choose.cu, whose choices it replaces.
//
//   logits [rows][vocab] f32      masks as in choose.cu      draws [wanted rows]      choices [wanted rows]: in: the likeliest, out: the drawn
//
// Probabilities are whole numbers (units of 2^-31 of the likeliest's): their sums know no order, so that 512 threads find what the CPU finds. The
// exponential is cpu/exponential.rs's, operation by operation. What is kept is a threshold and, of those at it, how many by id; it is found digit by digit
// from sums over all tokens by 2048 buckets. CPU reference: cpu/draw.rs, ids exact; log probabilities within 1e-5.
// Additions to one word of shared memory go one after the other: of nearly all tokens the first digit is 0, so that each thread adds these up by itself.
#include "step.cuh"
#include "choice.cuh"

struct DrawRow {
    u64 number;
    // One over the temperature; 0 leaves the likeliest.
    float scale, top_p;
    u32 top_k, _padding;
};

struct DrawArgs {
    const u32 *step;
    const float *logits;
    const u32 *masks;
    const DrawRow *draws;
    Choice *choices;
    u32 base, vocab;
};

constexpr u32 DRAW_THREADS = 512, DRAW_WARPS = DRAW_THREADS / 32, DRAW_BUCKETS = 2048, DRAW_GROUPS = 32;

struct DrawShared {
    u64 buckets[DRAW_BUCKETS], groups[DRAW_GROUPS], above[DRAW_WARPS], total;
    u64 amount;
    u32 at[DRAW_WARPS], digit, found;
};

// Every token that is more than `threshold`, and of those at it the first `ties`.
struct Kept {
    u32 threshold;
    u64 ties;
};

struct Weights {
    const float *logits;
    const u32 *mask;
    u32 vocab;
    float greatest, scale;
    __device__ __forceinline__ u32 operator()(u32 i) const { return of(i, logits[i], mask ? mask[i / 32] : ~0u); }
    // Those of token `first` and of every `STRIDE`th behind it, 0 from `end` on; all is read before any is computed.
    template <u32 STRIDE>
    __device__ __forceinline__ void four(u32 (&w)[4], u32 first, u32 end) const {
        float x[4];
        u32 allowed[4] = {~0u, ~0u, ~0u, ~0u};
        UNROLL
        for (u32 j = 0; j < 4; ++j) x[j] = logits[first + STRIDE * j < end ? first + STRIDE * j : first];
        if (mask) {
            UNROLL
            for (u32 j = 0; j < 4; ++j) allowed[j] = mask[(first + STRIDE * j < end ? first + STRIDE * j : first) / 32];
        }
        UNROLL
        for (u32 j = 0; j < 4; ++j) w[j] = of(first + STRIDE * j, x[j], first + STRIDE * j < end ? allowed[j] : 0);
    }
    __device__ __forceinline__ u32 of(u32 i, float x, u32 allowed) const {
        // No branch: the compiler would put the loads behind it.
        const bool there = (allowed >> (i % 32) & 1) && x == x;
        x = (x - greatest) * scale;
        x = there && x > -87.0f ? x : -87.0f;
        const float whole = rintf(x * 1.44269504f);
        const float r = fmaf(-whole, -2.1219444e-4f, fmaf(-whole, 0.6933594f, x));
        float p = 1.9875691e-4f;
        p = fmaf(p, r, 1.3981999e-3f);
        p = fmaf(p, r, 8.333452e-3f);
        p = fmaf(p, r, 4.1665796e-2f);
        p = fmaf(p, r, 1.6666665e-1f);
        p = fmaf(p, r, 0.5f);
        const float e = (fmaf(p * r, r, r) + 1.0f) * bits_to_float(u32(int(whole) + 127) << 23);
        return there ? u32(e * 2147483648.0f) : 0;
    }
};

// Finds what must be kept so that its number (or its sum) reaches what `amount` makes of that of all. Keeps all where that is not reached.
template <bool SUMS, class Amount>
__device__ __forceinline__ Kept select(const Weights &weights, DrawShared &s, Amount amount) {
    u32 prefix = 0;
    for (u32 d = 0; d < 3; ++d) {
        const u32 shift = d == 0 ? 21 : d == 1 ? 10 : 0, width = d == 2 ? 10 : 11;
        for (u32 i = threadIdx.x; i < DRAW_BUCKETS; i += DRAW_THREADS) s.buckets[i] = 0;
        __syncthreads();
        u64 low = 0;
        for (u32 i = threadIdx.x; i < weights.vocab; i += 4 * DRAW_THREADS) {
            u32 w[4];
            weights.four<DRAW_THREADS>(w, i, weights.vocab);
            UNROLL
            for (u32 j = 0; j < 4; ++j) {
                if (w[j] == 0 || (d > 0 && w[j] >> (shift + width) != prefix)) continue;
                const u32 bucket = w[j] >> shift & ((1u << width) - 1);
                if (bucket == 0)
                    low += SUMS ? w[j] : 1;
                else
                    add_shared(&s.buckets[bucket], SUMS ? w[j] : 1);
            }
        }
        if (low != 0) add_shared(&s.buckets[0], low);
        __syncthreads();
        if (threadIdx.x < DRAW_GROUPS) {
            u64 sum = 0;
            for (u32 i = 0; i < DRAW_BUCKETS / DRAW_GROUPS; ++i) sum += s.buckets[DRAW_BUCKETS / DRAW_GROUPS * threadIdx.x + i];
            s.groups[threadIdx.x] = sum;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            if (d == 0) {
                u64 total = 0;
                for (u32 g = 0; g < DRAW_GROUPS; ++g) total += s.groups[g];
                s.amount = amount(total);
                s.found = s.amount <= total;
            }
            u32 g = DRAW_GROUPS, i = DRAW_BUCKETS / DRAW_GROUPS;
            if (s.found) {
                while (s.groups[--g] < s.amount) s.amount -= s.groups[g];
                while (s.buckets[DRAW_BUCKETS / DRAW_GROUPS * g + --i] < s.amount) s.amount -= s.buckets[DRAW_BUCKETS / DRAW_GROUPS * g + i];
                s.digit = DRAW_BUCKETS / DRAW_GROUPS * g + i;
            }
        }
        __syncthreads();
        if (!s.found) return {0, 0};
        prefix = prefix << width | s.digit;
    }
    const u64 left = s.amount;
    __syncthreads();
    return {prefix, SUMS ? (left + prefix - 1) / prefix : left};
}

// Each warp's part of the tokens, by id.
__device__ __forceinline__ u32 draw_part(u32 vocab, u32 warp) {
    const u32 length = (vocab + DRAW_WARPS - 1) / DRAW_WARPS, first = warp * length;
    return first < vocab ? first : vocab;
}

// Of each warp's part: the sum above the threshold, and how many are at it. Then all that is kept.
__device__ __forceinline__ u64 measure(const Weights &weights, DrawShared &s, const Kept &kept) {
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (threadIdx.x < DRAW_WARPS) {
        s.above[threadIdx.x] = 0;
        s.at[threadIdx.x] = 0;
    }
    __syncthreads();
    u64 above = 0;
    u32 at = 0;
    const u32 end = draw_part(weights.vocab, warp + 1);
    for (u32 i = draw_part(weights.vocab, warp) + lane; i < end; i += 4 * 32) {
        u32 w[4];
        weights.four<32>(w, i, end);
        UNROLL
        for (u32 j = 0; j < 4; ++j) {
            above += w[j] > kept.threshold ? w[j] : 0;
            at += w[j] == kept.threshold && w[j] != 0;
        }
    }
    add_shared(&s.above[warp], above);
    add_shared(&s.at[warp], at);
    __syncthreads();
    if (threadIdx.x == 0) {
        s.total = kept.ties * kept.threshold;
        for (u32 w = 0; w < DRAW_WARPS; ++w) s.total += s.above[w];
    }
    __syncthreads();
    return s.total;
}

// Grid: rows.
extern "C" __global__ void __launch_bounds__(512) draw(DrawArgs args) {
    SHARED_MEMORY(memory);
    DrawShared &s = *reinterpret_cast<DrawShared *>(memory);
    const u32 wanted = args.base + blockIdx.x - args.step[3];
    if (args.base + blockIdx.x < args.step[3] || wanted >= args.step[4]) return;
    const DrawRow how = args.draws[wanted];
    const Choice likeliest = args.choices[wanted];
    if (how.scale == 0.0f || likeliest.id == NO_CHOICE) return;
    const float *logits = args.logits + size_t(blockIdx.x) * args.vocab;
    const u32 *mask = wanted < args.step[5] ? args.masks + size_t(wanted) * ((args.vocab + 31) / 32) : nullptr;
    const Weights weights = {logits, mask, args.vocab, logits[likeliest.id], how.scale};

    Kept kept = {0, 0};
    u64 all = 0;
    if (how.top_k > 0) {
        kept = select<false>(weights, s, [&](u64) { return u64(how.top_k); });
        if (how.top_p < 1.0f) all = measure(weights, s, kept);
    }
    if (how.top_p < 1.0f) {
        kept = select<true>(weights, s, [&](u64 total) {
            const double share = ceil(double(how.top_k > 0 ? all : total) * double(how.top_p));
            return share < 1.0 ? u64(1) : u64(share);
        });
    }
    all = measure(weights, s, kept);

    // The warp in whose part it is goes through it, 32 tokens at a time.
    u64 left = high_product(how.number, all), ties = kept.ties;
    u32 warp = 0;
    for (;; ++warp) {
        const u64 here = s.at[warp] < ties ? s.at[warp] : ties, sum = s.above[warp] + here * kept.threshold;
        if (left < sum || warp + 1 == DRAW_WARPS) break;
        left -= sum;
        ties -= here;
    }
    if (threadIdx.x / 32 != warp) return;
    const u32 lane = threadIdx.x % 32, end = draw_part(args.vocab, warp + 1);
    u32 drawn = likeliest.id;
    for (u32 first = draw_part(args.vocab, warp); first < end; first += 32) {
        const u32 mine = first + lane < end ? weights(first + lane) : 0;
        bool found = false;
        for (u32 l = 0; l < 32 && !found; ++l) {
            const u32 w = shuffle_from(mine, l);
            const bool tie = w == kept.threshold && ties > 0;
            if (w == 0 || (w <= kept.threshold && !tie)) continue;
            if (tie) --ties;
            if (left < w) {
                drawn = first + l;
                found = true;
            } else {
                left -= w;
            }
        }
        if (found) break;
    }
    if (lane == 0) args.choices[wanted] = {drawn, likeliest.logprob + (logits[drawn] - weights.greatest)};
}
