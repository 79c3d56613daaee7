// Which levels of instructions this processor has. The compiler's own check asks the operating system too:
// registers that it does not save are of no use.

#include "kernels.h"

namespace venturi {

int available(const Kernels* levels[LEVELS_MAX]) {
  int count = 0;
  levels[count++] = &plain_kernels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  levels[count++] = &sse2_kernels; /* Part of x86-64 itself. */
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt")) {
    levels[count++] = &avx2_kernels;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) levels[count++] = &avx512_kernels;
  }
#elif defined(__aarch64__)
  levels[count++] = &neon_kernels; /* Part of AArch64 itself. */
#endif
  return count;
}

}  // namespace venturi
