// SPDX-License-Identifier: MIT
#pragma once

// Coroutine frames. Every fiber owns a stack for them beside its native one: tasks are awaited by
// the expression that creates them, so frames are freed in reverse order and an allocation is an
// addition and a compare. Sanitizer builds use plain `new`, to see every wrong access.

#include <cstddef>
#include <torc/detail/descriptor.hpp>

namespace torc::detail {

void* allocate_frame_slow(std::size_t bytes);
void free_frame_slow(void* frame, std::size_t bytes) noexcept;

inline constexpr std::size_t frame_alignment = 16;

constexpr std::size_t frame_size(std::size_t bytes) noexcept {
  return (bytes + frame_alignment - 1) & ~(frame_alignment - 1);
}

#if defined(TORC_ASAN) || defined(TORC_TSAN)
inline void* allocate_frame(std::size_t bytes) { return allocate_frame_slow(frame_size(bytes)); }
inline void free_frame(void* frame, std::size_t bytes) noexcept {
  free_frame_slow(frame, frame_size(bytes));
}
#else
inline void* allocate_frame(std::size_t bytes) {
  front& f = *this_front();
  const std::size_t size = frame_size(bytes);
  if (static_cast<std::size_t>(f.frame_limit - f.frame_top) < size) [[unlikely]] {
    return allocate_frame_slow(size);
  }
  char* frame = f.frame_top;
  f.frame_top = frame + size;
  return frame;
}

inline void free_frame(void* frame, std::size_t bytes) noexcept {
  front& f = *this_front();
  const std::size_t size = frame_size(bytes);
  if (static_cast<char*>(frame) + size != f.frame_top) [[unlikely]] {
    free_frame_slow(frame, size);
    return;
  }
  f.frame_top = static_cast<char*>(frame);
}
#endif

/// Frees the newest frame of the running fiber, whatever its size. False if the frame is from the
/// heap, or if this build checks the order of destruction: then `free_frame` must do it.
inline bool pop_frame([[maybe_unused]] void* frame) noexcept {
#if defined(NDEBUG) && !defined(TORC_ASAN) && !defined(TORC_TSAN)
  front& f = *this_front();
  if (frame < f.frame_base || frame >= f.frame_top) [[unlikely]] {
    return false;
  }
  f.frame_top = static_cast<char*>(frame);
  return true;
#else
  return false;
#endif
}

} // namespace torc::detail
