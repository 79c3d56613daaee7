// The level of every x86-64 processor: 64 bytes as four registers of 16.

#if defined(__x86_64__)

#include <emmintrin.h>

#include <cstring>

#include "kernels.h"

namespace venturi {
namespace {

/* 64 bytes of text. Each question to it is answered by 64 bits, the lowest of them for the first byte. */
struct Block {
  __m128i parts[4];

  static Block load(const uint8_t* from) {
    Block block;
    for (int i = 0; i < 4; i++) block.parts[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 16 * i));
    return block;
  }

  /* The first `count` bytes and zeros behind them; count < 64. */
  static Block loadPart(const uint8_t* from, size_t count) {
    alignas(16) uint8_t copy[64] = {};
    std::memcpy(copy, from, count);
    return load(copy);
  }

  /* The answers of four registers whose bytes are 0 or 255. */
  template <typename Question>
  uint64_t ask(Question question) const {
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++) {
      mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(question(parts[i])))) << (16 * i);
    }
    return mask;
  }

  static __m128i partRange(__m128i part, uint8_t lowest, uint8_t highest) {
    const __m128i above_lowest = _mm_sub_epi8(part, _mm_set1_epi8(static_cast<char>(lowest)));
    const __m128i width = _mm_set1_epi8(static_cast<char>(highest - lowest));
    return _mm_cmpeq_epi8(_mm_min_epu8(above_lowest, width), above_lowest);
  }

  uint64_t eq(uint8_t byte) const {
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(byte));
    return ask([=](__m128i part) { return _mm_cmpeq_epi8(part, wanted); });
  }

  /* Bytes in lowest..highest. */
  uint64_t range(uint8_t lowest, uint8_t highest) const {
    return ask([=](__m128i part) { return partRange(part, lowest, highest); });
  }

  /* Bytes that are not ASCII. */
  uint64_t high() const {
    return ask([](__m128i part) { return part; });
  }

  /* Quotes, backslashes and control characters: where the scan of a JSON string must stop. */
  uint64_t stringStops() const {
    return ask([](__m128i part) {
      const __m128i quotes = _mm_cmpeq_epi8(part, _mm_set1_epi8('"'));
      const __m128i backslashes = _mm_cmpeq_epi8(part, _mm_set1_epi8('\\'));
      return _mm_or_si128(_mm_or_si128(quotes, backslashes), partRange(part, 0, 0x1f));
    });
  }

  /* Bytes with the bit of lower case set. Turns more than letters, so ask it for letters only. */
  Block lowered() const {
    Block block;
    for (int i = 0; i < 4; i++) block.parts[i] = _mm_or_si128(parts[i], _mm_set1_epi8(0x20));
    return block;
  }
};

#include "scan.inl"
#include "markers.inl"
#include "candidates.inl"
#include "tokens.inl"

}  // namespace

extern const Kernels sse2_kernels = {"sse2", scan, findMarker, candidates, estimateTokens};

}  // namespace venturi

#endif
