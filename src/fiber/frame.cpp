// SPDX-License-Identifier: MIT
#include <torc/detail/frame.hpp>

#include <cstdio>
#include <cstdlib>
#include <new>

namespace torc::detail {

// Outside fibers, and when a fiber's own room is used up, frames come from the heap.

void* allocate_frame_slow(std::size_t bytes) { return ::operator new(bytes); }

void free_frame_slow(void* frame, std::size_t bytes) noexcept {
  const front& f = *this_front();
  if (frame >= f.frame_base && frame < f.frame_limit) {
    std::fputs("torc: tasks must be destroyed in reverse order of their creation, by the task that "
               "created them\n",
               stderr);
    std::abort();
  }
  ::operator delete(frame, bytes);
}

} // namespace torc::detail
