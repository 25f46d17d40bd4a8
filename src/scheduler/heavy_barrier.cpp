// SPDX-License-Identifier: MIT
#include <linux/membarrier.h>
#include <mutex>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <torc/detail/platform.hpp>
#include <unistd.h>

namespace torc::detail {
namespace {

bool membarrier(int command) noexcept { return syscall(SYS_membarrier, command, 0, 0) == 0; }

/// Asked for when the program is loaded: with more than one thread that takes 15 ms, which would
/// stop whoever is first to force a worker, and that worker.
const bool available = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);

/// Where membarrier is not allowed: taking a right away from a page in use interrupts every core
/// that runs a thread of this process.
void shoot_down() noexcept {
  static std::mutex mutex;
  static char* page = [] {
    void* p = mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? nullptr : static_cast<char*>(p);
  }();
  const std::lock_guard locked(mutex);
  if (page != nullptr) {
    mprotect(page, 1, PROT_READ | PROT_WRITE);
    *static_cast<volatile char*>(page) = 1; // in use, so that the change below must be told
    mprotect(page, 1, PROT_READ);
  }
}

} // namespace

void heavy_barrier() noexcept {
  if (!available || !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) {
    shoot_down();
  }
}

} // namespace torc::detail
