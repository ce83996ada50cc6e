// The token after a row of logits.
#pragma once
#include "portable.cuh"

constexpr u32 NO_CHOICE = 0xffffffff;
struct Choice { u32 id; float logprob; };
