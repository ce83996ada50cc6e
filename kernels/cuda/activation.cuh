// The non-linearities of MLPs: x * sigmoid(f(x)). Sources and constants as in cpu/activation.rs.
#pragma once
#include "portable.cuh"

enum ActivationId { SILU = 0, GELU_TANH = 1 };

__device__ __forceinline__ float activate(u32 id, float x) {
    float inner = x;
    if (id == GELU_TANH) inner = 1.5957691216f * fmaf(0.044715f * x * x, x, x);
    return x / (1.0f + expf(-inner));
}
