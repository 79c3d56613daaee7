// The level of every AArch64 processor: 64 bytes as four registers of 16.
// NEON has no instruction that gathers a bit of each byte, so the answers of four registers are added up in pairs.

#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstring>

#include "kernels.h"

namespace venturi {
namespace {

/* 64 bytes of text. Each question to it is answered by 64 bits, the lowest of them for the first byte. */
struct Block {
  uint8x16_t parts[4];

  static Block load(const uint8_t* from) {
    return {{vld1q_u8(from), vld1q_u8(from + 16), vld1q_u8(from + 32), vld1q_u8(from + 48)}};
  }

  /* The first `count` bytes and zeros behind them; count < 64. */
  static Block loadPart(const uint8_t* from, size_t count) {
    alignas(16) uint8_t copy[64] = {};
    std::memcpy(copy, from, count);
    return load(copy);
  }

  /* The answers of four registers whose bytes are 0 or 255. Each byte keeps the bit of its place in eight. */
  template <typename Question>
  uint64_t ask(Question question) const {
    static const uint8_t PLACES[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t places = vld1q_u8(PLACES);
    const uint8x16_t first = vpaddq_u8(vandq_u8(question(parts[0]), places), vandq_u8(question(parts[1]), places));
    const uint8x16_t second = vpaddq_u8(vandq_u8(question(parts[2]), places), vandq_u8(question(parts[3]), places));
    const uint8x16_t quarters = vpaddq_u8(first, second);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(quarters, quarters)), 0);
  }

  uint64_t eq(uint8_t byte) const {
    const uint8x16_t wanted = vdupq_n_u8(byte);
    return ask([=](uint8x16_t part) { return vceqq_u8(part, wanted); });
  }

  /* Bytes in lowest..highest. */
  uint64_t range(uint8_t lowest, uint8_t highest) const {
    const uint8x16_t from = vdupq_n_u8(lowest);
    const uint8x16_t width = vdupq_n_u8(static_cast<uint8_t>(highest - lowest));
    return ask([=](uint8x16_t part) { return vcleq_u8(vsubq_u8(part, from), width); });
  }

  /* Bytes that are not ASCII. */
  uint64_t high() const {
    return ask([](uint8x16_t part) { return vcgeq_u8(part, vdupq_n_u8(0x80)); });
  }

  /* Quotes, backslashes and control characters: where the scan of a JSON string must stop. */
  uint64_t stringStops() const {
    return ask([](uint8x16_t part) {
      const uint8x16_t quotes = vceqq_u8(part, vdupq_n_u8('"'));
      const uint8x16_t backslashes = vceqq_u8(part, vdupq_n_u8('\\'));
      return vorrq_u8(vorrq_u8(quotes, backslashes), vcltq_u8(part, vdupq_n_u8(0x20)));
    });
  }

  /* Bytes with the bit of lower case set. Turns more than letters, so ask it for letters only. */
  Block lowered() const {
    Block block;
    for (int i = 0; i < 4; i++) block.parts[i] = vorrq_u8(parts[i], vdupq_n_u8(0x20));
    return block;
  }
};

#include "scan.inl"
#include "markers.inl"
#include "candidates.inl"
#include "tokens.inl"

}  // namespace

extern const Kernels neon_kernels = {"neon", scan, findMarker, candidates, estimateTokens};

}  // namespace venturi

#endif
