// From logits to choices, on the device: a row of logits a block.
//
//   logits [rows][vocab] f32, changed in place: what the mask forbids becomes -inf      choices [rows] token ids
//
// `choose_sampled`: top-k, then top-p, then one draw by a given uniform number; a token's place among equals is by its id, NaN is never chosen.
// `accept_drafted`: how many drafted tokens the choices confirm. The engine does not use these: see kernels/README.md.
// CPU reference: engine/sampling.rs, cpu/logits.rs; exact but where a cut falls within 1e-6 of a sum.
#include "portable.cuh"

struct SampleArgs {
    float *logits;
    // A byte for each token, 0 for a forbidden one; null for none. The same for all rows.
    const u8 *mask;
    u32 *choices;
    // [rows] numbers in [0, 1).
    const float *uniforms;
    u32 vocab, top_k;
    float temperature, top_p;
};

__device__ __forceinline__ bool allowed(const SampleArgs &args, u32 id) { return !args.mask || args.mask[id] != 0; }

// The first in the order (greater value, lower id) that comes after (value, id); id 0xffffffff for none.
__device__ __forceinline__ void next_greatest(const SampleArgs &args, const float *logits, float &value, u32 &id, bool any, float *shared) {
    float best = -INFINITY;
    u32 best_id = 0x7fffffff;
    for (u32 i = threadIdx.x; i < args.vocab; i += blockDim.x) {
        const float x = logits[i];
        // NaN compares false.
        const bool after = any || x < value || (x == value && i > id);
        if (allowed(args, i) && after && (x > best || (x == best && x > -INFINITY && i < best_id))) {
            best = x;
            best_id = i;
        }
    }
    block_greatest(best, best_id, shared);
    value = best;
    id = best_id;
}

// The k most likely are found one by one: k is small (40), a row of logits lies in the second-level cache. k = 0: as many as `shared` holds.
extern "C" __global__ void __launch_bounds__(1024) choose_sampled(SampleArgs args) {
    SHARED_MEMORY(memory);
    float *shared = reinterpret_cast<float *>(memory), *weights = shared + 64;
    u32 *ids = reinterpret_cast<u32 *>(weights + args.top_k);
    const float *logits = args.logits + size_t(blockIdx.x) * args.vocab;
    float value = 0.0f, greatest = 0.0f;
    u32 id = 0, count = 0;
    while (count < args.top_k) {
        next_greatest(args, logits, value, id, count == 0, shared);
        if (id == 0x7fffffff) break;
        if (count == 0) greatest = value;
        if (threadIdx.x == 0) {
            weights[count] = expf((value - greatest) / args.temperature);
            ids[count] = id;
        }
        ++count;
    }
    __syncthreads();
    if (threadIdx.x != 0) return;
    float all = 0.0f, kept = 0.0f;
    for (u32 i = 0; i < count; ++i) all += weights[i];
    u32 cut = 0;
    while (cut < count && (cut == 0 || kept < args.top_p * all)) kept += weights[cut++];
    float left = args.uniforms[blockIdx.x] * kept;
    u32 chosen = 0;
    while (chosen + 1 < cut && left >= weights[chosen]) left -= weights[chosen++];
    args.choices[blockIdx.x] = count == 0 ? 0 : ids[chosen];
}

struct AcceptArgs {
    // [rows]: the choice after each row; [rows - 1]: the drafted tokens, the first of which follows row 0.
    const u32 *choices, *drafted;
    u32 *accepted;
    u32 rows;
};

// accepted[0]: the drafted tokens that were chosen, from the first on.
extern "C" __global__ void __launch_bounds__(32) accept_drafted(AcceptArgs args) {
    if (threadIdx.x != 0) return;
    u32 n = 0;
    while (n + 1 < args.rows && args.choices[n] == args.drafted[n]) ++n;
    args.accepted[0] = n;
}
