// SPDX-License-Identifier: MIT

// Exceptions: they go to whoever waits, with their type, after all children have stopped. One
// branch of a tree fails; branches that have not started by then are not run.
//
//     tree

#include <atomic>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <torc/torc.hpp>

namespace {

struct broken_branch : std::runtime_error {
  explicit broken_branch(const std::string& path)
      : std::runtime_error("branch " + path + " is broken") {}
};

std::atomic<int> leaves{0};

/// A binary tree of 2^depth leaves.
torc::task<> grow(std::string path, std::string broken, int depth) {
  if (path == broken) throw broken_branch(path);
  if (depth == 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    ++leaves;
    co_return;
  }
  co_await torc::wait(grow(path + "l", broken, depth - 1), grow(path + "r", broken, depth - 1));
}

torc::task<> attempt(std::string broken) {
  leaves = 0;
  try {
    co_await grow("", broken, 8);
    std::printf("complete:");
  } catch (const broken_branch& e) {
    std::printf("%s:", e.what());
  }
  std::printf(" %d of 256 leaves\n", leaves.load());
}

/// A child that is not waited for throws where its scope ends.
void forget() {
  auto child = torc::spawn([] { throw std::runtime_error("nobody has waited for me"); });
}

torc::task<> app() {
  co_await attempt("none");
  co_await attempt("rr");
  co_await attempt("lrlr");

  // Submitted tasks are independent of each other: all run, and each future has its own exception.
  auto good = torc::submit([] { return 1; });
  auto bad = torc::submit([]() -> int { throw broken_branch("far away"); });
  const bool both = co_await torc::wait_for(std::chrono::seconds(10), good, bad);
  std::printf("submitted: %s, result %d, failed: %s\n", both ? "both ended" : "still running",
              good.result(), bad.exception() ? "one" : "none");

  try {
    forget();
  } catch (const std::exception& e) {
    std::printf("forgotten: %s\n", e.what());
  }
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
