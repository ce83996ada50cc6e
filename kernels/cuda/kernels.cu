// All kernels as one module: what tests/kernels/cuda compiles, for the GPU and for the host.
#include "attention.cu"
#include "embed.cu"
#include "kv_copy.cu"
#include "linear.cu"
#include "norm.cu"
#include "prefill.cu"
#include "rope.cu"
#include "sample.cu"
