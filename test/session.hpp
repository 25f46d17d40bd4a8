// SPDX-License-Identifier: MIT
#pragma once

// What the tests have in common: a session around a piece of code, and counting what is left.

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <torc/torc.hpp>
#include <utility>

namespace test {

#if defined(TORC_ASAN) || defined(TORC_TSAN)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// Sets an environment variable, or with null removes it, until the end of the scope.
class environment {
public:
  environment(const char* name, const char* value);
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment();

private:
  const char* name_;
  bool was_set_;
  std::string before_;
};

/// The runtime, up for a scope. At its end no fiber may be in use but those of the workers' loops.
class session {
public:
  explicit session(int workers);
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session();

private:
  environment workers_;
};

/// Runs `app` as the primary task of a session with that many workers.
template <class App>
void run(int workers, App app) {
  const session s(workers);
  torc::launch(std::ref(app));
}
template <class App>
void run(App app) {
  run(2, std::move(app));
}

/// Spins, politely, until the flag is set: for tasks that must run at the same time.
inline void spin_until(const std::atomic<bool>& flag) {
  while (!flag.load(std::memory_order_acquire)) {
    std::this_thread::yield();
  }
}
inline void spin_until(const std::atomic<int>& count, int reached) {
  while (count.load(std::memory_order_acquire) < reached) {
    std::this_thread::yield();
  }
}

/// Counts its living objects, so that a test sees a result or argument that is lost or dies twice.
struct counted {
  static inline std::atomic<int> alive{0};
  int value = 0;
  explicit counted(int v = 0) noexcept : value(v) { ++alive; }
  counted(const counted& other) noexcept : value(other.value) { ++alive; }
  counted(counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
  counted& operator=(const counted&) = default;
  counted& operator=(counted&& other) noexcept {
    value = std::exchange(other.value, -1);
    return *this;
  }
  ~counted() { --alive; }
};

/// The sequential model of the recursion that the tests use most.
constexpr long fibonacci(long n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

} // namespace test
