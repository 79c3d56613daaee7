// The native part without JavaScript: every level against the plain one, under sanitizers, beside pages that must not be read.
// Run by `npm run test:native`. Arguments: the number of mutations, then files to begin from (the published parsing cases).

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../kernels.h"

using namespace venturi;

namespace {

using Bytes = std::vector<uint8_t>;

/* ---------------------------------------------------------------------------------------------------------
 * Memory between two pages that crash whoever touches them.
 * ------------------------------------------------------------------------------------------------------ */

class GuardedMemory {
 public:
  explicit GuardedMemory(size_t bytes) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    capacity_ = (bytes + page_ - 1) / page_ * page_;
    void* const memory =
        mmap(nullptr, capacity_ + 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    first_ = static_cast<uint8_t*>(memory) + page_;
    mprotect(memory, page_, PROT_NONE);
    mprotect(first_ + capacity_, page_, PROT_NONE);
  }

  /* Puts the text so that its last byte is the last that may be read. Returns its first. */
  const uint8_t* atEnd(const Bytes& text) {
    uint8_t* const at = first_ + capacity_ - text.size();
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at;
  }

  /* Puts the text so that its first byte is the first that may be read. */
  const uint8_t* atStart(const Bytes& text) {
    if (!text.empty()) std::memcpy(first_, text.data(), text.size());
    return first_;
  }

 private:
  size_t page_;
  size_t capacity_;
  uint8_t* first_;
};

constexpr size_t TEXT_BYTES_MAX = 1 << 20;

/* ---------------------------------------------------------------------------------------------------------
 * What a level says about a text, in one string.
 * ------------------------------------------------------------------------------------------------------ */

/* The markers "[EMAIL_", "[ip_" and "@" in any case, as markerSet packs them. */
const uint8_t MARKERS[] = "\x01" "\x02" "[@\0\0\0\0\0\0" "\x00" "\0\0\0\0\0\0\0\0" "\x03" "\x07" "[email_" "\x04" "[ip_" "\x02" "@x";

std::string said(const Kernels& kernels, const uint8_t* bytes, int32_t start, int32_t end) {
  /* Room for few members, on the heap, so that writing one too many is noticed. */
  Bytes room(64 * STRIDE * sizeof(int32_t));
  int32_t* const numbers = reinterpret_cast<int32_t*>(room.data());
  const Scan found = kernels.scan(bytes, start, end, {numbers, 64 * STRIDE});
  char line[200];
  std::snprintf(line, sizeof line, "scan %d %d %d, marker %d, candidates %d, tokens %d, members",
                static_cast<int>(found.fault), found.offset, found.count,
                kernels.find_marker(bytes, start, end, MARKERS), kernels.candidates(bytes, start, end),
                kernels.estimate_tokens(bytes, start, end));
  std::string all = line;
  if (found.fault == Fault::none) {
    const int stored = found.count < 64 ? found.count : 64;
    for (int i = 0; i < stored * STRIDE; i++) all += " " + std::to_string(numbers[i]);
  }
  return all;
}

const Kernels* levels[LEVELS_MAX];
int level_count = 0;
long checks = 0;

/* Stops the program unless all levels say the same, at either end of the memory that may be read. */
void check(GuardedMemory& memory, const Bytes& text) {
  const int32_t length = static_cast<int32_t>(text.size());
  const std::string expected = said(*levels[0], memory.atEnd(text), 0, length);
  for (int i = 0; i < level_count; i++) {
    for (const uint8_t* bytes : {memory.atStart(text), memory.atEnd(text)}) {
      const std::string got = said(*levels[i], bytes, 0, length);
      checks++;
      if (got == expected) continue;
      std::printf("level %s says: %s\nbut %s says: %s\nabout: %.*s\n", levels[i]->name, got.c_str(), levels[0]->name,
                  expected.c_str(), length, reinterpret_cast<const char*>(text.data()));
      std::exit(1);
    }
  }
}

/* ---------------------------------------------------------------------------------------------------------
 * Texts.
 * ------------------------------------------------------------------------------------------------------ */

uint64_t random_state = 0x9e3779b97f4a7c15;

/* A number below `limit`, the same in each run (xorshift). */
size_t randomBelow(size_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state % limit;
}

Bytes bytesOf(const std::string& text) {
  return Bytes(text.begin(), text.end());
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; i++) all += text;
  return all;
}

/* Texts of every shape that matters; what they must come to is known for the first of them only. */
std::vector<Bytes> ownTexts() {
  std::vector<Bytes> texts;
  for (const char* text :
       {"", "{}", " [1, -2.5e+3, true, false, null, \"\\u00e9\\n\"] ", "{\"a\":{\"b\":[{}]},\"\\u0061\":\"\\\\\"}", "{\"a\":01}",
        "[\"\\ud83d\", \"\\x\"]", "tru", "[1,]", "nul", "\"", "\"\\", "\"\\u12", "-", "1.", "1e", "{\"a\"", "{\"a\":"}) {
    texts.push_back(bytesOf(text));
  }
  texts.push_back(bytesOf(repeated("[", MAX_DEPTH) + repeated("]", MAX_DEPTH)));
  texts.push_back(bytesOf(repeated("[", MAX_DEPTH + 1)));
  texts.push_back(bytesOf("[" + repeated("{\"role\":\"user\",\"content\":\"a\\n\\\"b\\\" \\u4f60 c\"},", 200) + "0]"));
  texts.push_back(bytesOf("{\"m\":\"" + repeated("\\\\\\\"", 100) + "\"}"));
  texts.push_back(bytesOf(repeated(" \n\t\r", 50) + "[" + repeated(" ", 130) + "]"));
  texts.push_back(bytesOf("mail a@example.com [EMAIL_1] [ip_2 +49 30 1234567 DE89370400440532013000 -----BEGIN fe80::1"));
  texts.push_back(bytesOf("jane%40example.com http:\\/\\/a ab:cd std::x apiKey\\\": x pw=y contrase\xc3\xb1" "a: z curl -u jo A_1 [B 2] \xe3\x80\x90 \xef\xbc\x91"));
  texts.push_back(bytesOf("token_of_many_letters" + repeated(" \"'\\]?:", 12) + "= secret" + repeated(" ", 60) + ": sig:" + repeated("\\", 80) + "/"));
  texts.push_back(bytesOf("camelCase 12.5\n\n  \xd0\x9f\xd1\x80 \xe4\xbd\xa0 \xf0\x9f\x98\x80 \\u0430\\u4f60"));
  return texts;
}

/* A text with up to three changes, mostly to bytes that mean something. */
Bytes mutated(Bytes text) {
  static const char TELLING[] = "{}[]\",:\\u0019-+.eE tfnrl\t\n\r@/[_=%4wpkyordg?]'\x01\x1f\x7f\xc3\xa9\xff";
  for (size_t changes = 1 + randomBelow(3); changes > 0; changes--) {
    const size_t at = randomBelow(text.size() + 1);
    const uint8_t byte =
        static_cast<uint8_t>(randomBelow(10) == 0 ? randomBelow(256) : TELLING[randomBelow(sizeof TELLING)]);
    const size_t action = randomBelow(10);
    const auto place = text.begin() + static_cast<std::ptrdiff_t>(at);
    if (action < 4) text.insert(place, byte);
    else if (action < 6 && at < text.size()) text.erase(place);
    else if (action < 8 && at < text.size()) text[at] = byte;
    else if (action < 9 && text.size() < 4000) text.insert(place, 1 + randomBelow(130), byte);
    else if (text.size() > 0) text.resize(at);
  }
  return text;
}

Bytes readFile(const char* path) {
  std::FILE* const file = std::fopen(path, "rb");
  if (file == nullptr) return {};
  Bytes text(TEXT_BYTES_MAX);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

/* Whether the plain level, which all are compared with, knows JSON: a few verdicts written down. */
void checkVerdicts() {
  struct Verdict {
    const char* text;
    Fault fault;
    int offset;
    int count;
  };
  for (const Verdict& verdict : {Verdict{"{\"a\":1,\"b\":[2]}", Fault::none, 0, 2}, Verdict{" [] ", Fault::none, 1, 0},
                                 Verdict{"{\"a\":01}", Fault::comma_in_object, 6, 0}, Verdict{"[\"\\x\"]", Fault::string, 2, 0},
                                 Verdict{"", Fault::value, 0, 0}, Verdict{"{}x", Fault::behind, 2, 0}}) {
    const Scan found = levels[0]->scan(reinterpret_cast<const uint8_t*>(verdict.text), 0,
                                       static_cast<int32_t>(std::strlen(verdict.text)), {nullptr, 0});
    if (found.fault == verdict.fault && found.offset == verdict.offset && found.count == verdict.count) continue;
    std::printf("wrong verdict about %s: %d at %d\n", verdict.text, static_cast<int>(found.fault), found.offset);
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  level_count = available(levels);
  checkVerdicts();
  GuardedMemory memory(TEXT_BYTES_MAX);
  std::vector<Bytes> texts = ownTexts();
  for (int i = 2; i < argc; i++) texts.push_back(readFile(argv[i]));
  for (const Bytes& text : texts) check(memory, text);

  /* Each place within a block as the place where the text ends. */
  for (const Bytes& text : texts) {
    for (size_t end = 0; end < text.size() && end < 200; end++) check(memory, Bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end)));
  }
  const long mutations = argc > 1 ? std::atol(argv[1]) : 20000;
  for (long i = 0; i < mutations; i++) {
    const Bytes& text = texts[randomBelow(texts.size())];
    if (text.size() < 20000) check(memory, mutated(text));
  }
  std::printf("levels:");
  for (int i = 0; i < level_count; i++) std::printf(" %s", levels[i]->name);
  std::printf("; %zu texts, %ld checks, all the same\n", texts.size(), checks);
  return 0;
}
