// SPDX-License-Identifier: MIT
#pragma once

#include <thread>
#include <torc/detail/platform.hpp>

namespace torc::detail {

inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

#ifndef TORC_MODEL_CHECK
/// For short sections, most of some ten instructions. Yields soon: the holder may have lost its
/// core to us.
class spinlock {
public:
  bool try_lock() noexcept {
    return !held_.load(std::memory_order_relaxed) &&
           !held_.exchange(true, std::memory_order_acquire);
  }
  void lock() noexcept {
    for (int tries = 0; !try_lock(); ++tries) {
      tries < 64 ? pause() : std::this_thread::yield();
    }
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
  atomic<bool> held_{false};
};
#endif

} // namespace torc::detail
