// The kernels as host C++, and their table by name.
#include "shim.h"
#include "../kernels.cu"
#include "../wide.cu"

#include <tuple>
#include <utility>

namespace emulator {
template <class... A, size_t... I>
void call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) { kernel(*static_cast<A *>(arguments[I])...); }
template <auto KERNEL, class... A>
void unpack(void (*)(A...), void **arguments) { call<A...>(KERNEL, arguments, std::index_sequence_for<A...>{}); }
template <auto KERNEL>
void body(void **arguments) { unpack<KERNEL>(KERNEL, arguments); }
template <class... A>
struct Sizes { static constexpr size_t ALL[] = {sizeof(A)...}; };
template <class... A>
constexpr const size_t *sizes(void (*)(A...)) { return Sizes<A...>::ALL; }
template <class... A>
constexpr size_t count(void (*)(A...)) { return sizeof...(A); }

struct Kernel { const char *name; void (*body)(void **); const size_t *sizes; size_t count; };
#define K(NAME) {#NAME, body<&NAME>, sizes(&NAME), count(&NAME)}
#define HEADS(NAME) K(NAME##_16), K(NAME##_32), K(NAME##_64), K(NAME##_96), K(NAME##_128), K(NAME##_256)
#define ROWS(NAME) K(NAME##_1), K(NAME##_2), K(NAME##_4), K(NAME##_8)
#define FORMATS(NAME) K(NAME##_bf16), K(NAME##_f8), K(NAME##_q8_0), K(NAME##_q4_k), K(NAME##_q6_k)
extern const Kernel KERNELS[] = {
    K(embed), K(normalise), K(rope), K(round_inputs), K(kv_copy), K(kv_rotate), ROWS(linear), ROWS(gated), FORMATS(prefill), FORMATS(prefill_gated),
    K(wide_bf16), K(wide_f8), K(wide_gated_bf16), K(wide_gated_f8), K(wide_bytes_f8), K(wide_bytes_gated_f8),
    K(experts_route), K(experts_group), K(experts_inner_1), K(experts_inner_4), K(experts_outer_1), K(experts_outer_4), K(experts_add),
    HEADS(attention_split), HEADS(attention_whole), K(attention_merge), K(choose_parts), K(choose_merge), K(draw),
};
extern const size_t KERNEL_COUNT = sizeof KERNELS / sizeof *KERNELS;
}  // namespace emulator
