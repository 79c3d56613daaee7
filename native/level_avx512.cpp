// The level of server processors with AVX-512 (BW): 64 bytes are one register, and a comparison gives the 64 bits at once.

#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels.h"

#define VENTURI_TARGET "avx512f,avx512bw,avx2,bmi,bmi2,lzcnt,popcnt"
#include "target_begin.h"

namespace venturi {
namespace {

/* 64 bytes of text. Each question to it is answered by 64 bits, the lowest of them for the first byte. */
struct Block {
  __m512i bytes;

  static Block load(const uint8_t* from) { return {_mm512_loadu_si512(from)}; }

  /* The first `count` bytes and zeros behind them; count < 64. Bytes that are masked out are not touched. */
  static Block loadPart(const uint8_t* from, size_t count) {
    return {_mm512_maskz_loadu_epi8((uint64_t{1} << count) - 1, from)};
  }

  uint64_t eq(uint8_t byte) const {
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(static_cast<char>(byte)));
  }

  /* Bytes in lowest..highest. */
  uint64_t range(uint8_t lowest, uint8_t highest) const {
    const __m512i above_lowest = _mm512_sub_epi8(bytes, _mm512_set1_epi8(static_cast<char>(lowest)));
    return _mm512_cmple_epu8_mask(above_lowest, _mm512_set1_epi8(static_cast<char>(highest - lowest)));
  }

  /* Bytes that are not ASCII. */
  uint64_t high() const { return _mm512_movepi8_mask(bytes); }

  /* Quotes, backslashes and control characters: where the scan of a JSON string must stop. */
  uint64_t stringStops() const {
    return eq('"') | eq('\\') | _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20));
  }

  /* Bytes with the bit of lower case set. Turns more than letters, so ask it for letters only. */
  Block lowered() const { return {_mm512_or_si512(bytes, _mm512_set1_epi8(0x20))}; }
};

#include "scan.inl"
#include "markers.inl"
#include "candidates.inl"
#include "tokens.inl"

}  // namespace

extern const Kernels avx512_kernels = {"avx512", scan, findMarker, candidates, estimateTokens};

}  // namespace venturi

#include "target_end.h"

#endif
