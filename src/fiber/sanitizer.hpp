// SPDX-License-Identifier: MIT
#pragma once

// AddressSanitizer and ThreadSanitizer must be told of every switch between stacks; in other
// builds nothing of this is left. Boost.Context 1.74 does not do it.

#include "fiber/fiber.hpp"

#ifdef TORC_ASAN
#include <algorithm>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef TORC_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace torc::detail::sanitizer {

inline void* create() noexcept {
#ifdef TORC_TSAN
  return __tsan_create_fiber(0);
#else
  return nullptr;
#endif
}

inline void* current() noexcept {
#ifdef TORC_TSAN
  return __tsan_get_current_fiber();
#else
  return nullptr;
#endif
}

inline void destroy([[maybe_unused]] void* f) noexcept {
#ifdef TORC_TSAN
  __tsan_destroy_fiber(f);
#endif
}

/// Before the stack of `f` is unmapped: the next mapping of these addresses must not find the marks
/// of the frames in which `f` was suspended, which are the few of the scheduler's loop.
inline void forget_stack([[maybe_unused]] const fiber& f) noexcept {
#ifdef TORC_ASAN
  const std::size_t used = std::min<std::size_t>(f.native_size, 65536);
  const char* const top = static_cast<const char*>(f.native_stack) + f.native_size;
  __asan_unpoison_memory_region(top - used, used);
#endif
}

[[gnu::always_inline]] inline void start_switch([[maybe_unused]] fiber& from,
                                                [[maybe_unused]] fiber& to) noexcept {
#ifdef TORC_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.native_stack, to.native_size);
#endif
#ifdef TORC_TSAN
  __tsan_switch_to_fiber(to.sanitizer_fiber, 0);
#endif
}

[[gnu::always_inline]] inline void finish_switch([[maybe_unused]] fiber& to,
                                                 [[maybe_unused]] fiber& left) noexcept {
#ifdef TORC_ASAN
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(to.fake_stack, &bottom, &size);
  if (left.mapping == nullptr) { // a thread's own stack: its extent is learnt by leaving it
    left.native_stack = bottom;
    left.native_size = size;
  }
#endif
}

} // namespace torc::detail::sanitizer
