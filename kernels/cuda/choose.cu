// The most likely token after each wanted row of logits, and its log probability: a step then gives a few integers, not rows of the vocabulary.
//
//   logits [rows][vocab] f32      masks [masked rows][words] bits, 1 for what is allowed      choices [wanted rows]: id, log probability
//
// Ties go to the lowest id, NaN is never chosen; the id is NO_CHOICE where no allowed logit is finite. Where a row has a mask the probability is that
// among what it allows. Which rows are wanted the step says (step.cuh), so that one recorded graph serves them all.
// A row is cut into 32 slices, a block each (`choose_parts`): greatest, its id, and the sum of exponentials below it; a warp then merges them
// (`choose_merge`). The order of sums does not depend on the number of rows. Reads the logits twice, the second time from the caches.
// CPU reference: engine/sampling.rs, cpu/logits.rs; ids exact, log probabilities within 1e-5.
#include "choice.cuh"
#include "step.cuh"

constexpr u32 CHOOSE_SLICES = 32;

struct ChoosePart { float greatest; u32 id; float sum; u32 none; };

struct ChooseArgs {
    const u32 *step;
    const float *logits;
    const u32 *masks;
    ChoosePart *parts;
    Choice *choices;
    // The row that logits begin with, counted from the first wanted.
    u32 base, vocab;
};

// Which of the wanted rows the row of logits is; false for none of them.
__device__ __forceinline__ bool wanted_row(const ChooseArgs &args, u32 row, u32 &wanted) {
    wanted = args.base + row - args.step[3];
    return args.base + row >= args.step[3] && wanted < args.step[4];
}

// Grid: slices, rows.
extern "C" __global__ void __launch_bounds__(256) choose_parts(ChooseArgs args) {
    SHARED_MEMORY(memory);
    float *shared = reinterpret_cast<float *>(memory);
    u32 wanted;
    if (!wanted_row(args, blockIdx.y, wanted)) return;
    const float *logits = args.logits + size_t(blockIdx.y) * args.vocab;
    const u32 *mask = wanted < args.step[5] ? args.masks + size_t(wanted) * ((args.vocab + 31) / 32) : nullptr;
    const u32 length = (args.vocab + CHOOSE_SLICES - 1) / CHOOSE_SLICES, first = blockIdx.x * length;
    const u32 end = first + length < args.vocab ? first + length : args.vocab;
    float best = -INFINITY;
    u32 id = NO_CHOICE;
    for (u32 i = first + threadIdx.x; i < end; i += blockDim.x) {
        // NaN compares false.
        if ((!mask || mask[i / 32] >> (i % 32) & 1) && logits[i] > best) {
            best = logits[i];
            id = i;
        }
    }
    block_greatest(best, id, shared);
    float sum = 0.0f;
    if (best > -INFINITY)
        for (u32 i = first + threadIdx.x; i < end; i += blockDim.x)
            if ((!mask || mask[i / 32] >> (i % 32) & 1) && logits[i] == logits[i]) sum += expf(logits[i] - best);
    sum = block_sum(sum, shared);
    if (threadIdx.x == 0) args.parts[wanted * CHOOSE_SLICES + blockIdx.x] = {best, id, sum, 0};
}

// Grid: rows; a slice a lane.
extern "C" __global__ void __launch_bounds__(32) choose_merge(ChooseArgs args) {
    SHARED_MEMORY(memory);
    float *shared = reinterpret_cast<float *>(memory);
    u32 wanted;
    if (!wanted_row(args, blockIdx.x, wanted)) return;
    const ChoosePart part = args.parts[wanted * CHOOSE_SLICES + threadIdx.x];
    float best = part.greatest;
    u32 id = part.id;
    block_greatest(best, id, shared);
    const float sum = block_sum(part.greatest > -INFINITY ? part.sum * expf(part.greatest - best) : 0.0f, shared);
    if (threadIdx.x == 0) args.choices[wanted] = {fabsf(best) < INFINITY ? id : NO_CHOICE, -logf(sum)};
}
