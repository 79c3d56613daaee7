// The addon: binds each level's functions to JavaScript, over N-API, so that it loads in Bun, in Node and in the executable.
// Arguments are typed arrays and numbers, results are numbers; members go into memory that JavaScript lends once.
// Nothing is allocated in a call.

#include <cstdlib>

#include "kernels.h"
#include "napi.h"

namespace venturi {
namespace {

/* What a JavaScript environment (a thread of it) has lent. */
struct Environment {
  napi_ref store_ref;
  Store store;
};

/* Which function is called, handed over by N-API with each call. */
const Kernels* kernelsOf(void* data) {
  return static_cast<const Kernels*>(data);
}

/* The arguments of a call. Text that is no Uint8Array, or a range outside of it, throws. */
struct Arguments {
  napi_value values[4];
  size_t count = 4;
  void* data = nullptr;
  const uint8_t* bytes = nullptr;
  int32_t length = 0;

  /* Reads the first argument, which is the text. False if an exception is pending. */
  bool read(napi_env env, napi_callback_info info) {
    napi_get_cb_info(env, info, &count, values, nullptr, &data);
    size_t size = 0;
    return view(env, 0, &bytes, &size) && sized(env, size);
  }

  /* The memory of the Uint8Array at `index`. */
  bool view(napi_env env, size_t index, const uint8_t** memory, size_t* size) const {
    napi_typedarray_type type;
    void* found = nullptr;
    if (index >= count ||
        napi_get_typedarray_info(env, values[index], &type, size, &found, nullptr, nullptr) != napi_ok ||
        type != napi_uint8_array) {
      return complain(env, "expected a Uint8Array");
    }
    *memory = static_cast<const uint8_t*>(found);
    return true;
  }

  /* Offsets are 32 bits wide. */
  bool sized(napi_env env, size_t size) {
    if (size > INT32_MAX) return complain(env, "the text is too long");
    length = static_cast<int32_t>(size);
    return true;
  }

  /* Reads start and end from the arguments at 1 and 2, which must lie in the text. */
  bool range(napi_env env, int32_t* start, int32_t* end) const {
    if (count < 3 || napi_get_value_int32(env, values[1], start) != napi_ok ||
        napi_get_value_int32(env, values[2], end) != napi_ok || *start < 0 || *end < *start || *end > length) {
      return complain(env, "the range does not lie in the text");
    }
    return true;
  }

  static bool complain(napi_env env, const char* message) {
    napi_throw_type_error(env, nullptr, message);
    return false;
  }
};

napi_value number(napi_env env, int32_t value) {
  napi_value result = nullptr;
  napi_create_int32(env, value, &result);
  return result;
}

/* The memory that was lent; null, with an exception, if there is none. */
Environment* environmentOf(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  Environment* const environment = static_cast<Environment*>(data);
  if (environment->store.numbers != nullptr) return environment;
  Arguments::complain(env, "no store is attached");
  return nullptr;
}

/*
 * scan(bytes, start, end): how many members there are, or the complement of the number of a Fault. The first number
 * of the store is the offset of the outermost value or of the fault, and members follow as far as there is room.
 */
napi_value bindScan(napi_env env, napi_callback_info info) {
  Arguments call;
  int32_t start, end;
  if (!call.read(env, info) || !call.range(env, &start, &end)) return nullptr;
  Environment* const environment = environmentOf(env);
  if (environment == nullptr) return nullptr;
  const Store store = environment->store;
  const Scan found = kernelsOf(call.data)->scan(call.bytes, start, end, {store.numbers + 1, store.capacity - 1});
  store.numbers[0] = found.offset;
  return number(env, found.fault == Fault::none ? found.count : ~static_cast<int32_t>(found.fault));
}

/* findMarker(bytes, from, end, set): see Kernels::find_marker. */
napi_value bindFindMarker(napi_env env, napi_callback_info info) {
  Arguments call;
  int32_t from, end;
  const uint8_t* set = nullptr;
  size_t set_bytes = 0;
  if (!call.read(env, info) || !call.range(env, &from, &end) || !call.view(env, 3, &set, &set_bytes)) return nullptr;
  return number(env, kernelsOf(call.data)->find_marker(call.bytes, from, end, set));
}

/* candidates(bytes, start, end): see Kernels::candidates. */
napi_value bindCandidates(napi_env env, napi_callback_info info) {
  Arguments call;
  int32_t start, end;
  if (!call.read(env, info) || !call.range(env, &start, &end)) return nullptr;
  return number(env, kernelsOf(call.data)->candidates(call.bytes, start, end));
}

/* estimateTokens(bytes, start, end): see Kernels::estimate_tokens. */
napi_value bindEstimateTokens(napi_env env, napi_callback_info info) {
  Arguments call;
  int32_t start, end;
  if (!call.read(env, info) || !call.range(env, &start, &end)) return nullptr;
  return number(env, kernelsOf(call.data)->estimate_tokens(call.bytes, start, end));
}

/* attach(store): lends an Int32Array. Its memory must stay where it is, so it must not be transferred or resized. */
napi_value bindAttach(napi_env env, napi_callback_info info) {
  napi_value array = nullptr;
  size_t count = 1;
  napi_get_cb_info(env, info, &count, &array, nullptr, nullptr);
  napi_typedarray_type type;
  size_t length = 0;
  void* memory = nullptr;
  if (count < 1 || napi_get_typedarray_info(env, array, &type, &length, &memory, nullptr, nullptr) != napi_ok ||
      type != napi_int32_array || length < 1 || length > INT32_MAX) {
    Arguments::complain(env, "expected an Int32Array");
    return nullptr;
  }
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  Environment* const environment = static_cast<Environment*>(data);
  if (environment->store_ref != nullptr) napi_delete_reference(env, environment->store_ref);
  napi_create_reference(env, array, 1, &environment->store_ref);
  environment->store = {static_cast<int32_t*>(memory), static_cast<int32_t>(length)};
  return nullptr;
}

void define(napi_env env, napi_value object, const char* name, napi_callback callback, const Kernels* kernels) {
  napi_value function = nullptr;
  /* The table is constant; N-API just has no const. */
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, const_cast<Kernels*>(kernels), &function);
  napi_set_named_property(env, object, name, function);
}

void discard(napi_env, void* data, void*) {
  std::free(data);
}

}  // namespace
}  // namespace venturi

/* The exports: version; attach(store); levels: an object of functions per level, from the slowest to the fastest. */
extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  using namespace venturi;
  /* Not `new`, which would need the C++ library: the addon loads where there is none. */
  Environment* const environment = static_cast<Environment*>(std::calloc(1, sizeof(Environment)));
  if (environment == nullptr) return nullptr;
  napi_set_instance_data(env, environment, discard, nullptr);
  const Kernels* found[LEVELS_MAX];
  const int count = available(found);
  napi_value levels = nullptr;
  napi_create_array(env, &levels);
  for (int i = 0; i < count; i++) {
    napi_value level = nullptr, name = nullptr;
    napi_create_object(env, &level);
    napi_create_string_utf8(env, found[i]->name, NAPI_AUTO_LENGTH, &name);
    napi_set_named_property(env, level, "name", name);
    define(env, level, "scan", bindScan, found[i]);
    define(env, level, "findMarker", bindFindMarker, found[i]);
    define(env, level, "candidates", bindCandidates, found[i]);
    define(env, level, "estimateTokens", bindEstimateTokens, found[i]);
    napi_set_element(env, levels, static_cast<uint32_t>(i), level);
  }
  napi_set_named_property(env, exports, "version", number(env, ADDON_VERSION));
  napi_set_named_property(env, exports, "levels", levels);
  define(env, exports, "attach", bindAttach, nullptr);
  return exports;
}

/* The version of N-API that is asked for: instance data came with 6. */
extern "C" __attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1() {
  return 8;
}
