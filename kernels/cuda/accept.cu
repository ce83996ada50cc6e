// How many drafted tokens the choices confirm. The engine does not use it: the choices are fetched in any case (kernels/README.md).
#include "portable.cuh"

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
