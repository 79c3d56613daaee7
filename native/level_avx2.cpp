// The level of x86-64 processors since 2013: 64 bytes as two registers of 32.

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#include "kernels.h"

#define VENTURI_TARGET "avx2,bmi,bmi2,lzcnt,popcnt"
#include "target_begin.h"

namespace venturi {
namespace {

/* 64 bytes of text. Each question to it is answered by 64 bits, the lowest of them for the first byte. */
struct Block {
  __m256i low;
  __m256i high_half;

  static Block load(const uint8_t* from) {
    const __m256i* parts = reinterpret_cast<const __m256i*>(from);
    return {_mm256_loadu_si256(parts), _mm256_loadu_si256(parts + 1)};
  }

  /* The first `count` bytes and zeros behind them; count < 64. */
  static Block loadPart(const uint8_t* from, size_t count) {
    alignas(32) uint8_t copy[64] = {};
    std::memcpy(copy, from, count);
    return load(copy);
  }

  static uint64_t joined(__m256i low, __m256i high_half) {
    const uint64_t low_bits = static_cast<uint32_t>(_mm256_movemask_epi8(low));
    const uint64_t high_bits = static_cast<uint32_t>(_mm256_movemask_epi8(high_half));
    return low_bits | high_bits << 32;
  }

  static __m256i halfRange(__m256i half, uint8_t lowest, uint8_t highest) {
    const __m256i above_lowest = _mm256_sub_epi8(half, _mm256_set1_epi8(static_cast<char>(lowest)));
    const __m256i width = _mm256_set1_epi8(static_cast<char>(highest - lowest));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(above_lowest, width), above_lowest);
  }

  static __m256i halfStops(__m256i half) {
    const __m256i quotes = _mm256_cmpeq_epi8(half, _mm256_set1_epi8('"'));
    const __m256i backslashes = _mm256_cmpeq_epi8(half, _mm256_set1_epi8('\\'));
    return _mm256_or_si256(_mm256_or_si256(quotes, backslashes), halfRange(half, 0, 0x1f));
  }

  uint64_t eq(uint8_t byte) const {
    const __m256i wanted = _mm256_set1_epi8(static_cast<char>(byte));
    return joined(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high_half, wanted));
  }

  /* Bytes in lowest..highest. */
  uint64_t range(uint8_t lowest, uint8_t highest) const {
    return joined(halfRange(low, lowest, highest), halfRange(high_half, lowest, highest));
  }

  /* Bytes that are not ASCII. */
  uint64_t high() const { return joined(low, high_half); }

  /* Quotes, backslashes and control characters: where the scan of a JSON string must stop. */
  uint64_t stringStops() const { return joined(halfStops(low), halfStops(high_half)); }

  /* Bytes with the bit of lower case set. Turns more than letters, so ask it for letters only. */
  Block lowered() const {
    const __m256i bit = _mm256_set1_epi8(0x20);
    return {_mm256_or_si256(low, bit), _mm256_or_si256(high_half, bit)};
  }
};

#include "scan.inl"
#include "markers.inl"
#include "candidates.inl"
#include "tokens.inl"

}  // namespace

extern const Kernels avx2_kernels = {"avx2", scan, findMarker, candidates, estimateTokens};

}  // namespace venturi

#include "target_end.h"

#endif
